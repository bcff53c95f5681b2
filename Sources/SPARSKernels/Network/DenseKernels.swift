import SPARSKernelTable

/// Weights of a fully connected layer as the kernels read them, repacked once.
public struct DenseWeights: Sendable {
    public let inputs: Int
    public let outputs: Int
    /// Outputs rounded up to whole blocks of 16; the extra ones have zero weights and biases.
    public let paddedOutputs: Int
    /// [padded / 16, K, 16].
    let packed: FloatBuffer
    let bias: FloatBuffer

    /// - Parameter weights: [O, K], PyTorch's layout.
    public init(_ weights: [Float], bias: [Float], inputs: Int) {
        outputs = bias.count
        self.inputs = inputs
        precondition(weights.count == inputs * bias.count, "\(weights.count) weights")
        paddedOutputs = (outputs + 15) / 16 * 16
        packed = FloatBuffer(zeros: paddedOutputs * inputs)
        self.bias = FloatBuffer(bias + Array(repeating: 0, count: paddedOutputs - outputs))
        // SAFETY: each item writes its own block of 16 outputs.
        nonisolated(unsafe) let packed = packed.pointer
        let outputs = outputs
        Parallel.forEach(paddedOutputs / 16) { block in
            for o in 16 * block..<min(16 * block + 16, outputs) {
                let target = packed + block * inputs * 16 + o % 16
                for k in 0..<inputs { target[16 * k] = weights[o * inputs + k] }
            }
        }
    }
}

/// Fully connected layers over a batch; matrices as PyTorch keeps them, weights [O, K].
public enum DenseKernels {
    /// output[n, o] = bias[o] + sum over k of input[n, k] weights[o, k], then ReLU if asked;
    /// output [count, paddedOutputs]. Terms are added in float32 in the order of k, whatever
    /// `count`: an input gives the same bits alone and among others. The error is within gamma(K + 1)
    /// (see `KernelTable`) times the sum of the magnitudes of products and bias.
    public static func forward(
        _ weights: DenseWeights, count: Int, input: UnsafePointer<Float>, relu: Bool,
        output: UnsafeMutablePointer<Float>, on set: InstructionSet = .current
    ) {
        let kernels = Kernels.of(set)
        Parallel.forEach(weights.paddedOutputs / 16) { block in
            kernels.dense(
                input, weights.inputs, weights.packed.pointer + block * weights.inputs * 16,
                weights.bias.pointer + block * 16, relu, count, output + block * 16,
                weights.paddedOutputs)
        }
    }

    /// weights[o, k] = sum over n of outputGradient[n, o] input[n, k]; bias[o] the sum over n.
    ///
    /// Error: gamma(count) (see `KernelTable`) times the sum of the products' magnitudes; of the bias,
    /// summed in float64, one rounding.
    public static func parameterGradients(
        count: Int, inputs: Int, outputs: Int, input: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>,
        bias: UnsafeMutablePointer<Float>, on set: InstructionSet = .current
    ) {
        let kernels = Kernels.of(set)
        Parallel.forEach(outputs) { o in
            let row = weights + o * inputs
            row.update(repeating: 0, count: inputs)
            var sum = 0.0
            for n in 0..<count {
                let g = outputGradient[n * outputs + o]
                sum += Double(g)
                // Rows of a dead unit stay zero: half of all, after a ReLU.
                if g == 0 { continue }
                kernels.addScaled(g, input + n * inputs, inputs, row)
            }
            bias[o] = Float(sum)
        }
    }

    /// gradient[n, k] = sum over o of outputGradient[n, o] weights[o, k]. Error: gamma(outputs) (see
    /// `KernelTable`) times the sum of the products' magnitudes.
    public static func inputGradient(
        count: Int, inputs: Int, outputs: Int, weights: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
        on set: InstructionSet = .current
    ) {
        let kernels = Kernels.of(set)
        Parallel.forEach(count) { n in
            let row = gradient + n * inputs
            row.update(repeating: 0, count: inputs)
            for o in 0..<outputs {
                let g = outputGradient[n * outputs + o]
                if g == 0 { continue }
                kernels.addScaled(g, weights + o * inputs, inputs, row)
            }
        }
    }
}
