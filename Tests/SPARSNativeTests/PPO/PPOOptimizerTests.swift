import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct PPOOptimizerTests {
    private static let inputs = 6
    private static let actions = 3

    private func rollout(
        _ count: Int, _ random: inout RandomSource
    ) throws(SPARSError) -> Rollout<Double> {
        func numbers() -> [Double] { (0..<count).map { _ in random.normal() } }
        return try Rollout(
            actions: (0..<count).map { _ in random.integer(below: Self.actions) },
            values: numbers(), logProbs: (0..<count).map { _ in -random.uniform(0.5, 2) },
            advantages: numbers(), returns: numbers(), actionCount: Self.actions)
    }

    private func network(_ random: RandomSource) throws -> ActorCritic<Double> {
        try ActorCritic(
            shape: PolicyShape(
                inputs: Self.inputs, policyHidden: [5, 4], valueHidden: [7], actions: Self.actions),
            random: random)
    }

    private func loss(
        _ parameters: [Double], _ shape: PolicyShape, _ rollout: Rollout<Double>,
        _ observations: [Double], _ hyperparameters: PPOHyperparameters
    ) throws -> ClippedLoss<Double> {
        let network = try ActorCritic<Double>(shape: shape, parameters: parameters)
        let activations = try network.activations(
            products: network.firstProducts(observations, batch: rollout.count, part: .both),
            batch: rollout.count)
        return ClippedLoss(
            rollout, steps: Array(0..<rollout.count)[...], logits: activations.logits,
            values: activations.values, actions: Self.actions, hyperparameters)
    }

    /// Every derivative behind the first layer, and the first layer's, by central differences.
    @Test(arguments: Seeds.few) func gradientsAreThoseOfTheLoss(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let rollout = try rollout(9, &random)
        let observations = (0..<9 * Self.inputs).map { _ in random.normal() }
        var hyperparameters = PPOHyperparameters()
        hyperparameters.entCoef = 0.3
        hyperparameters.clipRangeVF = 0.8
        hyperparameters.clipRange = 0.4
        var network = try network(random.stream(1))
        // Heads as small as initialised would leave nothing to compare.
        for i in network.rest.indices { network.rest[i] += 0.3 * random.normal() }
        let activations = try network.activations(
            products: network.firstProducts(observations, batch: 9, part: .both), batch: 9)
        let loss0 = try loss(
            network.parameters, network.shape, rollout, observations, hyperparameters)
        let gradient = try network.backward(
            activations, logits: loss0.logitGradient, values: loss0.valueGradient, batch: 9)
        let firstGradient = network.firstLayer.gradientReference(
            delta: gradient.first, observations: observations, batch: 9)
        let analytic = network.joined(firstGradient, gradient.rest)
        let parameters = network.parameters
        for i in parameters.indices {
            let step = 1e-5
            let sides = try [-step, step].map { shift in
                var moved = parameters
                moved[i] += shift
                return try loss(moved, network.shape, rollout, observations, hyperparameters).total
            }
            let numeric = (sides[1] - sides[0]) / (2 * step)
            #expect(abs(numeric - analytic[i]) < 1e-7, "parameter \(i)")
        }
    }

    @Test func aLossThatIsNotFiniteIsSaidAndNothingIsApplied() throws {
        var random = RandomSource(seed: 4)
        var rollout = try rollout(4, &random)
        rollout.logProbs[2] = -2_000
        let network = try network(random)
        var optimizer = try PPOOptimizer(network)
        var hyperparameters = PPOHyperparameters()
        (hyperparameters.nEpochs, hyperparameters.batchSize) = (1, 4)
        #expect(throws: SPARSError.self) {
            try optimizer.update(
                rollout, permutations: [[0, 1, 2, 3]], hyperparameters,
                observations: [Double](repeating: 1, count: 4 * Self.inputs))
        }
        #expect(optimizer.network.parameters == network.parameters)
    }

    @Test(arguments: Seeds.few) func momentsAndCountersContinueToTheBit(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let shape = try PolicyShape(inputs: 5, policyHidden: [4], valueHidden: [3], actions: 3)
        let learner = try PPOLearner(shape: shape, seed: seed)
        let observations = (0..<40).map { _ in Float(random.normal()) }
        let numbers = (0..<8).map { _ in Float(random.normal()) }
        let rollout = try Rollout<Float>(
            actions: (0..<8).map { $0 % 3 }, values: numbers, logProbs: numbers.map { -abs($0) },
            advantages: numbers, returns: numbers, actionCount: 3)
        var hyperparameters = PPOHyperparameters()
        (hyperparameters.nEpochs, hyperparameters.batchSize) = (2, 3)
        _ = try learner.update(rollout, observations: observations, hyperparameters)
        let copy = try PPOLearner(shape: shape, seed: 999)
        try copy.replaceParameters(learner.optimizer.network.parameters)
        try copy.restore(moments: learner.optimizer.moments, counters: learner.counters)
        for one in [learner, copy] {
            _ = try one.update(rollout, observations: observations, hyperparameters)
        }
        #expect(copy.optimizer.network.parameters == learner.optimizer.network.parameters)
        #expect(copy.counters == learner.counters)
    }
}
