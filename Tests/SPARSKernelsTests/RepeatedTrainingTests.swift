import SPARSTestSupport
import Testing

@testable import SPARSKernels

/// conv1's training over distinct places against the same over every place.
@Suite struct RepeatedTrainingTests {
    /// Windows and grids: many repeats, few, none along an axis, one voxel, three voxels in a row.
    static let shapes: [(Extent, Extent)] = [
        (Extent(3, 4, 5), Extent(16, 21, 23)), (Extent(7, 5, 9), Extent(11, 18, 10)),
        (Extent(1, 2, 1), Extent(6, 7, 8)), (Extent(9, 3, 17), Extent(10, 12, 17)),
    ]

    private struct Case {
        let grid: Extent
        let dense: FloatBuffer
        let repeated: RepeatedInput
        let weights: [Float]
        let scale: [Float]
        let shift: FloatBuffer
        let half: Extent

        init(_ shapes: (Extent, Extent), seed: UInt64) {
            let (window, grid) = shapes
            self.grid = grid
            let source = randomBuffer(window.count, seed: seed)
            let axes = [(window.x, grid.x), (window.y, grid.y), (window.z, grid.z)].map {
                ResampleAxis.nearest(from: $0, to: $1)
            }
            dense = FloatBuffer(count: grid.count)
            ResampleKernels.nearest(
                source: source.pointer, from: window, target: dense.pointer, x: axes[0],
                y: axes[1], z: axes[2])
            repeated = RepeatedInput(
                source: source, sourceShape: window, x: RepeatedAxis(axes[0].lower)!,
                y: RepeatedAxis(axes[1].lower)!, z: RepeatedAxis(axes[2].lower)!)
            weights = randomBuffer(27 * 8, seed: seed + 1).values
            // Of both signs: the maximum must be taken behind the scale.
            scale = randomBuffer(8, seed: seed + 2).values
            shift = randomBuffer(8, seed: seed + 3)
            half = grid.convolved(stride: 1).halved
        }
    }

    @Test(arguments: shapes, Seeds.few)
    func pooledValuesAndTapSums(shapes: (Extent, Extent), seed: UInt64) {
        let test = Case(shapes, seed: seed)
        let size = test.half.count * 8
        let plane = test.half.y * test.half.z * 8
        let gradient = randomBuffer(size, seed: seed + 4)
        func copyPlane(_ x: Int, _ target: UnsafeMutablePointer<Float>) {
            target.update(from: gradient.pointer + x * plane, count: plane)
        }
        for set in InstructionSet.available {
            let expected = FloatBuffer(count: size)
            let expectedChoice = ChoiceBuffer(count: size)
            FirstStageTraining.forward(
                .dense(test.dense, test.grid),
                weights: FirstWeights(test.weights, scale: test.scale),
                shift: test.shift.pointer, pooled: expected.pointer,
                choice: expectedChoice.pointer, on: set)
            let output = FloatBuffer(count: size)
            let choice = ChoiceBuffer(count: size)
            test.repeated.trainingForward(
                weights: RepeatedWeights(test.weights, scale: test.scale),
                shift: test.shift.pointer, pooled: output.pointer, choice: choice.pointer, on: set)
            #expect(output.values.contains { $0 > 0 })

            let plain = FirstStageTraining.tapSums(
                input: test.dense.pointer, shape: test.grid, pooled: expected.pointer,
                choice: expectedChoice.pointer, on: set, gradient: copyPlane)
            let ours = test.repeated.tapSums(
                pooled: output.pointer, choice: choice.pointer, on: set
            ) { Self.sumRuns(of: gradient, test.half, $0, $1, $2) }
            let inputMagnitudes = test.dense.magnitudes
            let magnitudes = FirstStageTraining.tapSums(
                input: inputMagnitudes.pointer, shape: test.grid, pooled: expected.pointer,
                choice: expectedChoice.pointer, on: set
            ) { x, target in
                for i in 0..<plane { target[i] = abs(gradient.pointer[x * plane + i]) }
            }
            // Equal places tie; which of them is chosen must not matter. float32 within a plane of
            // pools, and along a row of the twin's; runs of up to 8 x 8 are summed by `sumRuns`.
            let unit = gamma(test.half.y * test.half.z + 4) + 2 * gamma(test.half.z) + gamma(64)
            for i in plain.indices {
                #expect(
                    abs(ours[i] - plain[i]) <= unit * magnitudes[i] + 1e-14,
                    "\(set), seed \(seed)")
            }
        }
    }

    /// The sums of a gradient [X, Y, Z, 8] over a run of planes and runs of rows.
    private static func sumRuns(
        of gradient: FloatBuffer, _ half: Extent, _ x: Range<Int>, _ y: [Range<Int>],
        _ sums: UnsafeMutablePointer<Float>
    ) {
        let row = half.z * 8
        sums.update(repeating: 0, count: y.count * row)
        for x in x {
            for (run, y) in y.enumerated() {
                for y in y {
                    let place = gradient.pointer + (x * half.y + y) * row
                    for i in 0..<row { sums[run * row + i] += place[i] }
                }
            }
        }
    }

    @Test(arguments: [(1, 9), (2, 20), (3, 44), (5, 61), (16, 128), (30, 31)])
    func runsAndStepsAreThoseOfEqualPools(window: Int, grid: Int) throws {
        let axis = try #require(RepeatedAxis(ResampleAxis.nearest(from: window, to: grid).lower))
        let seen = axis.pairFirst.indices.map { Array(axis.source[2 * $0..<2 * $0 + 4]) }
        let runs = axis.pooledRuns
        #expect(runs.flatMap { Array($0) } == Array(seen.indices))
        for (run, next) in zip(runs, runs.dropFirst()) {
            #expect(seen[run.upperBound - 1] != seen[next.lowerBound] || run.count == 8)
        }
        // Pools are equal whose places see the same voxels by the same taps.
        for run in runs {
            let pool = seen[run.lowerBound]
            for other in run { #expect(seen[other] == pool) }
        }
        let places = (seen.count - 3) / 2 + 1
        guard seen.count >= 3 else { return }
        for (place, pattern) in axis.pooledPatterns(places).enumerated() {
            let three = seen[2 * place..<2 * place + 3].map { $0 }
            #expect(pattern == (three[0] == three[1] ? 0 : 2) + (three[1] == three[2] ? 0 : 1))
            for tap in 0..<3 {
                let group = RepeatedAxis.group(pattern, of: tap)
                #expect(RepeatedAxis.groups[pattern][group].contains(tap))
                #expect(
                    RepeatedAxis.groups[pattern][group][0]
                        == RepeatedAxis.groupStart(pattern, group))
                let subset = RepeatedAxis.groupSubset(pattern, group)
                #expect(RepeatedAxis.subsets[subset] == RepeatedAxis.groups[pattern][group])
            }
        }
    }

    /// conv2 and its gradients over equal pools against the same over every pool.
    @Test(arguments: shapes.filter { $0.1.x > 8 }, Seeds.few)
    func secondConvolutionOverEqualPools(shapes: (Extent, Extent), seed: UInt64) {
        let test = Case(shapes, seed: seed)
        let shape = ConvolutionShape(
            input: test.half, inputChannels: 8, outputChannels: 16, stride: 2)
        let steps = test.repeated.pooledSteps(shape.output)
        let pooled = FloatBuffer(count: test.half.count * 8)
        let choice = ChoiceBuffer(count: test.half.count * 8)
        test.repeated.trainingForward(
            weights: RepeatedWeights(test.weights, scale: test.scale), shift: test.shift.pointer,
            pooled: pooled.pointer, choice: choice.pointer)
        let weights = randomBuffer(shape.weightCount, seed: seed + 6)
        // Padded rows: zero before and behind.
        let (out, width) = (shape.output, (shape.output.z + 2) * 16)
        let gradient = randomBuffer(out.x * out.y * width, seed: seed + 7)
        for row in 0..<out.x * out.y {
            for k in 0..<16 {
                gradient.pointer[row * width + k] = 0
                gradient.pointer[(row + 1) * width - 16 + k] = 0
            }
        }
        func raw(
            _ weights: [Float], _ input: FloatBuffer, _ steps: PooledSteps?, _ set: InstructionSet
        ) -> [Float] {
            let output = FloatBuffer(count: shape.outputCount)
            ConvolutionKernels.raw(
                shape, input: input.pointer,
                weights: ConvolutionWeights(
                    weights, inputChannels: 8, outputChannels: 16, sumsTaps: true),
                steps: steps, output: output.pointer, on: set)
            return output.values
        }
        func weightGradient(
            _ gradient: FloatBuffer, _ steps: PooledSteps?, _ set: InstructionSet
        ) -> [Double] {
            ConvolutionGradients.weights(
                shape, input: pooled.pointer, outputGradient: gradient.pointer, steps: steps,
                on: set)
        }
        func inputGradient(
            _ weights: [Float], _ gradient: FloatBuffer, _ set: InstructionSet
        ) -> FloatBuffer {
            let found = FloatBuffer(count: shape.inputCount)
            ConvolutionGradients.input(
                shape,
                weights: InputGradientWeights(weights, inputChannels: 8, outputChannels: 16),
                outputGradient: gradient.pointer, gradient: found.pointer, on: set)
            return found
        }
        func close(_ a: Double, _ b: Double, _ roundings: Int, _ magnitude: Double) -> Bool {
            abs(a - b) <= gamma(roundings) * magnitude + 1e-14
        }
        let (x, y) = (test.repeated.x.pooledRuns, test.repeated.y.pooledRuns)
        let length = y.count * test.half.z * 8
        for set in InstructionSet.available {
            let plain = raw(weights.values, pooled, nil, set)
            let ours = raw(weights.values, pooled, steps, set)
            let bounds = raw(weights.magnitudes.values, pooled, nil, set)
            for i in plain.indices {
                #expect(
                    close(Double(ours[i]), Double(plain[i]), 3 * 27 * 8, Double(bounds[i])),
                    "\(set), seed \(seed)")
            }
            let sums = weightGradient(gradient, nil, set)
            let fewer = weightGradient(gradient, steps, set)
            let limits = weightGradient(gradient.magnitudes, nil, set)
            for i in sums.indices {
                #expect(
                    close(fewer[i], sums[i], 3 * (out.y * out.z + 1), limits[i]),
                    "\(set), seed \(seed)")
            }
            let each = inputGradient(weights.values, gradient, set)
            let largest = inputGradient(weights.magnitudes.values, gradient.magnitudes, set)
            let summed = InputGradientWeights(
                weights.values, inputChannels: 8, outputChannels: 16, sumsTaps: true)
            for run in x {
                let (found, expected, bound) = (
                    FloatBuffer(count: length), FloatBuffer(count: length),
                    FloatBuffer(count: length)
                )
                ConvolutionGradients.inputRuns(
                    run, y, shape, weights: summed, outputGradient: gradient.pointer,
                    sums: found.pointer, on: set)
                Self.sumRuns(of: each, test.half, run, y, expected.pointer)
                Self.sumRuns(of: largest, test.half, run, y, bound.pointer)
                // A run of 8 is seen by 5 places along each axis.
                for i in 0..<length {
                    #expect(
                        close(
                            Double(found.pointer[i]), Double(expected.pointer[i]),
                            3 * (50 * 16 + 64), Double(bound.pointer[i])),
                        "\(set), seed \(seed)")
                }
            }
        }
    }

    /// Against the definition in float64: 9 products at most, 2 sums along z, the shift; weights are
    /// rounded twice before, the twin's values twice and their magnitudes once.
    @Test(arguments: shapes, Seeds.few)
    func pooledValuesAgainstTheDefinition(shapes: (Extent, Extent), seed: UInt64) {
        let test = Case(shapes, seed: seed)
        let layer = ConvolutionShape(
            input: test.grid, inputChannels: 1, outputChannels: 8, stride: 1)
        let size = test.half.count * 8
        let weights = ConvolutionReference.tapMajor(
            test.weights, inputChannels: 1, outputChannels: 8, scale: test.scale)
        func pooled(
            _ input: FloatBuffer, _ weights: FloatBuffer, _ shift: FloatBuffer
        ) -> [Double] {
            let raw = FloatBuffer(count: layer.outputCount)
            ConvolutionReference.forward(
                layer, input: input.pointer, weights: weights.pointer, output: raw.pointer)
            let output = FloatBuffer(count: size)
            let choice = ChoiceBuffer(count: size)
            PoolReference.forward(
                layer.output, channels: 8, raw: raw.pointer,
                scale: Array(repeating: 1, count: 8), shift: shift.pointer,
                pooled: output.pointer, choice: choice.pointer)
            return output.doubles
        }
        let exact = pooled(test.dense, weights, test.shift)
        let magnitudes = pooled(
            test.dense.magnitudes, weights.magnitudes, test.shift.magnitudes)
        for set in InstructionSet.available {
            let output = FloatBuffer(count: size)
            let choice = ChoiceBuffer(count: size)
            test.repeated.trainingForward(
                weights: RepeatedWeights(test.weights, scale: test.scale),
                shift: test.shift.pointer, pooled: output.pointer, choice: choice.pointer, on: set)
            let worst = worstError(output.values, exact, magnitudes: magnitudes, roundings: 17)
            #expect(worst <= 1, "\(set), seed \(seed)")
        }
    }

    @Test(arguments: shapes, Seeds.few)
    func moments(shapes: (Extent, Extent), seed: UInt64) {
        let test = Case(shapes, seed: seed)
        let other = randomBuffer(test.grid.count, seed: seed + 5)
        let magnitudes = MomentMagnitudes([test.dense, other], shape: test.grid)
        let places = test.grid.z - 2
        let unit = gamma((shapes.0.z + 7) / 8 + 5) + 2 * gamma(places / 2 + 24)
        for set in InstructionSet.available {
            var plain = TapMoments(shape: test.grid)
            var ours = TapMoments(shape: test.grid)
            plain.add(test.dense.pointer, on: set)
            ours.add(test.repeated)
            // Both kinds of input may stand in one batch.
            plain.add(other.pointer, on: set)
            ours.add(other.pointer, on: set)
            #expect(ours.count == plain.count)
            let summed = 2 * gamma(ours.count + 200, unit: 0x1p-53)
            for (t, bound) in magnitudes.mean.enumerated() {
                #expect(abs(ours.mean[t] - plain.mean[t]) <= summed * bound, "seed \(seed)")
            }
            let (a, b) = (ours.covariance, plain.covariance)
            for (i, bound) in magnitudes.products.enumerated() {
                #expect(abs(a[i] - b[i]) <= unit * bound + 1e-14, "\(set), seed \(seed)")
            }
        }
    }

    /// The bound that `RepeatedMoments` states, for every sum and every pair of taps.
    @Test(arguments: shapes, Seeds.few)
    func momentsStayWithinTheirBound(shapes: (Extent, Extent), seed: UInt64) {
        let test = Case(shapes, seed: seed)
        let moments = RepeatedMoments(test.repeated)
        let (places, grid) = (test.grid.convolved(stride: 1), test.grid)
        let values = test.dense.doubles
        let taps = (0..<27).map { tap in (tap / 9 * grid.y + tap / 3 % 3) * grid.z + tap % 3 }
        var starts: [Int] = []
        for x in 0..<places.x {
            for y in 0..<places.y {
                for z in 0..<places.z { starts.append((x * grid.y + y) * grid.z + z) }
            }
        }
        let unit = gamma((shapes.0.z + 7) / 8 + 5)
        for i in 0..<27 {
            let seen = starts.map { values[$0 + taps[i]] }
            let largest = seen.reduce(0) { $0 + abs($1) }
            #expect(
                abs(moments.sums[i] - seen.reduce(0, +))
                    <= 2 * gamma(seen.count + 200, unit: 0x1p-53) * largest, "seed \(seed)")
            for j in i..<27 {
                let terms = zip(seen, starts).map { $0 * values[$1 + taps[j]] }
                let magnitude = terms.reduce(0) { $0 + abs($1) }
                #expect(
                    abs(moments.products[27 * i + j] - terms.reduce(0, +)) <= unit * magnitude,
                    "taps \(i) and \(j), seed \(seed)")
            }
        }
    }
}
