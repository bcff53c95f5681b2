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
                pooled: output.pointer, choice: choice.pointer, on: set, gradient: copyPlane)
            let inputMagnitudes = test.dense.magnitudes
            let magnitudes = FirstStageTraining.tapSums(
                input: inputMagnitudes.pointer, shape: test.grid, pooled: expected.pointer,
                choice: expectedChoice.pointer, on: set
            ) { x, target in
                for i in 0..<plane { target[i] = abs(gradient.pointer[x * plane + i]) }
            }
            // Equal places tie; which of them is chosen must not matter. float32 within a plane of
            // pools, and along a row of the twin's.
            let unit = gamma(test.half.y * test.half.z + 4) + 2 * gamma(test.half.z)
            for i in plain.indices {
                #expect(
                    abs(ours[i] - plain[i]) <= unit * magnitudes[i] + 1e-14,
                    "\(set), seed \(seed)")
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
