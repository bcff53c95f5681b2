import SPARSKernelTable

/// The Adam optimiser (Kingma and Ba, 2015), as PyTorch's `torch.optim.Adam` computes it without
/// weight decay: float32 arithmetic, bias corrections in float64.
///
/// One step stays within a few units in the last place of PyTorch's for equal gradients.
public struct Adam: Sendable {
    public let beta1: Double
    public let beta2: Double
    public let epsilon: Double
    /// Steps taken.
    public private(set) var stepCount = 0
    private var means: [String: [Float]] = [:]
    private var squares: [String: [Float]] = [:]

    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    /// The means of these parameters one after the other, then their squares; zeros before a step.
    public func moments(of tensors: [(name: String, count: Int)]) -> [Float] {
        [means, squares].flatMap { moments in
            tensors.flatMap { moments[$0.name] ?? Array(repeating: 0, count: $0.count) }
        }
    }

    /// - Throws: `notFinite` naming the first of these parameters whose mean or square is not finite:
    ///   a gradient above 1e19 has a square above float32, and its parameter would never move again.
    func checkMoments(of names: [String]) throws(SPARSError) {
        for name in names {
            try checkFinite(means[name] ?? [], named: "Adam's mean of \(name)")
            try checkFinite(squares[name] ?? [], named: "Adam's square of \(name)")
        }
    }

    /// Goes on from what `moments(of:)` and `stepCount` gave.
    ///
    /// - Throws: `outOfRange` for another number of values, a negative square or count,
    ///   `notFinite` for NaN or infinity; nothing changes then.
    public mutating func restore(
        moments: [Float], of tensors: [(name: String, count: Int)], stepCount: Int
    ) throws(SPARSError) {
        let total = tensors.reduce(0) { $0 + $1.count }
        guard moments.count == 2 * total else {
            throw .range("moments", of: .adam, mustBe: "\(2 * total) values", got: moments.count)
        }
        var first = 0
        for kind in ["mean", "square"] {
            for (name, count) in tensors {
                let values = moments[first..<first + count]
                try checkFinite(values, named: "Adam's \(kind) of \(name)")
                first += count
            }
        }
        guard moments[total...].allSatisfy({ $0 >= 0 }) else {
            throw .range("moments", of: .adam, mustBe: "of squares at least 0", got: "less")
        }
        guard (0...(1 << 53)).contains(stepCount) else {
            throw .range("steps", of: .adam, mustBe: "in the range [0, 2^53]", got: stepCount)
        }
        var start = 0
        for (name, count) in tensors {
            means[name] = Array(moments[start..<start + count])
            squares[name] = Array(moments[total + start..<total + start + count])
            start += count
        }
        self.stepCount = stepCount
    }

    /// Moves every parameter that has a gradient of its name; the others stay as they are.
    ///
    /// - Throws: `interrupted`, when some have moved and others not: call it on a copy.
    public mutating func step(
        _ parameters: inout Parameters, gradients: Parameters, learningRate: Double
    ) throws(SPARSError) {
        stepCount += 1
        let step = AdamStep<Float>(
            gradientScale: 1, learningRate: learningRate, epsilon: epsilon, count: stepCount,
            beta1: beta1, beta2: beta2)
        for name in gradients.names {
            guard let gradient = gradients[name]?.values, var tensor = parameters[name] else {
                preconditionFailure("no parameter '\(name)' for its gradient")
            }
            precondition(
                gradient.count == tensor.values.count, "'\(name)': gradient of another size")
            let zeros = Array(repeating: Float(0), count: gradient.count)
            var mean = means.removeValue(forKey: name) ?? zeros
            var square = squares.removeValue(forKey: name) ?? zeros
            try Control.inRuns(gradient.count) { run in
                for i in run {
                    step.move(
                        &tensor.values[i], mean: &mean[i], square: &square[i],
                        gradient: gradient[i])
                }
            }
            means[name] = mean
            squares[name] = square
            parameters[name] = tensor
        }
    }
}
