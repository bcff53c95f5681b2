/// One narrow layer on a batch: outputs[b][o] = bias[o] + sum over j of weights[o][j] inputs[b][j],
/// then tanh if wanted. Each output is one running sum over eight lanes, whatever the batch.
public struct DenseForward<S: PolicyScalar> {
    public var weights: UnsafePointer<S>
    public var bias: UnsafePointer<S>
    public var inputs: UnsafePointer<S>
    public var outputs: UnsafeMutablePointer<S>
    public var batch: Int
    public var rows: Int
    public var columns: Int
    public var appliesTanh: Bool

    public init(
        weights: UnsafePointer<S>, bias: UnsafePointer<S>, inputs: UnsafePointer<S>,
        outputs: UnsafeMutablePointer<S>, batch: Int, rows: Int, columns: Int, appliesTanh: Bool
    ) {
        self.weights = weights
        self.bias = bias
        self.inputs = inputs
        self.outputs = outputs
        self.batch = batch
        self.rows = rows
        self.columns = columns
        self.appliesTanh = appliesTanh
    }

    public func run() { S.policyKernels.dense(self) }
}

/// The backward pass of `DenseForward`, given `upper` (B, O), the loss's derivative by the outputs
/// before tanh.
public struct DenseBackward<S: PolicyScalar> {
    public var weights: UnsafePointer<S>
    public var inputs: UnsafePointer<S>
    public var upper: UnsafePointer<S>
    /// (O, J), added to.
    public var weightGradient: UnsafeMutablePointer<S>
    /// (B, J): the derivative by the inputs, times 1 - inputs^2, the slope of the tanh they came
    /// from.
    public var lower: UnsafeMutablePointer<S>
    public var batch: Int
    public var rows: Int
    public var columns: Int

    public init(
        weights: UnsafePointer<S>, inputs: UnsafePointer<S>, upper: UnsafePointer<S>,
        weightGradient: UnsafeMutablePointer<S>, lower: UnsafeMutablePointer<S>, batch: Int,
        rows: Int, columns: Int
    ) {
        self.weights = weights
        self.inputs = inputs
        self.upper = upper
        self.weightGradient = weightGradient
        self.lower = lower
        self.batch = batch
        self.rows = rows
        self.columns = columns
    }

    public func run() { S.policyKernels.denseBack(self) }
}

@inline(__always)
func denseForward<S: PolicyScalar>(_ d: DenseForward<S>) {
    let count = d.batch * d.rows
    for i in 0..<count { d.outputs[i] = 0 }
    multiplyTile(
        MultiplyTile(
            weights: d.weights, weightStride: d.columns, rows: d.rows, observations: d.inputs,
            observationStride: d.columns, batch: d.batch, columns: d.columns, sums: d.outputs,
            sumStride: d.rows))
    for b in 0..<d.batch {
        for o in 0..<d.rows {
            let sum = d.outputs[b * d.rows + o] + d.bias[o]
            d.outputs[b * d.rows + o] = d.appliesTanh ? S.hyperbolicTangent(sum) : sum
        }
    }
}

@inline(__always)
func denseBackward<S: PolicyScalar>(_ d: DenseBackward<S>) {
    for b in 0..<d.batch {
        let input = d.inputs + b * d.columns
        let lower = d.lower + b * d.columns
        for k in 0..<d.columns { lower[k] = 0 }
        for o in 0..<d.rows {
            let delta = d.upper[b * d.rows + o]
            let weights = d.weights + o * d.columns
            let gradient = d.weightGradient + o * d.columns
            for k in 0..<d.columns {
                gradient[k] += delta * input[k]
                lower[k] += delta * weights[k]
            }
        }
        for k in 0..<d.columns { lower[k] *= 1 - input[k] * input[k] }
    }
}
