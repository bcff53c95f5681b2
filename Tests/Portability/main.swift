// Prints numbers of every part of the core that computes, one a line as its bits, so that another
// architecture's can be compared with them: scripts/check_arm64.sh does.

import SPARSKernels
import SPARSNative
import SPARSTestSupport

/// Runs `body` on one thread and on three, which must give the same bits, and prints the values.
func report(_ stage: String, _ body: () throws(SPARSError) -> [Float]) throws(SPARSError) {
    Parallel.threadCount = 1
    let one = try body()
    Parallel.threadCount = 3
    let three = try body()
    guard one.elementsEqual(three, by: { $0.bitPattern == $1.bitPattern }) else {
        print("\(stage) differs between one thread and three")
        return
    }
    for value in one { print("\(stage) \(value.bitPattern)") }
}

func voxels(_ seed: UInt64, _ extent: Extent) -> [Float] {
    goldenUniform(seed: seed, count: extent.count).map { 400 * $0 - 150 }
}

func resized(
    _ values: [Float], _ from: Extent, to: Extent, _ interpolation: Interpolation
) -> [Float] {
    [Float](unsafeUninitializedCapacity: to.count) { target, count in
        values.withUnsafeBufferPointer {
            Resample.resample(
                $0.baseAddress!, from: from, into: target.baseAddress!, to: to, by: interpolation)
        }
        count = to.count
    }
}

/// A network small enough for an emulator, with parameters by formula.
struct SmallNetwork {
    static let window = Extent(24, 19, 17)
    static let scan = Extent(40, 32, 28)
    let architecture: NetworkArchitecture
    let parameters: Parameters
    let evaluator: NetworkEvaluator

    init() throws(SPARSError) {
        architecture = try NetworkArchitecture(input: Extent(109, 112, 117))
        parameters = goldenParameters(architecture, seed: 3)
        evaluator = try NetworkEvaluator(architecture: architecture, parameters: parameters)
    }

    func logits() throws(SPARSError) -> [Float] {
        let values = voxels(2, architecture.input)
        return try values.withUnsafeBufferPointer { values throws(SPARSError) in
            try evaluator.logits(values, count: 1)
        }
    }

    func windowLogits() throws(SPARSError) -> [Float] {
        let values = voxels(4, Self.scan)
        let origins = (0..<12).map { Voxel(4 * ($0 % 3), 4 * ($0 / 6), 2 * ($0 / 3)) }
        return try values.withUnsafeBufferPointer { values throws(SPARSError) in
            try evaluator.windowLogits(
                volume: values, extent: Self.scan, origins: origins, window: Self.window,
                intensityWindow: nil)
        }
    }

    /// Loss, and some values of every gradient by that gradient's largest.
    func gradients(_ interpolation: Interpolation) throws(SPARSError) -> [Float] {
        let crops = (0..<4).map { voxels(10 + $0, Self.window) }
        let pass = try lossAndGradients(
            architecture: architecture, parameters: parameters, count: 4,
            crops: TrainingCrops(resizedTo: architecture.input, by: interpolation) {
                (crops[$0], Self.window)
            },
            hasTumour: [0, 1, 1, 0])
        var values = [Float(pass.loss)]
        for name in architecture.trainableNames {
            // The convolutions' biases stand before a batch norm: their gradient is rounding alone.
            if name.hasPrefix("conv") && name.hasSuffix("bias") { continue }
            let gradient = pass.gradients[name]!.values
            let largest = gradient.reduce(0) { max($0, abs($1)) }
            for i in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 10)) {
                values.append(gradient[i] / largest)
            }
        }
        return values
    }
}

/// Rewards, some of what was learned, and part of the map of a short game by either rule.
func selfPlay(
    by rule: ExhaustionRule? = nil, policy: SelfPlayConfiguration.Policy = .mlp
) throws(SPARSError) -> [Float] {
    let grid = Extent(24, 20, 16)
    var game = GameConfiguration.paper(grid: grid, window: Extent(6, 5, 4))
    game.stride = 2
    game.terminationThreshold = 0.9
    var configuration = SelfPlayConfiguration()
    (configuration.stepCount, configuration.seed) = (16, 5)
    configuration.policyInput = Extent(24, 24, 12)
    (configuration.exhaustion, configuration.policy) = (rule, policy)
    let field = try SearchField(
        volume: Volume(extent: grid, values: voxels(7, grid).map { $0 / 400 }), configuration: game,
        scorer: FormulaScorer { Float(($0.x * 7 + $0.y * 5 + $0.z * 3) % 29) / 29 })
    let play = try SelfPlay(field: field, configuration: configuration)
    try play.run(iterations: 4)
    let rewards = play.iterations.map { Float($0.meanRewards.learner) }
    return try rewards + play.state.parameters.prefix(200) + play.settledMap().prefix(4000)
}

func reportAll() throws(SPARSError) {
    for (name, interpolation) in [("nearest", Interpolation.nearest), ("linear", .linear)] {
        try report("resize_" + name) {
            let scan = voxels(1, SmallNetwork.scan)
            return resized(scan, SmallNetwork.scan, to: Extent(31, 17, 40), interpolation)
        }
    }
    let network = try SmallNetwork()
    try report("logits", network.logits)
    try report("window_logits", network.windowLogits)
    try report("gradients_nearest") { () throws(SPARSError) in try network.gradients(.nearest) }
    try report("gradients_linear") { () throws(SPARSError) in try network.gradients(.linear) }
    try report("self_play") { () throws(SPARSError) in try selfPlay() }
    try report("self_play_exhaustion") { () throws(SPARSError) in
        var rule = ExhaustionRule()
        // Rewards of the size of all else, so that one bound serves both.
        rule.finalFactor = 2
        return try selfPlay(by: rule, policy: .cnn)
    }
}

do throws(SPARSError) { try reportAll() } catch { print("failed: \(error.description)") }
