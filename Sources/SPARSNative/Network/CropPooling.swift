/// How the crops of a scan share its label, which says whether a tumour is anywhere in it:
/// multiple-instance learning.
///
/// What is pooled is the margin, the tumour's logit less the other; the pooled margin m takes the
/// cross entropy, log(1 + exp(-m)) with tumours and log(1 + exp(m)) without. Both labels are pooled
/// alike: if tumour-free crops each carried their label while the others are pooled, anything that
/// one crop in a few shows, tumour or not, would lower the loss.
public enum CropPooling: Equatable, Sendable {
    /// None: every crop carries the label.
    case none
    /// The mean of the k highest margins; the maximum for k = 1.
    case highest(Int)
    /// log(mean(exp(margin))), between the mean and the maximum: a crop learns by its share of the
    /// sum.
    case logSumExp
}

/// A batch whose crops belong together by scans.
public struct CropBags: Equatable, Sendable {
    /// Crops of each scan, in the batch's order.
    public var sizes: [Int]
    public var pooling: CropPooling

    public init(sizes: [Int], pooling: CropPooling) {
        self.sizes = sizes
        self.pooling = pooling
    }
}

extension CropPooling {
    /// The pooled margin and its derivative by each.
    func pooled(_ margins: [Double]) -> (margin: Double, gradient: [Double]) {
        var gradient = [Double](repeating: 0, count: margins.count)
        switch self {
        case .none: preconditionFailure("nothing to pool")
        case .highest(let count):
            // Equal margins go by their order, so that the result has one value.
            let order = margins.indices.sorted { (margins[$1], $0) < (margins[$0], $1) }
            let chosen = order.prefix(count)
            for i in chosen { gradient[i] = 1 / Double(chosen.count) }
            return (chosen.reduce(0) { $0 + margins[$1] } / Double(chosen.count), gradient)
        case .logSumExp:
            let top = margins.max() ?? 0
            let shares = margins.map { exponential($0 - top) }
            let sum = shares.reduce(0, +)
            for i in margins.indices { gradient[i] = shares[i] / sum }
            return (top + logarithm(sum / Double(margins.count)), gradient)
        }
    }
}

extension CrossEntropy {
    /// Mean over scans of the pooled margin's cross entropy; over crops if nothing is pooled.
    static func lossAndGradient(
        _ logits: [Float], hasTumour: [Int], classWeights: [Float]?, bags: CropBags
    ) -> (loss: Double, gradient: [Float]) {
        if bags.pooling == .none {
            return lossAndGradient(logits, hasTumour: hasTumour, classWeights: classWeights)
        }
        var starts: [Int] = [0]
        for size in bags.sizes { starts.append(starts.last! + size) }
        let weights = bags.sizes.indices.map { Double(classWeights?[hasTumour[starts[$0]]] ?? 1) }
        let total = weights.reduce(0, +)
        var loss = 0.0
        var gradient = [Float](repeating: 0, count: logits.count)
        for (bag, size) in bags.sizes.enumerated() {
            let weight = weights[bag] / total
            let first = starts[bag]
            let margins = (first..<first + size).map {
                Double(logits[2 * $0 + 1]) - Double(logits[2 * $0])
            }
            let (margin, shares) = bags.pooling.pooled(margins)
            let sign: Double = hasTumour[first] == 1 ? -1 : 1
            loss += weight * softplus(sign * margin)
            let slope = weight * sign * sigmoid(sign * margin)
            for i in 0..<size {
                gradient[2 * (first + i)] = Float(-slope * shares[i])
                gradient[2 * (first + i) + 1] = Float(slope * shares[i])
            }
        }
        return (loss, gradient)
    }

    /// log(1 + exp(x)), without overflow.
    private static func softplus(_ x: Double) -> Double {
        max(x, 0) + logarithm(1 + exponential(-abs(x)))
    }

    private static func sigmoid(_ x: Double) -> Double {
        let small = exponential(-abs(x))
        return x < 0 ? small / (1 + small) : 1 / (1 + small)
    }
}
