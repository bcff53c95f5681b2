import SPARSKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// PPO's loss on one minibatch and its derivatives by the network's outputs
/// (Schulman and others, 2017; the terms as stable-baselines3 writes them).
struct ClippedLoss<S: PolicyScalar> {
    private(set) var policy = 0.0
    private(set) var value = 0.0
    /// Minus the mean entropy.
    private(set) var entropy = 0.0
    private(set) var approxKL = 0.0
    private(set) var clipFraction = 0.0
    /// Derivatives of `total`: (B, actions) and (B).
    private(set) var logitGradient: [S]
    private(set) var valueGradient: [S]
    private(set) var total = 0.0

    /// - Parameters:
    ///   - steps: which steps of the rollout form the minibatch.
    ///   - logits: (B, actions) of the current policy at those steps; `values`: (B).
    init(
        _ rollout: Rollout<S>, steps: ArraySlice<Int>, logits: [S], values: [S], actions: Int,
        _ hyperparameters: PPOHyperparameters
    ) {
        let batch = Double(steps.count)
        let distribution = Categorical(
            logits: logits, actions: actions, allowed: rollout.allowed(at: steps, actions))
        let advantages = Self.advantages(
            rollout, steps, normalize: hyperparameters.normalizeAdvantage)
        logitGradient = [S](repeating: 0, count: logits.count)
        valueGradient = [S](repeating: 0, count: values.count)
        for (b, step) in steps.enumerated() {
            let action = rollout.actions[step]
            let logRatio =
                Double(distribution.logProbability(b, of: action)) - Double(rollout.logProbs[step])
            let ratio = exp(logRatio)
            let clipped = min(
                max(ratio, 1 - hyperparameters.clipRange), 1 + hyperparameters.clipRange)
            let advantage = advantages[b]
            policy -= min(advantage * ratio, advantage * clipped) / batch
            approxKL += ((ratio - 1) - logRatio) / batch
            clipFraction += (abs(ratio - 1) > hyperparameters.clipRange ? 1 : 0) / batch
            // Where the clipped term is the smaller one the loss does not depend on the ratio.
            let byLogProbability =
                advantage * ratio <= advantage * clipped ? -advantage * ratio / batch : 0
            let stepEntropy = Double(distribution.entropy(b))
            entropy -= stepEntropy / batch
            // A masked logit is a constant: the loss does not depend on it.
            for a in 0..<actions where distribution.allows(b, a) {
                let l = Double(distribution.logProbability(b, of: a))
                let p = exp(l)
                let byEntropy = p == 0 ? 0 : p * (l + stepEntropy) / batch
                let chosen = a == action ? 1.0 : 0
                logitGradient[b * actions + a] = S(
                    byLogProbability * (chosen - p) + hyperparameters.entCoef * byEntropy)
            }
            addValueTerm(b, rollout, step, Double(values[b]), batch, hyperparameters)
        }
        total = policy + hyperparameters.entCoef * entropy + hyperparameters.vfCoef * value
    }

    private mutating func addValueTerm(
        _ b: Int, _ rollout: Rollout<S>, _ step: Int, _ value: Double, _ batch: Double,
        _ hyperparameters: PPOHyperparameters
    ) {
        var predicted = value
        var slope = 1.0
        if let range = hyperparameters.clipRangeVF {
            let old = Double(rollout.values[step])
            let change = value - old
            predicted = old + min(max(change, -range), range)
            slope = abs(change) <= range ? 1 : 0
        }
        let error = predicted - Double(rollout.returns[step])
        self.value += error * error / batch
        valueGradient[b] = S(hyperparameters.vfCoef * 2 * error * slope / batch)
    }

    /// The minibatch's advantages, normalised by their mean and unbiased standard deviation.
    private static func advantages(
        _ rollout: Rollout<S>, _ steps: ArraySlice<Int>, normalize: Bool
    ) -> [Double] {
        let raw = steps.map { Double(rollout.advantages[$0]) }
        guard normalize, raw.count > 1 else { return raw }
        let mean = raw.reduce(0, +) / Double(raw.count)
        let squares = raw.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let deviation = (squares / Double(raw.count - 1)).squareRoot()
        return raw.map { ($0 - mean) / (deviation + 1e-8) }
    }
}
