import CSPARS
import SPARSKernels
import SPARSNative

/// Checks of PPO's structs as they come over the C ABI.

func checkedShape(_ pointer: In<spars_policy_shape>) throws(SPARSError) -> PolicyShape {
    let shape = try checkedInput(pointer, 1, "shape", of: "PPO")[0]
    let depths = Int64(1)...Int64(PolicyShape.depthLimit)
    guard depths.contains(shape.policy_depth), depths.contains(shape.value_depth) else {
        throw .range(
            "net_arch", of: "PPO", mustBe: "1 to \(PolicyShape.depthLimit) widths",
            got: "\(shape.policy_depth) and \(shape.value_depth)")
    }
    func widths(_ hidden: some Any, _ depth: Int64) -> [Int] {
        withUnsafeBytes(of: hidden) {
            $0.bindMemory(to: Int64.self).prefix(Int(depth)).map { Int($0) }
        }
    }
    return try PolicyShape(
        inputs: Int(shape.inputs), policyHidden: widths(shape.policy_hidden, shape.policy_depth),
        valueHidden: widths(shape.value_hidden, shape.value_depth), actions: Int(shape.actions))
}

func checkedHyperparameters(
    _ pointer: In<spars_ppo_hyperparameters>
) throws(SPARSError) -> PPOHyperparameters {
    let given = try checkedInput(pointer, 1, "hyperparameters", of: "PPO")[0]
    var result = PPOHyperparameters()
    result.learningRate = given.learning_rate
    result.nEpochs = Int(given.n_epochs)
    result.batchSize = Int(given.batch_size)
    result.clipRange = given.clip_range
    result.clipRangeVF = given.clip_range_vf.isNaN ? nil : given.clip_range_vf
    result.normalizeAdvantage = given.normalize_advantage != 0
    result.entCoef = given.ent_coef
    result.vfCoef = given.vf_coef
    result.maxGradNorm = given.max_grad_norm
    result.targetKL = given.target_kl.isNaN ? nil : given.target_kl
    result.adamEps = given.adam_eps
    try result.validate()
    return result
}

func checkedMultiplicity(_ pointer: In<Int64>, _ inputs: Int) throws(SPARSError) -> [Int]? {
    guard let pointer else { return nil }
    return try checkedInput(pointer, inputs, "multiplicity", of: "PPO").map { Int($0) }
}

/// The rollout and its observations, copied and checked for NaN and infinity.
func checkedRollout<S: PolicyScalar>(
    _ pointer: In<spars_rollout>, inputs: Int, actions: Int
) throws(SPARSError) -> (Rollout<S>, [S]) {
    let given = try checkedInput(pointer, 1, "rollout", of: "PPO")[0]
    let steps = try checkedCount([given.steps], "rollout", of: "PPO")
    func array(
        _ raw: UnsafeRawPointer?, _ count: Int, _ name: String
    ) throws(SPARSError) -> [S] {
        Array(try checkedInput(raw?.assumingMemoryBound(to: S.self), count, name, of: "PPO"))
    }
    let total = try checkedCount([given.steps, Int64(inputs)], "observations", of: "PPO")
    let observations = try array(given.observations, total, "observations")
    guard observations.allSatisfy(\.isFinite) else {
        throw .notFinite(
            tensor: "observations",
            message: "The 'observations' parameter of PPO must be finite. "
                + "Got NaN or infinity instead.")
    }
    let rollout = try Rollout<S>(
        actions: checkedInput(given.actions, steps, "actions", of: "PPO").map { Int($0) },
        values: array(given.values, steps, "values"),
        logProbs: array(given.log_probs, steps, "log_probs"),
        advantages: array(given.advantages, steps, "advantages"),
        returns: array(given.returns, steps, "returns"), actionCount: actions)
    return (rollout, observations)
}
