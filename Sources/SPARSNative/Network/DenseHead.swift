import SPARSKernels

/// The fully connected layers over a batch of features, forward and backward.
struct DenseHead {
    private struct Layer {
        let inputs: Int
        let outputs: Int
        let weights: [Float]
    }

    private let count: Int
    private let layers: [Layer]
    /// Inputs of each layer, [count, inputs], and the logits at the end.
    private let activations: [[Float]]

    var logits: [Float] { activations[activations.count - 1] }

    /// - Parameter features: [count, inputs] in PyTorch's channel-major order.
    /// - Throws: `notFinite` naming the first layer whose output is not finite.
    init(
        parameters: Parameters, features: [Float], count: Int, inputs: Int
    ) throws(SPARSError) {
        self.count = count
        var layers: [Layer] = []
        var width = inputs
        var activations = [features]
        for (i, outputs) in NetworkArchitecture.denseOutputs.enumerated() {
            let layer = Layer(
                inputs: width, outputs: outputs, weights: parameters.values("fc\(i + 1).weight"))
            layers.append(layer)
            let bias = parameters.values("fc\(i + 1).bias")
            let last = i == NetworkArchitecture.denseOutputs.count - 1
            let packed = DenseWeights(layer.weights, bias: bias, inputs: width)
            let padded = FloatBuffer(count: count * packed.paddedOutputs)
            unsafe DenseKernels.forward(
                packed, count: count, input: activations[i], relu: !last, output: padded.pointer)
            activations.append(
                padded.values(rows: count, columns: outputs, of: packed.paddedOutputs))
            try Control.check()
            try checkFinite(activations[i + 1], named: "output of fc\(i + 1)")
            width = outputs
        }
        self.layers = layers
        self.activations = activations
    }

    /// Takes the loss's gradient for the logits; stores those of all fc tensors and returns that of
    /// the features.
    func backward(_ logitGradient: [Float], gradients: inout Parameters) -> [Float] {
        var gradient = logitGradient
        for i in layers.indices.reversed() {
            let layer = layers[i]
            var weights = [Float](repeating: 0, count: layer.inputs * layer.outputs)
            var bias = [Float](repeating: 0, count: layer.outputs)
            var input = [Float](repeating: 0, count: count * layer.inputs)
            unsafe weights.withUnsafeMutableBufferPointer { weights in
                unsafe bias.withUnsafeMutableBufferPointer { bias in
                    unsafe DenseKernels.parameterGradients(
                        count: count, inputs: layer.inputs, outputs: layer.outputs,
                        input: activations[i], outputGradient: gradient,
                        weights: weights.baseAddress!, bias: bias.baseAddress!)
                }
            }
            unsafe input.withUnsafeMutableBufferPointer { input in
                unsafe DenseKernels.inputGradient(
                    count: count, inputs: layer.inputs, outputs: layer.outputs,
                    weights: layer.weights, outputGradient: gradient, gradient: input.baseAddress!)
            }
            gradients["fc\(i + 1).weight"] = Tensor(
                shape: [layer.outputs, layer.inputs], values: weights)
            gradients["fc\(i + 1).bias"] = Tensor(shape: [layer.outputs], values: bias)
            // ReLU passes no gradient where its output is zero; features come out of one as well,
            // and their own stage looks after that.
            if i > 0 {
                for k in input.indices where activations[i][k] <= 0 { input[k] = 0 }
            }
            gradient = input
        }
        return gradient
    }
}
