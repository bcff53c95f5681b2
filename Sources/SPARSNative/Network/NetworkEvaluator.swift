import SPARSKernels

/// A network in evaluation mode: batch norm folded into the weights, weights repacked once.
///
/// Use one evaluator for many scores; it holds no state of a call and may be used from several
/// threads. Equal inputs give equal bits, whatever the thread count and whatever is evaluated
/// beside them. Logits stay within 1e-4 relative of float64 on the network of record.
public final class NetworkEvaluator: Sendable {
    public let architecture: NetworkArchitecture
    let stages: EvaluationStages
    private let dense: [DenseWeights]

    /// - Throws: `outOfRange` or `notFinite` naming the first tensor that is missing, of a
    ///   wrong shape or not finite.
    public init(architecture: NetworkArchitecture, parameters: Parameters) throws(SPARSError) {
        try architecture.check(parameters)
        self.architecture = architecture
        stages = EvaluationStages(
            (1...4).map { stage in
                let folded = NetworkEvaluator.folded(parameters, stage: stage)
                return .init(
                    weights: parameters.values("conv\(stage).weight"), scale: folded.scale,
                    shift: folded.shift)
            })
        var dense: [DenseWeights] = []
        for (i, outputs) in NetworkArchitecture.denseOutputs.enumerated() {
            let matrix = NetworkEvaluator.denseMatrix(parameters, i, architecture)
            dense.append(
                DenseWeights(
                    matrix, bias: parameters.values("fc\(i + 1).bias"),
                    inputs: matrix.count / outputs))
            try Control.check()
        }
        self.dense = dense
    }

    /// Weights of fully connected layer `index` (0 to 4), [outputs, inputs]; the first layer's inputs
    /// stand as conv4 gives them, channels last.
    static func denseMatrix(
        _ parameters: Parameters, _ index: Int, _ architecture: NetworkArchitecture
    ) -> [Float] {
        let matrix = parameters.values("fc\(index + 1).weight")
        if index > 0 { return matrix }
        return WeightLayout.channelLastColumns(
            matrix, outputs: NetworkArchitecture.denseOutputs[0], channels: 64,
            voxels: architecture.stageOutputs[3].count)
    }

    /// Batch norm of a stage as y = scale conv + shift, conv without its bias.
    static func folded(
        _ parameters: Parameters, stage: Int
    ) -> (scale: [Float], shift: [Float]) {
        let gamma = parameters.values("bn\(stage).weight")
        let beta = parameters.values("bn\(stage).bias")
        let mean = parameters.values("bn\(stage).running_mean")
        let variance = parameters.values("bn\(stage).running_var")
        let bias = parameters.values("conv\(stage).bias")
        var scale: [Float] = []
        var shift: [Float] = []
        for c in gamma.indices {
            let s =
                Double(gamma[c])
                / (Double(variance[c]) + NetworkArchitecture.epsilon).squareRoot()
            scale.append(Float(s))
            shift.append(Float(Double(beta[c]) + (Double(bias[c]) - Double(mean[c])) * s))
        }
        return (scale, shift)
    }

    /// Logits [count, 2] of `count` inputs on the network's grid, one after the other, each
    /// [x, y, z]; values are taken as they are.
    ///
    /// - Throws: `outOfRange` if `inputs` does not hold `count` inputs, `notFinite` for NaN or
    ///   infinity, `interrupted`.
    public func logits(
        _ inputs: UnsafeBufferPointer<Float>, count: Int
    ) throws(SPARSError) -> [Float] {
        let voxels = architecture.input.count
        let (wanted, overflow) = voxels.multipliedReportingOverflow(by: count)
        guard count >= 0, !overflow, inputs.count == wanted else {
            throw .range(
                "x", of: .logits, mustBe: "\(count) arrays of shape \(architecture.input)",
                got: "\(inputs.count) values")
        }
        let features = FloatBuffer(count: count * architecture.featureCount)
        for n in 0..<count {
            try Control.check()
            let input = unsafe UnsafeBufferPointer(rebasing: inputs[n * voxels..<(n + 1) * voxels])
            if let i = unsafe InputKernels.firstNotFinite(input) {
                throw .notFinite(
                    tensor: "x",
                    message: unsafe "'x' holds \(input[i]) at flat index \(n * voxels + i).")
            }
            unsafe stages.run(
                .dense(input.baseAddress!, architecture.input),
                features: features.pointer + n * architecture.featureCount)
        }
        return try denseLogits(features, count: count)
    }

    /// The fully connected layers on [count, features].
    func denseLogits(_ features: FloatBuffer, count: Int) throws(SPARSError) -> [Float] {
        try Control.check()
        var current = features
        for (i, layer) in dense.enumerated() {
            let output = FloatBuffer(count: count * layer.paddedOutputs)
            unsafe DenseKernels.forward(
                layer, count: count, input: current.pointer, relu: i < dense.count - 1,
                output: output.pointer)
            current = output
        }
        try Control.check()
        return current.values(rows: count, columns: 2, of: dense[dense.count - 1].paddedOutputs)
    }
}

extension Parameters {
    /// The values of a tensor that `NetworkArchitecture.check` has found.
    func values(_ name: String) -> [Float] {
        guard let tensor = self[name] else { preconditionFailure("no parameter '\(name)'") }
        return tensor.values
    }
}
