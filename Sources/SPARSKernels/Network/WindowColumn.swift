import SPARSKernelTable

/// Windows above one another along z that share conv1 and conv2.
///
/// Their grids are `2 shift` places apart, hence `shift` places behind conv1's max-pool. conv2 has
/// stride 2: with an odd shift, every other window needs the places that its neighbours skip, so
/// conv2 takes every place of the column (stride 1), and each window picks its own. That pays while
/// `shift` is below the places of one window behind conv2. Later stages run window by window.
public struct WindowColumn: Hashable, Sendable {
    /// Windows in the column.
    public let count: Int
    /// Places behind conv1's max-pool from one window to the next.
    public let shift: Int

    public init(count: Int, shift: Int) {
        precondition(count > 0 && shift >= 0, "\(count) windows \(shift) apart")
        self.count = count
        self.shift = shift
    }

    public static let single = WindowColumn(count: 1, shift: 0)

    /// Places of the grid that the windows behind the first add.
    public var added: Int { 2 * shift * (count - 1) }

    /// conv2's step along the column.
    var stride: Int { count > 1 && shift % 2 == 1 ? 1 : 2 }

    /// conv2's places from one window to the next.
    var rawShift: Int { shift / stride }

    /// conv2's places from one that a window takes to the next.
    var rawStep: Int { 2 / stride }

    /// The places that conv2 computes where one window takes `window`.
    func rawLength(_ window: Int) -> Int {
        (count - 1) * rawShift + (window - 1) * rawStep + 1
    }

    /// conv2's places along z for the whole column over those of its windows one by one, where one
    /// window takes `window`.
    public func work(_ window: Int) -> Double {
        Double(rawLength(window)) / Double(count * window)
    }
}

extension ConvolutionKernels {
    /// conv2 with shift, ReLU and max-pool for each window of a column: `pooled` receives `rows`
    /// planes [Y, Z of one window, O] for each window, `windowStride` values apart.
    ///
    /// - Parameters:
    ///   - shape: of the whole column's input; stride 2.
    ///   - places: pooled places along z of one window.
    static func pooledColumn(
        _ column: WindowColumn, _ shape: ConvolutionShape, places: Int,
        input: UnsafePointer<Float>, weights: ConvolutionWeights, shift: UnsafePointer<Float>,
        rows: Int, pooled: UnsafeMutablePointer<Float>, windowStride: Int, on set: InstructionSet
    ) {
        let kernels = Kernels.of(set)
        let height = shape.output.halved.y
        let channels = shape.outputChannels
        let length = column.rawLength(2 * places)
        let rowLength = length * channels
        Parallel.forEach(rows * height) { item in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * rowLength) { raw in
                let raw = raw.baseAddress!
                for r in 0..<4 {
                    rawRow(
                        shape, kernels, input, weights, x: 2 * (item / height) + r / 2,
                        y: 2 * (item % height) + r % 2, zStride: column.stride, count: length,
                        output: raw + r * rowLength)
                }
                for window in 0..<column.count {
                    kernels.poolMax(
                        raw + window * column.rawShift * channels, 2 * rowLength, rowLength,
                        column.rawStep * channels, channels, places, shift,
                        pooled + window * windowStride + item * places * channels)
                }
            }
        }
    }
}
