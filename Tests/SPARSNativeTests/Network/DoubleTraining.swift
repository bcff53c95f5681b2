@testable import SPARSNative

/// The network in training mode in float64, by its definition: batch norm by the batch's own
/// statistics, mean cross entropy. Each stage's input is kept, so that a changed parameter costs
/// what comes behind it alone.
struct DoubleTraining {
    /// Parameters by name.
    typealias Values = [String: [Double]]

    let architecture: NetworkArchitecture
    let hasTumour: [Int]
    /// Inputs of conv1 to conv4 for each crop, [C, X, Y, Z], then the features.
    private var inputs: [[[Double]]]

    init(
        architecture: NetworkArchitecture, parameters: Values, crops: [[Double]],
        hasTumour: [Int]
    ) {
        self.architecture = architecture
        self.hasTumour = hasTumour
        inputs = [crops]
        for stage in 1...4 { inputs.append(behind(stage, inputs[stage - 1], parameters)) }
    }

    /// The loss with other parameters from `stage` on; 5 is the fully connected layers.
    func loss(_ parameters: Values, from stage: Int) -> Double {
        var x = inputs[stage - 1]
        if stage < 5 { for i in stage...4 { x = behind(i, x, parameters) } }
        var loss = 0.0
        for (features, label) in zip(x, hasTumour) {
            let logits = dense(features, parameters)
            let top = max(logits[0], logits[1])
            let sum = exponential(logits[0] - top) + exponential(logits[1] - top)
            loss += logarithm(sum) - (logits[label] - top)
        }
        return loss / Double(hasTumour.count)
    }

    private func dense(_ features: [Double], _ parameters: Values) -> [Double] {
        var x = features
        for i in 1...5 {
            let weights = parameters["fc\(i).weight"]!
            let bias = parameters["fc\(i).bias"]!
            x = bias.indices.map { o in
                var sum = bias[o]
                for k in x.indices { sum += weights[o * x.count + k] * x[k] }
                return i < 5 ? max(sum, 0) : sum
            }
        }
        return x
    }

    /// Convolution, batch norm, ReLU and, but for the last stage, max-pool.
    private func behind(
        _ stage: Int, _ crops: [[Double]], _ parameters: Values
    ) -> [[Double]] {
        let raw = crops.map { convolved($0, stage, parameters) }
        let channels = NetworkArchitecture.channels[stage]
        let extent = architecture.convolved[stage - 1]
        let gamma = parameters["bn\(stage).weight"]!
        let beta = parameters["bn\(stage).bias"]!
        var outputs = raw
        for c in 0..<channels {
            let places = c * extent.count..<(c + 1) * extent.count
            let count = Double(raw.count * extent.count)
            var mean = 0.0
            for crop in raw { for i in places { mean += crop[i] } }
            mean /= count
            var variance = 0.0
            for crop in raw { for i in places { variance += (crop[i] - mean) * (crop[i] - mean) } }
            let scale =
                gamma[c] / (variance / count + NetworkArchitecture.epsilon).squareRoot()
            for n in raw.indices {
                for i in places {
                    outputs[n][i] = max((raw[n][i] - mean) * scale + beta[c], 0)
                }
            }
        }
        return stage == 4 ? outputs : outputs.map { pooled($0, channels, extent) }
    }

    private func convolved(
        _ input: [Double], _ stage: Int, _ parameters: Values
    ) -> [Double] {
        let from = stage == 1 ? architecture.input : architecture.stageOutputs[stage - 2]
        let out = architecture.convolved[stage - 1]
        let stride = NetworkArchitecture.strides[stage - 1]
        let sources = NetworkArchitecture.channels[stage - 1]
        let weights = parameters["conv\(stage).weight"]!
        let bias = parameters["conv\(stage).bias"]!
        var result = [Double](repeating: 0, count: bias.count * out.count)
        input.withUnsafeBufferPointer { input in
            result.withUnsafeMutableBufferPointer { result in
                for o in bias.indices {
                    for i in o * out.count..<(o + 1) * out.count { result[i] = bias[o] }
                    for c in 0..<sources {
                        for tap in 0..<27 {
                            let weight = weights[(o * sources + c) * 27 + tap]
                            for p in 0..<out.x {
                                for q in 0..<out.y {
                                    let row =
                                        c * from.count
                                        + from.offset(
                                            stride * p + tap / 9, stride * q + tap / 3 % 3, tap % 3)
                                    let target = o * out.count + out.offset(p, q, 0)
                                    for r in 0..<out.z {
                                        result[target + r] += weight * input[row + stride * r]
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    private func pooled(_ values: [Double], _ channels: Int, _ extent: Extent) -> [Double] {
        let out = Extent(extent.x / 2, extent.y / 2, extent.z / 2)
        var result = [Double](repeating: 0, count: channels * out.count)
        values.withUnsafeBufferPointer { values in
            for c in 0..<channels {
                for p in 0..<2 * out.x {
                    for q in 0..<2 * out.y {
                        let row = c * extent.count + extent.offset(p, q, 0)
                        let target = c * out.count + out.offset(p / 2, q / 2, 0)
                        // Outputs of ReLU are 0 at least, where the result begins.
                        for r in 0..<2 * out.z {
                            result[target + r / 2] = max(result[target + r / 2], values[row + r])
                        }
                    }
                }
            }
        }
        return result
    }
}

/// A crop brought to the grid in float64, by its definition.
func enlarged(
    _ values: [Float], _ extent: Extent, to grid: Extent, by interpolation: Interpolation
) -> [Double] {
    func places(_ axis: Int) -> (lower: [Int], upper: [Int], weight: [Double]) {
        let (few, many) = (extent[axis], grid[axis])
        if interpolation == .nearest {
            let lower = (0..<many).map { $0 * few / many }
            return (lower, lower, lower.map { _ in 0 })
        }
        let at = (0..<many).map {
            min(max((Double($0) + 0.5) * Double(few) / Double(many) - 0.5, 0), Double(few - 1))
        }
        let lower = at.map { Int($0) }
        return (
            lower, lower.map { min($0 + 1, few - 1) }, zip(at, lower).map { $0 - Double($1) }
        )
    }
    let (x, y, z) = (places(0), places(1), places(2))
    func row(_ i: Int, _ j: Int, _ k: Int) -> Double {
        let start = extent.offset(i, j, 0)
        let (low, high) = (Double(values[start + z.lower[k]]), Double(values[start + z.upper[k]]))
        return low + z.weight[k] * (high - low)
    }
    var result: [Double] = []
    result.reserveCapacity(grid.count)
    for i in 0..<grid.x {
        for j in 0..<grid.y {
            for k in 0..<grid.z {
                func plane(_ a: Int) -> Double {
                    let (low, high) = (row(a, y.lower[j], k), row(a, y.upper[j], k))
                    return low + y.weight[j] * (high - low)
                }
                let (low, high) = (plane(x.lower[i]), plane(x.upper[i]))
                result.append(low + x.weight[i] * (high - low))
            }
        }
    }
    return result
}
