/// The innermost loops, built once for each instruction set; one table per build.
///
/// Activations are rows along z of C channels, [Z, C]. Every kernel adds the terms of one output in
/// one order, tap by tap (dx, dy, dz) and then channel by channel, however outputs are tiled: a
/// table gives the same bits for any split of the work. Tables differ from each other in rounding
/// only (fused or separate multiply and add).
///
/// Error bounds are of float32's unit u = 2^-24 by gamma(n) = n u / (1 - n u), which bounds a sum of
/// n products in any order, fused or not, by gamma(n) times the sum of the products' magnitudes
/// (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, sections 3.1, 4.2).
public struct KernelTable: Sendable {
    public typealias Floats = UnsafePointer<Float>
    public typealias MutableFloats = UnsafeMutablePointer<Float>

    /// conv1 over every place of its input.
    public let first: FirstKernelTable

    /// One row of 16 outputs of a convolution: the sum over `rows` rows of the input, each with three
    /// taps along z and weights [3, C, 16] of its own. `offsets` has where the row begins and where
    /// its weights do, for each. Output count rows of 16, each `outputStride` after the last. Error:
    /// gamma(3 C rows) times the sum of the products' magnitudes.
    public let row:
        @Sendable (
            _ input: Floats, _ offsets: UnsafePointer<Int>, _ rows: Int, _ channels: Int,
            _ zStep: Int,
            _ weights: Floats, _ count: Int, _ output: MutableFloats, _ outputStride: Int
        ) -> Void

    /// 16 outputs of a fully connected layer for `count` inputs [count, K]; weights [K, 16];
    /// output = bias + sum, then ReLU if asked. Error: gamma(K + 1) times the sum of the magnitudes
    /// of products and bias.
    public let dense:
        @Sendable (
            _ input: Floats, _ inputs: Int, _ weights: Floats, _ bias: Floats, _ relu: Bool,
            _ count: Int, _ output: MutableFloats, _ outputStride: Int
        ) -> Void

    /// Max of 1, 2 or 4 rows [pairs, C], plus shift, ReLU; C a multiple of 8. The bits of the same
    /// value by value: a maximum is exact, and rounding keeps order.
    public let maxOfRows:
        @Sendable (
            _ rows: Floats, _ rowStride: Int, _ rowCount: Int, _ channels: Int, _ pairs: Int,
            _ shift: Floats, _ output: MutableFloats
        ) -> Void

    /// max(0, max + shift) over 2 x 2 x 2 voxels of four raw rows whose voxels of C channels stand
    /// `zStride` apart. The bits of the same value by value, as `maxOfRows`.
    public let poolMax:
        @Sendable (
            _ raw: Floats, _ xStride: Int, _ yStride: Int, _ zStride: Int, _ channels: Int,
            _ pairs: Int, _ shift: Floats, _ output: MutableFloats
        ) -> Void

    /// max(0, scale v + shift) over 2 x 2 x 2 voxels of four raw rows, and which voxel it was. Error:
    /// gamma(2) (|scale v| + |shift|), by which another voxel may be chosen as well.
    public let poolChoice:
        @Sendable (
            _ raw: Floats, _ xStride: Int, _ yStride: Int, _ channels: Int, _ pairs: Int,
            _ scale: Floats, _ shift: Floats, _ output: MutableFloats,
            _ choice: UnsafeMutablePointer<UInt8>
        ) -> Void

    /// Adds to gradient [3, C, 16], the taps along z of one (dx, dy), the sum over z of
    /// input[2 z + dz, c] outputGradient[z, 16]. Error, over all rows added: gamma(places) times the
    /// sum of the products' magnitudes.
    public let weightGradientRow:
        @Sendable (
            _ input: Floats, _ channels: Int, _ outputGradient: Floats, _ gradientStride: Int,
            _ count: Int, _ gradient: MutableFloats
        ) -> Void

    /// Adds to `output` [2 count, 8 of C] what one (dx, dy) of a stride-2 convolution sends back
    /// along z: even z take taps 0 and 2, odd z tap 1. outputGradient is preceded by one row of
    /// zeros and followed by at least one; weights [3, O, 8]. Error, over all nine (dx, dy): gamma(8 O)
    /// times the sum of the products' magnitudes, since eight taps at most meet a voxel.
    public let inputGradientRow:
        @Sendable (
            _ outputGradient: Floats, _ outputChannels: Int, _ weights: Floats, _ count: Int,
            _ output: MutableFloats, _ outputStride: Int
        ) -> Void

    /// Adds to sums[25 k + b], k in 0..<5, the products row[z] other[z + k - 2] of `rowCount` rows of
    /// `places + 2` values, `stride` apart: z = 0, 1, places, places + 1 in bins b = 0, 1, 3, 4, all
    /// between them in bin 2. Lags that leave the row have no product. Summed in float32 by lanes
    /// over all rows, in float64 from there: an error is within gamma(n) times the sum of the products'
    /// magnitudes, n = rowCount (places / 16 + 2) + 8. `one` is 1: were it known, the compiler would make lags
    /// of each other by shuffles, at three times the cost of loads.
    public let correlateRows:
        @Sendable (
            _ rows: Floats, _ others: Floats, _ stride: Int, _ rowCount: Int, _ places: Int,
            _ one: Int, _ sums: UnsafeMutablePointer<Double>
        ) -> Void

    /// What a pair of source rows adds to products of resampled values: the sums over z and d from -2
    /// to 2 of row[z] other[z + d] weights[z / 8, (d, lag), z % 8], for lags -2 to 2, then the
    /// products of the first two and last two resampled values of one row with the first four and
    /// last four of the other, 24 sums in all. Rows (r0, r1) have two zeros before them and behind
    /// their last vector; ends (r2, r3) are eight values; displacements -2 and 2 have two lags, all
    /// others five, so 19 weights. Summed in float32, with an error of
    /// gamma(3 vectors + 8) times the sum of magnitudes; added to the slots in float64.
    public let correlateLags:
        @Sendable (
            _ rows: FourRows, _ weights: Floats, _ vectors: Int, _ slots: WeightedSlots
        ) -> Void

    /// sums[c] += sum of row [count, C]; C a multiple of 16. Error: gamma(count) times the sum of
    /// magnitudes.
    public let channelSums:
        @Sendable (
            _ row: Floats, _ channels: Int, _ count: Int, _ sums: UnsafeMutablePointer<Double>
        ) -> Void

    /// squares[c] += sum of (row - mean)^2. Error: gamma(count + 2) times the sum, since differences
    /// are rounded before they are squared.
    public let channelSquares:
        @Sendable (
            _ row: Floats, _ channels: Int, _ count: Int, _ mean: Floats,
            _ squares: UnsafeMutablePointer<Double>
        ) -> Void

    /// output = offset[c] + slope[c] row, the dense part of batch norm's gradient. Error:
    /// gamma(2) (|offset| + |slope row|).
    public let affineRow:
        @Sendable (
            _ row: Floats, _ channels: Int, _ count: Int, _ slope: Floats, _ offset: Floats,
            _ output: MutableFloats
        ) -> Void

    /// y += a x. Error: gamma(2) (|y| + |a x|).
    public let addScaled:
        @Sendable (_ a: Float, _ x: Floats, _ count: Int, _ y: MutableFloats) -> Void

    /// The products of repeated source rows with six subsets of the taps along z:
    /// partial[z, s, 8] = sum over g of source[offsets[g] + z] weights[g, s, 8]. Error:
    /// gamma(groups) times the sum of the products' magnitudes.
    public let subsetProducts:
        @Sendable (
            _ source: Floats, _ offsets: UnsafePointer<Int>, _ groups: Int, _ count: Int,
            _ weights: Floats, _ partial: MutableFloats
        ) -> Void

    /// Sums of `terms` (2 or 3) rows of `partial` for each distinct voxel, then the larger of two
    /// distinct voxels for each pair. Indices count floats. Error: gamma(terms - 1) times the sum of
    /// magnitudes; the maximum is exact.
    public let combineRepeats:
        @Sendable (
            _ partial: Floats, _ index: UnsafePointer<Int32>, _ terms: Int, _ distinctCount: Int,
            _ pairs: UnsafePointer<Int32>, _ pairCount: Int, _ distinct: MutableFloats,
            _ output: MutableFloats
        ) -> Void

    /// conv1 in training where the input repeats source voxels.
    public let repeats: RepeatKernelTable

    /// The loops over a policy's weights.
    public let policyFloat: PolicyKernelTable<Float>
    public let policyDouble: PolicyKernelTable<Double>

    public init(
        first: FirstKernelTable,
        row:
            @escaping @Sendable (
                Floats, UnsafePointer<Int>, Int, Int, Int, Floats, Int, MutableFloats, Int
            ) -> Void,
        dense:
            @escaping @Sendable (
                Floats, Int, Floats, Floats, Bool, Int, MutableFloats, Int
            ) -> Void,
        maxOfRows: @escaping @Sendable (Floats, Int, Int, Int, Int, Floats, MutableFloats) -> Void,
        poolMax:
            @escaping @Sendable (
                Floats, Int, Int, Int, Int, Int, Floats, MutableFloats
            ) -> Void,
        poolChoice:
            @escaping @Sendable (
                Floats, Int, Int, Int, Int, Floats, Floats, MutableFloats,
                UnsafeMutablePointer<UInt8>
            ) -> Void,
        weightGradientRow:
            @escaping @Sendable (
                Floats, Int, Floats, Int, Int, MutableFloats
            ) -> Void,
        inputGradientRow:
            @escaping @Sendable (
                Floats, Int, Floats, Int, MutableFloats, Int
            ) -> Void,
        correlateRows:
            @escaping @Sendable (
                Floats, Floats, Int, Int, Int, Int, UnsafeMutablePointer<Double>
            ) -> Void,
        correlateLags: @escaping @Sendable (FourRows, Floats, Int, WeightedSlots) -> Void,
        channelSums:
            @escaping @Sendable (
                Floats, Int, Int, UnsafeMutablePointer<Double>
            ) -> Void,
        channelSquares:
            @escaping @Sendable (
                Floats, Int, Int, Floats, UnsafeMutablePointer<Double>
            ) -> Void,
        affineRow: @escaping @Sendable (Floats, Int, Int, Floats, Floats, MutableFloats) -> Void,
        subsetProducts:
            @escaping @Sendable (
                Floats, UnsafePointer<Int>, Int, Int, Floats, MutableFloats
            ) -> Void,
        combineRepeats:
            @escaping @Sendable (
                Floats, UnsafePointer<Int32>, Int, Int, UnsafePointer<Int32>, Int, MutableFloats,
                MutableFloats
            ) -> Void,
        addScaled: @escaping @Sendable (Float, Floats, Int, MutableFloats) -> Void,
        repeats: RepeatKernelTable,
        policyFloat: PolicyKernelTable<Float>, policyDouble: PolicyKernelTable<Double>
    ) {
        self.first = first
        self.row = row
        self.dense = dense
        self.maxOfRows = maxOfRows
        self.poolMax = poolMax
        self.poolChoice = poolChoice
        self.weightGradientRow = weightGradientRow
        self.inputGradientRow = inputGradientRow
        self.correlateRows = correlateRows
        self.correlateLags = correlateLags
        self.channelSums = channelSums
        self.channelSquares = channelSquares
        self.affineRow = affineRow
        self.subsetProducts = subsetProducts
        self.combineRepeats = combineRepeats
        self.addScaled = addScaled
        self.repeats = repeats
        self.policyFloat = policyFloat
        self.policyDouble = policyDouble
    }
}

/// Where sums are added: `weights[i]` times them to the 24 values of slot `indices[i]`.
public struct WeightedSlots {
    public let indices: UnsafePointer<Int32>
    public let weights: UnsafePointer<Double>
    public let count: Int
    public let sums: UnsafeMutablePointer<Double>

    public init(
        indices: UnsafePointer<Int32>, weights: UnsafePointer<Double>, count: Int,
        sums: UnsafeMutablePointer<Double>
    ) {
        self.indices = indices
        self.weights = weights
        self.count = count
        self.sums = sums
    }
}
