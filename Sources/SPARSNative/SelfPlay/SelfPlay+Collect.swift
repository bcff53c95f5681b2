import SPARSKernels

/// One agent's steps of an iteration as the learner will learn from them: origins instead of windows.
struct Seat {
    let agent: Agent
    /// Where its window stood before each step.
    var origins: [Voxel] = []
    var actions: [Int] = []
    var logProbs: [Float] = []
    /// As the game gave them.
    var rewards: [Float] = []
    /// Where its window stands after the last step.
    var last = Voxel(0, 0, 0)
    /// Where it stood when a limit ended an episode.
    var truncations: [Voxel] = []

    init(_ agent: Agent) { self.agent = agent }
}

/// What an iteration played.
struct Collected {
    /// The learner's steps, then the opponent's where they are learned from.
    var seats: [Seat]
    var episodeStarts: [Double] = []
    /// The steps that a limit ended.
    var truncated: [Int] = []
    /// Whether what comes after the last step begins an episode.
    var lastStarts = false
}

extension SelfPlay {
    /// Plays `stepCount` steps.
    func collect() throws(SPARSError) -> Collected {
        var collected = Collected(
            seats: configuration.learnsFromBoth
                ? [Seat(.learner), Seat(.opponent)] : [Seat(.learner)])
        if stepCount == 0 { drawOpponent() }
        if configuration.resetEachIteration && stepCount > 0 {
            reset()
            startsEpisode = true
        }
        for _ in 0..<configuration.stepCount {
            try Control.check()
            refreshOpponentIfDue()
            collected.episodeStarts.append(startsEpisode ? 1 : 0)
            try step(&collected)
        }
        for i in collected.seats.indices {
            collected.seats[i].last = game.windows[collected.seats[i].agent]
        }
        collected.lastStarts = startsEpisode
        return collected
    }

    private func step(_ collected: inout Collected) throws(SPARSError) {
        if case .still = opponent, pool == nil {
            // What it answers was drawn from no policy; there is nothing to learn from it.
            collected.seats.removeLast(collected.seats.count - 1)
        }
        let before = game.windows
        let (actions, logProbs) = try act()
        let step = try game.step(
            learner: Action(rawValue: actions.learner)!,
            opponent: Action(rawValue: actions.opponent)!)
        stepCount += 1
        episodeReward += step.reward
        for i in collected.seats.indices {
            let agent = collected.seats[i].agent
            collected.seats[i].origins.append(before[agent])
            collected.seats[i].actions.append(Int(actions[agent]))
            collected.seats[i].logProbs.append(logProbs[agent])
            collected.seats[i].rewards.append(agent == .learner ? step.reward : -step.reward)
            if step.truncated { collected.seats[i].truncations.append(game.windows[agent]) }
        }
        if step.truncated { collected.truncated.append(collected.episodeStarts.count - 1) }
        steps.append(
            StepRecord(
                windows: game.windows, scores: step.scores, actions: actions,
                terminated: step.terminated, truncated: step.truncated))
        startsEpisode = step.terminated || step.truncated
        // As vector environments do: the episode's end and the next one's start are one step.
        if startsEpisode { reset() }
    }

    /// D11: an automatic reset clears the map, or a run's map is kept.
    private func reset() {
        let keepsMap = field.configuration.mapRead == .beforeReset
        if game.steps > 0 {
            pool?.record(episodeReward > 0 ? 1 : episodeReward < 0 ? 0 : 0.5)
        }
        game.reset(keepingMap: keepsMap)
        if !keepsMap { overlap?.clear() }
        drawOpponent()
    }

    /// Begins an episode: with a pool, its opponent is drawn.
    private func drawOpponent() {
        episodeReward = 0
        let before = pool?.drawn
        pool?.draw(&random)
        if pool?.drawn != before { policy.forgetOpponent() }
    }

    private func refreshOpponentIfDue() {
        guard pool == nil, stepCount > 0, stepCount % configuration.opponentUpdateInterval == 0
        else { return }
        if case .current = opponent { return }
        opponent = .current
        policy.forget()
    }

    private func act() throws(SPARSError) -> (PerAgent<Int8>, PerAgent<Float>) {
        var frozen = pool?.player
        if pool == nil, case .frozen(let network) = opponent { frozen = network }
        let players = try policy.distributions(
            at: game.windows, learner: optimizer.network, opponent: frozen)
        let learner = players.learner.sample(0, &random)
        var answer = 0
        if case .still = opponent, pool == nil {
        } else {
            answer = players.opponent.sample(0, &random)
        }
        return (
            PerAgent(learner: Int8(learner), opponent: Int8(answer)),
            PerAgent(
                learner: players.learner.logProbability(0, of: learner),
                opponent: players.opponent.logProbability(0, of: answer))
        )
    }

    /// Advantages and returns of every seat, one after another; the critic sees every place once,
    /// after the last step.
    ///
    /// A frozen opponent's steps were drawn by weights other than the learner's; the probability
    /// ratio that PPO clips is taken with the probability they were drawn with.
    func rollout(of collected: Collected) throws(SPARSError) -> Rollout<Float> {
        var (actions, values, logProbs): ([Int], [Float], [Float]) = ([], [], [])
        var (advantages, returns): ([Float], [Float]) = ([], [])
        for seat in collected.seats {
            let count = seat.actions.count
            let seen = try self.values(of: seat)
            var rewards = seat.rewards.map { Double($0) }
            for (i, step) in collected.truncated.enumerated() {
                // The episode goes on behind the limit: its value there stands for the rest.
                rewards[step] += configuration.gamma * Double(seen[count + 1 + i])
            }
            let estimate = try GeneralizedAdvantage.estimate(
                rewards: rewards, values: seen[..<count].map { Double($0) },
                episodeStarts: collected.episodeStarts, lastValues: [Double(seen[count])],
                lastEpisodeStarts: [collected.lastStarts ? 1 : 0], gamma: configuration.gamma,
                lambda: configuration.gaeLambda)
            actions += seat.actions
            values += seen[..<count]
            logProbs += seat.logProbs
            advantages += estimate.advantages.map { Float($0) }
            returns += estimate.returns.map { Float($0) }
        }
        return try Rollout(
            actions: actions, values: values, logProbs: logProbs, advantages: advantages,
            returns: returns, actionCount: Action.allCases.count)
    }

    /// The critic's values before each step, after the last, and behind each limit.
    private func values(of seat: Seat) throws(SPARSError) -> [Float] {
        let origins = seat.origins + [seat.last] + seat.truncations
        var places: [Int: Int] = [:]
        var distinct: [Voxel] = []
        let rows = origins.map { origin -> Int in
            let place = field.index(ofOrigin: origin)
            if let row = places[place] { return row }
            places[place] = distinct.count
            distinct.append(origin)
            return distinct.count - 1
        }
        let seen = try policy.values(at: distinct, as: seat.agent, optimizer.network)
        return rows.map { seen[$0] }
    }
}
