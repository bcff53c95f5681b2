import SPARSKernels

/// One iteration's steps as the learner will learn from them: origins instead of windows.
struct Collected {
    /// Where the learner's window stood before each step.
    var origins: [Voxel] = []
    var actions: [Int] = []
    var logProbs: [Float] = []
    /// As the game gave them.
    var playedRewards: [Float] = []
    var episodeStarts: [Double] = []
    /// Steps that a limit ended, and where the learner's window stood then.
    var truncated: [(step: Int, origin: Voxel)] = []
    /// Where it stands after the last step, and whether that begins an episode.
    var last = Voxel(0, 0, 0)
    var lastStarts = false
}

extension SelfPlay {
    /// Plays `stepCount` steps.
    func collect() throws(SPARSError) -> Collected {
        var collected = Collected()
        if configuration.resetEachIteration && stepCount > 0 {
            reset()
            startsEpisode = true
        }
        for _ in 0..<configuration.stepCount {
            try Control.check()
            refreshOpponentIfDue()
            collected.origins.append(game.windows.learner)
            collected.episodeStarts.append(startsEpisode ? 1 : 0)
            let (actions, logProb) = try act()
            let step = try game.step(
                learner: Action(rawValue: actions.learner)!,
                opponent: Action(rawValue: actions.opponent)!)
            stepCount += 1
            collected.actions.append(Int(actions.learner))
            collected.logProbs.append(logProb)
            collected.playedRewards.append(step.reward)
            if step.truncated {
                collected.truncated.append((collected.actions.count - 1, game.windows.learner))
            }
            steps.append(
                StepRecord(
                    windows: game.windows, scores: step.scores, actions: actions,
                    terminated: step.terminated, truncated: step.truncated))
            startsEpisode = step.terminated || step.truncated
            // As vector environments do: the episode's end and the next one's start are one step.
            if startsEpisode { reset() }
        }
        collected.last = game.windows.learner
        collected.lastStarts = startsEpisode
        return collected
    }

    /// D11: an automatic reset clears the map, or a run's map is kept.
    private func reset() {
        let keepsMap = field.configuration.mapRead == .beforeReset
        game.reset(keepingMap: keepsMap)
        if !keepsMap { overlap?.clear() }
    }

    private func refreshOpponentIfDue() {
        guard stepCount > 0, stepCount % configuration.opponentUpdateInterval == 0 else { return }
        if case .current = opponent { return }
        opponent = .current
        policy.forget()
    }

    private func act() throws(SPARSError) -> (PerAgent<Int8>, Float) {
        var frozen: ActorCritic<Float>?
        if case .frozen(let network) = opponent { frozen = network }
        let players = try policy.distributions(
            at: game.windows, learner: optimizer.network, opponent: frozen)
        let learner = players.learner.sample(0, &random)
        var answer = 0
        if case .still = opponent {} else { answer = players.opponent.sample(0, &random) }
        return (
            PerAgent(learner: Int8(learner), opponent: Int8(answer)),
            players.learner.logProbability(0, of: learner)
        )
    }

    /// Advantages and returns; the critic sees every place once, after the last step.
    func rollout(of collected: Collected) throws(SPARSError) -> Rollout<Float> {
        let origins = collected.origins + [collected.last] + collected.truncated.map(\.origin)
        var places: [Int: Int] = [:]
        var distinct: [Voxel] = []
        let rows = origins.map { origin -> Int in
            let place = field.index(ofOrigin: origin)
            if let row = places[place] { return row }
            places[place] = distinct.count
            distinct.append(origin)
            return distinct.count - 1
        }
        let seen = try policy.values(at: distinct, optimizer.network)
        let count = collected.actions.count
        let values = rows.map { seen[$0] }
        var rewards = collected.playedRewards.map { Double($0) }
        for (i, end) in collected.truncated.enumerated() {
            // The episode goes on behind the limit: its value there stands for the rest.
            rewards[end.step] += configuration.gamma * Double(values[count + 1 + i])
        }
        let (advantages, returns) = try GeneralizedAdvantage.estimate(
            rewards: rewards, values: values[..<count].map { Double($0) },
            episodeStarts: collected.episodeStarts, lastValues: [Double(values[count])],
            lastEpisodeStarts: [collected.lastStarts ? 1 : 0], gamma: configuration.gamma,
            lambda: configuration.gaeLambda)
        return try Rollout(
            actions: collected.actions, values: Array(values[..<count]),
            logProbs: collected.logProbs, advantages: advantages.map { Float($0) },
            returns: returns.map { Float($0) }, actionCount: Action.allCases.count)
    }
}
