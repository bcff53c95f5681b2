import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct CategoricalTests {
    @Test(arguments: Seeds.few) func drawsFollowTheProbabilities(seed: UInt64) {
        var random = RandomSource(seed: seed)
        let distribution = Categorical<Float>(logits: [0, 1, -2, 0.5, 3, 3], actions: 3)
        for b in 0..<2 {
            var counts = [0.0, 0, 0]
            let n = 20_000.0
            for _ in 0..<Int(n) { counts[distribution.sample(b, &random)] += 1 }
            for action in 0..<3 {
                let p = Double(distribution.probability(b, of: action))
                // Five standard errors.
                #expect(abs(counts[action] / n - p) < 5 * (p * (1 - p) / n).squareRoot())
            }
        }
        #expect((distribution.mode(0), distribution.mode(1)) == (1, 1))
    }

    @Test func maskedActionsHaveProbabilityZero() {
        let masked = Categorical<Float>(
            logits: [5, 1, 2, 0, 0, 0], actions: 3,
            allowed: [false, true, true, false, false, false])
        #expect(masked.probability(0, of: 0) == 0)
        let p = Double(masked.probability(0, of: 1))
        #expect(abs(p - 0.268_941_421_369_995_1) < 1e-7)
        #expect(abs(Double(masked.entropy(0)) - 0.582_203_108_888_307) < 1e-6)
        var random = RandomSource(seed: 2)
        for _ in 0..<1_000 { #expect(masked.sample(0, &random) != 0) }
        #expect(masked.mode(0) == 2)
        // With no action allowed all are alike, and nothing is to be gained by changing that.
        #expect(abs(masked.probability(1, of: 2) - 1.0 / 3) < 1e-7)
        #expect(masked.entropy(1) == 0)
    }

    @Test func extremeLogitsStayFinite() {
        var random = RandomSource(seed: 1)
        let distribution = Categorical<Float>(logits: [1e4, -1e4, 0], actions: 3)
        #expect(distribution.logProbability(0, of: 0) == 0)
        #expect(distribution.entropy(0) == 0)
        #expect(distribution.sample(0, &random) == 0)
        let even = Categorical<Double>(logits: [7, 7, 7, 7], actions: 4)
        #expect(abs(even.entropy(0) - 1.386_294_361_119_890_6) < 1e-15)
    }
}
