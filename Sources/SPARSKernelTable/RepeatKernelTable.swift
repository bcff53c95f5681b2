/// Training's innermost loops over an input that repeats source voxels; see `RepeatedAxis` in
/// SPARSKernels. Rows are of distinct places along z, [D, 8]. Maxima are exact and the shift behind
/// them is rounded once; the sums are float32, and bounded as a whole where
/// `RepeatedInput.trainingForward` and `tapSums` state it.
public struct RepeatKernelTable: Sendable {
    public typealias Floats = UnsafePointer<Float>
    public typealias MutableFloats = UnsafeMutablePointer<Float>

    /// max(0, max + shift) over eight distinct places for each pair along z, and which it was. Rows
    /// 2 x + y of the pool's places; `pairs` are two offsets in floats for each pool.
    public let poolChoice:
        @Sendable (
            _ rows: FourRows, _ pairs: UnsafePointer<Int32>, _ count: Int, _ shift: Floats,
            _ output: MutableFloats, _ choice: UnsafeMutablePointer<UInt8>
        ) -> Void

    /// Adds each active pool's gradient to the distinct place it chose, and to `total` [8].
    public let scatter:
        @Sendable (
            _ gradient: Floats, _ output: Floats, _ choice: UnsafePointer<UInt8>,
            _ pairs: UnsafePointer<Int32>, _ count: Int, _ rows: FourMutableRows,
            _ total: MutableFloats
        ) -> Void

    /// The transpose of `KernelTable.combineRepeats`: adds row d of `distinct` to the rows of
    /// `partial` at index[terms d + ...].
    public let fold:
        @Sendable (
            _ distinct: Floats, _ index: UnsafePointer<Int32>, _ terms: Int, _ count: Int,
            _ partial: MutableFloats
        ) -> Void

    /// The transpose of `KernelTable.subsetProducts`: weights[g, s, 8] += sum over z of
    /// source[offsets[g] + z] partial[z, s, 8].
    public let subsetGradients:
        @Sendable (
            _ source: Floats, _ offsets: UnsafePointer<Int>, _ groups: Int, _ count: Int,
            _ partial: Floats, _ weights: MutableFloats
        ) -> Void

    public init(
        poolChoice:
            @escaping @Sendable (
                FourRows, UnsafePointer<Int32>, Int, Floats, MutableFloats,
                UnsafeMutablePointer<UInt8>
            ) -> Void,
        scatter:
            @escaping @Sendable (
                Floats, Floats, UnsafePointer<UInt8>, UnsafePointer<Int32>, Int, FourMutableRows,
                MutableFloats
            ) -> Void,
        fold:
            @escaping @Sendable (Floats, UnsafePointer<Int32>, Int, Int, MutableFloats) -> Void,
        subsetGradients:
            @escaping @Sendable (
                Floats, UnsafePointer<Int>, Int, Int, Floats, MutableFloats
            ) -> Void
    ) {
        self.poolChoice = poolChoice
        self.scatter = scatter
        self.fold = fold
        self.subsetGradients = subsetGradients
    }
}

/// The rows under a pool's four corners in x and y, 2 x + y; equal where corners coincide.
public struct FourRows {
    public let r0: UnsafePointer<Float>
    public let r1: UnsafePointer<Float>
    public let r2: UnsafePointer<Float>
    public let r3: UnsafePointer<Float>

    public init(
        _ r0: UnsafePointer<Float>, _ r1: UnsafePointer<Float>, _ r2: UnsafePointer<Float>,
        _ r3: UnsafePointer<Float>
    ) {
        (self.r0, self.r1, self.r2, self.r3) = (r0, r1, r2, r3)
    }

    public init(_ rows: FourMutableRows) {
        r0 = UnsafePointer(rows.r0)
        r1 = UnsafePointer(rows.r1)
        r2 = UnsafePointer(rows.r2)
        r3 = UnsafePointer(rows.r3)
    }
}

/// As `FourRows`, to be written.
public struct FourMutableRows {
    public let r0: UnsafeMutablePointer<Float>
    public let r1: UnsafeMutablePointer<Float>
    public let r2: UnsafeMutablePointer<Float>
    public let r3: UnsafeMutablePointer<Float>

    public init(
        _ r0: UnsafeMutablePointer<Float>, _ r1: UnsafeMutablePointer<Float>,
        _ r2: UnsafeMutablePointer<Float>, _ r3: UnsafeMutablePointer<Float>
    ) {
        (self.r0, self.r1, self.r2, self.r3) = (r0, r1, r2, r3)
    }
}
