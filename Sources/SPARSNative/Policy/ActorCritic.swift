import SPARSKernels

/// The actor-critic of stable-baselines3's "MlpPolicy".
///
/// With a `multiplicity` the observation stands for a larger one, in which element j is repeated
/// c_j times (a window resized by nearest neighbour), and the first layer's weights are the sums
/// over each element's replicas: the outputs are those of the large network.
public struct ActorCritic<S: PolicyScalar>: Sendable {
    public let shape: PolicyShape
    let layout: PolicyLayout
    /// First-layer weights (`shape.firstRows`, `shape.inputs`): the policy's rows, then the value's.
    var first: [S]
    /// Everything else, as `layout` says.
    var rest: [S]

    var firstLayer: FirstLayer<S> { FirstLayer(rows: shape.firstRows, columns: shape.inputs) }

    /// - Parameter parameters: all parameters one after another, in the order of
    ///   `shape.parameters`.
    /// - Throws: `invalidArgument` for a wrong count, `notFinite` naming the first bad parameter.
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    public init(shape: PolicyShape, parameters: ArraySlice<S>) throws(SPARSError) {
        guard parameters.count == shape.parameterCount else {
            throw .range(
                "parameters", of: "PPO", mustBe: "\(shape.parameterCount) numbers in all",
                got: parameters.count)
        }
        self.shape = shape
        layout = PolicyLayout(shape)
        first = []
        first.reserveCapacity(shape.firstRows * shape.inputs)
        rest = []
        rest.reserveCapacity(layout.count)
        let wide = Self.firstLayerNames
        var start = parameters.startIndex
        for (name, extents) in shape.parameters {
            let end = parameters.index(start, offsetBy: extents.reduce(1, *))
            let values = parameters[start..<end]
            guard values.allSatisfy(\.isFinite) else {
                throw .notFinite(
                    tensor: name,
                    message: "The parameter '\(name)' must be finite. Got NaN or infinity instead.")
            }
            if wide.contains(name) { first += values } else { rest += values }
            start = end
        }
    }

    public init(shape: PolicyShape, parameters: [S]) throws(SPARSError) {
        try self.init(shape: shape, parameters: parameters[...])
    }

    private static var firstLayerNames: [String] {
        ["mlp_extractor.policy_net.0.weight", "mlp_extractor.value_net.0.weight"]
    }

    /// All parameters one after another, in the order of `shape.parameters`.
    public var parameters: [S] { joined(first, rest) }

    /// First-layer numbers and the others in the order of `shape.parameters`.
    func joined(_ first: [S], _ rest: [S]) -> [S] {
        let policyFirst = shape.policyHidden[0] * shape.inputs
        let valueBias = layout.value[0].bias
        var all: [S] = []
        all.reserveCapacity(shape.parameterCount)
        all += first[..<policyFirst]
        all += rest[..<valueBias]
        all += first[policyFirst...]
        all += rest[valueBias...]
        return all
    }
}

// MARK: - Forward

/// Which of the two nets a forward pass computes.
public enum PolicyPart: Sendable {
    case policy, value, both
}

/// What a forward pass leaves for the backward pass: per net and layer the outputs, (B, width),
/// after tanh but for the last.
struct Activations<S: PolicyScalar> {
    var policy: [[S]] = []
    var value: [[S]] = []

    /// (B, actions)
    var logits: [S] { policy.last! }
    /// (B)
    var values: [S] { value.last! }
}

extension ActorCritic {
    /// The first layer's products (B, `firstRows`) without biases; rows of the part not wanted are 0.
    func firstProducts(
        _ observations: [S], batch: Int, part: PolicyPart
    ) -> [S] {
        let split = shape.policyHidden[0]
        let rows =
            switch part {
            case .policy: 0..<split
            case .value: split..<shape.firstRows
            case .both: 0..<shape.firstRows
            }
        var products = [S](repeating: 0, count: batch * shape.firstRows)
        products.withUnsafeMutableBufferPointer { products in
            first.withUnsafeBufferPointer { first in
                observations.withUnsafeBufferPointer { observations in
                    firstLayer.multiply(
                        weights: first.baseAddress!, rows: rows,
                        observations: observations.baseAddress!, batch: batch,
                        outputs: products.baseAddress!)
                }
            }
        }
        return products
    }

    /// Both nets behind the first layer's products.
    func activations(
        products: [S], batch: Int, part: PolicyPart = .both
    ) -> Activations<S> {
        var result = Activations<S>()
        if part != .value {
            result.policy = chain(layout.policy, products, offset: 0, batch: batch)
        }
        if part != .policy {
            result.value = chain(
                layout.value, products, offset: shape.policyHidden[0], batch: batch)
        }
        return result
    }

    private func chain(
        _ layers: [DenseLayer], _ products: [S], offset: Int, batch: Int
    ) -> [[S]] {
        var outputs: [[S]] = []
        for (i, layer) in layers.enumerated() {
            var output = [S](repeating: 0, count: batch * layer.outputs)
            for b in 0..<batch {
                for o in 0..<layer.outputs {
                    let product: S
                    if let weight = layer.weight {
                        product = dot(
                            outputs[i - 1], b * layer.inputs, weight + o * layer.inputs, layer.inputs)
                    } else {
                        product = products[b * shape.firstRows + offset + o]
                    }
                    let sum = product + rest[layer.bias + o]
                    output[b * layer.outputs + o] = i < layers.count - 1 ? S.hyperbolicTangent(sum) : sum
                }
            }
            outputs.append(output)
        }
        return outputs
    }

    /// Sum over k of x[xStart + k] rest[wStart + k], in eight lanes.
    private func dot(_ x: [S], _ xStart: Int, _ wStart: Int, _ count: Int) -> S {
        var lanes = SIMD8<S>.zero
        var k = 0
        while k + 8 <= count {
            var a = SIMD8<S>.zero
            var w = SIMD8<S>.zero
            for lane in 0..<8 {
                a[lane] = x[xStart + k + lane]
                w[lane] = rest[wStart + k + lane]
            }
            lanes += a * w
            k += 8
        }
        var sum = lanes.sum()
        while k < count {
            sum += x[xStart + k] * rest[wStart + k]
            k += 1
        }
        return sum
    }
}

// MARK: - Backward

extension ActorCritic {
    /// Gradients behind the first layer's outputs.
    ///
    /// - Parameters:
    ///   - logits: the loss's derivative by the logits, (B, actions).
    ///   - values: the same by the values, (B).
    /// - Returns: the gradient of `rest`, and the derivative by the first layer's outputs before
    ///   tanh, (B, `firstRows`).
    func backward(
        _ activations: Activations<S>, logits: [S], values: [S], batch: Int
    ) -> (rest: [S], first: [S]) {
        var gradient = [S](repeating: 0, count: layout.count)
        var delta = [S](repeating: 0, count: batch * shape.firstRows)
        backward(
            layout.policy, activations.policy, logits, offset: 0, batch, &gradient, &delta)
        backward(
            layout.value, activations.value, values, offset: shape.policyHidden[0], batch,
            &gradient, &delta)
        return (gradient, delta)
    }

    private func backward(
        _ layers: [DenseLayer], _ outputs: [[S]], _ head: [S], offset: Int, _ batch: Int,
        _ gradient: inout [S], _ first: inout [S]
    ) {
        var upper = head
        for i in stride(from: layers.count - 1, through: 0, by: -1) {
            let layer = layers[i]
            for b in 0..<batch {
                for o in 0..<layer.outputs { gradient[layer.bias + o] += upper[b * layer.outputs + o] }
            }
            guard let weight = layer.weight else {
                for b in 0..<batch {
                    for o in 0..<layer.outputs {
                        first[b * shape.firstRows + offset + o] = upper[b * layer.outputs + o]
                    }
                }
                return
            }
            let below = outputs[i - 1]
            var lower = [S](repeating: 0, count: batch * layer.inputs)
            for b in 0..<batch {
                for o in 0..<layer.outputs {
                    let d = upper[b * layer.outputs + o]
                    let row = weight + o * layer.inputs
                    let x = b * layer.inputs
                    for k in 0..<layer.inputs {
                        gradient[row + k] += d * below[x + k]
                        lower[x + k] += d * rest[row + k]
                    }
                }
                for k in 0..<layer.inputs {
                    let y = below[b * layer.inputs + k]
                    lower[b * layer.inputs + k] *= 1 - y * y
                }
            }
            upper = lower
        }
    }
}
