import SPARSKernels

/// The learner plays the window-search game, or the exhaustion game, against an opponent made of
/// itself, and learns by PPO.
///
/// An iteration collects `stepCount` steps of each of `gameCount` games and makes one update. It
/// happens whole or, when it is interrupted or fails, not at all: what is kept is always the state
/// after a whole iteration, and going on from it gives the same bits as never having stopped.
///
/// Memory: 12 bytes a parameter (weights and Adam's moments), 12 more with updates of more than 16
/// minibatches or 0.1 s (what to come back to), 4 more with minibatches of more than 16 (their gradient), 4
/// more while a frozen opponent differs from the learner, 4 a parameter and snapshot, the scan, the map (8 bytes a voxel for a mean, 4 otherwise), 24 bytes a step in the
/// map's log and 80 where steps are recorded; in the exhaustion game about 100 more for each place
/// that an episode under way has shown.
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
    /// The games side by side; the first one's map is that of all.
    public internal(set) var games: [WindowSearchGame]
    /// What each game's episode has shown, where the exhaustion game is played; else empty.
    public internal(set) var exhaustions: [Exhaustion]
    public internal(set) var optimizer: PPOOptimizer<Float>
    /// What an update that fails comes back to; kept between updates for its memory only.
    private var before: PPOOptimizer<Float>?
    var opponent: Opponent
    /// Where each episode's opponent is drawn from, instead of `opponent`.
    public internal(set) var pool: OpponentPool?
    /// Half of what the learner earned more than its opponent in each game's episode so far: its own
    /// rewards in the search game, where the two sum to zero.
    public internal(set) var episodeLeads: [Float]
    var random: RandomSource
    /// Follows the map's Dice, where a reference is given.
    var overlap: NativeOverlap?
    /// Whether the learner's next observation in each game begins an episode.
    var startsEpisode: [Bool]
    var policy: WindowPolicy

    /// Iterations and steps since the beginning, restored ones included.
    public internal(set) var iterationCount = 0
    public internal(set) var stepCount = 0
    /// What was played since this object was made or restored, or `forgetPlayed`.
    public internal(set) var iterations: [IterationRecord] = []
    public internal(set) var steps: [StepRecord] = []
    public internal(set) var snapshots: [(iteration: Int, network: ActorCritic<Float>)] = []

    public var field: SearchField { policy.observation.field }

    /// The map of all games, its log included.
    public var scoreMap: ScoreMap { games[0].scoreMap }

    /// - Throws: `outOfRange` for a configuration out of range.
    public init(
        field: SearchField, configuration: SelfPlayConfiguration, overlap: NativeOverlap? = nil
    ) throws(SPARSError) {
        let window = field.configuration.window
        try configuration.validate(window: window)
        let isExhaustion = configuration.exhaustion != nil
        let observation = configuration.policy.observation(of: field, withShown: isExhaustion)
        let shape = try observation.shape(configuration)
        try Memory.require(shape.parameterCount, each: 52, for: "A run of self-play")
        let multiplicity = try configuration.multiplicity(of: window).map {
            $0 + Array(repeating: 1, count: observation.besideCount)
        }
        let source = RandomSource(seed: configuration.seed)
        let network = try ActorCritic<Float>(
            shape: shape, multiplicity: multiplicity, random: source.stream(0))
        self.configuration = configuration
        games = Array(
            repeating: WindowSearchGame(field: field), count: configuration.gameCount)
        for index in games.indices { games[index].number = index }
        exhaustions =
            configuration.exhaustion.map {
                Array(repeating: Exhaustion($0), count: configuration.gameCount)
            } ?? []
        startsEpisode = Array(repeating: true, count: configuration.gameCount)
        episodeLeads = Array(repeating: 0, count: configuration.gameCount)
        optimizer = try PPOOptimizer(network, multiplicity: multiplicity)
        random = source.stream(1)
        opponent = field.configuration.opponent == .live ? .still : .current
        policy = WindowPolicy(
            observation, masksActions: configuration.masksActions,
            answersPerMove: isExhaustion ? 2 : 1)
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
            overlap!.follow(&games[0].scoreMap)
            return scoreMap.values.isEmpty
                ? Array(repeating: 0, count: scoreMap.grid.count) : scoreMap.values
        }
        return try games[0].scoreMap.settledValues()
    }

    /// Forgets records, steps and snapshots, for whoever has taken them over.
    public func forgetPlayed() {
        iterations = []
        steps = []
        snapshots = []
    }

    /// Plays and learns; reports whole iterations as progress.
    ///
    /// - Parameters:
    ///   - count: iterations to play.
    ///   - finished: called after each iteration with its record.
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
        let before = IterationStart(self)
        do throws(SPARSError) { return try body() } catch {
            before.restore(self)
            throw error
        }
    }

    private func learn(_ collected: Collected) throws(SPARSError) -> PPOLog {
        let hyperparameters = configuration.hyperparameters
        let rollout = try rollout(of: collected)
        let orders = (0..<hyperparameters.nEpochs).map { _ in random.permutation(rollout.count) }
        freezeOpponentIfItStays()
        let comesBack = !isShort(steps: rollout.count)
        if comesBack { try keepBefore() }
        var failure: SPARSError?
        let count = collected.rollouts[0].actions.count
        let policy = policy
        let update = { () throws(SPARSError) -> PPOLog in
            try self.optimizer.update(rollout, permutations: orders, hyperparameters) {
                steps, into in
                do throws(SPARSError) {
                    try policy.observe(
                        steps.map { step in
                            let rollout = collected.rollouts[step / count]
                            let place = collected.step(byGame: step % count)
                            return (rollout.states[place], rollout.agent)
                        }, into: &into)
                } catch { failure = error }
            }
        }
        do throws(SPARSError) {
            let log = try comesBack ? update() : Control.shielded(update)
            if let failure { throw failure }
            self.policy.forget()
            return log
        } catch {
            if comesBack { swap(&optimizer, &before!) }
            throw error
        }
    }

    /// Whether an update is not worth a copy of the weights to come back to, and goes on to its end when
    /// it is interrupted: of 16 minibatches at most, in less than 0.1 s.
    private func isShort(steps: Int) -> Bool {
        let hyperparameters = configuration.hyperparameters
        let minibatches = hyperparameters.nEpochs * (steps / hyperparameters.batchSize + 1)
        let (work, overflow) = (hyperparameters.nEpochs * steps).multipliedReportingOverflow(
            by: optimizer.network.shape.parameterCount)
        return minibatches <= 16 && !overflow && work <= 1 << 28
    }

    private func keepBefore() throws(SPARSError) {
        guard before != nil else {
            before = optimizer.copied()
            return
        }
        try Control.shielded { () throws(SPARSError) in before!.overwrite(with: optimizer) }
    }

    /// A frozen opponent that is the current network must be told apart from it before it changes,
    /// unless it is refreshed at once anyway.
    private func freezeOpponentIfItStays() {
        guard pool == nil, field.configuration.opponent == .snapshot, case .current = opponent,
            !isOpponentDue
        else { return }
        opponent = .frozen(optimizer.network.copied())
    }

    private func keep(_ collected: Collected, in record: inout IterationRecord) {
        iterationCount += 1
        steps += collected.records
        let count = Double(collected.episodeStarts.count)
        record.lastReward = collected.lastRewards.reduce(0, +) / Double(games.count)
        for agent in Agent.allCases {
            record.meanRewards[agent] = collected.rewardSums[agent] / count
            record.meanScores[agent] = collected.scoreSums[agent] / count
            record.lastScores[agent] =
                collected.lastScores.reduce(0) { $0 + Double($1[agent]) } / Double(games.count)
        }
        record.terminations = collected.terminations
        record.truncations = collected.truncated.count
        if overlap != nil {
            overlap!.follow(&games[0].scoreMap)
            record.dice = overlap!.dice
        }
        iterations.append(record)
        let interval = configuration.snapshotInterval
        if interval > 0 && iterationCount % interval == 0 {
            snapshots.append((iterationCount, optimizer.network.copied()))
            joinPool()
        }
    }
}

/// What an iteration may change and must take back when it fails.
private struct IterationStart {
    let games: [WindowSearchGame]
    let exhaustions: [Exhaustion]
    let random: RandomSource
    let opponent: SelfPlay.Opponent
    let startsEpisode: [Bool]
    let stepCount: Int
    let overlap: NativeOverlap?
    let pool: OpponentPool?
    let episodeLeads: [Float]

    init(_ play: SelfPlay) {
        games = play.games
        exhaustions = play.exhaustions
        random = play.random
        opponent = play.opponent
        startsEpisode = play.startsEpisode
        stepCount = play.stepCount
        overlap = play.overlap
        pool = play.pool
        episodeLeads = play.episodeLeads
    }

    func restore(_ play: SelfPlay) {
        play.games = games
        play.exhaustions = exhaustions
        play.random = random
        play.opponent = opponent
        play.startsEpisode = startsEpisode
        play.stepCount = stepCount
        play.overlap = overlap
        play.pool = pool
        play.episodeLeads = episodeLeads
        play.policy.forget()
    }
}
