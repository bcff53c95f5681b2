import SPARSKernels

/// A float32 learner for any environment: acts, and learns from rollouts it is given.
///
/// Not for use from two threads at once; whoever shares one locks.
public final class PPOLearner {
    public private(set) var optimizer: PPOOptimizer<Float>
    var random: RandomSource

    public var shape: PolicyShape { optimizer.network.shape }

    /// - Throws: `outOfRange` unless `multiplicity` is nil or one positive integer an input.
    public init(shape: PolicyShape, multiplicity: [Int]? = nil, seed: UInt64) throws(SPARSError) {
        let source = RandomSource(seed: seed)
        let network = try ActorCritic<Float>(
            shape: shape, multiplicity: multiplicity, random: source.stream(0))
        optimizer = try PPOOptimizer(network, multiplicity: multiplicity)
        random = source.stream(1)
    }

    /// Actions for a batch of observations (B, inputs), and their log-probabilities.
    public func act(
        _ observations: [Float], deterministic: Bool
    ) throws(SPARSError) -> (actions: [Int], logProbs: [Float]) {
        let batch = try checkedBatch(observations)
        let network = optimizer.network
        let products = network.firstProducts(observations, batch: batch, part: .policy)
        try Control.check()
        let logits = try network.activations(products: products, batch: batch, part: .policy).logits
        let distribution = Categorical(logits: logits, actions: shape.actions)
        let actions = (0..<batch).map {
            deterministic ? distribution.mode($0) : distribution.sample($0, &random)
        }
        return (actions, actions.enumerated().map { distribution.logProbability($0, of: $1) })
    }

    /// The critic's values of observations (B, inputs).
    public func values(_ observations: [Float]) throws(SPARSError) -> [Float] {
        let batch = try checkedBatch(observations)
        let network = optimizer.network
        let products = network.firstProducts(observations, batch: batch, part: .value)
        try Control.check()
        return try network.activations(products: products, batch: batch, part: .value).values
    }

    /// log-probabilities of all actions, (B, actions).
    public func logProbabilities(_ observations: [Float]) throws(SPARSError) -> [Float] {
        let batch = try checkedBatch(observations)
        let network = optimizer.network
        let products = network.firstProducts(observations, batch: batch, part: .policy)
        try Control.check()
        let logits = try network.activations(products: products, batch: batch, part: .policy).logits
        return Categorical(logits: logits, actions: shape.actions).logProbabilities
    }

    /// One PPO update on a rollout whose observations are (T, inputs); permutations are drawn.
    public func update(
        _ rollout: Rollout<Float>, observations: [Float], _ hyperparameters: PPOHyperparameters
    ) throws(SPARSError) -> PPOLog {
        try hyperparameters.validate()
        guard try checkedBatch(observations) == rollout.count else {
            throw .range(
                "observations", of: .ppo, mustBe: "\(rollout.count * shape.inputs) numbers",
                got: observations.count)
        }
        let permutations = (0..<hyperparameters.nEpochs).map { _ in
            random.permutation(rollout.count)
        }
        return try optimizer.update(
            rollout, permutations: permutations, hyperparameters, observations: observations)
    }

    public func replaceParameters(_ parameters: [Float]) throws(SPARSError) {
        optimizer.network = try ActorCritic(shape: shape, parameters: parameters)
    }

    private func checkedBatch(_ observations: [Float]) throws(SPARSError) -> Int {
        guard !observations.isEmpty, observations.count % shape.inputs == 0 else {
            throw .range(
                "observations", of: .ppo, mustBe: "one row or more of \(shape.inputs) numbers",
                got: "\(observations.count) numbers")
        }
        guard observations.allSatisfy(\.isFinite) else {
            throw .notFinite(
                tensor: "observations",
                message: "The 'observations' parameter of PPO must be finite. "
                    + "Got NaN or infinity instead.")
        }
        return observations.count / shape.inputs
    }
}

// MARK: - State

extension PPOLearner {
    /// Adam steps, updates, and the four words of the random source.
    public var counters: [UInt64] {
        [UInt64(optimizer.stepCount), UInt64(optimizer.updateCount)] + random.words
    }

    /// Continues from saved `optimizer.moments` and `counters`, to the bit.
    ///
    /// - Throws: `outOfRange` for wrong counts or negative squares, `notFinite`.
    public func restore(moments: [Float], counters: [UInt64]) throws(SPARSError) {
        guard counters.count == 6 else {
            throw .range("counters", of: .ppo, mustBe: "6 numbers", got: counters.count)
        }
        let source = try restoredSource(Array(counters[2...]))
        try optimizer.restore(
            moments: moments, stepCount: counters[0], updateCount: counters[1])
        random = source
    }
}

/// A random source in a saved state.
///
/// - Throws: `outOfRange` for four zeros, which the generator never leaves.
func restoredSource(_ words: [UInt64]) throws(SPARSError) -> RandomSource {
    guard words.count == 4, words.contains(where: { $0 != 0 }) else {
        throw .range("counters", of: .ppo, mustBe: "a state that was saved", got: words)
    }
    var source = RandomSource(seed: 0)
    source.words = words
    return source
}

extension PPOOptimizer {
    /// Adam's moments in the order of `PolicyShape.parameters`, first all means, then all squares.
    public var moments: [S] {
        network.joined(firstMean, restMean) + network.joined(firstSquare, restSquare)
    }

    mutating func restore(
        moments: [S], stepCount: UInt64, updateCount: UInt64
    ) throws(SPARSError) {
        let count = network.shape.parameterCount
        guard moments.count == 2 * count, moments[count...].allSatisfy({ $0 >= 0 }) else {
            throw .range(
                "moments", of: .ppo,
                mustBe: "\(count) means and as many non-negative squares", got: moments.count)
        }
        guard stepCount <= 1 << 53, updateCount <= 1 << 53 else {
            throw .range(
                "counters", of: .ppo, mustBe: "at most \(1 << 53)",
                got: max(stepCount, updateCount))
        }
        let mean = try ActorCritic<S>(shape: network.shape, parameters: moments[..<count])
        let square = try ActorCritic<S>(shape: network.shape, parameters: moments[count...])
        firstMean = mean.first
        restMean = mean.rest
        firstSquare = square.first
        restSquare = square.rest
        self.stepCount = Int(stepCount)
        self.updateCount = Int(updateCount)
    }
}
