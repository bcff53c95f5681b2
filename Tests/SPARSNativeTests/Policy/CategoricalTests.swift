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
