/// How the learner is trained against its opponent; the game's own switches stand in
/// `GameConfiguration`.
public struct SelfPlayConfiguration: Equatable, Sendable {
    /// What the learner and its opponents are.
    public enum Policy: Int32, CaseIterable, Sendable { case mlp, cnn, local }

    public var policy = Policy.mlp
    /// The exhaustion game's numbers, where that rule is played instead of the search game's.
    public var exhaustion: ExhaustionRule?
    /// Steps of each game in an iteration, which ends with one update.
    public var stepCount = 32
    /// Games side by side on the field; they share its scores and one map.
    public var gameCount = 1
    /// Whether moves that would leave the grid have probability 0.
    public var masksActions = false
    /// Whether every step is kept to be read; 40 bytes each.
    public var recordsSteps = true
    public var hyperparameters = PPOHyperparameters()
    public var gamma = 0.99
    public var gaeLambda = 0.95
    /// Steps after which the opponent becomes the learner of that moment (D8).
    public var opponentUpdateInterval = 32
    /// D10: whether every iteration starts a new episode.
    public var resetEachIteration = false
    /// Parameters are kept after every so many iterations; 0 keeps none.
    public var snapshotInterval = 0
    /// What windows are resized to before the policy sees them: sets the replicas that each voxel
    /// stands for. Nil where the policy sees the window itself, and of use to `mlp` only.
    public var policyInput: Extent?
    public var policyHidden = [64, 64]
    public var valueHidden = [64, 64]
    /// Whether the opponent's steps are learned from too.
    public var learnsFromBoth = false
    public var seed: UInt64 = 0

    public init() {
        hyperparameters.nEpochs = 1
        hyperparameters.batchSize = 8
    }

    /// How many answers an agent can give.
    public var answerCount: Int {
        exhaustion == nil ? Action.allCases.count : ExhaustionAnswer.count
    }

    public static let stepLimit = 1 << 20
    public static let gameLimit = 1 << 12

    /// - Throws: `outOfRange` naming the first value outside its range.
    public func validate(window: Extent) throws(SPARSError) {
        let owner = SPARSError.Subject.selfPlay
        try hyperparameters.validate()
        try exhaustion?.validate()
        guard (2...Self.stepLimit).contains(stepCount) else {
            throw .range(
                "n_steps", of: owner, mustBe: "an integer in the range [2, \(Self.stepLimit)]",
                got: stepCount)
        }
        guard (1...Self.gameLimit).contains(gameCount), gameCount * stepCount <= Self.stepLimit
        else {
            throw .range(
                "n_envs", of: owner,
                mustBe: "an integer in the range [1, \(Self.gameLimit)], and n_envs * n_steps at "
                    + "most \(Self.stepLimit)", got: gameCount)
        }
        for (name, value) in [("gamma", gamma), ("gae_lambda", gaeLambda)] {
            guard (0...1).contains(value) else {
                throw .range(name, of: owner, mustBe: "a float in the range [0.0, 1.0]", got: value)
            }
        }
        guard opponentUpdateInterval >= 1 else {
            throw .range(
                "opponent_update_interval", of: owner, mustBe: "an integer of at least 1",
                got: opponentUpdateInterval)
        }
        guard snapshotInterval >= 0 else {
            throw .range(
                "snapshot_interval", of: owner, mustBe: "an integer of at least 0",
                got: snapshotInterval)
        }
        guard let policyInput else { return }
        for axis in 0..<3 {
            guard (window[axis]...(1 << 14)).contains(policyInput[axis]) else {
                throw .range(
                    "policy_input", of: owner,
                    mustBe: "at least the window \(window) and at most \(1 << 14) in every axis",
                    got: policyInput)
            }
        }
    }

    /// How many voxels of `policyInput` each voxel of the window becomes. Both were validated.
    func multiplicity(of window: Extent) throws(SPARSError) -> [Int]? {
        guard policy == .mlp, let policyInput else { return nil }
        return try Resample.replicas(from: window, to: policyInput)
    }
}

/// What is kept of an iteration.
public struct IterationRecord: Equatable, Sendable {
    public var meanRewards = PerAgent(learner: 0.0, opponent: 0.0)
    /// The learner's.
    public var lastReward = 0.0
    public var meanScores = PerAgent(learner: 0.0, opponent: 0.0)
    public var lastScores = PerAgent(learner: 0.0, opponent: 0.0)
    public var terminations = 0
    public var truncations = 0
    /// The Dice of the map after the iteration; NaN without a reference, or where map and it are empty.
    public var dice = Double.nan
    public var log = PPOLog()

    /// The numbers in the order of the C ABI.
    public var values: [Double] {
        [
            meanRewards.learner, lastReward, meanScores.learner, meanScores.opponent,
            lastScores.learner, lastScores.opponent, Double(terminations), Double(truncations),
            dice,
            meanRewards.opponent,
        ] + log.values
    }
}

/// One step as it was played: enough to replay it.
public struct StepRecord: Equatable, Sendable {
    /// Where the windows stood after the step, as the protocol keeps them.
    public let windows: PerAgent<Voxel>
    public let scores: PerAgent<Float>
    public let actions: PerAgent<Int8>
    public let terminated: Bool
    public let truncated: Bool
}
