/// conv1's innermost loops over every place of an input; `FirstConvolution` in SPARSKernels has the
/// algebra.
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
            ) -> Void
    ) {
        self.transformRow = transformRow
        self.transformPairs = transformPairs
        self.pooled = pooled
        self.pooledChoice = pooledChoice
    }
}
