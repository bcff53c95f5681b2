import SPARSKernelTable

/// First and second moments of the 27 values that a 3 x 3 x 3 convolution sees, over all places of
/// all inputs added: what the batch statistics of conv1 follow from without running it.
///
/// A second moment depends on the taps' displacement but for the border: products x[q] x[q + d] are
/// summed once for each of 63 displacements d, in bins of how close q is to each border, and the
/// bins that each pair of taps sees are added up. Eight rows are summed in float32 by lanes, these
/// sums in float64; keep inputs centred, so that nothing is lost when means are taken away. With P
/// places along z a covariance's error is within gamma(P / 2 + 24) (see `KernelTable`) times the mean
/// of its products' magnitudes.
public struct TapMoments: Sendable {
    public let shape: Extent
    /// Places seen so far.
    public internal(set) var count = 0
    var bins: [Double]
    /// What inputs came as sums of: each tap, and each pair i <= j of [27, 27].
    private var sums = [Double](repeating: 0, count: 27)
    private var products = [Double](repeating: 0, count: 27 * 27)

    /// Displacements with the first nonzero component positive, (dx, dy) of each; dz is -2...2.
    static let rowPairs: [(x: Int, y: Int)] =
        (0...2).map { (0, $0) } + (-2...2).map { (1, $0) } + (-2...2).map { (2, $0) }
    /// Bins along an axis of n places: 0, 1, the middle, n, n + 1.
    static let axisBins = 5
    static let slots = (rowPairs.count * 5 + 1) * axisBins * axisBins

    /// - Parameter shape: of every input; 4 or more along each axis.
    public init(shape: Extent) {
        precondition(min(shape.x, shape.y, shape.z) >= 4, "\(shape) is too small")
        self.shape = shape
        bins = Array(repeating: 0, count: TapMoments.axisBins * TapMoments.slots)
    }

    /// Adds one input [X, Y, Z].
    public mutating func add(_ input: UnsafePointer<Float>, on set: InstructionSet = .current) {
        let kernels = Kernels.of(set)
        let shape = self.shape
        let slots = TapMoments.slots
        var planes = [Double](repeating: 0, count: shape.x * slots)
        planes.withUnsafeMutableBufferPointer { planes in
            // SAFETY: item x writes the slots of plane x only.
            nonisolated(unsafe) let planes = planes.baseAddress!
            Parallel.forEach(shape.x) { x in
                TapMoments.addPlane(
                    input, shape, x, to: planes + x * slots, correlate: kernels.correlateRows)
            }
        }
        for x in 0..<shape.x {
            let bin = TapMoments.bin(x, shape.x - 2)
            for s in 0..<slots { bins[bin * slots + s] += planes[x * slots + s] }
        }
        count += shape.convolved(stride: 1).count
    }

    /// Adds one input of the same shape that repeats source voxels.
    public mutating func add(_ input: RepeatedInput) {
        precondition(input.shape == shape, "\(input.shape) among inputs of \(shape)")
        let part = RepeatedMoments(input)
        for i in sums.indices { sums[i] += part.sums[i] }
        for i in products.indices { products[i] += part.products[i] }
        count += shape.convolved(stride: 1).count
    }

    static func bin(_ q: Int, _ places: Int) -> Int {
        q < 2 ? q : q < places ? 2 : q - places + 3
    }

    /// Whether taps at offset `a` see bin `b` of an axis.
    private static func sees(_ a: Int, _ b: Int) -> Bool {
        switch b {
        case 0: return a == 0
        case 1: return a <= 1
        case 3: return a >= 1
        case 4: return a == 2
        default: return true
        }
    }

    private typealias Correlation = (
        UnsafePointer<Float>, UnsafePointer<Float>, Int, Int, Int, Int,
        UnsafeMutablePointer<Double>
    ) -> Void

    /// Rows whose products are added in float32 before they meet the others' in float64.
    private static let rowsAtOnce = 8

    private static func addPlane(
        _ input: UnsafePointer<Float>, _ shape: Extent, _ x: Int,
        to sums: UnsafeMutablePointer<Double>, correlate: Correlation
    ) {
        let plane = input + x * shape.y * shape.z
        for (yBin, bin) in binRanges(shape.y).enumerated() {
            for (pair, d) in rowPairs.enumerated() where x + d.x < shape.x {
                let end = min(bin.upperBound, shape.y - d.y)
                var y = max(bin.lowerBound, -d.y)
                while y < end {
                    let rows = plane + y * shape.z
                    let count = min(rowsAtOnce, end - y)
                    correlate(
                        rows, rows + (d.x * shape.y + d.y) * shape.z, shape.z, count, shape.z - 2,
                        1, sums + (pair * 5 * axisBins + yBin) * axisBins)
                    y += count
                }
            }
            for y in bin {
                addRowSums(
                    plane + y * shape.z, shape.z - 2,
                    to: sums + (rowPairs.count * 5 * axisBins + yBin) * axisBins)
            }
        }
    }

    /// The places of each bin along an axis of `length` values.
    private static func binRanges(_ length: Int) -> [Range<Int>] {
        [0..<1, 1..<2, 2..<length - 2, length - 2..<length - 1, length - 1..<length]
    }

    private static func addRowSums(
        _ row: UnsafePointer<Float>, _ places: Int, to sums: UnsafeMutablePointer<Double>
    ) {
        var lanes = SIMD8<Double>.zero
        var z = 2
        while z + 8 <= places {
            // SAFETY: eight values from z are in the row.
            lanes += SIMD8<Double>(
                UnsafeRawPointer(row + z).loadUnaligned(as: SIMD8<Float>.self))
            z += 8
        }
        var middle = lanes.sum()
        while z < places {
            middle += Double(row[z])
            z += 1
        }
        sums[0] += Double(row[0])
        sums[1] += Double(row[1])
        sums[2] += middle
        sums[3] += Double(row[places])
        sums[4] += Double(row[places + 1])
    }

    private func total(slot: Int, _ a: (Int, Int, Int)) -> Double {
        let n = TapMoments.axisBins
        var sum = 0.0
        for x in 0..<n where TapMoments.sees(a.0, x) {
            for y in 0..<n where TapMoments.sees(a.1, y) {
                for z in 0..<n where TapMoments.sees(a.2, z) {
                    sum += bins[x * TapMoments.slots + (slot * n + y) * n + z]
                }
            }
        }
        return sum
    }

    /// The mean of each tap.
    public var mean: [Double] {
        (0..<27).map { tap in
            (sums[tap] + total(slot: TapMoments.rowPairs.count * 5, TapMoments.offset(tap)))
                / Double(count)
        }
    }

    /// The covariance of each pair of taps, [27, 27], divided by the count.
    public var covariance: [Double] {
        let mean = self.mean
        var matrix = [Double](repeating: 0, count: 27 * 27)
        for i in 0..<27 {
            for j in i..<27 {
                // Taps in ascending order have a displacement whose first nonzero part is positive.
                let a = TapMoments.offset(i)
                let b = TapMoments.offset(j)
                let pair = TapMoments.rowPairs.firstIndex { $0 == (b.0 - a.0, b.1 - a.1) }
                guard let pair else { preconditionFailure("taps \(i) and \(j) are out of order") }
                let product = products[27 * i + j] + total(slot: pair * 5 + b.2 - a.2 + 2, a)
                matrix[27 * i + j] = product / Double(count) - mean[i] * mean[j]
                matrix[27 * j + i] = matrix[27 * i + j]
            }
        }
        return matrix
    }

    private static func offset(_ tap: Int) -> (Int, Int, Int) { (tap / 9, tap / 3 % 3, tap % 3) }
}
