import SPARSKernelTable

/// One axis of an input that repeats source voxels, as nearest-neighbour enlargement does.
///
/// A tap triple at place i reads source voxels s(i), s(i + 1), s(i + 2), which step by 0 or 1. So it
/// sees its first voxel a through one of four patterns of steps, 00, 01, 10 and 11, and taps that
/// fall on one voxel act through their sum. Places with equal a and pattern have equal results: only
/// one of them, a distinct place, is computed.
public struct RepeatedAxis: Sendable {
    /// The source voxel of each place.
    let source: [Int]
    /// First source voxel and pattern (2 first step + second step) of each distinct place.
    let base: [Int]
    let pattern: [Int]
    /// The distinct places under each pair of convolved places that a max-pool takes together.
    let pairFirst: [Int]
    let pairSecond: [Int]

    /// - Parameter source: the source voxel of each place, ascending by steps of 0 or 1; 4 places
    ///   or more. Nil if a step is another.
    public init?(_ source: [Int]) {
        guard source.count >= 4, zip(source, source.dropFirst()).allSatisfy({ 0...1 ~= $1 - $0 })
        else { return nil }
        self.source = source
        var base: [Int] = []
        var pattern: [Int] = []
        var places: [Int] = []
        for i in 0..<source.count - 2 {
            let steps = 2 * (source[i + 1] - source[i]) + source[i + 2] - source[i + 1]
            if base.last != source[i] || pattern.last != steps {
                base.append(source[i])
                pattern.append(steps)
            }
            places.append(base.count - 1)
        }
        self.base = base
        self.pattern = pattern
        let pairs = places.count / 2
        pairFirst = (0..<pairs).map { places[2 * $0] }
        pairSecond = (0..<pairs).map { places[2 * $0 + 1] }
    }

    /// Places along the enlarged axis.
    public var length: Int { source.count }

    /// The first `length` places alone.
    func prefix(_ length: Int) -> RepeatedAxis {
        guard let axis = RepeatedAxis(Array(source.prefix(length))) else {
            preconditionFailure("\(length) places of \(source.count)")
        }
        return axis
    }

    /// Pooled places behind conv2, of which place q sees places 8 q to 8 q + 11 of the axis: the axis
    /// without those that see what the one before sees, and which of the others each place is.
    ///
    /// Leaving out place q leaves out 8 q to 8 q + 7; what follows is equal to what its predecessor
    /// saw there, so every place that stays sees the same voxels as before.
    ///
    /// - Parameter count: such places; the axis has 8 count + 4.
    func withoutEqualPlaces(_ count: Int) -> (axis: RepeatedAxis, places: [Int]) {
        precondition(length == 8 * count + 4, "\(length) places for \(count)")
        var kept: [Int] = []
        var places: [Int] = []
        for q in 0..<count {
            let start = 8 * q
            if q == 0 || source[start..<start + 12] != source[start - 8..<start + 4] {
                kept += source[start..<start + 8]
            }
            places.append(kept.count / 8 - 1)
        }
        guard let axis = RepeatedAxis(kept + source[(8 * count)...]) else {
            preconditionFailure("steps of more than one voxel in \(kept)")
        }
        return (axis, places)
    }

    /// The most places that `withoutEqualPlaces` may make one of. A place sees 12 of the axis and
    /// the next one 8 further on: k are equal if one voxel has 8 k + 4 copies.
    public var equalPlaces: Int {
        var longest = 0
        var copies = 0
        for i in source.indices {
            copies = i > 0 && source[i] == source[i - 1] ? copies + 1 : 1
            longest = max(longest, copies)
        }
        return max(1, (longest - 4) / 8)
    }

    /// The taps of each group that falls on one voxel, by pattern.
    static let groups: [[[Int]]] = [
        [[0, 1, 2]], [[0, 1], [2]], [[0], [1, 2]], [[0], [1], [2]],
    ]

    /// Every set of taps that some pattern groups.
    static let subsets: [[Int]] = [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]]
}

/// conv1's weights summed over the taps that fall on one source voxel, for every pattern.
public struct RepeatedWeights: Sendable {
    /// [16 patterns of (x, y), up to 9 groups, 6 subsets along z, 8].
    let packed: FloatBuffer

    static let rowCount = 9 * 6 * 8

    /// - Parameters:
    ///   - weights: [8, 1, 3, 3, 3], PyTorch's layout.
    ///   - scale: each output's weights are multiplied by this.
    public init(_ weights: [Float], scale: [Float]) {
        precondition(weights.count == 27 * 8 && scale.count == 8, "\(weights.count) weights")
        packed = FloatBuffer(zeros: 16 * RepeatedWeights.rowCount)
        for xPattern in 0..<4 {
            for yPattern in 0..<4 {
                var row = packed.pointer + (4 * xPattern + yPattern) * RepeatedWeights.rowCount
                for xTaps in RepeatedAxis.groups[xPattern] {
                    for yTaps in RepeatedAxis.groups[yPattern] {
                        for zTaps in RepeatedAxis.subsets {
                            for o in 0..<8 {
                                var sum = 0.0
                                for x in xTaps {
                                    for y in yTaps {
                                        for z in zTaps {
                                            let tap = 27 * o + 9 * x + 3 * y + z
                                            sum += Double(weights[tap] * scale[o])
                                        }
                                    }
                                }
                                row[o] = Float(sum)
                            }
                            row += 8
                        }
                    }
                }
            }
        }
    }
}

/// conv1, shift, ReLU and max-pool of an input given by its source voxels and three repeated axes.
public struct RepeatedInput: Sendable {
    let source: FloatBuffer
    let sourceShape: Extent
    let x: RepeatedAxis
    let y: RepeatedAxis
    let z: RepeatedAxis
    /// For each distinct z, where in `subsetProducts` its terms stand; the last row is zero.
    let termIndex: [Int32]
    let terms: Int
    let pairIndex: [Int32]
    /// Values of the products of one row, and of the zeros behind them.
    var partialLength: Int { 48 * sourceShape.z + 8 }

    /// - Parameter source: [X, Y, Z] of `sourceShape`; the axes' source voxels lie inside.
    public init(
        source: FloatBuffer, sourceShape: Extent, x: RepeatedAxis, y: RepeatedAxis, z: RepeatedAxis
    ) {
        precondition(source.count == sourceShape.count, "\(source.count) values of \(sourceShape)")
        self.source = source
        self.sourceShape = sourceShape
        self.x = x
        self.y = y
        self.z = z
        terms = z.pattern.contains(3) ? 3 : 2
        var index: [Int32] = []
        for (base, pattern) in zip(z.base, z.pattern) {
            let groups = RepeatedAxis.groups[pattern]
            for t in 0..<terms {
                guard t < groups.count else {
                    index.append(Int32(48 * sourceShape.z))
                    continue
                }
                let subset = RepeatedAxis.subsets.firstIndex(of: groups[t])!
                index.append(Int32((6 * (base + t) + subset) * 8))
            }
        }
        termIndex = index
        pairIndex = zip(z.pairFirst, z.pairSecond).flatMap { [Int32(8 * $0), Int32(8 * $1)] }
    }

    /// The enlarged input's shape.
    public var shape: Extent { Extent(x.length, y.length, z.length) }

    /// The first `shape` places along each axis alone.
    func prefix(_ shape: Extent) -> RepeatedInput {
        RepeatedInput(
            source: source, sourceShape: sourceShape, x: x.prefix(shape.x), y: y.prefix(shape.y),
            z: z.prefix(shape.z))
    }

    /// The input without the places along x and y that `RepeatedAxis.withoutEqualPlaces` leaves out,
    /// for conv2's pooled shape `second`, and which places stand for all.
    func withoutEqualPlaces(_ second: Extent) -> (input: RepeatedInput, x: [Int], y: [Int]) {
        let (x, planes) = self.x.withoutEqualPlaces(second.x)
        let (y, rows) = self.y.withoutEqualPlaces(second.y)
        let input = RepeatedInput(source: source, sourceShape: sourceShape, x: x, y: y, z: z)
        return (input, planes, rows)
    }

    /// Pooled rows that one thread makes in one go, of all planes asked for.
    private static let rowsAtOnce = 16

    /// Writes the pooled planes `range` of x, each [Y pooled, Z pooled, 8] with shift and ReLU.
    ///
    /// The distinct rows under one pooled row, two along y at most for each distinct x, are made
    /// side by side and pooled at once: a row pooled along z, then the larger of up to 2 x 2 rows.
    func writePlanes(
        _ range: Range<Int>, weights: RepeatedWeights, shift: FloatBuffer,
        to planes: UnsafeMutablePointer<Float>, on set: InstructionSet
    ) {
        let kernels = Kernels.of(set)
        let rowLength = z.pairFirst.count * 8
        let planeLength = y.pairFirst.count * rowLength
        let partialLength = self.partialLength
        let distinctX = x.pairFirst[range.lowerBound]...x.pairSecond[range.upperBound - 1]
        let rowsLength = 2 * distinctX.count * rowLength
        let size = rowsLength + partialLength + z.base.count * 8
        let all = y.pairFirst.count
        let chunks = (all + RepeatedInput.rowsAtOnce - 1) / RepeatedInput.rowsAtOnce
        Parallel.forEach(chunks) { chunk in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { scratch in
                let rows = scratch.baseAddress!
                let partial = rows + rowsLength
                (partial + partialLength - 8).update(repeating: 0, count: 8)
                // Equal chunks to within a row.
                let first = chunk * all / chunks
                var ready = y.pairFirst[first] - 1
                for q in first..<(chunk + 1) * all / chunks {
                    // Two rows are held; neighbours in a pair never stand in one slot.
                    while ready < y.pairSecond[q] {
                        ready += 1
                        for x in distinctX {
                            row(
                                x, ready, kernels: kernels, weights: weights, partial: partial,
                                distinct: partial + partialLength,
                                output: rows
                                    + (2 * (x - distinctX.lowerBound) + ready % 2) * rowLength)
                        }
                    }
                    for plane in range {
                        let corner = PooledCorner(x, plane, from: distinctX.lowerBound, y, q)
                        kernels.maxOfRows(
                            rows + corner.first * rowLength, corner.step * rowLength,
                            corner.count, 8, z.pairFirst.count, shift.pointer,
                            planes + (plane - range.lowerBound) * planeLength + q * rowLength)
                    }
                }
            }
        }
    }

    /// Which of the rows held, two slots for each distinct x, lie under one pooled row.
    private struct PooledCorner {
        let first: Int
        let step: Int
        let count: Int

        init(_ x: RepeatedAxis, _ plane: Int, from: Int, _ y: RepeatedAxis, _ q: Int) {
            let low = 2 * (x.pairFirst[plane] - from)
            let isWide = x.pairSecond[plane] > x.pairFirst[plane]
            if y.pairSecond[q] > y.pairFirst[q] {
                // Both slots, of one or of two neighbouring distinct x.
                first = low
                step = 1
                count = isWide ? 4 : 2
            } else {
                first = low + y.pairFirst[q] % 2
                step = 2
                count = isWide ? 2 : 1
            }
        }
    }

    /// One row of distinct (x, y), pooled along z.
    private func row(
        _ xIndex: Int, _ yIndex: Int, kernels: KernelTable, weights: RepeatedWeights,
        partial: UnsafeMutablePointer<Float>, distinct: UnsafeMutablePointer<Float>,
        output: UnsafeMutablePointer<Float>
    ) {
        products(xIndex, yIndex, kernels: kernels, weights: weights, partial: partial)
        kernels.combineRepeats(
            partial, termIndex, terms, z.base.count, pairIndex, z.pairFirst.count, distinct, output)
    }

    /// One row of distinct (x, y), every distinct z of it.
    func distinctRow(
        _ xIndex: Int, _ yIndex: Int, kernels: KernelTable, weights: RepeatedWeights,
        partial: UnsafeMutablePointer<Float>, distinct: UnsafeMutablePointer<Float>
    ) {
        products(xIndex, yIndex, kernels: kernels, weights: weights, partial: partial)
        kernels.combineRepeats(
            partial, termIndex, terms, z.base.count, pairIndex, 0, distinct, distinct)
    }

    private func products(
        _ xIndex: Int, _ yIndex: Int, kernels: KernelTable, weights: RepeatedWeights,
        partial: UnsafeMutablePointer<Float>
    ) {
        withOffsets(xIndex, yIndex) { offsets, groups in
            kernels.subsetProducts(
                source.pointer, offsets, groups, sourceShape.z,
                weights.packed.pointer
                    + (4 * x.pattern[xIndex] + y.pattern[yIndex]) * RepeatedWeights.rowCount,
                partial)
        }
    }

    /// Where the source rows begin that distinct (x, y) sees, and how many there are.
    func withOffsets(_ xIndex: Int, _ yIndex: Int, _ body: (UnsafePointer<Int>, Int) -> Void) {
        let xGroups = RepeatedAxis.groupCount(x.pattern[xIndex])
        let yGroups = RepeatedAxis.groupCount(y.pattern[yIndex])
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 9) { offsets in
            var g = 0
            for i in 0..<xGroups {
                for j in 0..<yGroups {
                    offsets[g] =
                        ((x.base[xIndex] + i) * sourceShape.y + y.base[yIndex] + j) * sourceShape.z
                    g += 1
                }
            }
            body(UnsafePointer(offsets.baseAddress!), g)
        }
    }
}

extension RepeatedAxis {
    /// How many source voxels a pattern sees.
    @inline(__always) static func groupCount(_ pattern: Int) -> Int {
        pattern == 0 ? 1 : pattern == 3 ? 3 : 2
    }
}
