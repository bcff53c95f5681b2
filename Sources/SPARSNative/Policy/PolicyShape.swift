import SPARSKernels

/// The sizes of an actor-critic of stable-baselines3's "MlpPolicy": two separate chains of tanh
/// layers over one flattened observation, and a linear head on each.
public struct PolicyShape: Hashable, Sendable {
    /// Numbers that both nets read: an observation's, or what `convolution` makes of it.
    public let inputs: Int
    /// What stands between an observation and the nets, if anything does ("CnnPolicy").
    public let convolution: WindowConvolutions?
    /// Widths of the policy net's and of the value net's hidden layers, one or more each.
    public let policyHidden: [Int]
    public let valueHidden: [Int]
    public let actions: Int

    /// The widest layer and the longest chain that are accepted.
    public static let widthLimit = 1 << 16
    public static let depthLimit = 8

    /// - Throws: `outOfRange` for a size that is not positive or too large.
    public init(
        inputs: Int, policyHidden: [Int] = [64, 64], valueHidden: [Int] = [64, 64], actions: Int
    ) throws(SPARSError) {
        try self.init(
            inputs: inputs, convolution: nil, policyHidden: policyHidden, valueHidden: valueHidden,
            actions: actions)
    }

    /// Nets that read a window through convolutions.
    public init(
        convolution: WindowConvolutions, policyHidden: [Int] = [64, 64],
        valueHidden: [Int] = [64, 64], actions: Int
    ) throws(SPARSError) {
        try self.init(
            inputs: convolution.features + convolution.beside, convolution: convolution,
            policyHidden: policyHidden,
            valueHidden: valueHidden, actions: actions)
    }

    private init(
        inputs: Int, convolution: WindowConvolutions?, policyHidden: [Int], valueHidden: [Int],
        actions: Int
    ) throws(SPARSError) {
        guard inputs > 0, inputs <= 1 << 28 else {
            throw .range(
                "inputs", of: .ppo, mustBe: "an integer in the range [1, \(1 << 28)]", got: inputs)
        }
        guard actions > 0, actions <= Self.widthLimit else {
            throw .range(
                "actions", of: .ppo, mustBe: "an integer in the range [1, \(Self.widthLimit)]",
                got: actions)
        }
        for hidden in [policyHidden, valueHidden] {
            guard (1...Self.depthLimit).contains(hidden.count),
                hidden.allSatisfy({ (1...Self.widthLimit).contains($0) })
            else {
                throw .range(
                    "net_arch", of: .ppo,
                    mustBe: "1 to \(Self.depthLimit) widths in the range [1, \(Self.widthLimit)]",
                    got: hidden)
            }
        }
        guard inputs <= (1 << 31) / (policyHidden[0] + valueHidden[0]) else {
            throw .outOfMemory(
                message: "A first layer of \(policyHidden[0] + valueHidden[0]) x \(inputs) weights "
                    + "exceeds the limit of \(1 << 31). Give 'multiplicity' for a resized window.")
        }
        self.inputs = inputs
        self.convolution = convolution
        self.policyHidden = policyHidden
        self.valueHidden = valueHidden
        self.actions = actions
    }

    private init(_ other: PolicyShape, valueHidden: [Int]) {
        inputs = other.inputs
        convolution = other.convolution
        policyHidden = other.policyHidden
        self.valueHidden = valueHidden
        actions = other.actions
    }

    /// The same policy beside a critic of one unit.
    var withoutCritic: PolicyShape { PolicyShape(self, valueHidden: [1]) }

    /// Numbers of an observation.
    public var observation: Int {
        convolution.map { $0.window.count + $0.beside } ?? inputs
    }

    /// Rows of the two nets' first layers together: the policy's, then the value's.
    public var firstRows: Int { policyHidden[0] + valueHidden[0] }

    /// The parameters under stable-baselines3's names with their shapes, in its order.
    public var parameters: [(name: String, shape: [Int])] {
        var list: [(name: String, shape: [Int])] = convolution?.parameters ?? []
        for (net, hidden) in [("policy_net", policyHidden), ("value_net", valueHidden)] {
            var width = inputs
            for (i, outputs) in hidden.enumerated() {
                // tanh modules stand between the linear ones, so linear layer i is module 2 i.
                list.append(("mlp_extractor.\(net).\(2 * i).weight", [outputs, width]))
                list.append(("mlp_extractor.\(net).\(2 * i).bias", [outputs]))
                width = outputs
            }
        }
        for (head, outputs, width) in [
            ("action_net", actions, policyHidden.last!), ("value_net", 1, valueHidden.last!),
        ] {
            list.append(("\(head).weight", [outputs, width]))
            list.append(("\(head).bias", [outputs]))
        }
        return list
    }

    /// How many numbers all parameters hold.
    public var parameterCount: Int {
        parameters.reduce(0) { $0 + $1.shape.reduce(1, *) }
    }
}

/// One linear layer's place among the parameters behind the first layer.
struct DenseLayer: Hashable, Sendable {
    let inputs: Int
    let outputs: Int
    /// Offsets into `ActorCritic.rest`. A first layer's weights stand elsewhere; its `weight` is
    /// not used.
    let weight: Int
    let bias: Int
}

/// Where everything but the first layer's weights stands in `ActorCritic.rest`: in the order of
/// `PolicyShape.parameters`, convolutions before the nets and the two heads at the end.
struct PolicyLayout: Sendable {
    let policy: [DenseLayer]
    let value: [DenseLayer]
    let count: Int

    init(_ shape: PolicyShape) {
        var next = shape.convolution?.parameterCount ?? 0
        func layer(_ inputs: Int, _ outputs: Int, first: Bool = false) -> DenseLayer {
            let weight = next
            if !first { next += inputs * outputs }
            defer { next += outputs }
            return DenseLayer(inputs: inputs, outputs: outputs, weight: weight, bias: next)
        }
        func chain(_ hidden: [Int]) -> [DenseLayer] {
            var layers = [layer(shape.inputs, hidden[0], first: true)]
            for i in hidden.indices.dropFirst() { layers.append(layer(hidden[i - 1], hidden[i])) }
            return layers
        }
        let policyNet = chain(shape.policyHidden)
        let valueNet = chain(shape.valueHidden)
        policy = policyNet + [layer(shape.policyHidden.last!, shape.actions)]
        value = valueNet + [layer(shape.valueHidden.last!, 1)]
        count = next
    }
}
