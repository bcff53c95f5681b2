import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct EvaluationGradientsTests {
    private static let input = Extent(108, 110, 109)

    private struct Setup {
        let architecture: NetworkArchitecture
        let network: EvaluationGradients
        let plain: DoubleNetwork
        let values: [Float]

        init(seed: UInt64) throws {
            architecture = try NetworkArchitecture(input: input)
            let parameters = goldenParameters(architecture, seed: seed)
            network = try EvaluationGradients(architecture: architecture, parameters: parameters)
            plain = DoubleNetwork(architecture: architecture, parameters: parameters)
            values = goldenUniform(seed: seed + 1, count: input.count).map { 4 * ($0 - 0.5) }
        }

        func gradient(_ target: EvidenceTarget) throws -> (logits: [Float], values: [Float]) {
            let pass = try network.forward(.dense(FloatBuffer(values), input))
            return (pass.logits, try network.inputGradient(pass, target).values)
        }
    }

    @Test(arguments: [3, 4] as [UInt64]) func gradientsEqualFiniteDifferences(seed: UInt64) throws {
        let setup = try Setup(seed: seed)
        let (logits, gradient) = try setup.gradient(.logOdds)
        let value = { (direction: [Int: Double], step: Double) -> Double in
            var moved = setup.values.map(Double.init)
            for (i, part) in direction { moved[i] += step * part }
            let logits = setup.plain.logits(moved)
            return logits[1] - logits[0]
        }
        #expect(abs(Double(logits[1] - logits[0]) - value([:], 0)) < 1e-5)
        let strongest = gradient.indices.max { gradient[$0].magnitude < gradient[$1].magnitude }!
        var random = RandomSource(seed: seed)
        let everywhere = Dictionary(
            uniqueKeysWithValues: gradient.indices.map { ($0, random.uniform(-1, 1)) })
        // Steps below the distance to the next kink of a max-pool or ReLU, above rounding.
        for (name, direction, step) in [
            ("strongest", [strongest: 1.0], 1e-6), ("everywhere", everywhere, 1e-8),
        ] {
            let slope = (value(direction, step) - value(direction, -step)) / (2 * step)
            let ours = direction.reduce(0) { $0 + Double(gradient[$1.key]) * $1.value }
            #expect(
                abs(ours - slope) < 1e-3 * abs(slope), "\(name), seed \(seed): \(ours) \(slope)")
        }
    }

    @Test func targetsDifferByTheirSlopes() throws {
        let setup = try Setup(seed: 5)
        let (logits, odds) = try setup.gradient(.logOdds)
        let (_, score) = try setup.gradient(.score)
        let share = EvidenceTarget.score.value(logits)
        let slope = Float(share * (1 - share))
        let largest = score.map(\.magnitude).max()!
        #expect(largest > 0)
        for (a, b) in zip(score, odds) { #expect(abs(a - slope * b) <= 1e-4 * largest) }
        #expect(EvidenceTarget.logit.value(logits) == Double(logits[1]))
        let far = EvidenceTarget.score.gradient([0, 1000])
        #expect(far == [0, 0] && EvidenceTarget.score.value([1000, 0]) == 0)
    }

    @Test func logitsAreTheEvaluators() throws {
        let setup = try Setup(seed: 6)
        let evaluator = try NetworkEvaluator(
            architecture: setup.architecture,
            parameters: goldenParameters(setup.architecture, seed: 6))
        let expected = try setup.values.withUnsafeBufferPointer { values throws(SPARSError) in
            try evaluator.logits(values, count: 1)
        }
        expectClose(try setup.gradient(.logit).logits, expected.map(Double.init), within: 1e-5)
    }

    @Test(arguments: [1, 2, 3, 7]) func bitsDoNotDependOnThreads(threads: Int) throws {
        let setup = try Setup(seed: 7)
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let expected = try setup.gradient(.logOdds).values
        Parallel.threadCount = threads
        #expect(try setup.gradient(.logOdds).values == expected)
    }

    @Test(arguments: [2, 3, 4]) func classActivationHasTheConvolutionsExtent(layer: Int) throws {
        let setup = try Setup(seed: 8)
        let pass = try setup.network.forward(
            .dense(FloatBuffer(setup.values), Self.input))
        let map = try setup.network.classActivation(pass, .logOdds, layer: layer)
        #expect(map.count == setup.architecture.convolved[layer - 1].count)
        #expect(map.values.allSatisfy { $0 >= 0 && $0.isFinite })
    }
}
