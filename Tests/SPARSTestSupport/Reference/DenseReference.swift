/// Plain twins of the fully connected kernels; sums run in float64 and are rounded once.
public enum DenseReference {
    /// output[n, o] = bias[o] + sum over k of input[n, k] weights[o, k], then ReLU if asked.
    public static func forward(
        count: Int, inputs: Int, outputs: Int, input: UnsafePointer<Float>,
        weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, relu: Bool,
        output: UnsafeMutablePointer<Float>
    ) {
        for n in 0..<count {
            for o in 0..<outputs {
                var sum = Double(bias[o])
                for k in 0..<inputs {
                    sum += Double(input[n * inputs + k]) * Double(weights[o * inputs + k])
                }
                output[n * outputs + o] = relu ? max(Float(sum), 0) : Float(sum)
            }
        }
    }
}
