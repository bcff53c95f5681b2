import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct ClassificationMetricsTests {
    @Test func countsAndRatios() {
        let metrics = ClassificationMetrics(
            scores: [0.9, 0.6, 0.5, 0.1, 0.7, 0.2], hasTumour: [1, 0, 1, 0, 1, 0])
        #expect(metrics.truePositives == 2)
        #expect(metrics.falsePositives == 1)
        // One half is a tie of the logits and counts as negative.
        #expect(metrics.falseNegatives == 1)
        #expect(metrics.trueNegatives == 2)
        #expect(metrics.accuracy == 4.0 / 6)
        #expect(metrics.precision == 2.0 / 3)
        #expect(metrics.sensitivity == 2.0 / 3)
        #expect(metrics.specificity == 2.0 / 3)
        #expect(metrics.rocAUC == 8.0 / 9)
    }

    @Test func whatDividesByZeroIsNaN() {
        let negatives = ClassificationMetrics(scores: [0.1, 0.2], hasTumour: [0, 0])
        #expect(negatives.precision.isNaN && negatives.sensitivity.isNaN)
        #expect(negatives.rocAUC.isNaN)
        #expect(negatives.specificity == 1 && negatives.accuracy == 1)
        let positives = ClassificationMetrics(scores: [0.1], hasTumour: [1])
        #expect(positives.specificity.isNaN && positives.rocAUC.isNaN)
        #expect(ClassificationMetrics(scores: [], hasTumour: []).accuracy.isNaN)
    }

    @Test(arguments: Seeds.many) func areaIsTheShareOfPairsInOrder(seed: UInt64) {
        var random = RandomSource(seed: seed)
        // Few distinct scores, so that ties are common.
        let scores = (0..<40).map { _ in Float(random.integer(below: 7)) / 7 }
        let labels = [0, 1] + (0..<38).map { _ in random.integer(below: 2) }
        var pairs = 0.0
        var inOrder = 0.0
        for i in scores.indices where labels[i] == 1 {
            for j in scores.indices where labels[j] == 0 {
                pairs += 1
                inOrder += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
            }
        }
        let area = ClassificationMetrics(scores: scores, hasTumour: labels).rocAUC
        #expect(abs(area - inOrder / pairs) < 1e-12, "seed \(seed)")
    }
}
