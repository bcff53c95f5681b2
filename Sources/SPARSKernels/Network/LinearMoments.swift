import SPARSKernelTable

/// An input that is resampled linearly from half as many voxels along every axis, or fewer.
public struct LinearInput {
    public let source: FloatBuffer
    public let sourceShape: Extent
    /// What it is resampled to.
    public let shape: Extent
    let x: LinearAxis
    let y: LinearAxis
    let z: LinearAxis

    /// - Returns: nil if an axis has more voxels than half the places, or fewer than four places.
    public init?(
        source: FloatBuffer, sourceShape: Extent, x: ResampleAxis, y: ResampleAxis, z: ResampleAxis
    ) {
        guard let xAxis = LinearAxis(x, voxels: sourceShape.x),
            let yAxis = LinearAxis(y, voxels: sourceShape.y),
            let zAxis = LinearAxis(z, voxels: sourceShape.z)
        else { return nil }
        precondition(source.count == sourceShape.count, "\(source.count) of \(sourceShape)")
        self.source = source
        self.sourceShape = sourceShape
        shape = Extent(x.lower.count, y.lower.count, z.lower.count)
        (self.x, self.y, self.z) = (xAxis, yAxis, zAxis)
    }
}

/// How much products of two source voxels u and u + d, d from -2 to 2, count in the sum over places
/// t of value t times value t + l: the sum over t of A[t, u] A[t + l, u + d], A the matrix that
/// interpolates. Places are summed by bin, as `TapMoments` needs them.
struct LinearAxis {
    let voxels: Int
    /// [l + 2][bin][d + 2][u].
    private var products: [Double]
    /// [bin][u]: the sum over the bin's places of A[t, u].
    private var sums: [Double]
    /// A's rows, two voxels and their weights each.
    private let terms: [[(voxel: Int, weight: Double)]]

    init?(_ axis: ResampleAxis, voxels: Int) {
        let places = axis.lower.count
        guard places >= 4, 2 * voxels <= places else { return nil }
        terms = (0..<places).map { t in
            let weight = axis.weight[t]
            return [(axis.lower[t], Double(1 - weight)), (axis.upper[t], Double(weight))]
        }
        self.voxels = voxels
        let bins = TapMoments.axisBins
        products = Array(repeating: 0, count: 5 * bins * 5 * voxels)
        sums = Array(repeating: 0, count: bins * voxels)
        for t in 0..<places {
            let bin = TapMoments.bin(t, places - 2)
            for (u, a) in terms[t] {
                sums[bin * voxels + u] += a
                for lag in max(-2, -t)...min(2, places - 1 - t) {
                    for (v, b) in terms[t + lag] where a * b != 0 {
                        let d = v - u
                        guard abs(d) < 2 || abs(d) == 2 && d * lag > 0 else { return nil }
                        products[slot(lag, bin, d) + u] += a * b
                    }
                }
            }
        }
    }

    private func slot(_ lag: Int, _ bin: Int, _ d: Int) -> Int {
        (((lag + 2) * TapMoments.axisBins + bin) * 5 + d + 2) * voxels
    }

    func product(lag: Int, bin: Int, apart d: Int, at u: Int) -> Double {
        products[slot(lag, bin, d) + u]
    }

    func sum(bin: Int, at u: Int) -> Double { sums[bin * voxels + u] }

    /// The sum of a row's resampled values over a bin's places.
    func sum(bin: Int, of row: UnsafePointer<Float>) -> Double {
        sums.withUnsafeBufferPointer { sums in
            (0..<voxels).reduce(0) { $0 + Double(row[$1]) * sums[bin * voxels + $1] }
        }
    }

    /// Value t of a row.
    func value(_ t: Int, of row: UnsafePointer<Float>) -> Double {
        terms[t].reduce(0) { $0 + Double(row[$1.voxel]) * $1.weight }
    }

    var places: Int { terms.count }

    /// For each d, -2 first, and each u: the slots (lag, bin) that the pair of voxels counts in,
    /// 5 (lag + 2) + bin, and how much.
    var slots: [[[(index: Int32, weight: Double)]]] {
        (-2...2).map { d in
            (0..<voxels).map { u in
                (0..<25).compactMap { index in
                    let weight = product(lag: index / 5 - 2, bin: index % 5, apart: d, at: u)
                    return weight == 0 ? nil : (Int32(index), weight)
                }
            }
        }
    }
}

extension TapMoments {
    /// Adds one input of the same shape that is resampled linearly, by its source voxels.
    ///
    /// Values at places are A s, so a sum over places of products is a sum over pairs of source
    /// voxels, weighted axis by axis (`LinearAxis`). A pair of rows is summed in float32: within
    /// gamma(n) of the sum of magnitudes, n = 3 ceil(Z / 8) + 8 for rows of Z voxels, which counts a
    /// weight's rounding, two products, three terms of each vector in either of two sums, and the
    /// sums of lanes (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.1). Pairs
    /// of rows are summed in float64.
    public mutating func add(_ input: LinearInput, on set: InstructionSet = .current) {
        precondition(input.shape == shape, "\(input.shape) among inputs of \(shape)")
        let rows = LinearRows(input)
        addProducts(input, rows, on: set)
        addSums(input)
        count += shape.convolved(stride: 1).count
    }

    private mutating func addProducts(
        _ input: LinearInput, _ rows: LinearRows, on set: InstructionSet
    ) {
        let kernel = Kernels.of(set).correlateLags
        let size = 25 * LinearRows.width
        let voxels = input.sourceShape
        let slots = input.x.slots
        var parts = [Double](repeating: 0, count: voxels.x * 5 * size)
        parts.withUnsafeMutableBufferPointer { parts in
            // SAFETY: item x writes its own part only.
            nonisolated(unsafe) let parts = parts.baseAddress!
            Parallel.forEach(voxels.x) { x in
                for dx in -2...2 where !slots[dx + 2][x].isEmpty {
                    rows.correlate(x, dx, to: parts + (x * 5 + dx + 2) * size, kernel)
                }
            }
        }
        for x in 0..<voxels.x {
            for dx in -2...2 {
                for (index, weight) in slots[dx + 2][x] {
                    let (lag, bin) = (Int(index) / 5 - 2, Int(index) % 5)
                    spread(
                        parts[(x * 5 + dx + 2) * size..<(x * 5 + dx + 3) * size], lag, bin, weight)
                }
            }
        }
    }

    /// Adds the sums of one plane's pairs, [lag along y, bin, width], to the bins.
    private mutating func spread(
        _ part: ArraySlice<Double>, _ lag: Int, _ bin: Int, _ weight: Double
    ) {
        let n = TapMoments.axisBins
        for (pair, d) in TapMoments.rowPairs.enumerated() where d.x == lag {
            for yBin in 0..<n {
                let sums = part.startIndex + ((d.y + 2) * n + yBin) * LinearRows.width
                for zLag in 0..<5 {
                    let slot =
                        bin * TapMoments.slots + ((pair * 5 + zLag) * n + yBin) * n
                    bins[slot + 2] += weight * part[sums + zLag]
                    // At a row's first place value 0 meets 0 to 2, at its second 0 to 3, and so on.
                    let ends = sums + 8 + zLag
                    if zLag >= 2 { bins[slot] += weight * part[ends - 2] }
                    if zLag >= 1 { bins[slot + 1] += weight * part[ends + 3] }
                    if zLag <= 3 { bins[slot + 3] += weight * part[ends + 8] }
                    if zLag <= 2 { bins[slot + 4] += weight * part[ends + 13] }
                }
            }
        }
    }

    private mutating func addSums(_ input: LinearInput) {
        let n = TapMoments.axisBins
        let size = n * n
        let voxels = input.sourceShape
        var planes = [Double](repeating: 0, count: voxels.x * size)
        planes.withUnsafeMutableBufferPointer { planes in
            // SAFETY: item x writes its own plane only.
            nonisolated(unsafe) let planes = planes.baseAddress!
            Parallel.forEach(voxels.x) { x in input.addSums(x, to: planes + x * size) }
        }
        for x in 0..<voxels.x {
            for bin in 0..<n {
                let weight = input.x.sum(bin: bin, at: x)
                if weight == 0 { continue }
                let slot = bin * TapMoments.slots + TapMoments.rowPairs.count * 5 * size
                for i in 0..<size { bins[slot + i] += weight * planes[x * size + i] }
            }
        }
    }
}

extension LinearInput {
    /// Adds the sums of plane x's resampled values, by bin along y and z.
    fileprivate func addSums(_ x: Int, to plane: UnsafeMutablePointer<Double>) {
        let n = TapMoments.axisBins
        for y in 0..<sourceShape.y {
            let row = source.pointer + (x * sourceShape.y + y) * sourceShape.z
            for zBin in 0..<n {
                let sum = z.sum(bin: zBin, of: row)
                for yBin in 0..<n { plane[yBin * n + zBin] += self.y.sum(bin: yBin, at: y) * sum }
            }
        }
    }
}

/// The source rows of a `LinearInput`, with what the kernel wants beside them.
private struct LinearRows {
    /// Sums of a pair of rows: five lags, three of no meaning, four places by four of the other row.
    static let width = 24
    private static let before = 8

    private let input: LinearInput
    private let vectors: Int
    private let stride: Int
    /// Zeros before and behind every row.
    private let padded: FloatBuffer
    /// The first four and last four resampled values of every row.
    private let ends: FloatBuffer
    /// [vectors, 19, 8]: what `correlateLags` reads.
    private let weights: FloatBuffer
    private let slots: [[(indices: [Int32], weights: [Double])]]

    init(_ input: LinearInput) {
        self.input = input
        let voxels = input.sourceShape
        vectors = (voxels.z + 7) / 8
        stride = 8 * vectors + 2 * LinearRows.before
        let (z, stride) = (input.z, stride)
        let padded = FloatBuffer(zeros: voxels.x * voxels.y * stride)
        let ends = FloatBuffer(count: voxels.x * voxels.y * 8)
        Parallel.forEach(voxels.x) { x in
            for row in x * voxels.y..<(x + 1) * voxels.y {
                let source = input.source.pointer + row * voxels.z
                (padded.pointer + row * stride + LinearRows.before).update(
                    from: source, count: voxels.z)
                for i in 0..<4 {
                    ends.pointer[8 * row + i] = Float(z.value(i, of: source))
                    ends.pointer[8 * row + 4 + i] = Float(z.value(z.places - 4 + i, of: source))
                }
            }
        }
        (self.padded, self.ends) = (padded, ends)
        weights = FloatBuffer(zeros: vectors * 19 * 8)
        for u in 0..<voxels.z {
            for (i, (d, lag)) in LinearRows.pairs.enumerated() {
                weights.pointer[(u / 8 * 19 + i) * 8 + u % 8] = Float(
                    z.product(lag: lag, bin: 2, apart: d, at: u))
            }
        }
        slots = input.y.slots.map { slots in
            slots.map { ($0.map { $0.index }, $0.map { $0.weight }) }
        }
    }

    /// Displacements and lags in the order of `correlateLags`; a lag of at most two places is never
    /// two voxels the other way.
    private static let pairs: [(d: Int, lag: Int)] =
        (-2...2).flatMap { d in
            (-2...2).filter { abs(d) < 2 || d * $0 > 0 }.map { (d, $0) }
        }

    func correlate(
        _ x: Int, _ dx: Int, to sums: UnsafeMutablePointer<Double>,
        _ kernel: (FourRows, UnsafePointer<Float>, Int, WeightedSlots) -> Void
    ) {
        let height = input.sourceShape.y
        for (dy, slots) in zip(-2...2, slots) {
            for y in 0..<height where !slots[y].indices.isEmpty {
                let row = x * height + y
                let other = (x + dx) * height + y + dy
                let start = padded.pointer + LinearRows.before
                slots[y].indices.withUnsafeBufferPointer { indices in
                    slots[y].weights.withUnsafeBufferPointer { slotWeights in
                        kernel(
                            FourRows(
                                start + row * stride, start + other * stride,
                                ends.pointer + 8 * row, ends.pointer + 8 * other),
                            weights.pointer, vectors,
                            WeightedSlots(
                                indices: indices.baseAddress!, weights: slotWeights.baseAddress!,
                                count: indices.count, sums: sums))
                    }
                }
            }
        }
    }
}
