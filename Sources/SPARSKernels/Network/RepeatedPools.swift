import SPARSKernelTable

/// How conv2's places see conv1's pooled output along x and y where the input repeats source voxels.
///
/// Pools over equal places are equal, so a tap triple of conv2 falls on one to three different pooled
/// planes in the patterns of `RepeatedAxis`, and taps that fall on equal ones act through their sum.
public struct PooledSteps: Sendable {
    /// Of each place of conv2's output: 2 first step + second step, a step 1 where planes differ.
    let x: [Int]
    let y: [Int]
}

extension FirstInput {
    /// How conv2, whose output has the extent `second`, sees this input's pooled planes; nil where
    /// none are known to be equal.
    public func pooledSteps(_ second: Extent) -> PooledSteps? {
        guard case .repeated(let input) = self else { return nil }
        return input.pooledSteps(second)
    }
}

extension RepeatedInput {
    func pooledSteps(_ second: Extent) -> PooledSteps {
        PooledSteps(x: x.pooledPatterns(second.x), y: y.pooledPatterns(second.y))
    }
}

extension RepeatedAxis {
    /// Whether a pool, 1 or later, sees the places that the one before sees.
    private func repeats(_ pool: Int) -> Bool {
        pairFirst[pool] == pairFirst[pool - 1] && pairSecond[pool] == pairSecond[pool - 1]
    }

    /// The pattern of the three pools that each of `count` places of conv2 sees.
    func pooledPatterns(_ count: Int) -> [Int] {
        (0..<count).map { place in
            (repeats(2 * place + 1) ? 0 : 2) + (repeats(2 * place + 2) ? 0 : 1)
        }
    }

    /// Runs of equal pools, cut so that there are runs for every thread where all are equal.
    var pooledRuns: [Range<Int>] {
        var runs: [Range<Int>] = []
        var start = 0
        for pool in 1...pairFirst.count
        where pool == pairFirst.count || !repeats(pool) || pool - start == Self.longestRun {
            runs.append(start..<pool)
            start = pool
        }
        return runs
    }

    static let longestRun = 8

    /// The first tap of a pattern's group.
    @inline(__always) static func groupStart(_ pattern: Int, _ group: Int) -> Int {
        group == 1 && pattern == 1 ? 2 : group
    }

    /// The group of a pattern's tap.
    @inline(__always) static func group(_ pattern: Int, of tap: Int) -> Int {
        switch pattern {
        case 0: 0
        case 1: tap / 2
        case 2: (tap + 1) / 2
        default: tap
        }
    }

    /// Where a pattern's group stands in `subsets`.
    @inline(__always) static func groupSubset(_ pattern: Int, _ group: Int) -> Int {
        switch pattern {
        case 0: 5
        case 1: group == 0 ? 3 : 2
        case 2: group == 0 ? 0 : 4
        default: group
        }
    }

    /// Where the taps `low` to `high` stand in `subsets`.
    @inline(__always) static func subset(_ low: Int, _ high: Int) -> Int {
        low == high ? low : high - low == 2 ? 5 : 3 + low
    }

    /// The weights of 27 taps, 9 x + 3 y + z, summed over each pair of `subsets` along x and y:
    /// [6 x + y, 3 along z].
    static func subsetSums(of weight: (Int) -> Float) -> [Float] {
        var sums: [Float] = []
        sums.reserveCapacity(36 * 3)
        for xTaps in subsets {
            for yTaps in subsets {
                for z in 0..<3 {
                    var sum = 0.0
                    for x in xTaps {
                        for y in yTaps { sum += Double(weight(9 * x + 3 * y + z)) }
                    }
                    sums.append(Float(sum))
                }
            }
        }
        return sums
    }
}

extension ConvolutionGradients {
    /// The gradient of conv2's input summed over runs of its places along x and y, [runs of y, Z, C],
    /// for one run of x. Error: gamma(2 m O + 1) (see `KernelTable`) times the sum of the products'
    /// magnitudes, m the places of the output along x and y that see a run.
    ///
    /// - Parameter weights: with sums over taps.
    static func inputRuns(
        _ x: Range<Int>, _ y: [Range<Int>], _ shape: ConvolutionShape,
        weights: InputGradientWeights, outputGradient: UnsafePointer<Float>,
        sums: UnsafeMutablePointer<Float>, on set: InstructionSet
    ) {
        guard let summed = weights.summed else { preconditionFailure("weights without sums") }
        let kernels = Kernels.of(set)
        let (c, o, out) = (shape.inputChannels, shape.outputChannels, shape.output)
        let length = shape.input.z * c
        let pairs = (shape.input.z + 1) / 2
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * pairs * c) { row in
            let base = row.baseAddress!
            for (run, y) in y.enumerated() {
                row.update(repeating: 0)
                for i in places(x, out.x) {
                    for j in places(y, out.y) {
                        let place = (i * out.y + j) * (out.z + 2) + 1
                        let taps = 6 * subset(x, i) + subset(y, j)
                        for block in 0..<c / 8 {
                            kernels.inputGradientRow(
                                outputGradient + place * o, o,
                                summed.pointer + (taps * (c / 8) + block) * 3 * o * 8, pairs,
                                base + 8 * block, c)
                        }
                    }
                }
                (sums + run * length).update(from: base, count: length)
            }
        }
    }

    /// The places of an output that see any of a run of the input's.
    private static func places(_ run: Range<Int>, _ count: Int) -> Range<Int> {
        let first = max(0, (run.lowerBound - 1) / 2)
        return first..<max(first, min(count, (run.upperBound - 1) / 2 + 1))
    }

    /// The taps by which a place of the output sees a run of the input's.
    private static func subset(_ run: Range<Int>, _ place: Int) -> Int {
        RepeatedAxis.subset(
            max(0, run.lowerBound - 2 * place), min(2, run.upperBound - 1 - 2 * place))
    }
}
