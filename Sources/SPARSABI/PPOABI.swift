import CSPARS
import SPARSKernels
import SPARSNative
import Synchronization

private let owner = "PPO"

@_cdecl("spars_ppo_gae")
public func sparsPPOGAE(
    _ collected: In<spars_collected>, _ gamma: Double, _ gaeLambda: Double,
    _ advantages: Out<Double>, _ returns: Out<Double>, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let given = try checkedStruct(collected, "collected", of: "gae")
        let count = try checkedCount([given.steps, given.environments], "rewards", of: "gae")
        func array(
            _ pointer: In<Double>, _ count: Int, _ name: String
        ) throws(SPARSError) -> [Double] {
            try Control.copy(checkedInput(pointer, count, name, of: "gae"))
        }
        let last = Int(given.environments)
        try Memory.require(count, each: 64, for: "The advantages of a rollout")
        let result = try GeneralizedAdvantage.estimate(
            rewards: array(given.rewards, count, "rewards"),
            values: array(given.values, count, "values"),
            episodeStarts: array(given.episode_starts, count, "episode_starts"),
            lastValues: array(given.last_value, last, "last_value"),
            lastEpisodeStarts: array(given.last_episode_start, last, "last_episode_start"),
            gamma: gamma, lambda: gaeLambda)
        try write(contentsOf: result.advantages, to: advantages, "advantages", of: "gae")
        try write(contentsOf: result.returns, to: returns, "returns", of: "gae")
    }
}

@_cdecl("spars_ppo_update")
public func sparsPPOUpdate(
    _ update: In<spars_ppo_step>, _ progress: In<spars_control>, _ log: Out<Double>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let given = try checkedStruct(update, "update", of: owner)
        let out = try checkedOutput(log, PPOLog.names.count, "log", of: owner)
        switch try checkedPrecision(given.rollout) {
        case SPARS_PRECISION_FLOAT32:
            _ = out.update(fromContentsOf: try updated(given, as: Float.self))
        default: _ = out.update(fromContentsOf: try updated(given, as: Double.self))
        }
    }
}

/// Makes one update of the caller's parameters and returns its log.
private func updated<S: PolicyScalar>(
    _ given: spars_ppo_step, as scalar: S.Type
) throws(SPARSError) -> [Double] {
    let shape = try PolicyShape(given.shape)
    let hyperparameters = try PPOHyperparameters(given.hyperparameters)
    let (steps, observations): (Rollout<S>, [S]) = try checkedRollout(given.rollout, for: shape)
    let total = try checkedCount(
        [Int64(hyperparameters.nEpochs), Int64(steps.count)], "permutations", of: owner)
    let flat = try checkedInput(given.permutations, total, "permutations", of: owner).map {
        Int($0)
    }
    let orders = (0..<hyperparameters.nEpochs).map {
        Array(flat[$0 * steps.count..<($0 + 1) * steps.count])
    }
    let wanted = shape.parameterCount
    try checkCount(
        given.parameter_count, "parameters", of: owner, mustBe: wanted, "numbers in all")
    let output = try checkedOutput(
        given.parameters?.assumingMemoryBound(to: S.self), wanted, "parameters", of: owner)
    var optimizer = try PPOOptimizer(
        ActorCritic<S>(shape: shape, parameters: Array(output)),
        multiplicity: checkedMultiplicity(given.multiplicity, shape.inputs))
    let result = try optimizer.update(
        steps, permutations: orders, hyperparameters, observations: observations)
    try Control.check()
    _ = output.update(fromContentsOf: optimizer.network.parameters)
    return result.values
}

@_cdecl("spars_ppo_permutations")
public func sparsPPOPermutations(
    _ permutations: Out<Int64>, _ rows: Int64, _ count: Int64, _ seed: UInt64,
    _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let total = try checkedCount([rows, count], "permutations", of: owner)
        let output = try checkedOutput(permutations, total, "permutations", of: owner)
        var random = RandomSource(seed: seed)
        for row in 0..<Int(rows) {
            try Control.check()
            for (i, step) in random.permutation(Int(count)).enumerated() {
                output[row * Int(count) + i] = Int64(step)
            }
        }
    }
}

// MARK: - Learners

/// A learner behind a handle. The lock keeps two Python threads from using it at once.
final class SharedLearner: Sendable {
    // SAFETY: `learner` is only touched under `lock`.
    private nonisolated(unsafe) let learner: PPOLearner
    private let lock = Mutex(())

    /// Of the learner, which keeps it.
    let shape: PolicyShape

    init(_ learner: sending PPOLearner) {
        shape = learner.shape
        self.learner = learner
    }

    static func of(_ handle: UInt64) throws(SPARSError) -> SharedLearner {
        try HandleTable.shared.object(handle, kind: "PPO learner")
    }

    func use(_ body: (PPOLearner) throws(SPARSError) -> Void) throws(SPARSError) {
        try lock.withLock { _ throws(SPARSError) in try body(learner) }
    }
}

@_cdecl("spars_ppo_create")
public func sparsPPOCreate(
    _ shape: In<spars_policy_shape>, _ multiplicity: In<Int64>, _ seed: UInt64,
    _ signals: In<spars_control>, _ learner: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let shape = try PolicyShape(checkedStruct(shape, "shape", of: owner))
        let output = try checkedOutput(learner, 1, "learner", of: owner)
        try Memory.require(shape.parameterCount, each: 32, for: "An agent")
        let made = try PPOLearner(
            shape: shape, multiplicity: checkedMultiplicity(multiplicity, shape.inputs), seed: seed)
        try Control.check()
        output[0] = HandleTable.shared.insert(SharedLearner(made))
    }
}

@_cdecl("spars_ppo_act")
public func sparsPPOAct(
    _ learner: UInt64, _ observations: In<Float>, _ batch: Int64, _ inputs: Int64,
    _ deterministic: Int32, _ actions: Out<Int64>, _ logProbs: Out<Float>,
    _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        try withLearner(learner, observations, batch, inputs) {
            (learner, observations) throws(SPARSError) in
            let actionOutput = try checkedOutput(actions, Int(batch), "actions", of: owner)
            let logProbOutput = try checkedOutput(logProbs, Int(batch), "log_probs", of: owner)
            let result = try learner.act(observations, deterministic: deterministic != 0)
            for i in actionOutput.indices { actionOutput[i] = Int64(result.actions[i]) }
            _ = logProbOutput.update(fromContentsOf: result.logProbs)
        }
    }
}

@_cdecl("spars_ppo_log_probabilities")
public func sparsPPOLogProbabilities(
    _ learner: UInt64, _ observations: In<Float>, _ batch: Int64, _ inputs: Int64,
    _ logProbs: Out<Float>, _ actions: Int64, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        try withLearner(learner, observations, batch, inputs) {
            (learner, observations) throws(SPARSError) in
            let result = try learner.logProbabilities(observations)
            try checkCount(
                actions, "log_probs", of: owner, mustBe: learner.shape.actions, "numbers a row")
            try write(contentsOf: result, to: logProbs, "log_probs", of: owner)
        }
    }
}

@_cdecl("spars_ppo_values")
public func sparsPPOValues(
    _ learner: UInt64, _ observations: In<Float>, _ batch: Int64, _ inputs: Int64,
    _ values: Out<Float>, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        try withLearner(learner, observations, batch, inputs) {
            (learner, observations) throws(SPARSError) in
            try write(contentsOf: learner.values(observations), to: values, "values", of: owner)
        }
    }
}

/// Runs `body` with the learner behind a handle, and with observations of its inputs.
private func withLearner(
    _ handle: UInt64, _ observations: In<Float>, _ batch: Int64, _ inputs: Int64,
    _ body: (PPOLearner, [Float]) throws(SPARSError) -> Void
) throws(SPARSError) {
    let count = try checkedCount([batch, inputs], "observations", of: owner)
    let shape = try SharedLearner.of(handle).shape
    let widths = shape.policyHidden.reduce(shape.actions, +) + shape.valueHidden.reduce(0, +)
    try Memory.require(
        Int(clamping: inputs) + 4 * widths, Int(clamping: batch), each: 4,
        for: "The answers to observations")
    let rows = try Control.copy(checkedInput(observations, count, "observations", of: owner))
    try SharedLearner.of(handle).use { (learner) throws(SPARSError) in
        try checkInputs(inputs, learner)
        try body(learner, rows)
    }
}

private func checkInputs(_ inputs: Int64, _ learner: PPOLearner) throws(SPARSError) {
    guard inputs == Int64(learner.shape.inputs) else {
        throw .range(
            "observations", of: owner, mustBe: "rows of \(learner.shape.inputs) numbers",
            got: inputs)
    }
}

@_cdecl("spars_ppo_learn")
public func sparsPPOLearn(
    _ learner: UInt64, _ hyperparameters: In<spars_ppo_hyperparameters>,
    _ rollout: In<spars_rollout>, _ progress: In<spars_control>, _ log: Out<Double>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let hyperparameters = try PPOHyperparameters(
            checkedStruct(hyperparameters, "hyperparameters", of: owner))
        let given = try checkedStruct(rollout, "rollout", of: owner)
        let output = try checkedOutput(log, PPOLog.names.count, "log", of: owner)
        guard try checkedPrecision(given) == SPARS_PRECISION_FLOAT32 else {
            throw .range("rollout", of: owner, mustBe: "of float32", got: "float64")
        }
        try SharedLearner.of(learner).use { (learner) throws(SPARSError) in
            try Memory.require(learner.shape.parameterCount, each: 16, for: "An update of an agent")
            let (steps, observations): (Rollout<Float>, [Float]) = try checkedRollout(
                given, for: learner.shape)
            let result = try learner.update(
                steps, observations: observations, hyperparameters)
            _ = output.update(fromContentsOf: result.values)
        }
    }
}

@_cdecl("spars_ppo_get_parameters")
public func sparsPPOGetParameters(
    _ learner: UInt64, _ parameters: Out<Float>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try SharedLearner.of(learner).use { (learner) throws(SPARSError) in
            let wanted = learner.shape.parameterCount
            try checkCount(count, "parameters", of: owner, mustBe: wanted, "numbers in all")
            try Memory.require(wanted, each: 4, for: "The parameters of an agent")
            try write(
                contentsOf: learner.optimizer.network.parameters, to: parameters, "parameters",
                of: owner)
        }
    }
}

@_cdecl("spars_ppo_set_parameters")
public func sparsPPOSetParameters(
    _ learner: UInt64, _ parameters: In<Float>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try SharedLearner.of(learner).use { (learner) throws(SPARSError) in
            let wanted = learner.shape.parameterCount
            try checkCount(count, "parameters", of: owner, mustBe: wanted, "numbers in all")
            try Memory.require(wanted, each: 12, for: "The parameters of an agent")
            try learner.replaceParameters(
                Array(checkedInput(parameters, wanted, "parameters", of: owner)))
        }
    }
}

@_cdecl("spars_ppo_get_state")
public func sparsPPOGetState(
    _ learner: UInt64, _ moments: Out<Float>, _ count: Int64, _ counters: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try SharedLearner.of(learner).use { (learner) throws(SPARSError) in
            let wanted = 2 * learner.shape.parameterCount
            try checkCount(count, "moments", of: owner, mustBe: wanted, "numbers in all")
            try Memory.require(wanted, each: 4, for: "The state of an agent")
            try write(
                contentsOf: learner.optimizer.moments, to: moments, "moments", of: owner)
            // With the same bits: the random source's state has all 64.
            try write(
                contentsOf: learner.counters.map { Int64(bitPattern: $0) }, to: counters,
                "counters", of: owner)
        }
    }
}

@_cdecl("spars_ppo_set_state")
public func sparsPPOSetState(
    _ learner: UInt64, _ moments: In<Float>, _ count: Int64, _ counters: In<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try SharedLearner.of(learner).use { (learner) throws(SPARSError) in
            let wanted = 2 * learner.shape.parameterCount
            try checkCount(count, "moments", of: owner, mustBe: wanted, "numbers in all")
            try Memory.require(wanted, each: 8, for: "The state of an agent")
            try learner.restore(
                moments: Array(checkedInput(moments, wanted, "moments", of: owner)),
                counters: checkedInput(counters, 6, "counters", of: owner).map {
                    UInt64(bitPattern: $0)
                })
        }
    }
}
