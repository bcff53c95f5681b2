import SPARSKernels

/// An origin in 6 bytes, as far from the grid as 16 bits reach.
///
/// A walk that leaves them under `clampedCrop` has left the grid by more than any stride, and what
/// is seen from there, and from where its moves lead, is what is seen from the last such origin.
struct PackedOrigin: Sendable {
    private let x: Int16
    private let y: Int16
    private let z: Int16

    init(_ origin: Voxel) {
        (x, y, z) = (
            Int16(clamping: origin.x), Int16(clamping: origin.y), Int16(clamping: origin.z)
        )
    }

    var voxel: Voxel { Voxel(Int(x), Int(y), Int(z)) }
}

/// States in 6 bytes each, and one more in the exhaustion game.
struct PackedStates: Sendable {
    private let withShown: Bool
    private var origins: [PackedOrigin] = []
    private var shown: [UInt8] = []

    init(withShown: Bool, capacity: Int) {
        self.withShown = withShown
        origins.reserveCapacity(capacity)
        if withShown { shown.reserveCapacity(capacity) }
    }

    var count: Int { origins.count }

    subscript(index: Int) -> AgentState {
        AgentState(origins[index].voxel, shown: withShown ? shown[index] : 0)
    }

    mutating func append(_ state: AgentState) {
        origins.append(PackedOrigin(state.origin))
        if withShown { shown.append(state.shown) }
    }
}

/// One agent's steps of an iteration as the learner will learn from them: states instead of
/// windows, 12 bytes a step, 13 in the exhaustion game.
///
/// Arrays hold every game's first step, then every game's second, and so on.
struct AgentRollout {
    let agent: Agent
    /// Its state before each step.
    var states: PackedStates
    var actions: [Int8] = []
    var logProbs: [Float] = []
    var rewardTerms: [RewardTerms] = []
    /// Its state after the last step of each game.
    var last: [AgentState] = []
    /// Its state when a limit ended an episode.
    var truncations: [AgentState] = []

    init(_ agent: Agent, withShown: Bool, capacity: Int) {
        self.agent = agent
        states = PackedStates(withShown: withShown, capacity: capacity)
        actions.reserveCapacity(capacity)
        logProbs.reserveCapacity(capacity)
        rewardTerms.reserveCapacity(capacity)
    }
}

/// What an iteration played; arrays are in the order of `AgentRollout`'s.
struct Collected {
    /// The learner's steps, then the opponent's where they are learned from.
    var rollouts: [AgentRollout]
    var episodeStarts: [Bool] = []
    /// The steps that a limit ended.
    var truncated: [Int] = []
    var terminations = 0
    /// Whether what comes after each game's last step begins an episode.
    var lastStarts: [Bool] = []
    /// Every step, where they are to be kept.
    var records: [StepRecord] = []
    var rewardSums = PerAgent(learner: 0.0, opponent: 0.0)
    var scoreSums = PerAgent(learner: 0.0, opponent: 0.0)
    /// The learner's last reward in each game.
    var lastRewards: [Double]
    /// Each game's last.
    var lastScores: [PerAgent<Float>]

    init(_ agents: [Agent], withShown: Bool, steps: Int, games: Int) {
        rollouts = agents.map { AgentRollout($0, withShown: withShown, capacity: steps * games) }
        lastRewards = Array(repeating: 0, count: games)
        lastScores = Array(repeating: PerAgent(learner: 0, opponent: 0), count: games)
        episodeStarts.reserveCapacity(steps * games)
    }

    /// Where the step is that comes at `place` game by game instead of step by step, as
    /// stable-baselines3 flattens its buffers.
    func step(byGame place: Int) -> Int {
        let games = lastStarts.count
        let (game, step) = place.quotientAndRemainder(dividingBy: episodeStarts.count / games)
        return step * games + game
    }
}

/// What a step of either rule gave.
private struct Outcome {
    let rewardTerms: PerAgent<RewardTerms>
    /// The windows' own, whatever they were worth.
    let scores: PerAgent<Float>
    let terminated: Bool
    let truncated: Bool

    init(_ step: GameStep) {
        let comparison = Int(step.reward)
        rewardTerms = PerAgent(
            learner: RewardTerms(comparison: comparison),
            opponent: RewardTerms(comparison: -comparison))
        (scores, terminated, truncated) = (step.scores, step.terminated, step.truncated)
    }

    init(_ step: GameStep, _ judged: ExhaustionStep) {
        rewardTerms = judged.rewardTerms
        (scores, terminated, truncated) = (step.scores, judged.terminated, judged.truncated)
    }
}

extension SelfPlay {
    private struct Answer {
        /// Both states that were answered.
        let states: PerAgent<AgentState>
        let actions: PerAgent<Int8>
        let logProbs: PerAgent<Float>
    }

    /// Plays `stepCount` steps of every game.
    func collect() throws(SPARSError) -> Collected {
        var collected = Collected(
            configuration.learnsFromBoth ? [.learner, .opponent] : [.learner],
            withShown: configuration.exhaustion != nil,
            steps: configuration.stepCount, games: games.count)
        if stepCount == 0 { games.indices.forEach(drawOpponent) }
        if configuration.resetEachIteration && stepCount > 0 {
            for index in games.indices { reset(index) }
        }
        for _ in 0..<configuration.stepCount {
            try Control.check()
            refreshOpponentIfDue()
            if case .still = opponent, pool == nil {
                // What it answers is drawn from no policy; there is nothing to learn from it.
                collected.rollouts.removeLast(collected.rollouts.count - 1)
            }
            let answers = try act()
            try scoreTogether(answers.map(\.actions))
            for (index, answer) in answers.enumerated() {
                collected.episodeStarts.append(startsEpisode[index])
                try step(index, answer, &collected)
            }
            stepCount += games.count
        }
        for i in collected.rollouts.indices {
            let agent = collected.rollouts[i].agent
            collected.rollouts[i].last = games.indices.map { states($0)[agent] }
        }
        collected.lastStarts = startsEpisode
        return collected
    }

    private func step(
        _ index: Int, _ answer: Answer, _ collected: inout Collected
    ) throws(SPARSError) {
        let step = try outcome(index, answer.actions)
        let rewards = PerAgent(
            learner: step.rewardTerms.learner.reward(configuration.exhaustion),
            opponent: step.rewardTerms.opponent.reward(configuration.exhaustion))
        episodeLeads[index] += Float((rewards.learner - rewards.opponent) / 2)
        collected.lastRewards[index] = rewards.learner
        for agent in Agent.allCases {
            collected.rewardSums[agent] += rewards[agent]
            collected.scoreSums[agent] += Double(step.scores[agent])
        }
        for i in collected.rollouts.indices {
            let agent = collected.rollouts[i].agent
            collected.rollouts[i].states.append(answer.states[agent])
            collected.rollouts[i].actions.append(answer.actions[agent])
            collected.rollouts[i].logProbs.append(answer.logProbs[agent])
            collected.rollouts[i].rewardTerms.append(step.rewardTerms[agent])
            if step.truncated {
                collected.rollouts[i].truncations.append(states(index)[agent])
            }
        }
        if step.truncated { collected.truncated.append(collected.episodeStarts.count - 1) }
        if step.terminated { collected.terminations += 1 }
        collected.lastScores[index] = step.scores
        if configuration.recordsSteps {
            collected.records.append(
                StepRecord(
                    windows: games[index].windows, scores: step.scores, actions: answer.actions,
                    terminated: step.terminated, truncated: step.truncated))
        }
        startsEpisode[index] = step.terminated || step.truncated
        // As vector environments do: the episode's end and the next one's start are one step.
        if startsEpisode[index] { reset(index) }
    }

    /// Makes a step of a game, by whichever rule is played.
    private func outcome(
        _ index: Int, _ answers: PerAgent<Int8>
    ) throws(SPARSError) -> Outcome {
        let step = try move(index, answers)
        if exhaustions.isEmpty { return Outcome(step) }
        let judged = exhaustions[index].judge(
            step, games[index].windows,
            callsEnd: Agent.allCases.contains { ExhaustionAnswer(rawValue: answers[$0])!.callsEnd },
            steps: games[index].steps, field.configuration)
        return Outcome(step, judged)
    }

    /// The states of both agents of a game now.
    private func states(_ index: Int) -> PerAgent<AgentState> {
        let windows = games[index].windows
        func state(_ agent: Agent) -> AgentState {
            if exhaustions.isEmpty { return AgentState(windows[agent]) }
            return AgentState(
                windows[agent],
                shown: exhaustions[index].shown(around: windows[agent], field.configuration))
        }
        return PerAgent(learner: state(.learner), opponent: state(.opponent))
    }

    /// The move that an answer of either game makes.
    private func move(of answer: Int8) -> Action { ExhaustionAnswer(rawValue: answer)!.move }

    /// One map for all games: the first one's, lent to whichever is stepped.
    private func move(
        _ index: Int, _ actions: PerAgent<Int8>
    ) throws(SPARSError) -> GameStep {
        lendMap(to: index)
        defer { lendMap(to: index) }
        return try games[index].step(
            learner: move(of: actions.learner), opponent: move(of: actions.opponent))
    }

    private func lendMap(to index: Int) {
        if index == 0 { return }
        let map = games[index].scoreMap
        games[index].scoreMap = games[0].scoreMap
        games[0].scoreMap = map
    }

    /// D11: an automatic reset clears the map, or a run's map is kept. Of a map that games share, it
    /// clears what its own game has added.
    private func reset(_ index: Int) {
        let keepsMap = field.configuration.mapRead == .beforeReset
        if games[index].steps > 0 {
            let reward = episodeLeads[index]
            pool?.record(reward > 0 ? 1 : reward < 0 ? 0 : 0.5, of: index)
        }
        games[index].reset(keepingMap: keepsMap || games.count > 1)
        if !exhaustions.isEmpty { exhaustions[index].reset() }
        startsEpisode[index] = true
        if !keepsMap {
            // What is followed of a map that several games share is counted anew when it is read.
            if games.count > 1 { games[0].scoreMap.clear(of: index) } else { overlap?.clear() }
        }
        drawOpponent(of: index)
    }

    /// Begins an episode: with a pool, its opponent is drawn.
    private func drawOpponent(of index: Int) {
        episodeLeads[index] = 0
        pool?.draw(&random, for: index)
    }

    /// Whether a refresh falls on the step of all games that led to `stepCount`.
    var isOpponentDue: Bool {
        let interval = configuration.opponentUpdateInterval
        return stepCount > 0 && stepCount / interval > (stepCount - games.count) / interval
    }

    private func refreshOpponentIfDue() {
        guard pool == nil, isOpponentDue else { return }
        if case .current = opponent { return }
        opponent = .current
        policy.forget()
    }

    private func act() throws(SPARSError) -> [Answer] {
        // Who plays in each game: a number among `frozen`, or nil for the learner's own network.
        var (frozen, playing) = (pool?.members ?? [], games.indices.map { pool?.drawn[$0] ?? nil })
        if pool == nil, case .frozen(let network) = opponent {
            (frozen, playing) = ([network], games.map { _ in 0 })
        }
        let states = games.indices.map(states)
        let players = try policy.distributions(
            at: states, learner: optimizer.network, opponents: playing, of: frozen)
        return zip(states, players).map { states, players in
            let learner = players.learner.sample(0, &random)
            var answer = 0
            if case .still = opponent, pool == nil {
            } else {
                answer = players.opponent.sample(0, &random)
            }
            return Answer(
                states: states,
                actions: PerAgent(learner: Int8(learner), opponent: Int8(answer)),
                logProbs: PerAgent(
                    learner: players.learner.logProbability(0, of: learner),
                    opponent: players.opponent.logProbability(0, of: answer)))
        }
    }

    /// Asks the scorer once for where all games' windows go; one game does so by itself.
    private func scoreTogether(_ actions: [PerAgent<Int8>]) throws(SPARSError) {
        if games.count == 1 { return }
        var places: [Int] = []
        for (game, actions) in zip(games, actions) {
            for agent in Agent.allCases {
                let moved = field.configuration.moved(
                    game.windows[agent], by: move(of: actions[agent]))
                places.append(field.index(ofOrigin: moved))
            }
        }
        try field.score(places)
    }
}
