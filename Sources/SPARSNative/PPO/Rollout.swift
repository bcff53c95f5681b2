import SPARSKernels

/// What was collected before an update, without the observations: those are gathered when needed,
/// so that a rollout of windows may keep their origins instead of their voxels.
public struct Rollout<S: PolicyScalar>: Sendable {
    public var actions: [Int]
    public var values: [S]
    public var logProbs: [S]
    public var advantages: [S]
    public var returns: [S]

    public var count: Int { actions.count }

    /// - Parameter actionCount: actions are 0..<actionCount.
    /// - Throws: `invalidArgument` if arrays are empty or differ in length or an action is out of
    ///   range, `notFinite` naming the first array that holds NaN or infinity.
    public init(
        actions: [Int], values: [S], logProbs: [S], advantages: [S], returns: [S], actionCount: Int
    ) throws(SPARSError) {
        guard !actions.isEmpty else {
            throw .range("actions", of: "PPO", mustBe: "one step or more", got: 0)
        }
        for (name, array) in [
            ("values", values), ("log_probs", logProbs), ("advantages", advantages),
            ("returns", returns),
        ] {
            guard array.count == actions.count else {
                throw .range(
                    name, of: "PPO", mustBe: "\(actions.count) numbers, one a step",
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
                "actions", of: "PPO", mustBe: "integers in the range [0, \(actionCount - 1)]",
                got: bad)
        }
        self.actions = actions
        self.values = values
        self.logProbs = logProbs
        self.advantages = advantages
        self.returns = returns
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
