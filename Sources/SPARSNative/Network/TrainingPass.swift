/// What one pass forward and backward over a batch in training mode gives.
public struct TrainingPass: Sendable {
    /// Mean cross entropy of the batch; weighted by class as PyTorch does if weights were given.
    public let loss: Double
    /// [count, 2].
    public let logits: [Float]
    /// The loss's gradient for every trainable parameter, under its name.
    public let gradients: Parameters
    /// Statistics of the batch for bn1 to bn4: what running statistics move towards.
    public let statistics: [BatchStatistics]
}

/// Per channel, over the batch and all voxels of a convolution's output, its bias included.
public struct BatchStatistics: Equatable, Sendable {
    public let mean: [Float]
    /// Divided by the count less one, as PyTorch's running variance.
    public let unbiasedVariance: [Float]
}

/// Cross entropy over logits [count, 2] and its gradient.
enum CrossEntropy {
    /// - Parameter classWeights: one weight for each class; the loss is then divided by the sum of
    ///   the weights of the batch, as PyTorch's.
    static func lossAndGradient(
        _ logits: [Float], hasTumour: [Int], classWeights: [Float]?
    ) -> (loss: Double, gradient: [Float]) {
        let weights = hasTumour.map { Double(classWeights?[$0] ?? 1) }
        let total = weights.reduce(0, +)
        var loss = 0.0
        var gradient = [Float](repeating: 0, count: logits.count)
        for (n, label) in hasTumour.enumerated() {
            let a = Double(logits[2 * n])
            let b = Double(logits[2 * n + 1])
            let top = max(a, b)
            let share = [exponential(a - top), exponential(b - top)]
            let sum = share[0] + share[1]
            let weight = weights[n] / total
            loss += weight * (logarithm(sum) - ((label == 0 ? a : b) - top))
            for k in 0..<2 {
                gradient[2 * n + k] = Float(weight * (share[k] / sum - (k == label ? 1 : 0)))
            }
        }
        return (loss, gradient)
    }
}
