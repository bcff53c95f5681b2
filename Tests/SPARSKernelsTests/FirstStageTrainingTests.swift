import SPARSTestSupport
import Testing

@testable import SPARSKernels

@Suite struct FirstStageTrainingTests {
    static let shapes = [Extent(4, 4, 4), Extent(5, 6, 7), Extent(6, 9, 23), Extent(8, 5, 30)]

    /// The taps at each place, [places, 27].
    private func taps(_ input: FloatBuffer, _ shape: Extent) -> [[Double]] {
        var rows: [[Double]] = []
        for x in 0..<shape.x - 2 {
            for y in 0..<shape.y - 2 {
                for z in 0..<shape.z - 2 {
                    rows.append(
                        (0..<27).map { t in
                            let place =
                                ((x + t / 9) * shape.y + y + t / 3 % 3) * shape.z + z + t % 3
                            return Double(input.pointer[place])
                        })
                }
            }
        }
        return rows
    }

    @Test(arguments: shapes, Seeds.few) func moments(shape: Extent, seed: UInt64) {
        let inputs = [seed, seed + 9].map { randomBuffer(shape.count, seed: $0) }
        let rows = inputs.flatMap { taps($0, shape) }
        let n = Double(rows.count)
        let mean = (0..<27).map { t in rows.reduce(0) { $0 + $1[t] } / n }
        let magnitude = (0..<27).map { t in rows.reduce(0) { $0 + abs($1[t]) } / n }
        // Sums in float64, ours and these, which bins and lanes make a few terms longer.
        let summed = 2 * gamma(rows.count + 200, unit: 0x1p-53)
        let places = shape.z - 2
        for set in InstructionSet.available {
            var moments = TapMoments(shape: shape)
            for input in inputs { moments.add(input.pointer, on: set) }
            #expect(moments.count == rows.count)
            for t in 0..<27 {
                #expect(
                    abs(moments.mean[t] - mean[t]) <= summed * magnitude[t], "\(set) \(t)")
            }
            let covariance = moments.covariance
            for i in 0..<27 {
                for j in 0..<27 {
                    let exact = rows.reduce(0) { $0 + $1[i] * $1[j] } / n - mean[i] * mean[j]
                    let products = rows.reduce(0) { $0 + abs($1[i] * $1[j]) } / n
                    #expect(
                        abs(covariance[27 * i + j] - exact)
                            <= gamma(places / 2 + 24) * products + 1e-14, "\(set) \(i) \(j)")
                }
            }
        }
    }

    @Test(arguments: shapes, Seeds.few) func pooledValuesChoicesAndTapSums(
        shape: Extent, seed: UInt64
    ) {
        let layer = ConvolutionShape(
            input: shape, inputChannels: 1, outputChannels: 8, stride: 1)
        let input = randomBuffer(shape.count, seed: seed)
        let weights = randomBuffer(27 * 8, seed: seed + 1).values
        let shift = randomBuffer(8, seed: seed + 2)
        let raw = FloatBuffer(count: layer.outputCount)
        let tapMajor = ConvolutionReference.tapMajor(
            weights, inputChannels: 1, outputChannels: 8, scale: Array(repeating: 1, count: 8))
        ConvolutionReference.forward(
            layer, input: input.pointer, weights: tapMajor.pointer, output: raw.pointer)
        let half = layer.output.halved
        let size = half.count * 8
        let expected = FloatBuffer(count: size)
        let expectedChoice = ChoiceBuffer(count: size)
        PoolReference.forward(
            layer.output, channels: 8, raw: raw.pointer, scale: Array(repeating: 1, count: 8),
            shift: shift.pointer, pooled: expected.pointer, choice: expectedChoice.pointer)
        let gradient = randomBuffer(size, seed: seed + 3)
        let sums = plainTapSums(input, shape, half, expected, expectedChoice, gradient)
        let magnitudes = plainTapSums(
            input.magnitudes, shape, half, expected, expectedChoice, gradient.magnitudes)
        for set in InstructionSet.available {
            let output = FloatBuffer(count: size)
            let choice = ChoiceBuffer(count: size)
            FirstStageTraining.forward(
                .dense(input, shape),
                weights: FirstWeights(weights, scale: Array(repeating: 1, count: 8)),
                shift: shift.pointer, pooled: output.pointer, choice: choice.pointer, on: set)
            // Random values have no near ties at these sizes, so the choices are equal.
            #expect((0..<size).allSatisfy { choice.pointer[$0] == expectedChoice.pointer[$0] })
            let plane = half.y * half.z * 8
            let ours = FirstStageTraining.tapSums(
                input: input.pointer, shape: shape, pooled: output.pointer,
                choice: choice.pointer, on: set
            ) { x, target in target.update(from: gradient.pointer + x * plane, count: plane) }
            // float32 along a row of pools, float64 from there.
            for i in sums.indices {
                #expect(
                    abs(ours[i] - sums[i]) <= gamma(half.z) * magnitudes[i] + 1e-14,
                    "\(set), seed \(seed)")
            }
        }
    }

    private func plainTapSums(
        _ input: FloatBuffer, _ shape: Extent, _ half: Extent, _ pooled: FloatBuffer,
        _ choice: ChoiceBuffer, _ gradient: FloatBuffer
    ) -> [Double] {
        var sums = [Double](repeating: 0, count: 8 * 28)
        for i in 0..<half.count * 8 where pooled.pointer[i] > 0 {
            let voxel = i / 8
            let k = Int(choice.pointer[i])
            let x = voxel / (half.y * half.z) * 2 + k / 4
            let y = voxel / half.z % half.y * 2 + k / 2 % 2
            let z = voxel % half.z * 2 + k % 2
            let g = Double(gradient.pointer[i])
            for t in 0..<27 {
                let place = ((x + t / 9) * shape.y + y + t / 3 % 3) * shape.z + z + t % 3
                sums[28 * (i % 8) + t] += g * Double(input.pointer[place])
            }
            sums[28 * (i % 8) + 27] += g
        }
        return sums
    }
}
