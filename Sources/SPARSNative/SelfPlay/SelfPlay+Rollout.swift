import SPARSKernels

extension SelfPlay {
    /// Advantages and returns of every seat, one after another and each game by game; the critic
    /// sees every place once, after the last step.
    ///
    /// A frozen opponent's steps were drawn by weights other than the learner's; the probability
    /// ratio that PPO clips is taken with the probability they were drawn with.
    func rollout(of collected: Collected) throws(SPARSError) -> Rollout<Float> {
        var (actions, values, logProbs): ([Int], [Float], [Float]) = ([], [], [])
        var (advantages, returns): ([Float], [Float]) = ([], [])
        var allowed: [Bool] = []
        for seat in collected.seats {
            let count = seat.actions.count
            let seen = try self.values(of: seat)
            var rewards = seat.rewards.map { Double($0) }
            for (i, step) in collected.truncated.enumerated() {
                // The episode goes on behind the limit: its value there stands for the rest.
                rewards[step] += configuration.gamma * Double(seen[count + games.count + i])
            }
            let estimate = try GeneralizedAdvantage.estimate(
                rewards: rewards, values: seen[..<count].map { Double($0) },
                episodeStarts: collected.episodeStarts.map { $0 ? 1 : 0 },
                lastValues: seen[count..<count + games.count].map { Double($0) },
                lastEpisodeStarts: collected.lastStarts.map { $0 ? 1 : 0 },
                gamma: configuration.gamma, lambda: configuration.gaeLambda)
            actions += collected.byGame(seat.actions).map { Int($0) }
            values += collected.byGame(Array(seen[..<count]))
            logProbs += collected.byGame(seat.logProbs)
            advantages += collected.byGame(estimate.advantages.map { Float($0) })
            returns += collected.byGame(estimate.returns.map { Float($0) })
            allowed += collected.byGame(seat.origins).flatMap { policy.allowed(from: $0.voxel) }
        }
        return try Rollout(
            actions: actions, values: values, logProbs: logProbs, advantages: advantages,
            returns: returns, allowed: allowed, actionCount: Action.allCases.count)
    }

    /// The critic's values before each step, after every game's last, and behind each limit.
    private func values(of seat: Seat) throws(SPARSError) -> [Float] {
        let origins = seat.origins.map(\.voxel) + seat.last + seat.truncations
        var places: [Voxel: Int] = [:]
        var distinct: [Voxel] = []
        let rows = origins.map { origin -> Int in
            let place = policy.sight.place(of: origin)
            if let row = places[place] { return row }
            places[place] = distinct.count
            distinct.append(origin)
            return distinct.count - 1
        }
        let seen = try policy.values(at: distinct, as: seat.agent, optimizer.network)
        return rows.map { seen[$0] }
    }
}
