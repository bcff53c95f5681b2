import SPARSKernels

/// What was collected before an update, without the observations: those are gathered when needed,
/// so that a rollout of windows may keep their origins instead of their voxels.
public struct Rollout<S: PolicyScalar>: Sendable {
    public var actions: [Int]
    public var values: [S]
    public var logProbs: [S]
    public var advantages: [S]
    public var returns: [S]
    /// Which actions were allowed, (T, actions); empty where all were.
    public var allowed: [Bool]

    public var count: Int { actions.count }

    /// - Parameters:
    ///   - actions: (T), as they were taken.
    ///   - values: (T), the critic's at collection.
    ///   - logProbs: (T), of the actions at collection.
    ///   - advantages: (T).
    ///   - returns: (T).
    ///   - actionCount: actions are 0..<actionCount.
    ///   - allowed: which actions were allowed, (T, `actionCount`), or empty.
    /// - Throws: `outOfRange` if arrays are empty or differ in length or an action is out of
    ///   range or was not allowed, `notFinite` naming the first array that holds NaN or infinity.
    public init(
        actions: [Int], values: [S], logProbs: [S], advantages: [S], returns: [S],
        allowed: [Bool] = [], actionCount: Int
    ) throws(SPARSError) {
        guard !actions.isEmpty else {
            throw .range("actions", of: .ppo, mustBe: "one step or more", got: 0)
        }
        for (name, array) in [
            ("values", values), ("log_probs", logProbs), ("advantages", advantages),
            ("returns", returns),
        ] {
            guard array.count == actions.count else {
                throw .range(
                    name, of: .ppo, mustBe: "\(actions.count) numbers, one a step",
                    got: array.count)
            }
            guard array.allSatisfy(\.isFinite) else {
                throw .notFinite(
                    tensor: name,
                    message: "The '\(name)' parameter of PPO must be finite. "
                        + "Got NaN or infinity instead.")
            }
        }
        if let bad = actions.first(where: { !(0..<actionCount).contains($0) }) {
            throw .range(
                "actions", of: .ppo, mustBe: "integers in the range [0, \(actionCount - 1)]",
                got: bad)
        }
        guard allowed.isEmpty || allowed.count == actions.count * actionCount else {
            throw .range(
                "action_masks", of: .ppo, mustBe: "of shape (\(actions.count), \(actionCount))",
                got: "\(allowed.count) flags")
        }
        if !allowed.isEmpty,
            let step = actions.indices.first(where: { step in
                let row = allowed[step * actionCount..<(step + 1) * actionCount]
                return row.contains(true) && !allowed[step * actionCount + actions[step]]
            })
        {
            throw .range(
                "actions", of: .ppo, mustBe: "allowed by 'action_masks'",
                got: "action \(actions[step]) at step \(step)")
        }
        self.allowed = allowed
        self.actions = actions
        self.values = values
        self.logProbs = logProbs
        self.advantages = advantages
        self.returns = returns
    }

    /// The flags of some steps, (B, `actionCount`), or empty.
    func allowed(at steps: ArraySlice<Int>, _ actionCount: Int) -> [Bool] {
        if allowed.isEmpty { return [] }
        return steps.flatMap { allowed[$0 * actionCount..<($0 + 1) * actionCount] }
    }

    /// 1 - var(returns - values) / var(returns); NaN where returns do not vary.
    public var explainedVariance: Double {
        func variance(_ x: [Double]) -> Double {
            let mean = x.reduce(0, +) / Double(x.count)
            return x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        }
        let total = variance(returns.map { Double($0) })
        let residual = variance(zip(returns, values).map { Double($0) - Double($1) })
        return total == 0 ? .nan : 1 - residual / total
    }
}
