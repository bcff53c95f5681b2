/// conv1's innermost loops over every place of an input; `FirstConvolution` in SPARSKernels has the
/// algebra, and the error bound of `pooled` and `pooledChoice`, of which the transforms are parts.
///
/// Tiles of four voxels along z stand in groups of eight. A transformed row is [groups, 6, 8], six
/// values for each tile; four of them side by side, transformed along y as well, are
/// [groups, 6, 4, 8].
public struct FirstKernelTable: Sendable {
    public typealias Floats = UnsafePointer<Float>
    public typealias MutableFloats = UnsafeMutablePointer<Float>

    /// Values of `room` for rows of so many groups of tiles.
    public static func room(_ groups: Int) -> Int { max(32 * groups + 64, 6 * 8 * 32) }

    /// Transforms the first `count` values of a row; those behind them count as zero.
    public let transformRow:
        @Sendable (
            _ row: Floats, _ count: Int, _ groups: Int, _ room: MutableFloats,
            _ output: MutableFloats
        ) -> Void

    /// Transforms four transformed rows, neighbours along y, along y.
    public let transformPairs:
        @Sendable (_ rows: FourRows, _ groups: Int, _ output: MutableFloats) -> Void

    /// One row of pools [pairs, 8] = max(0, max over 2 x 2 x 2 voxels + shift), of the same row of
    /// pairs in four planes of x. Weights [6, 4, 3, 8]: along z, along y, taps along x.
    public let pooled:
        @Sendable (
            _ planes: FourRows, _ weights: Floats, _ pairs: Int, _ room: MutableFloats,
            _ shift: Floats, _ output: MutableFloats
        ) -> Void

    /// As `pooled`, and which voxel it was, 4 x + 2 y + z; the first of equals.
    public let pooledChoice:
        @Sendable (
            _ planes: FourRows, _ weights: Floats, _ pairs: Int, _ room: MutableFloats,
            _ shift: Floats, _ output: MutableFloats, _ choice: UnsafeMutablePointer<UInt8>
        ) -> Void

    /// output[z, x] of four planes' rows; what lies behind `count` places is of no meaning, up to
    /// seven places more.
    public let interleavePlanes:
        @Sendable (_ planes: FourRows, _ count: Int, _ output: MutableFloats) -> Void

    /// What max-pooled gradients of one row of pools send to conv1's 27 taps: for channel c, sums
    /// [c, 28] += gradient * (27 taps at the chosen voxel, then 1), over pools with output > 0.
    /// `rows` are four interleaved rows, neighbours along y, `rowLength` apart and followed by one
    /// value or more; 16 values of room for each pool. Summed in float32, within gamma(pairs) (see
    /// `KernelTable`) of the sum of the products' magnitudes.
    public let weightGradient:
        @Sendable (
            _ rows: Floats, _ rowLength: Int, _ gradient: Floats, _ output: Floats,
            _ choice: UnsafePointer<UInt8>, _ pairs: Int, _ room: MutableFloats,
            _ sums: MutableFloats
        ) -> Void

    public init(
        transformRow:
            @escaping @Sendable (Floats, Int, Int, MutableFloats, MutableFloats) -> Void,
        transformPairs: @escaping @Sendable (FourRows, Int, MutableFloats) -> Void,
        pooled:
            @escaping @Sendable (
                FourRows, Floats, Int, MutableFloats, Floats, MutableFloats
            ) -> Void,
        pooledChoice:
            @escaping @Sendable (
                FourRows, Floats, Int, MutableFloats, Floats, MutableFloats,
                UnsafeMutablePointer<UInt8>
            ) -> Void,
        interleavePlanes: @escaping @Sendable (FourRows, Int, MutableFloats) -> Void,
        weightGradient:
            @escaping @Sendable (
                Floats, Int, Floats, Floats, UnsafePointer<UInt8>, Int, MutableFloats, MutableFloats
            ) -> Void
    ) {
        self.transformRow = transformRow
        self.transformPairs = transformPairs
        self.pooled = pooled
        self.pooledChoice = pooledChoice
        self.interleavePlanes = interleavePlanes
        self.weightGradient = weightGradient
    }
}
