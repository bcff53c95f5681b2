@testable import SPARSNative

// The network's layers in float64, by their definitions.

/// What convolution `stage`, 1 to 4, makes of one input [C, X, Y, Z], its bias included.
func convolved(
    _ input: [Double], _ stage: Int, _ architecture: NetworkArchitecture,
    _ parameters: [String: [Double]]
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

/// Maxima over 2 x 2 x 2 places of what a ReLU made: the result begins at 0, the least there is.
func pooled(_ values: [Double], _ channels: Int, _ extent: Extent) -> [Double] {
    let out = Extent(extent.x / 2, extent.y / 2, extent.z / 2)
    var result = [Double](repeating: 0, count: channels * out.count)
    values.withUnsafeBufferPointer { values in
        for c in 0..<channels {
            for p in 0..<2 * out.x {
                for q in 0..<2 * out.y {
                    let row = c * extent.count + extent.offset(p, q, 0)
                    let target = c * out.count + out.offset(p / 2, q / 2, 0)
                    for r in 0..<2 * out.z {
                        result[target + r / 2] = max(result[target + r / 2], values[row + r])
                    }
                }
            }
        }
    }
    return result
}

/// The five fully connected layers.
func connected(_ features: [Double], _ parameters: [String: [Double]]) -> [Double] {
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
