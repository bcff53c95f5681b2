import SPARSKernels

/// What of the two logits an explanation is about; all grow with "tumour".
public enum EvidenceTarget: Int, Sendable, CaseIterable {
    /// The tumour logit less the other: the logarithm of the score's odds.
    case logOdds
    /// The tumour logit alone.
    case logit
    /// The score, softmax(logits)[1].
    case score

    /// The target's value.
    public func value(_ logits: [Float]) -> Double {
        switch self {
        case .logOdds: Double(logits[1]) - Double(logits[0])
        case .logit: Double(logits[1])
        case .score: 1 / (1 + exponential(Double(logits[0]) - Double(logits[1])))
        }
    }

    /// Its derivatives for the two logits.
    func gradient(_ logits: [Float]) -> [Float] {
        switch self {
        case .logOdds: return [-1, 1]
        case .logit: return [0, 1]
        case .score:
            let odds = exponential(-EvidenceTarget.logOdds.value(logits).magnitude)
            let slope = Float(odds / ((1 + odds) * (1 + odds)))
            return [-slope, slope]
        }
    }
}

/// A network in evaluation mode with the way back from its logits: batch norm is the affine map of
/// its running statistics, and no statistics of a batch enter.
///
/// Holds nothing of a call and may be used from several threads; equal inputs give equal bits for any
/// number of threads. A pass takes about 15 bytes, a pass and its way back to the input 25 bytes, for
/// each voxel of the input: 180 and 300 MB for the extent of record. Gradients stay within 1e-3 of
/// their largest value of the same network in float64, except where float64 chooses another voxel
/// of a max-pool.
public final class EvaluationGradients: Sendable {
    /// What a pass keeps for the way back.
    final class Pass {
        let logits: [Float]
        fileprivate let first: StageOutput
        /// Raw output of conv2 to conv4.
        fileprivate let raw: [FloatBuffer]
        /// What follows them: batch norm, ReLU and, but for the last, max-pool.
        fileprivate let outputs: [StageOutput]
        /// The inputs of fc1 to fc5.
        fileprivate let activations: [FloatBuffer]

        fileprivate init(
            logits: [Float], first: StageOutput, raw: [FloatBuffer], outputs: [StageOutput],
            activations: [FloatBuffer]
        ) {
            self.logits = logits
            self.first = first
            self.raw = raw
            self.outputs = outputs
            self.activations = activations
        }
    }

    private struct Stage: Sendable {
        let shape: ConvolutionShape
        let forward: ConvolutionWeights
        let backward: InputGradientWeights
        let scale: FloatBuffer
        let shift: FloatBuffer
    }

    private struct Layer: Sendable {
        /// [outputs, inputs]; fc1's inputs in the kernels' order.
        let matrix: [Float]
        let packed: DenseWeights
    }

    public let architecture: NetworkArchitecture
    private let firstForward: FirstWeights
    private let firstBackward: FirstBackwardWeights
    private let firstShift: FloatBuffer
    private let stages: [Stage]
    private let layers: [Layer]

    /// - Throws: `outOfRange` or `notFinite` naming the first tensor that is missing, of a
    ///   wrong shape or not finite.
    public init(architecture: NetworkArchitecture, parameters: Parameters) throws(SPARSError) {
        try architecture.check(parameters)
        self.architecture = architecture
        let first = NetworkEvaluator.folded(parameters, stage: 1)
        let weights = parameters.values("conv1.weight")
        firstForward = FirstWeights(weights, scale: first.scale)
        firstBackward = FirstBackwardWeights(weights, scale: first.scale)
        firstShift = FloatBuffer(first.shift)
        stages = (1..<4).map { i in
            let shape = architecture.convolution(i)
            let weights = parameters.values("conv\(i + 1).weight")
            let (scale, shift) = NetworkEvaluator.folded(parameters, stage: i + 1)
            return Stage(
                shape: shape,
                forward: ConvolutionWeights(
                    weights, inputChannels: shape.inputChannels,
                    outputChannels: shape.outputChannels),
                backward: InputGradientWeights(
                    weights, inputChannels: shape.inputChannels,
                    outputChannels: shape.outputChannels),
                scale: FloatBuffer(scale), shift: FloatBuffer(shift))
        }
        layers = NetworkArchitecture.denseOutputs.enumerated().map { i, outputs in
            let matrix = NetworkEvaluator.denseMatrix(parameters, i, architecture)
            return Layer(
                matrix: matrix,
                packed: DenseWeights(
                    matrix, bias: parameters.values("fc\(i + 1).bias"),
                    inputs: matrix.count / outputs))
        }
    }

    // MARK: - Forward

    /// - Throws: `interrupted`.
    func forward(_ input: FirstInput) throws(SPARSError) -> Pass {
        let count = architecture.input.convolved(stride: 1).halved.count * 8
        let choice = ChoiceBuffer(count: count)
        let first = StageOutput(output: FloatBuffer(count: count), choice: choice)
        unsafe FirstStageTraining.forward(
            input, weights: firstForward, shift: firstShift.pointer, pooled: first.output.pointer,
            choice: choice.pointer)
        try Control.check()
        var raw: [FloatBuffer] = []
        var outputs: [StageOutput] = []
        for stage in stages {
            let output = FloatBuffer(count: stage.shape.outputCount)
            unsafe ConvolutionKernels.raw(
                stage.shape, input: (outputs.last ?? first).output.pointer, weights: stage.forward,
                output: output.pointer)
            raw.append(output)
            outputs.append(normalised(output, stage, isLast: outputs.count == 2))
            try Control.check()
        }
        var activations = [outputs[2].output]
        for (i, layer) in layers.enumerated() {
            let output = FloatBuffer(count: layer.packed.paddedOutputs)
            unsafe DenseKernels.forward(
                layer.packed, count: 1, input: activations[i].pointer,
                relu: i < layers.count - 1, output: output.pointer)
            activations.append(output)
        }
        try Control.check()
        return Pass(
            logits: Array(activations.removeLast().values.prefix(2)), first: first, raw: raw,
            outputs: outputs, activations: activations)
    }

    private func normalised(_ raw: FloatBuffer, _ stage: Stage, isLast: Bool) -> StageOutput {
        if isLast { return StageOutput(output: active(raw, stage), choice: nil) }
        let size = stage.shape.output.halved.count * stage.shape.outputChannels
        let output = FloatBuffer(count: size)
        let choice = ChoiceBuffer(count: size)
        unsafe BatchNormKernels.pool(
            raw.pointer, shape: stage.shape.output, channels: stage.shape.outputChannels,
            scale: stage.scale.pointer, shift: stage.shift.pointer, pooled: output.pointer,
            choice: choice.pointer)
        return StageOutput(output: output, choice: choice)
    }

    /// Batch norm and ReLU of a raw output, [X, Y, Z, C].
    private func active(_ raw: FloatBuffer, _ stage: Stage) -> FloatBuffer {
        let channels = stage.shape.outputChannels
        let output = FloatBuffer(count: raw.count)
        for start in stride(from: 0, to: raw.count, by: channels) {
            for c in 0..<channels {
                let value =
                    unsafe stage.scale.pointer[c] * raw.pointer[start + c] + stage.shift.pointer[c]
                unsafe output.pointer[start + c] = max(value, 0)
            }
        }
        return output
    }

    // MARK: - Backward

    /// The target's gradient for the input, [x, y, z].
    func inputGradient(_ pass: Pass, _ target: EvidenceTarget) throws(SPARSError) -> FloatBuffer {
        let gradient = try outputGradient(pass, target, stage: 0)
        let input = FloatBuffer(count: architecture.input.count)
        unsafe FirstStageGradients.input(
            shape: architecture.input, weights: firstBackward,
            pooled: pass.first.output.pointer, choice: pass.first.choice!.pointer,
            outputGradient: gradient.pointer, gradient: input.pointer)
        try Control.check()
        return input
    }

    /// The target's gradient for what stage 0 to 3 (conv1 to conv4) gives after its max-pool, if it
    /// has one, [X, Y, Z, C].
    private func outputGradient(
        _ pass: Pass, _ target: EvidenceTarget, stage wanted: Int
    ) throws(SPARSError) -> FloatBuffer {
        var gradient = featureGradient(pass, target.gradient(pass.logits))
        for i in stride(from: 2, through: wanted, by: -1) {
            gradient = stageGradient(pass, i, gradient)
            try Control.check()
        }
        return gradient
    }

    private func featureGradient(_ pass: Pass, _ logitGradient: [Float]) -> FloatBuffer {
        var gradient = FloatBuffer(logitGradient)
        for (i, layer) in layers.enumerated().reversed() {
            let inputs = layer.packed.inputs
            let next = FloatBuffer(count: inputs)
            unsafe DenseKernels.inputGradient(
                count: 1, inputs: inputs, outputs: layer.packed.outputs, weights: layer.matrix,
                outputGradient: gradient.pointer, gradient: next.pointer)
            if i > 0 {
                for k in 0..<inputs where unsafe pass.activations[i].pointer[k] <= 0 {
                    unsafe next.pointer[k] = 0
                }
            }
            gradient = next
        }
        return gradient
    }

    /// From the gradient of what stage i + 1 gives to that of what it is given.
    private func stageGradient(_ pass: Pass, _ i: Int, _ gradient: FloatBuffer) -> FloatBuffer {
        let stage = stages[i]
        let channels = stage.shape.outputChannels
        let out = stage.shape.output
        let padded = FloatBuffer(count: out.x * out.y * (out.z + 2) * channels)
        let output = PooledStage(
            rawShape: out, channels: channels, output: pass.outputs[i].output,
            choice: pass.outputs[i].choice)
        let gain = stage.scale.values
        if i == 2 {
            let none = [Double](repeating: 0, count: channels)
            unsafe BatchNormKernels.gradient(
                unpooled: output, raw: pass.raw[i].pointer, gradient: gradient.pointer,
                slope: none, offset: none, gain: gain.map(Double.init), padded: padded.pointer)
        } else {
            // Running statistics do not move with the input: no dense part.
            let none = FloatBuffer(zeros: channels)
            unsafe BatchNormKernels.gradient(
                output, raw: pass.raw[i].pointer, gradient: gradient.pointer, slope: none.pointer,
                offset: none.pointer, gain: gain, padded: padded.pointer)
        }
        let input = FloatBuffer(count: stage.shape.inputCount)
        unsafe ConvolutionGradients.input(
            stage.shape, weights: stage.backward, outputGradient: padded.pointer,
            gradient: input.pointer)
        return input
    }

    // MARK: - Grad-CAM

    /// Grad-CAM (Selvaraju et al. 2017): max(0, sum over channels of a_c A_c), with A what conv
    /// `layer` (2 to 4) gives after batch norm and ReLU, before the max-pool, and a_c the mean over
    /// its places of the target's gradient for A_c. [X, Y, Z] of the convolution's extent.
    func classActivation(
        _ pass: Pass, _ target: EvidenceTarget, layer: Int
    ) throws(SPARSError) -> FloatBuffer {
        let stage = stages[layer - 2]
        let channels = stage.shape.outputChannels
        let places = stage.shape.output.count
        // A max-pool hands each gradient to one place, whichever it is: the sum stays the same.
        let gradient = try outputGradient(pass, target, stage: layer - 1)
        var weights = [Double](repeating: 0, count: channels)
        for i in 0..<gradient.count { unsafe weights[i % channels] += Double(gradient.pointer[i]) }
        let activations = active(pass.raw[layer - 2], stage)
        let map = FloatBuffer(count: places)
        for place in 0..<places {
            var sum = 0.0
            for c in 0..<channels {
                unsafe sum += weights[c] * Double(activations.pointer[place * channels + c])
            }
            unsafe map.pointer[place] = Float(max(sum / Double(places), 0))
        }
        return map
    }
}
