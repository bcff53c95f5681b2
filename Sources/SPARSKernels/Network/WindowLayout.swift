import SPARSKernelTable

/// Windows in a row along one axis that share every stage before a convolution of stride 2.
///
/// They lie `shift` of the places apart that this convolution reads. With an odd shift, every other
/// window needs the places that its neighbours skip, so the convolution takes every place of the row
/// (stride 1), and each window picks its own.
public struct WindowRow: Hashable, Sendable {
    /// Windows in the row.
    public let count: Int
    /// Places before the convolution from one window to the next.
    public let shift: Int

    public init(count: Int, shift: Int) {
        precondition(count > 0 && shift >= 0, "\(count) windows \(shift) apart")
        self.count = count
        self.shift = shift
    }

    public static let single = WindowRow(count: 1, shift: 0)

    /// Places before the convolution that the windows behind the first add.
    var added: Int { shift * (count - 1) }

    /// The convolution's step along the row.
    var stride: Int { count > 1 && shift % 2 == 1 ? 1 : 2 }

    /// The convolution's places from one window to the next.
    public var windowStep: Int { shift / stride }

    /// The convolution's places from one that a window takes to the next.
    public var placeStep: Int { 2 / stride }

    /// The places that the convolution computes where one window takes `window`.
    public func length(_ window: Int) -> Int {
        (count - 1) * windowStep + (window - 1) * placeStep + 1
    }

    /// The convolution's places for the whole row over those of its windows one by one, where one
    /// window takes `window`.
    public func work(_ window: Int) -> Double {
        Double(length(window)) / Double(count * window)
    }
}

/// How the windows of one pass lie.
public struct WindowLayout: Hashable, Sendable {
    /// Rows that share conv1 to conv3 with their max-pools: shifts are before conv4.
    public let x: WindowRow
    public let y: WindowRow
    public let z: WindowRow
    /// Along z, windows that share conv1 and conv2 only: its shift is before conv2, and pays while it is
    /// below the places of one window behind conv2. Later stages run window by window.
    public let column: WindowRow

    /// Places of the grid for each place before conv2 and conv4.
    public static let columnStride = 2
    public static let rowStride = 32

    /// - Parameter column: single where `z` is not.
    public init(x: WindowRow, y: WindowRow, z: WindowRow = .single, column: WindowRow = .single) {
        precondition(z.count == 1 || column.count == 1, "one sharing along z")
        self.x = x
        self.y = y
        self.z = z
        self.column = column
    }

    public static let single = WindowLayout(x: .single, y: .single)

    /// Places of the grid that the windows behind the first add: those in rows along each axis, and
    /// those in the column.
    var addedByRows: Extent {
        let stride = WindowLayout.rowStride
        return Extent(stride * x.added, stride * y.added, stride * z.added)
    }
    var addedByColumn: Int { WindowLayout.columnStride * column.added }

    /// One window's part of a pass's grid.
    func window(_ grid: Extent) -> Extent {
        let added = addedByRows
        return Extent(grid.x - added.x, grid.y - added.y, grid.z - added.z - addedByColumn)
    }

    /// conv4's places for each window of the column, where one window takes `window`.
    public func output(_ window: Extent) -> Extent {
        Extent(x.length(window.x), y.length(window.y), z.length(window.z))
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
        _ column: WindowRow, _ shape: ConvolutionShape, places: Int,
        input: UnsafePointer<Float>, weights: ConvolutionWeights, shift: UnsafePointer<Float>,
        rows: Int, pooled: UnsafeMutablePointer<Float>, windowStride: Int, on set: InstructionSet
    ) {
        let kernels = Kernels.of(set)
        let height = shape.output.halved.y
        let channels = shape.outputChannels
        let length = column.length(2 * places)
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
                        raw + window * column.windowStep * channels, 2 * rowLength, rowLength,
                        column.placeStep * channels, channels, places, shift,
                        pooled + window * windowStride + item * places * channels)
                }
            }
        }
    }

    /// conv4's own output [X, Y, Z, O] for windows in rows: every place that one of them takes.
    ///
    /// - Parameters:
    ///   - input: the places before it, [X, Y, Z, C].
    ///   - places: X, Y and Z.
    static func rawRows(
        _ layout: WindowLayout, places: Extent, from extent: Extent,
        input: UnsafePointer<Float>, weights: ConvolutionWeights,
        output: UnsafeMutablePointer<Float>, on set: InstructionSet
    ) {
        let kernels = Kernels.of(set)
        let everyPlace = ConvolutionShape(
            input: extent, inputChannels: weights.inputChannels,
            outputChannels: weights.outputChannels, stride: 1)
        Parallel.forEach(places.x * places.y) { item in
            rawRow(
                everyPlace, kernels, input, weights, x: layout.x.stride * (item / places.y),
                y: layout.y.stride * (item % places.y), zStride: layout.z.stride, count: places.z,
                output: output + item * places.z * weights.outputChannels)
        }
    }
}
