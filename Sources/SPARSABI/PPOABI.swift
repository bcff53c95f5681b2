import CSPARS
import SPARSKernels
import SPARSNative
import Synchronization

@_cdecl("spars_ppo_gae")
public func sparsPPOGAE(
    _ steps: Int64, _ environments: Int64, _ rewards: In<Double>, _ values: In<Double>,
    _ episodeStarts: In<Double>, _ lastValues: In<Double>, _ lastEpisodeStarts: In<Double>,
    _ gamma: Double, _ lambda: Double, _ advantages: Out<Double>, _ returns: Out<Double>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let count = try checkedCount([steps, environments], "rewards", of: "gae")
        let result = try GeneralizedAdvantage.estimate(
            rewards: Array(checkedInput(rewards, count, "rewards", of: "gae")),
            values: Array(checkedInput(values, count, "values", of: "gae")),
            episodeStarts: Array(checkedInput(episodeStarts, count, "episode_starts", of: "gae")),
            lastValues: Array(checkedInput(lastValues, Int(environments), "last_value", of: "gae")),
            lastEpisodeStarts: Array(
                checkedInput(
                    lastEpisodeStarts, Int(environments), "last_episode_start", of: "gae")),
            gamma: gamma, lambda: lambda)
        _ = try checkedOutput(advantages, count, "advantages", of: "gae")
            .update(fromContentsOf: result.advantages)
        _ = try checkedOutput(returns, count, "returns", of: "gae")
            .update(fromContentsOf: result.returns)
    }
}

@_cdecl("spars_ppo_update_float32")
public func sparsPPOUpdateFloat32(
    _ shape: In<spars_policy_shape>, _ hyperparameters: In<spars_ppo_hyperparameters>,
    _ rollout: In<spars_rollout>, _ permutations: In<Int64>, _ multiplicity: In<Int64>,
    _ parameters: Out<Float>, _ parameterCount: Int64, _ log: Out<Double>,
    _ control: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        try update(
            shape, hyperparameters, rollout, permutations, multiplicity, parameters, parameterCount,
            log)
    }
}

@_cdecl("spars_ppo_update_float64")
public func sparsPPOUpdateFloat64(
    _ shape: In<spars_policy_shape>, _ hyperparameters: In<spars_ppo_hyperparameters>,
    _ rollout: In<spars_rollout>, _ permutations: In<Int64>, _ multiplicity: In<Int64>,
    _ parameters: Out<Double>, _ parameterCount: Int64, _ log: Out<Double>,
    _ control: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        try update(
            shape, hyperparameters, rollout, permutations, multiplicity, parameters, parameterCount,
            log)
    }
}

private func update<S: PolicyScalar>(
    _ shape: In<spars_policy_shape>, _ hyperparameters: In<spars_ppo_hyperparameters>,
    _ rollout: In<spars_rollout>, _ permutations: In<Int64>, _ multiplicity: In<Int64>,
    _ parameters: Out<S>, _ parameterCount: Int64, _ log: Out<Double>
) throws(SPARSError) {
    let shape = try checkedShape(shape)
    let hyperparameters = try checkedHyperparameters(hyperparameters)
    let (steps, observations): (Rollout<S>, [S]) = try checkedRollout(
        rollout, inputs: shape.inputs, actions: shape.actions)
    let total = try checkedCount(
        [Int64(hyperparameters.nEpochs), Int64(steps.count)], "permutations", of: "PPO")
    let flat = try checkedInput(permutations, total, "permutations", of: "PPO").map { Int($0) }
    let orders = (0..<hyperparameters.nEpochs).map {
        Array(flat[$0 * steps.count..<($0 + 1) * steps.count])
    }
    try checkCount(
        parameterCount, "parameters", of: "PPO", mustBe: shape.parameterCount, "numbers in all")
    let output = try checkedOutput(parameters, shape.parameterCount, "parameters", of: "PPO")
    let logOutput = try checkedOutput(log, PPOLog.names.count, "log", of: "PPO")
    let network = try ActorCritic<S>(shape: shape, parameters: Array(output))
    var optimizer = try PPOOptimizer(
        network, multiplicity: checkedMultiplicity(multiplicity, shape.inputs))
    let result = try optimizer.update(
        steps, permutations: orders, hyperparameters, observations: observations)
    try Control.check()
    _ = output.update(fromContentsOf: optimizer.network.parameters)
    _ = logOutput.update(fromContentsOf: result.values)
}

@_cdecl("spars_ppo_permutations")
public func sparsPPOPermutations(
    _ rows: Int64, _ count: Int64, _ seed: UInt64, _ permutations: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let total = try checkedCount([rows, count], "permutations", of: "PPO")
        let output = try checkedOutput(permutations, total, "permutations", of: "PPO")
        var random = RandomSource(seed: seed)
        for row in 0..<Int(rows) {
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

    init(_ learner: sending PPOLearner) { self.learner = learner }

    func use(_ body: (PPOLearner) throws(SPARSError) -> Void) throws(SPARSError) {
        try lock.withLock { _ throws(SPARSError) in try body(learner) }
    }
}

@_cdecl("spars_ppo_create")
public func sparsPPOCreate(
    _ shape: In<spars_policy_shape>, _ multiplicity: In<Int64>, _ seed: UInt64,
    _ learner: Out<spars_handle>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let shape = try checkedShape(shape)
        let output = try checkedOutput(learner, 1, "learner", of: "PPO")
        let made = try PPOLearner(
            shape: shape, multiplicity: checkedMultiplicity(multiplicity, shape.inputs), seed: seed)
        output[0] = HandleTable.shared.insert(SharedLearner(made))
    }
}

@_cdecl("spars_ppo_act")
public func sparsPPOAct(
    _ learner: spars_handle, _ observations: In<Float>, _ batch: Int64, _ inputs: Int64,
    _ deterministic: Int32, _ actions: Out<Int64>, _ logProbs: Out<Float>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try withLearner(learner, observations, batch, inputs) {
            (learner, observations) throws(SPARSError) in
            let actionOutput = try checkedOutput(actions, Int(batch), "actions", of: "PPO")
            let logProbOutput = try checkedOutput(logProbs, Int(batch), "log_probs", of: "PPO")
            let result = try learner.act(observations, deterministic: deterministic != 0)
            for i in actionOutput.indices { actionOutput[i] = Int64(result.actions[i]) }
            _ = logProbOutput.update(fromContentsOf: result.logProbs)
        }
    }
}

@_cdecl("spars_ppo_log_probabilities")
public func sparsPPOLogProbabilities(
    _ learner: spars_handle, _ observations: In<Float>, _ batch: Int64, _ inputs: Int64,
    _ logProbs: Out<Float>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try withLearner(learner, observations, batch, inputs) {
            (learner, observations) throws(SPARSError) in
            let result = try learner.logProbabilities(observations)
            try checkCount(count, "log_probs", of: "PPO", mustBe: result.count, "numbers")
            _ = try checkedOutput(logProbs, result.count, "log_probs", of: "PPO")
                .update(fromContentsOf: result)
        }
    }
}

@_cdecl("spars_ppo_values")
public func sparsPPOValues(
    _ learner: spars_handle, _ observations: In<Float>, _ batch: Int64, _ inputs: Int64,
    _ values: Out<Float>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try withLearner(learner, observations, batch, inputs) {
            (learner, observations) throws(SPARSError) in
            _ = try checkedOutput(values, Int(batch), "values", of: "PPO")
                .update(fromContentsOf: learner.values(observations))
        }
    }
}

private func withLearner(
    _ handle: spars_handle, _ observations: In<Float>, _ batch: Int64, _ inputs: Int64,
    _ body: (PPOLearner, [Float]) throws(SPARSError) -> Void
) throws(SPARSError) {
    let shared: SharedLearner = try HandleTable.shared.object(handle, kind: "PPO learner")
    let count = try checkedCount([batch, inputs], "observations", of: "PPO")
    let rows = Array(try checkedInput(observations, count, "observations", of: "PPO"))
    try shared.use { (learner) throws(SPARSError) in
        try checkInputs(inputs, learner)
        try body(learner, rows)
    }
}

private func checkInputs(_ inputs: Int64, _ learner: PPOLearner) throws(SPARSError) {
    guard inputs == Int64(learner.shape.inputs) else {
        throw .range(
            "observations", of: "PPO", mustBe: "rows of \(learner.shape.inputs) numbers",
            got: inputs)
    }
}

@_cdecl("spars_ppo_learn")
public func sparsPPOLearn(
    _ learner: spars_handle, _ hyperparameters: In<spars_ppo_hyperparameters>,
    _ rollout: In<spars_rollout>, _ inputs: Int64, _ log: Out<Double>, _ control: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let shared: SharedLearner = try HandleTable.shared.object(learner, kind: "PPO learner")
        let hyperparameters = try checkedHyperparameters(hyperparameters)
        let output = try checkedOutput(log, PPOLog.names.count, "log", of: "PPO")
        try shared.use { (learner) throws(SPARSError) in
            try checkInputs(inputs, learner)
            let (steps, observations): (Rollout<Float>, [Float]) = try checkedRollout(
                rollout, inputs: learner.shape.inputs, actions: learner.shape.actions)
            let result = try learner.update(
                steps, observations: observations, hyperparameters)
            _ = output.update(fromContentsOf: result.values)
        }
    }
}

@_cdecl("spars_ppo_get_parameters")
public func sparsPPOGetParameters(
    _ learner: spars_handle, _ parameters: Out<Float>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let shared: SharedLearner = try HandleTable.shared.object(learner, kind: "PPO learner")
        try shared.use { (learner) throws(SPARSError) in
            let wanted = learner.shape.parameterCount
            try checkCount(count, "parameters", of: "PPO", mustBe: wanted, "numbers in all")
            _ = try checkedOutput(parameters, wanted, "parameters", of: "PPO")
                .update(fromContentsOf: learner.optimizer.network.parameters)
        }
    }
}

@_cdecl("spars_ppo_set_parameters")
public func sparsPPOSetParameters(
    _ learner: spars_handle, _ parameters: In<Float>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let shared: SharedLearner = try HandleTable.shared.object(learner, kind: "PPO learner")
        try shared.use { (learner) throws(SPARSError) in
            let wanted = learner.shape.parameterCount
            try checkCount(count, "parameters", of: "PPO", mustBe: wanted, "numbers in all")
            try learner.replaceParameters(
                Array(checkedInput(parameters, wanted, "parameters", of: "PPO")))
        }
    }
}

@_cdecl("spars_ppo_get_state")
public func sparsPPOGetState(
    _ learner: spars_handle, _ moments: Out<Float>, _ count: Int64, _ counters: Out<UInt64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let shared: SharedLearner = try HandleTable.shared.object(learner, kind: "PPO learner")
        try shared.use { (learner) throws(SPARSError) in
            let wanted = 2 * learner.shape.parameterCount
            try checkCount(count, "moments", of: "PPO", mustBe: wanted, "numbers in all")
            _ = try checkedOutput(moments, wanted, "moments", of: "PPO")
                .update(fromContentsOf: learner.optimizer.moments)
            _ = try checkedOutput(counters, learner.counters.count, "counters", of: "PPO")
                .update(fromContentsOf: learner.counters)
        }
    }
}

@_cdecl("spars_ppo_set_state")
public func sparsPPOSetState(
    _ learner: spars_handle, _ moments: In<Float>, _ count: Int64, _ counters: In<UInt64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let shared: SharedLearner = try HandleTable.shared.object(learner, kind: "PPO learner")
        try shared.use { (learner) throws(SPARSError) in
            let wanted = 2 * learner.shape.parameterCount
            try checkCount(count, "moments", of: "PPO", mustBe: wanted, "numbers in all")
            try learner.restore(
                moments: Array(checkedInput(moments, wanted, "moments", of: "PPO")),
                counters: Array(checkedInput(counters, 6, "counters", of: "PPO")))
        }
    }
}
