import SPARSKernelTable
import SPARSKernels

/// The actor-critic of stable-baselines3's "MlpPolicy".
///
/// With a `multiplicity` the observation stands for a larger one, in which element j is repeated
/// c_j times (a window resized by nearest neighbour), and the first layer's weights are the sums
/// over each element's replicas: the outputs are those of the large network.
public struct ActorCritic<S: PolicyScalar>: Sendable {
    public let shape: PolicyShape
    let layout: PolicyLayout
    let convolution: Convolution?
    /// First-layer weights (`shape.firstRows`, `shape.inputs`): the policy's rows, then the value's.
    var first: [S]
    /// Everything else, as `layout` says.
    var rest: [S]

    var firstLayer: FirstLayer<S> { FirstLayer(rows: shape.firstRows, columns: shape.inputs) }

    /// - Parameters:
    ///   - shape: the layers' widths.
    ///   - parameters: all parameters one after another, in the order of
    ///   `shape.parameters`.
    /// - Throws: `outOfRange` for a wrong count, `notFinite` naming the first bad parameter.
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    public init(shape: PolicyShape, parameters: ArraySlice<S>) throws(SPARSError) {
        guard parameters.count == shape.parameterCount else {
            throw .range(
                "parameters", of: .ppo, mustBe: "\(shape.parameterCount) numbers in all",
                got: parameters.count)
        }
        self.shape = shape
        layout = PolicyLayout(shape)
        convolution = shape.convolution.map(Convolution.init)
        first = []
        first.reserveCapacity(shape.firstRows * shape.inputs)
        rest = []
        rest.reserveCapacity(layout.count)
        let wide = Self.firstLayerNames
        var start = parameters.startIndex
        for (name, extents) in shape.parameters {
            try Control.check()
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
        try Control.check()
        first = first.onLargePages()
    }

    public init(shape: PolicyShape, parameters: [S]) throws(SPARSError) {
        try self.init(shape: shape, parameters: parameters[...])
    }

    /// Parts that are known to fit: made of another network's.
    init(shape: PolicyShape, first: ArraySlice<S>, rest: ArraySlice<S>) {
        self.shape = shape
        layout = PolicyLayout(shape)
        convolution = shape.convolution.map(Convolution.init)
        self.first = Array(first)
        self.rest = Array(rest)
        precondition(self.first.count == shape.firstRows * shape.inputs, "\(self.first.count)")
        precondition(self.rest.count == layout.count, "\(self.rest.count)")
    }

    /// The same in memory of its own, so that what changes one keeps its place in memory.
    func copied() -> ActorCritic {
        var copy = self
        copy.first = first.onLargePages()
        return copy
    }

    private static var firstLayerNames: [String] {
        ["mlp_extractor.policy_net.0.weight", "mlp_extractor.value_net.0.weight"]
    }

    /// All parameters one after another, in the order of `shape.parameters`.
    public var parameters: [S] { joined(first, rest) }

    /// First-layer numbers and the others in the order of `shape.parameters`.
    func joined(_ first: [S], _ rest: [S]) -> [S] {
        let policyFirst = shape.policyHidden[0] * shape.inputs
        let policyBias = layout.policy[0].bias
        let valueBias = layout.value[0].bias
        var all: [S] = []
        all.reserveCapacity(shape.parameterCount)
        all += rest[..<policyBias]
        all += first[..<policyFirst]
        all += rest[policyBias..<valueBias]
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
        let inputs = extracted(observations, batch: batch)?.features ?? observations
        return firstProducts(ofInputs: inputs, batch: batch, part: part)
    }

    /// The same from what the nets read, (B, `shape.inputs`).
    func firstProducts(
        ofInputs observations: [S], batch: Int, part: PolicyPart
    ) -> [S] {
        let split = shape.policyHidden[0]
        let rows =
            switch part {
            case .policy: 0..<split
            case .value: split..<shape.firstRows
            case .both: 0..<shape.firstRows
            }
        var products = [S](repeating: 0, count: batch * shape.firstRows)
        unsafe products.withUnsafeMutableBufferPointer { products in
            unsafe first.withUnsafeBufferPointer { first in
                unsafe observations.withUnsafeBufferPointer { observations in
                    unsafe firstLayer.multiply(
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
    ) throws(SPARSError) -> Activations<S> {
        var result = Activations<S>()
        if part != .value {
            result.policy = try chain(layout.policy, products, offset: 0, batch: batch)
        }
        if part != .policy {
            result.value = try chain(
                layout.value, products, offset: shape.policyHidden[0], batch: batch)
        }
        return result
    }

    private func chain(
        _ layers: [DenseLayer], _ products: [S], offset: Int, batch: Int
    ) throws(SPARSError) -> [[S]] {
        let first = layers[0]
        var output = [S](repeating: 0, count: batch * first.outputs)
        try Control.inRuns(batch, of: 256) { rows in
            for b in rows {
                for o in 0..<first.outputs {
                    output[b * first.outputs + o] = S.hyperbolicTangent(
                        products[b * shape.firstRows + offset + o] + rest[first.bias + o])
                }
            }
        }
        var outputs = [output]
        for (i, layer) in layers.enumerated().dropFirst() {
            outputs.append(
                dense(layer, outputs[i - 1], batch: batch, appliesTanh: i < layers.count - 1))
            try Control.check()
        }
        return outputs
    }

    /// Rows of a batch that pass a layer between two looks at whether to stop.
    private func rowsAtOnce(_ layer: DenseLayer) -> Int {
        max(1, (1 << 25) / (layer.inputs * layer.outputs))
    }

    func dense(
        _ layer: DenseLayer, _ inputs: [S], batch: Int, appliesTanh: Bool
    ) -> [S] {
        let count = batch * layer.outputs
        return unsafe rest.withUnsafeBufferPointer { rest in
            unsafe inputs.withUnsafeBufferPointer { inputs in
                unsafe [S](unsafeUninitializedCapacity: count) { outputs, initialized in
                    unsafe outputs.initialize(repeating: 0)
                    let step = rowsAtOnce(layer)
                    for b in stride(from: 0, to: batch, by: step) where !Parallel.isStopped {
                        unsafe S.policyKernels.dense(
                            DenseForward(
                                weights: rest.baseAddress! + layer.weight,
                                bias: rest.baseAddress! + layer.bias,
                                inputs: inputs.baseAddress! + b * layer.inputs,
                                outputs: outputs.baseAddress! + b * layer.outputs,
                                batch: min(step, batch - b), rows: layer.outputs,
                                columns: layer.inputs, appliesTanh: appliesTanh))
                    }
                    initialized = count
                }
            }
        }
    }
}

// MARK: - Backward

extension ActorCritic {
    /// Gradients behind the first layer's outputs.
    ///
    /// - Parameters:
    ///   - logits: the loss's derivative by the logits, (B, actions).
    ///   - values: the same by the values, (B).
    ///   - tape: of the convolutions, where the network has some.
    /// - Returns: the gradient of `rest`, and the derivative by the first layer's outputs before
    ///   tanh, (B, `firstRows`).
    func backward(
        _ activations: Activations<S>, logits: [S], values: [S],
        tape: Convolution.Tape<S>? = nil, batch: Int
    ) throws(SPARSError) -> (rest: [S], first: [S]) {
        var gradient = [S](repeating: 0, count: layout.count)
        var delta = [S](repeating: 0, count: batch * shape.firstRows)
        try backward(
            layout.policy, activations.policy, logits, offset: 0, batch, &gradient, &delta)
        try backward(
            layout.value, activations.value, values, offset: shape.policyHidden[0], batch,
            &gradient, &delta)
        if let tape { addConvolutionGradient(delta, tape, batch, to: &gradient) }
        return (gradient, delta)
    }

    private func backward(
        _ layers: [DenseLayer], _ outputs: [[S]], _ head: [S], offset: Int, _ batch: Int,
        _ gradient: inout [S], _ first: inout [S]
    ) throws(SPARSError) {
        var upper = head
        for i in layers.indices.reversed() {
            try Control.check()
            let layer = layers[i]
            for b in 0..<batch {
                for o in 0..<layer.outputs {
                    gradient[layer.bias + o] += upper[b * layer.outputs + o]
                }
            }
            if i > 0 {
                upper = lower(layer, inputs: outputs[i - 1], upper: upper, batch, &gradient)
            } else {
                for b in 0..<batch {
                    for o in 0..<layer.outputs {
                        first[b * shape.firstRows + offset + o] = upper[b * layer.outputs + o]
                    }
                }
            }
        }
    }

    /// Adds a layer's weight gradient, and returns the derivative by what came before the tanh
    /// below it.
    func lower(
        _ layer: DenseLayer, inputs: [S], upper: [S], _ batch: Int, _ gradient: inout [S]
    ) -> [S] {
        let count = batch * layer.inputs
        return unsafe gradient.withUnsafeMutableBufferPointer { gradient in
            unsafe rest.withUnsafeBufferPointer { rest in
                unsafe inputs.withUnsafeBufferPointer { inputs in
                    unsafe upper.withUnsafeBufferPointer { upper in
                        unsafe [S](unsafeUninitializedCapacity: count) { lower, initialized in
                            unsafe lower.initialize(repeating: 0)
                            let step = rowsAtOnce(layer)
                            for b in stride(from: 0, to: batch, by: step)
                            where !Parallel.isStopped {
                                unsafe S.policyKernels.denseBack(
                                    DenseBackward(
                                        weights: rest.baseAddress! + layer.weight,
                                        inputs: inputs.baseAddress! + b * layer.inputs,
                                        upper: upper.baseAddress! + b * layer.outputs,
                                        weightGradient: gradient.baseAddress! + layer.weight,
                                        lower: lower.baseAddress! + b * layer.inputs,
                                        batch: min(step, batch - b), rows: layer.outputs,
                                        columns: layer.inputs))
                            }
                            initialized = count
                        }
                    }
                }
            }
        }
    }
}
