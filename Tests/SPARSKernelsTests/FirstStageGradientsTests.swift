import SPARSTestSupport
import Testing

import struct SPARSNative.RandomSource

@testable import SPARSKernels

/// The way back to the input against sums over every pool, channel and tap in float64.
@Suite struct FirstStageGradientsTests {
    @Test(
        arguments: [Extent(4, 4, 4), Extent(5, 7, 6), Extent(9, 4, 11), Extent(12, 10, 7)],
        Seeds.few)
    func gradientEqualsThePlainSum(shape: Extent, seed: UInt64) {
        let half = shape.convolved(stride: 1).halved
        let count = half.count * 8
        let pooled = randomBuffer(count, seed: seed)
        let outputGradient = randomBuffer(count, seed: seed + 1)
        let weights = randomBuffer(27 * 8, seed: seed + 2).values
        let scale = randomBuffer(8, seed: seed + 3).values
        let choice = ChoiceBuffer(count: count)
        var random = RandomSource(seed: seed + 4)
        for i in 0..<count { choice.pointer[i] = UInt8(random.integer(below: 8)) }

        var expected = [Double](repeating: 0, count: shape.count)
        var magnitudes = expected
        for i in 0..<count where pooled.pointer[i] > 0 {
            let (q, c) = (i / 8, i % 8)
            let chosen = Int(choice.pointer[i])
            let x = 2 * (q / (half.y * half.z)) + chosen / 4
            let y = 2 * (q / half.z % half.y) + chosen / 2 % 2
            let z = 2 * (q % half.z) + chosen % 2
            for tap in 0..<27 {
                let voxel =
                    ((x + tap / 9) * shape.y + y + tap / 3 % 3) * shape.z + z + tap % 3
                let term =
                    Double(outputGradient.pointer[i]) * Double(weights[27 * c + tap] * scale[c])
                expected[voxel] += term
                magnitudes[voxel] += abs(term)
            }
        }
        let gradient = FloatBuffer(count: shape.count)
        FirstStageGradients.input(
            shape: shape, weights: FirstBackwardWeights(weights, scale: scale),
            pooled: pooled.pointer, choice: choice.pointer,
            outputGradient: outputGradient.pointer, gradient: gradient.pointer)
        let worst = worstError(gradient.values, expected, magnitudes: magnitudes, roundings: 64)
        #expect(worst <= 1, "\(shape), seed \(seed)")
    }

    @Test(
        arguments: [
            (Extent(3, 4, 5), Extent(11, 9, 13)), (Extent(5, 5, 5), Extent(5, 5, 5)),
            (Extent(9, 12, 7), Extent(4, 5, 7)), (Extent(1, 2, 3), Extent(6, 2, 5)),
        ])
    func nearestGradientIsTheAdjointOfNearest(from: Extent, to: Extent) {
        let axes = (
            ResampleAxis.nearest(from: from.x, to: to.x),
            ResampleAxis.nearest(from: from.y, to: to.y),
            ResampleAxis.nearest(from: from.z, to: to.z)
        )
        let gradient = randomBuffer(to.count, seed: 5)
        var sums = [Double](repeating: 0, count: from.count)
        sums.withUnsafeMutableBufferPointer {
            ResampleKernels.addNearestGradient(
                gradient.pointer, from: from, x: axes.0, y: axes.1, z: axes.2,
                to: $0.baseAddress!)
        }
        var expected = [Double](repeating: 0, count: from.count)
        for i in 0..<to.x {
            for j in 0..<to.y {
                for k in 0..<to.z {
                    let source =
                        (axes.0.lower[i] * from.y + axes.1.lower[j]) * from.z + axes.2.lower[k]
                    expected[source] += Double(gradient.pointer[(i * to.y + j) * to.z + k])
                }
            }
        }
        for (sum, wanted) in zip(sums, expected) { #expect(abs(sum - wanted) < 1e-12) }
    }

    @Test func positionsBeyondTheEndsHold() {
        let axis = ResampleAxis.linear(from: 3, at: [-2, 0, 0.25, 1.5, 2, 7])
        let source: [Float] = [10, 20, 40]
        let values = axis.lower.indices.map {
            source[axis.lower[$0]] * (1 - axis.weight[$0])
                + source[axis.upper[$0]] * axis.weight[$0]
        }
        #expect(values == [10, 10, 12.5, 30, 40, 40])
    }
}
