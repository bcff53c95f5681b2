import SPARSKernels

extension SelfPlay {
    /// Advantages and returns of every seat, one after another and each game by game; the critic
    /// sees every place once, after the last step.
    ///
    /// A frozen opponent's steps were drawn by weights other than the learner's; the probability
    /// ratio that PPO clips is taken with the probability they were drawn with.
    func rollout(of collected: Collected) throws(SPARSError) -> Rollout<Float> {
        let (seats, games) = (collected.seats, games.count)
        let total = seats.reduce(0) { $0 + $1.actions.count }
        var (actions, allowed): ([Int], [Bool]) = ([], [])
        actions.reserveCapacity(total)
        var (values, logProbs): ([Float], [Float]) = ([], [])
        values.reserveCapacity(total)
        logProbs.reserveCapacity(total)
        var advantages = [Float](repeating: 0, count: total)
        var returns = advantages
        for seat in seats {
            let count = seat.actions.count
            let seen = try self.values(of: seat)
            // The episode goes on behind the limit: its value there stands for the rest.
            var rests: [Int: Double] = [:]
            for (i, step) in collected.truncated.enumerated() {
                rests[step] = configuration.gamma * Double(seen[count + games + i])
            }
            for game in 0..<games {
                let (start, length) = (values.count, count / games)
                GeneralizedAdvantage.sweep(
                    steps: length, gamma: configuration.gamma, lambda: configuration.gaeLambda
                ) { t in
                    let i = t * games + game
                    // After the last step's values come those of where each game then stands.
                    let starts =
                        t == length - 1
                        ? collected.lastStarts[game] : collected.episodeStarts[i + games]
                    let reward = seat.verdicts[i].reward(configuration.exhaustion)
                    return GeneralizedAdvantage.Step(
                        reward: reward + (rests[i] ?? 0), value: Double(seen[i]),
                        nextValue: Double(seen[i + games]), goesOn: starts ? 0 : 1)
                } store: { t, advantage in
                    advantages[start + t] = Float(advantage)
                    returns[start + t] = Float(advantage + Double(seen[t * games + game]))
                }
                for i in stride(from: game, to: count, by: games) {
                    actions.append(Int(seat.actions[i]))
                    values.append(seen[i])
                    logProbs.append(seat.logProbs[i])
                    allowed += policy.allowed(from: seat.standpoints[i].origin)
                }
            }
        }
        return try Rollout(
            actions: actions, values: values, logProbs: logProbs, advantages: advantages,
            returns: returns, allowed: allowed, actionCount: configuration.answerCount)
    }

    /// The critic's values before each step, after every game's last, and behind each limit.
    private func values(of seat: Seat) throws(SPARSError) -> [Float] {
        var places: [Standpoint: Int32] = [:]
        var distinct: [Standpoint] = []
        var rows: [Int32] = []
        rows.reserveCapacity(seat.standpoints.count + seat.last.count + seat.truncations.count)
        func note(_ standpoint: Standpoint) {
            let place = policy.sight.place(of: standpoint)
            if let row = places[place] { return rows.append(row) }
            let row = Int32(distinct.count)
            places[place] = row
            distinct.append(standpoint)
            rows.append(row)
        }
        for i in 0..<seat.standpoints.count { note(seat.standpoints[i]) }
        for standpoint in seat.last + seat.truncations { note(standpoint) }
        let seen = try policy.values(at: distinct, as: seat.agent, optimizer.network)
        return rows.map { seen[Int($0)] }
    }
}
