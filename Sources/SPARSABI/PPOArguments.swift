import CSPARS
import SPARSKernels
import SPARSNative

/// Checks of PPO's structs as they come over the C ABI.

extension PolicyShape {
    init(_ given: spars_policy_shape) throws(SPARSError) {
        let depths = Int64(1)...Int64(PolicyShape.depthLimit)
        guard depths.contains(given.policy_depth), depths.contains(given.value_depth) else {
            throw .range(
                "net_arch", of: "PPO", mustBe: "1 to \(PolicyShape.depthLimit) widths",
                got: "\(given.policy_depth) and \(given.value_depth)")
        }
        func widths(_ hidden: some Any, _ depth: Int64) -> [Int] {
            withUnsafeBytes(of: hidden) {
                $0.bindMemory(to: Int64.self).prefix(Int(depth)).map { Int($0) }
            }
        }
        self = try PolicyShape(
            inputs: Int(given.inputs),
            policyHidden: widths(given.policy_hidden, given.policy_depth),
            valueHidden: widths(given.value_hidden, given.value_depth),
            actions: Int(given.actions))
    }
}

extension PPOHyperparameters {
    init(_ given: spars_ppo_hyperparameters) throws(SPARSError) {
        self.init()
        learningRate = given.learning_rate
        nEpochs = Int(given.n_epochs)
        batchSize = Int(given.batch_size)
        clipRange = given.clip_range
        clipRangeVF = given.clip_range_vf.isNaN ? nil : given.clip_range_vf
        normalizeAdvantage = given.normalize_advantage != 0
        entCoef = given.ent_coef
        vfCoef = given.vf_coef
        maxGradNorm = given.max_grad_norm
        targetKL = given.target_kl.isNaN ? nil : given.target_kl
        adamEps = given.adam_eps
        try validate()
    }
}

func checkedMultiplicity(_ pointer: In<Int64>, _ inputs: Int) throws(SPARSError) -> [Int]? {
    guard let pointer else { return nil }
    return try checkedInput(pointer, inputs, "multiplicity", of: "PPO").map { Int($0) }
}

func checkedPrecision(_ rollout: spars_rollout) throws(SPARSError) -> spars_precision {
    let precision = spars_precision(rawValue: UInt32(bitPattern: rollout.precision))
    guard precision == SPARS_PRECISION_FLOAT32 || precision == SPARS_PRECISION_FLOAT64 else {
        throw .range("precision", of: "PPO", mustBe: "0 or 1", got: rollout.precision)
    }
    return precision
}

/// The rollout and its observations, copied and checked for NaN and infinity.
func checkedRollout<S: PolicyScalar>(
    _ given: spars_rollout, for shape: PolicyShape
) throws(SPARSError) -> (Rollout<S>, [S]) {
    let steps = try checkedCount([given.steps], "rollout", of: "PPO")
    guard given.inputs == Int64(shape.inputs) else {
        throw .range(
            "observations", of: "PPO", mustBe: "rows of \(shape.inputs) numbers", got: given.inputs)
    }
    func array(
        _ raw: UnsafeRawPointer?, _ count: Int, _ name: String
    ) throws(SPARSError) -> [S] {
        let values = try checkedInput(
            raw?.assumingMemoryBound(to: S.self), count, name, of: "PPO")
        try Memory.require(count, each: MemoryLayout<S>.size, for: "The rollout of an update")
        return try Control.copy(values)
    }
    let total = try checkedCount([given.steps, given.inputs], "observations", of: "PPO")
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
        returns: array(given.returns, steps, "returns"), actionCount: shape.actions)
    return (rollout, observations)
}
