/// One step of Adam (Kingma and Ba, 2015) as `torch.optim.Adam` orders its operations.
@frozen
public struct AdamStep<S: PolicyNumber>: Sendable {
    /// Factor of every gradient, from clipping the global norm.
    public let gradientScale: S
    /// lr / (1 - beta1^t)
    public let stepSize: S
    /// sqrt(1 - beta2^t)
    public let squareCorrection: S
    public let epsilon: S
    public let oneMinusBeta1: S
    public let beta2: S
    public let oneMinusBeta2: S

    /// - Parameter count: t, 1 for the first step.
    @inlinable
    public init(
        gradientScale: S, learningRate: Double, epsilon: Double, count: Int, beta1: Double = 0.9,
        beta2: Double = 0.999
    ) {
        self.gradientScale = gradientScale
        stepSize = S(learningRate / (1 - integerPower(beta1, count)))
        squareCorrection = S((1 - integerPower(beta2, count)).squareRoot())
        self.epsilon = S(epsilon)
        oneMinusBeta1 = S(1 - beta1)
        self.beta2 = S(beta2)
        oneMinusBeta2 = S(1 - beta2)
    }

    /// Moves one weight of `multiplicity` replicas whose single gradient is `gradient`.
    @inlinable @inline(__always)
    public func move(
        _ weight: inout S, mean: inout S, square: inout S, gradient: S, multiplicity: S = 1
    ) {
        let g = gradient * gradientScale
        mean += (g - mean) * oneMinusBeta1
        square = square * beta2 + g * g * oneMinusBeta2
        let denominator = square.squareRoot() / squareCorrection + epsilon
        weight -= multiplicity * (stepSize * mean / denominator)
    }
}

/// base^exponent by repeated squaring; exact enough for bias corrections and free of libm.
@usableFromInline
func integerPower(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    var factor = base
    var rest = exponent
    while rest > 0 {
        if rest & 1 == 1 { result *= factor }
        factor *= factor
        rest >>= 1
    }
    return result
}
