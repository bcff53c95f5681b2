import SPARSKernels

extension SelfPlay {
    /// Advantages and returns of every rollout, one after another and each game by game; the critic
    /// sees every place once, after the last step.
    ///
    /// A frozen opponent's steps were drawn by weights other than the learner's; the probability
    /// ratio that PPO clips is taken with the probability they were drawn with.
    func rollout(of collected: Collected) throws(SPARSError) -> Rollout<Float> {
        let (rollouts, games) = (collected.rollouts, games.count)
        let total = rollouts.reduce(0) { $0 + $1.actions.count }
        var (actions, allowed): ([Int], [Bool]) = ([], [])
        actions.reserveCapacity(total)
        var (values, logProbs): ([Float], [Float]) = ([], [])
        values.reserveCapacity(total)
        logProbs.reserveCapacity(total)
        var advantages = [Float](repeating: 0, count: total)
        var returns = advantages
        for rollout in rollouts {
            let count = rollout.actions.count
            let seen = try self.values(of: rollout)
            // The episode goes on behind the limit: its value there stands for the rest.
            var rests: [Int: Double] = [:]
            for (i, step) in collected.truncated.enumerated() {
                rests[step] = configuration.gamma * Double(seen[count + games + i])
            }
            for game in 0..<games {
                let (start, length) = (values.count, count / games)
                try GeneralizedAdvantage.sweep(
                    steps: length, gamma: configuration.gamma, lambda: configuration.gaeLambda
                ) { t in
                    let i = t * games + game
                    // After the last step's values come those of where each game then stands.
                    let starts =
                        t == length - 1
                        ? collected.lastStarts[game] : collected.episodeStarts[i + games]
                    let reward = rollout.rewardTerms[i].reward(configuration.exhaustion)
                    return GeneralizedAdvantage.Step(
                        reward: reward + (rests[i] ?? 0), value: Double(seen[i]),
                        nextValue: Double(seen[i + games]), goesOn: starts ? 0 : 1)
                } store: { t, advantage in
                    advantages[start + t] = Float(advantage)
                    returns[start + t] = Float(advantage + Double(seen[t * games + game]))
                }
                for i in stride(from: game, to: count, by: games) {
                    actions.append(Int(rollout.actions[i]))
                    values.append(seen[i])
                    logProbs.append(rollout.logProbs[i])
                    allowed += policy.allowed(from: rollout.states[i].origin)
                }
            }
        }
        return try Rollout(
            actions: actions, values: values, logProbs: logProbs, advantages: advantages,
            returns: returns, allowed: allowed, actionCount: configuration.answerCount)
    }

    /// The critic's values before each step, after every game's last, and behind each limit.
    private func values(of rollout: AgentRollout) throws(SPARSError) -> [Float] {
        var places: [AgentState: Int32] = [:]
        var distinct: [AgentState] = []
        var rows: [Int32] = []
        rows.reserveCapacity(rollout.states.count + rollout.last.count + rollout.truncations.count)
        func note(_ state: AgentState) {
            let place = policy.observation.key(of: state)
            if let row = places[place] { return rows.append(row) }
            let row = Int32(distinct.count)
            places[place] = row
            distinct.append(state)
            rows.append(row)
        }
        for i in 0..<rollout.states.count { note(rollout.states[i]) }
        for state in rollout.last + rollout.truncations { note(state) }
        let seen = try policy.values(at: distinct, as: rollout.agent, optimizer.network)
        return rows.map { seen[Int($0)] }
    }
}
