/// How well scores tell crops with tumour from crops without.
///
/// A crop counts as positive where its score exceeds one half, which is where logit 1 exceeds
/// logit 0; a tie counts as negative. What would divide by zero is NaN (the released scripts print 0
/// there, which reads like a measured failure).
public struct ClassificationMetrics: Equatable, Sendable {
    public let truePositives: Int
    public let falsePositives: Int
    public let trueNegatives: Int
    public let falseNegatives: Int
    /// The probability that a crop with tumour scores above one without, ties counting half: the
    /// area under the ROC curve. NaN unless both kinds are there.
    public let rocAUC: Double

    public var count: Int { truePositives + falsePositives + trueNegatives + falseNegatives }
    public var accuracy: Double { Double(truePositives + trueNegatives) / Double(count) }
    public var precision: Double {
        Double(truePositives) / Double(truePositives + falsePositives)
    }
    public var sensitivity: Double {
        Double(truePositives) / Double(truePositives + falseNegatives)
    }
    public var specificity: Double {
        Double(trueNegatives) / Double(trueNegatives + falsePositives)
    }

    /// - Parameters:
    ///   - scores: finite.
    ///   - hasTumour: 0 or 1 for each score.
    public init(scores: [Float], hasTumour: [Int]) {
        precondition(
            scores.count == hasTumour.count, "\(scores.count) scores, \(hasTumour.count) labels")
        func count(_ positive: Bool, _ label: Int) -> Int {
            zip(scores, hasTumour).count { ($0 > 0.5) == positive && $1 == label }
        }
        truePositives = count(true, 1)
        falsePositives = count(true, 0)
        trueNegatives = count(false, 0)
        falseNegatives = count(false, 1)
        rocAUC = Self.rocAUC(scores, hasTumour)
    }

    /// From the sum of ranks (Mann and Whitney, 1947); equal scores share their mean rank.
    private static func rocAUC(_ scores: [Float], _ hasTumour: [Int]) -> Double {
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        var rankSum = 0.0
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, scores[order[end]] == scores[order[start]] { end += 1 }
            let rank = Double(start + end + 1) / 2
            rankSum += rank * Double(order[start..<end].count { hasTumour[$0] == 1 })
            start = end
        }
        let positives = Double(hasTumour.count { $0 == 1 })
        let negatives = Double(hasTumour.count) - positives
        return (rankSum - positives * (positives + 1) / 2) / (positives * negatives)
    }
}
