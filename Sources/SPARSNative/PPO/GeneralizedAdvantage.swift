/// Generalized advantage estimation (Schulman and others, 2016) as stable-baselines3 computes it.
public enum GeneralizedAdvantage {
    /// Advantages and returns of T steps of E environments, all arrays (T, E).
    ///
    /// delta_t = r_t + gamma v_{t+1} n_{t+1} - v_t and A_t = delta_t + gamma lambda n_{t+1} A_{t+1},
    /// where n_{t+1} is 0 if step t + 1 starts an episode, else 1; returns are A + v.
    ///
    /// - Parameters:
    ///   - rewards: (T, E).
    ///   - values: (T, E), of the observations before the steps.
    ///   - gamma: the discount.
    ///   - lambda: how far rewards are looked after.
    ///   - episodeStarts: 1 where the step is the first of its episode.
    ///   - lastValues: (E), values of the observations after the last step.
    ///   - lastEpisodeStarts: (E), whether those observations start an episode
    ///     (stable-baselines3's `dones`).
    /// - Throws: `outOfRange` if counts do not fit together; `interrupted`.
    public static func estimate(
        rewards: [Double], values: [Double], episodeStarts: [Double], lastValues: [Double],
        lastEpisodeStarts: [Double], gamma: Double, lambda: Double
    ) throws(SPARSError) -> (advantages: [Double], returns: [Double]) {
        let environments = lastValues.count
        guard environments > 0, lastEpisodeStarts.count == environments,
            rewards.count % environments == 0, values.count == rewards.count,
            episodeStarts.count == rewards.count
        else {
            throw .range(
                "values", of: .advantages,
                mustBe: "of the shape of 'rewards' (\(rewards.count) numbers)",
                got: values.count)
        }
        let steps = rewards.count / environments
        var advantages = try Control.filled(rewards.count, with: 0.0)
        for e in 0..<environments {
            try sweep(steps: steps, gamma: gamma, lambda: lambda) { t in
                let i = t * environments + e
                let isLast = t == steps - 1
                return Step(
                    reward: rewards[i], value: values[i],
                    nextValue: isLast ? lastValues[e] : values[i + environments],
                    goesOn: 1 - (isLast ? lastEpisodeStarts[e] : episodeStarts[i + environments]))
            } store: { t, advantage in
                advantages[t * environments + e] = advantage
            }
        }
        var returns: [Double] = []
        returns.reserveCapacity(values.count)
        try Control.inRuns(values.count) { run in
            for i in run { returns.append(advantages[i] + values[i]) }
        }
        return (advantages, returns)
    }

    struct Step {
        let reward: Double
        let value: Double
        let nextValue: Double
        /// n_{t+1}
        let goesOn: Double
    }

    /// The same of one environment, step by step from the last, for whoever keeps the terms in a
    /// form of its own.
    @inline(__always)
    static func sweep(
        steps: Int, gamma: Double, lambda: Double, step: (_ t: Int) -> Step,
        store: (_ t: Int, _ advantage: Double) -> Void
    ) throws(SPARSError) {
        var advantage = 0.0
        for t in stride(from: steps - 1, through: 0, by: -1) {
            if t & 0x3FFF == 0 { try Control.check() }
            let step = step(t)
            let delta = step.reward + gamma * step.nextValue * step.goesOn - step.value
            advantage = delta + gamma * lambda * step.goesOn * advantage
            store(t, advantage)
        }
    }
}
