@testable import SPARSNative

/// The network in evaluation mode in float64, by its definition: what fast code is held against.
struct DoubleNetwork {
    /// An array [C, X, Y, Z].
    struct Activations {
        var channels: Int
        var extent: Extent
        var values: [Double]
    }

    let architecture: NetworkArchitecture
    let parameters: Parameters

    private func values(_ name: String) -> [Double] {
        parameters[name]!.values.map(Double.init)
    }

    /// Two logits of one input, [x, y, z].
    func logits(_ input: [Double]) -> [Double] {
        var x = Activations(channels: 1, extent: architecture.input, values: input)
        for stage in 1...4 {
            x = convolved(x, stage)
            if stage < 4 { x = pooled(x) }
        }
        var features = x.values
        for (i, outputs) in NetworkArchitecture.denseOutputs.enumerated() {
            let weights = values("fc\(i + 1).weight")
            let bias = values("fc\(i + 1).bias")
            let inputs = features.count
            features = (0..<outputs).map { o in
                var sum = bias[o]
                for k in 0..<inputs { sum += weights[o * inputs + k] * features[k] }
                return i < 4 ? max(sum, 0) : sum
            }
        }
        return features
    }

    /// Convolution, batch norm by running statistics, ReLU.
    private func convolved(_ x: Activations, _ stage: Int) -> Activations {
        let stride = NetworkArchitecture.strides[stage - 1]
        let outputs = NetworkArchitecture.channels[stage]
        let out = architecture.convolved[stage - 1]
        let weights = values("conv\(stage).weight")
        let bias = values("conv\(stage).bias")
        let (gamma, beta) = (values("bn\(stage).weight"), values("bn\(stage).bias"))
        let mean = values("bn\(stage).running_mean")
        let variance = values("bn\(stage).running_var")
        var result = Activations(
            channels: outputs, extent: out, values: .init(repeating: 0, count: outputs * out.count))
        x.values.withUnsafeBufferPointer { input in
            for o in 0..<outputs {
                let scale = gamma[o] / (variance[o] + NetworkArchitecture.epsilon).squareRoot()
                var i = o * out.count
                for p in 0..<out.x {
                    for q in 0..<out.y {
                        for r in 0..<out.z {
                            var sum = bias[o]
                            for c in 0..<x.channels {
                                for tap in 0..<27 {
                                    let voxel = x.extent.offset(
                                        stride * p + tap / 9, stride * q + tap / 3 % 3,
                                        stride * r + tap % 3)
                                    sum +=
                                        weights[(o * x.channels + c) * 27 + tap]
                                        * input[c * x.extent.count + voxel]
                                }
                            }
                            result.values[i] = max((sum - mean[o]) * scale + beta[o], 0)
                            i += 1
                        }
                    }
                }
            }
        }
        return result
    }

    private func pooled(_ x: Activations) -> Activations {
        let out = Extent(x.extent.x / 2, x.extent.y / 2, x.extent.z / 2)
        var values: [Double] = []
        values.reserveCapacity(x.channels * out.count)
        for c in 0..<x.channels {
            for p in 0..<out.x {
                for q in 0..<out.y {
                    for r in 0..<out.z {
                        var best = -Double.infinity
                        for k in 0..<8 {
                            let voxel = x.extent.offset(
                                2 * p + k / 4, 2 * q + k / 2 % 2, 2 * r + k % 2)
                            best = max(best, x.values[c * x.extent.count + voxel])
                        }
                        values.append(best)
                    }
                }
            }
        }
        return Activations(channels: x.channels, extent: out, values: values)
    }
}
