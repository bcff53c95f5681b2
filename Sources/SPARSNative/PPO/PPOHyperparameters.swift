/// What an update of PPO is tuned by, under stable-baselines3's names and defaults.
public struct PPOHyperparameters: Hashable, Sendable {
    public var learningRate = 3e-4
    public var nEpochs = 10
    public var batchSize = 64
    public var clipRange = 0.2
    /// nil: the value function is not clipped.
    public var clipRangeVF: Double?
    public var normalizeAdvantage = true
    public var entCoef = 0.0
    public var vfCoef = 0.5
    public var maxGradNorm = 0.5
    /// nil: no early stop.
    public var targetKL: Double?
    public var adamEps = 1e-5

    public init() {}

    /// - Throws: `outOfRange` naming the first value outside its range.
    public func validate() throws(SPARSError) {
        func check(
            _ name: String, _ value: Double, _ allowed: String, _ holds: Bool
        ) throws(SPARSError) {
            guard value.isFinite, holds else {
                throw .range(name, of: .ppo, mustBe: allowed, got: value)
            }
        }
        try check("learning_rate", learningRate, "a float of at least 0.0", learningRate >= 0)
        try check("clip_range", clipRange, "a float above 0.0", clipRange > 0)
        if let clipRangeVF {
            try check("clip_range_vf", clipRangeVF, "None or a float above 0.0", clipRangeVF > 0)
        }
        try check("ent_coef", entCoef, "a float", true)
        try check("vf_coef", vfCoef, "a float", true)
        try check("max_grad_norm", maxGradNorm, "a float above 0.0", maxGradNorm > 0)
        if let targetKL {
            try check("target_kl", targetKL, "None or a float above 0.0", targetKL > 0)
        }
        try check("adam_eps", adamEps, "a float above 0.0", adamEps > 0)
        for (name, value, limit) in [
            ("n_epochs", nEpochs, Self.epochLimit), ("batch_size", batchSize, Self.batchLimit),
        ] {
            guard (1...limit).contains(value) else {
                throw .range(
                    name, of: .ppo, mustBe: "an integer in the range [1, \(limit)]", got: value)
            }
        }
    }

    public static let epochLimit = 10_000
    public static let batchLimit = 1 << 31
}

/// What an update reports; `PPOLog.names` gives stable-baselines3's names in this order.
public struct PPOLog: Hashable, Sendable {
    public var entropyLoss = 0.0
    public var policyGradientLoss = 0.0
    public var valueLoss = 0.0
    /// The mean over the last epoch only, as stable-baselines3 logs it.
    public var approxKL = 0.0
    public var clipFraction = 0.0
    /// The last minibatch's.
    public var loss = 0.0
    /// 1 - var(returns - values) / var(returns); NaN where returns do not vary.
    public var explainedVariance = 0.0
    /// Epochs begun since the learner was made.
    public var nUpdates = 0.0

    public init() {}

    public static let names = [
        "train/entropy_loss", "train/policy_gradient_loss", "train/value_loss", "train/approx_kl",
        "train/clip_fraction", "train/loss", "train/explained_variance", "train/n_updates",
    ]

    public var values: [Double] {
        [
            entropyLoss, policyGradientLoss, valueLoss, approxKL, clipFraction, loss,
            explainedVariance, nUpdates,
        ]
    }
}
