/// Fully connected layers over a batch; matrices as PyTorch keeps them, weights [O, K].
public enum DenseKernels {
    /// output[n, o] = bias[o] + sum over k of input[n, k] weights[o, k], then ReLU if asked.
    public static func forward(
        count: Int, inputs: Int, outputs: Int, input: UnsafePointer<Float>,
        weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, relu: Bool,
        output: UnsafeMutablePointer<Float>
    ) {
        DenseReference.forward(
            count: count, inputs: inputs, outputs: outputs, input: input, weights: weights,
            bias: bias, relu: relu, output: output)
    }

    /// weights[o, k] = sum over n of outputGradient[n, o] input[n, k]; bias[o] the sum over n.
    public static func parameterGradients(
        count: Int, inputs: Int, outputs: Int, input: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>,
        bias: UnsafeMutablePointer<Float>
    ) {
        for o in 0..<outputs {
            let row = weights + o * inputs
            row.update(repeating: 0, count: inputs)
            var sum = 0.0
            for n in 0..<count {
                let g = outputGradient[n * outputs + o]
                sum += Double(g)
                // Rows of a dead unit stay zero: half of all, after a ReLU.
                if g == 0 { continue }
                let x = input + n * inputs
                for k in 0..<inputs { row[k] += g * x[k] }
            }
            bias[o] = Float(sum)
        }
    }

    /// gradient[n, k] = sum over o of outputGradient[n, o] weights[o, k].
    public static func inputGradient(
        count: Int, inputs: Int, outputs: Int, weights: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
    ) {
        for n in 0..<count {
            let row = gradient + n * inputs
            row.update(repeating: 0, count: inputs)
            for o in 0..<outputs {
                let g = outputGradient[n * outputs + o]
                if g == 0 { continue }
                let w = weights + o * inputs
                for k in 0..<inputs { row[k] += g * w[k] }
            }
        }
    }
}
