import SPARSKernelTable
import SPARSKernels

extension ActorCritic {
    /// What both nets read of observations (B, `shape.observation`), with what its gradient needs;
    /// nil where they read the observations themselves.
    func extracted(_ observations: [S], batch: Int) -> Convolution.Tape<S>? {
        guard let convolution else { return nil }
        var tape = Convolution.Tape<S>()
        var output = observations
        for (i, layer) in convolution.layers.enumerated() {
            let patches = convolution.patches(i, of: output, batch: batch)
            output = dense(layer.dense, patches, batch: batch * layer.places, appliesTanh: true)
            tape.patches.append(patches)
        }
        tape.features = beside(
            observations, convolution.transposed(output, batch: batch, toFeatures: true), batch)
        return tape
    }

    /// Adds the convolutions' gradients, which stand first in `gradient`.
    ///
    /// - Parameter delta: (B, `shape.firstRows`), the loss's derivative by the first layer's
    ///   outputs before tanh.
    func addConvolutionGradient(
        _ delta: [S], _ tape: Convolution.Tape<S>, _ batch: Int, to gradient: inout [S]
    ) {
        guard let convolution else { return }
        var upper = convolution.transposed(
            featureGradient(delta, tape.features, batch), batch: batch, toFeatures: false)
        for i in convolution.layers.indices.reversed() {
            let layer = convolution.layers[i]
            let below = lower(
                layer.dense, inputs: tape.patches[i], upper: upper, batch * layer.places, &gradient)
            for place in 0..<batch * layer.places {
                for o in 0..<layer.dense.outputs {
                    gradient[layer.dense.bias + o] += upper[place * layer.dense.outputs + o]
                }
            }
            if i > 0 { upper = convolution.gathered(i, below, batch: batch) }
        }
    }

    /// Features (B, n) with the numbers behind each observation's window put behind them.
    private func beside(_ observations: [S], _ features: [S], _ batch: Int) -> [S] {
        let count = shape.convolution?.beside ?? 0
        if count == 0 { return features }
        let (width, columns) = (shape.observation, shape.inputs - count)
        var joined: [S] = []
        joined.reserveCapacity(batch * shape.inputs)
        for b in 0..<batch {
            joined += features[b * columns..<(b + 1) * columns]
            joined += observations[(b + 1) * width - count..<(b + 1) * width]
        }
        return joined
    }

    /// The derivative by what came before the tanh of the features; of what stands beside them
    /// nothing is learned.
    private func featureGradient(_ delta: [S], _ features: [S], _ batch: Int) -> [S] {
        let (rows, inputs) = (shape.firstRows, shape.inputs)
        let columns = inputs - (shape.convolution?.beside ?? 0)
        var result = [S](repeating: 0, count: batch * columns)
        for b in 0..<batch {
            for o in 0..<rows {
                let factor = delta[b * rows + o]
                for j in 0..<columns {
                    result[b * columns + j] += factor * first[o * inputs + j]
                }
            }
            for j in 0..<columns {
                let feature = features[b * inputs + j]
                result[b * columns + j] *= 1 - feature * feature
            }
        }
        return result
    }
}
