import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite(.serialized) struct TrainingCropsTests {
    private let architecture: NetworkArchitecture
    private let window = Extent(24, 19, 17)

    init() throws { architecture = try NetworkArchitecture(input: Extent(109, 112, 117)) }

    /// A pass over four crops, so that the last batch norm is not over two values, by their own
    /// voxels or on the grid.
    private func pass(
        seed: UInt64, byVoxels: Bool, _ interpolation: Interpolation,
        workspace: TrainingWorkspace = TrainingWorkspace(), spoil: Bool = false
    ) throws -> TrainingPass {
        let grid = architecture.input
        let window = self.window
        var crops = (0..<4).map { n in
            goldenUniform(seed: seed + UInt64(n), count: window.count).map { 400 * $0 - 150 }
        }
        if spoil { crops[1][7] = .nan }
        let fill = { [crops] (n: Int, input: UnsafeMutableBufferPointer<Float>) in
            crops[n].withUnsafeBufferPointer {
                Resample.resample(
                    $0.baseAddress!, from: window, into: input.baseAddress!, to: grid,
                    by: interpolation)
            }
        }
        return try lossAndGradients(
            architecture: architecture, parameters: goldenParameters(architecture, seed: seed),
            count: 4,
            crops: byVoxels
                ? TrainingCrops(resizedTo: grid, by: interpolation) { [crops] in
                    (crops[$0], window)
                }
                : TrainingCrops(fill), hasTumour: [0, 1, 1, 0], workspace: workspace)
    }

    @Test(arguments: Interpolation.allCases, Seeds.few) func voxelsGiveTheGradientsOfTheGrid(
        interpolation: Interpolation, seed: UInt64
    ) throws {
        let dense = try pass(seed: seed, byVoxels: false, interpolation)
        let ours = try pass(seed: seed, byVoxels: true, interpolation)
        #expect(abs(ours.loss - dense.loss) < 1e-5 * dense.loss, "seed \(seed)")
        let scale = dense.gradients["conv1.weight"]!.values.map(abs).max()!
        for name in architecture.trainableNames {
            let expected = dense.gradients[name]!.values
            let values = ours.gradients[name]!.values
            if name.hasPrefix("conv") && name.hasSuffix("bias") {
                #expect(values.allSatisfy { abs($0) < 1e-5 * scale })
                continue
            }
            let norm = expected.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            let error = zip(values, expected).reduce(0) {
                $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
            }.squareRoot()
            // In front of a pool or ReLU rounding may choose another of two nearly equal places, and
            // move one of the few large gradients; behind them it may not.
            let isBehind = name.hasPrefix("fc") || name.hasPrefix("conv4") || name.hasPrefix("bn4")
            #expect(
                error < (isBehind ? 1e-4 : 0.05) * norm,
                "\(name), seed \(seed): \(error) of \(norm)")
        }
        for (a, b) in zip(ours.statistics, dense.statistics) {
            expectClose(a.mean, b.mean.map(Double.init), within: 1e-4)
            expectClose(a.unbiasedVariance, b.unbiasedVariance.map(Double.init), within: 1e-4)
        }
    }

    @Test(arguments: [false, true], Interpolation.allCases) func threadsDoNotChangeABit(
        byVoxels: Bool, interpolation: Interpolation
    ) throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let workspace = TrainingWorkspace()
        var passes: [TrainingPass] = []
        for threads in [1, 2, 3, 7] {
            Parallel.threadCount = threads
            // A workspace that was used before changes nothing either.
            passes.append(
                try pass(
                    seed: 4, byVoxels: byVoxels, interpolation, workspace: workspace))
        }
        for other in passes.dropFirst() {
            #expect(other.loss == passes[0].loss && other.logits == passes[0].logits)
            #expect(other.statistics == passes[0].statistics)
            for name in architecture.trainableNames {
                #expect(other.gradients[name] == passes[0].gradients[name], "\(name)")
            }
        }
    }

    /// Two crops' outputs fit, or none: the others are made again on the way back.
    @Test(arguments: Interpolation.allCases, [0, 2]) func whatIsMadeAgainHasTheSameBits(
        interpolation: Interpolation, kept: Int
    ) throws {
        let wanted = try pass(seed: 6, byVoxels: true, interpolation)
        let workspace = TrainingWorkspace(
            firstOutputBytes: kept * 5 * architecture.convolution(1).inputCount,
            rawOutputBytes: kept * 4 * architecture.convolution(1).outputCount)
        for _ in 0..<2 {
            let found = try pass(seed: 6, byVoxels: true, interpolation, workspace: workspace)
            #expect(found.loss == wanted.loss && found.logits == wanted.logits)
            #expect(found.statistics == wanted.statistics)
            for name in architecture.trainableNames {
                #expect(found.gradients[name] == wanted.gradients[name], "\(name)")
            }
        }
    }

    @Test(arguments: [false, true], Interpolation.allCases) func badVoxelsAreRefused(
        byVoxels: Bool, interpolation: Interpolation
    ) {
        #expect(throws: SPARSError.self) {
            try pass(seed: 5, byVoxels: byVoxels, interpolation, spoil: true)
        }
    }
}
