import SPARSKernels

/// The learner plays the window-search game against an opponent made of itself, and learns by PPO.
///
/// An iteration collects `stepCount` steps and makes one update. It happens whole or, when it is
/// interrupted or fails, not at all: what is kept is always the state after a whole iteration, and
/// going on from it gives the same bits as never having stopped.
///
/// Memory: 12 bytes a parameter (weights and Adam's moments), 4 more while a frozen opponent differs
/// from the learner, 4 a parameter and snapshot, the scan, the map (8 bytes a voxel for a mean,
/// 4 otherwise), and about 100 bytes a step.
public final class SelfPlay {
    /// Who answers for the opponent, where no pool does.
    enum Opponent {
        /// Action 0, as the released environment's stand-in before its first refresh (D8 "live").
        case still
        /// The learner's own network as it is now.
        case current
        case frozen(ActorCritic<Float>)
    }

    public internal(set) var configuration: SelfPlayConfiguration
    public internal(set) var game: WindowSearchGame
    public internal(set) var optimizer: PPOOptimizer<Float>
    var opponent: Opponent
    /// Where each episode's opponent is drawn from, instead of `opponent`.
    public internal(set) var pool: OpponentPool?
    /// The learner's rewards of this episode so far.
    public internal(set) var episodeReward: Float = 0
    var random: RandomSource
    /// Follows the map's Dice, where a reference is given.
    var overlap: NativeOverlap?
    /// Whether the learner's next observation begins an episode.
    var startsEpisode = true
    var policy: WindowPolicy

    /// Iterations and steps since the beginning, restored ones included.
    public internal(set) var iterationCount = 0
    public internal(set) var stepCount = 0
    /// What was played since this object was made or restored, or `forgetPlayed`.
    public internal(set) var iterations: [IterationRecord] = []
    public internal(set) var steps: [StepRecord] = []
    public internal(set) var snapshots: [(iteration: Int, network: ActorCritic<Float>)] = []

    public var field: SearchField { game.field }

    /// - Throws: `invalidArgument` for a configuration out of range.
    public init(
        field: SearchField, configuration: SelfPlayConfiguration, overlap: NativeOverlap? = nil
    ) throws(SPARSError) {
        let window = field.configuration.window
        try configuration.validate(window: window)
        let shape = try PolicyShape(
            inputs: window.count, policyHidden: configuration.policyHidden,
            valueHidden: configuration.valueHidden, actions: Action.allCases.count)
        let multiplicity = configuration.multiplicity(of: window)
        let source = RandomSource(seed: configuration.seed)
        let network = try ActorCritic<Float>(
            shape: shape, multiplicity: multiplicity, random: source.stream(0))
        self.configuration = configuration
        game = WindowSearchGame(field: field)
        optimizer = try PPOOptimizer(network, multiplicity: multiplicity)
        random = source.stream(1)
        opponent = field.configuration.opponent == .live ? .still : .current
        policy = WindowPolicy(field)
        self.overlap = overlap
    }

    /// Whether the opponent's parameters differ from the learner's.
    public var hasFrozenOpponent: Bool {
        if case .frozen = opponent { return true }
        return false
    }

    /// The map of every visit so far.
    public func settledMap() throws(SPARSError) -> [Float] {
        if overlap != nil {
            overlap!.follow(&game.scoreMap)
            return game.scoreMap.values.isEmpty
                ? Array(repeating: 0, count: game.scoreMap.grid.count) : game.scoreMap.values
        }
        return try game.scoreMap.settledValues()
    }

    /// Forgets records, steps and snapshots, for whoever has taken them over.
    public func forgetPlayed() {
        iterations = []
        steps = []
        snapshots = []
    }

    /// Plays and learns; reports whole iterations as progress.
    ///
    /// - Parameter finished: called after each iteration with its record.
    /// - Throws: `interrupted`, what the scorer throws, or `notFinite` if learning diverges; the
    ///   state is then that after the last whole iteration.
    public func run(
        iterations count: Int, finished: (IterationRecord) -> Void = { _ in }
    ) throws(SPARSError) {
        for i in 0..<max(0, count) {
            try Control.report(done: i, planned: count)
            let record = try iterate()
            finished(record)
        }
        try Control.report(done: count, planned: count)
    }

    private func iterate() throws(SPARSError) -> IterationRecord {
        var record = IterationRecord()
        let collected = try takingBackOnFailure { () throws(SPARSError) in
            let collected = try collect()
            record.log = try learn(collected)
            return collected
        }
        // Only now, with no copy of the game left, may its map change in place.
        keep(collected, in: &record)
        return record
    }

    private func takingBackOnFailure<Result>(
        _ body: () throws(SPARSError) -> Result
    ) throws(SPARSError) -> Result {
        let before = Checkpoint(self)
        let played = steps.count
        do throws(SPARSError) { return try body() } catch {
            before.restore(self)
            steps.removeLast(steps.count - played)
            throw error
        }
    }

    private func learn(_ collected: Collected) throws(SPARSError) -> PPOLog {
        let hyperparameters = configuration.hyperparameters
        let rollout = try rollout(of: collected)
        let orders = (0..<hyperparameters.nEpochs).map { _ in random.permutation(rollout.count) }
        let minibatches =
            hyperparameters.nEpochs * (rollout.count / hyperparameters.batchSize + 1)
        freezeOpponentIfItStays()
        let window = field.configuration.window.count
        // Short updates are not worth a copy of the weights to come back to.
        let before = minibatches > 16 ? optimizer : nil
        var failure: SPARSError?
        let stepCount = configuration.stepCount
        let seats = collected.seats
        let policy = policy
        let update = { () throws(SPARSError) -> PPOLog in
            try self.optimizer.update(rollout, permutations: orders, hyperparameters) {
                steps, into in
                precondition(into.count == steps.count * window, "\(into.count) inputs")
                for (row, step) in steps.enumerated() {
                    let seat = seats[step / stepCount]
                    do throws(SPARSError) {
                        try policy.look(
                            at: seat.origins[step % stepCount], as: seat.agent, into: &into,
                            row: row)
                    } catch { failure = error }
                }
            }
        }
        do throws(SPARSError) {
            let log = try before == nil ? Control.shielded(update) : update()
            if let failure { throw failure }
            self.policy.forget()
            return log
        } catch {
            if let before { optimizer = before }
            throw error
        }
    }

    /// A frozen opponent that is the current network must be told apart from it before it changes,
    /// unless it is refreshed at once anyway.
    private func freezeOpponentIfItStays() {
        guard pool == nil, field.configuration.opponent == .snapshot, case .current = opponent,
            stepCount % configuration.opponentUpdateInterval != 0
        else { return }
        opponent = .frozen(optimizer.network)
    }

    private func keep(_ collected: Collected, in record: inout IterationRecord) {
        iterationCount += 1
        let played = steps.suffix(configuration.stepCount)
        let count = Double(played.count)
        let rewards = collected.seats[0].rewards
        record.meanReward = rewards.reduce(0) { $0 + Double($1) } / count
        record.lastReward = Double(rewards.last ?? 0)
        for agent in Agent.allCases {
            record.meanScores[agent] = played.reduce(0) { $0 + Double($1.scores[agent]) } / count
            record.lastScores[agent] = Double(played.last?.scores[agent] ?? 0)
        }
        record.terminations = played.count { $0.terminated }
        record.truncations = played.count { $0.truncated }
        if overlap != nil {
            overlap!.follow(&game.scoreMap)
            record.dice = overlap!.dice
        }
        iterations.append(record)
        let interval = configuration.snapshotInterval
        if interval > 0 && iterationCount % interval == 0 {
            snapshots.append((iterationCount, optimizer.network))
            joinPool()
        }
    }
}

/// What an iteration may change and must take back when it fails.
private struct Checkpoint {
    let game: WindowSearchGame
    let random: RandomSource
    let opponent: SelfPlay.Opponent
    let startsEpisode: Bool
    let stepCount: Int
    let overlap: NativeOverlap?
    let pool: OpponentPool?
    let episodeReward: Float

    init(_ play: SelfPlay) {
        game = play.game
        random = play.random
        opponent = play.opponent
        startsEpisode = play.startsEpisode
        stepCount = play.stepCount
        overlap = play.overlap
        pool = play.pool
        episodeReward = play.episodeReward
    }

    func restore(_ play: SelfPlay) {
        play.game = game
        play.random = random
        play.opponent = opponent
        play.startsEpisode = startsEpisode
        play.stepCount = stepCount
        play.overlap = overlap
        play.pool = pool
        play.episodeReward = episodeReward
        play.policy.forget()
    }
}
