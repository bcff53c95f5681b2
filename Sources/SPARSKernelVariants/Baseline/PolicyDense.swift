import SPARSKernelTable

// A narrow layer, forward and backward.

@inline(__always)
func denseForward<S: PolicyNumber>(_ d: DenseForward<S>) {
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
func denseBackward<S: PolicyNumber>(_ d: DenseBackward<S>) {
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
