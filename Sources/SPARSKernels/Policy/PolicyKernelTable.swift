#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The numbers a policy computes in: float32 for play, float64 for checking updates exactly.
public protocol PolicyScalar: BinaryFloatingPoint & SIMDScalar & Codable & Sendable {
    static var policyKernels: PolicyKernelTable<Self> { get }
    static func hyperbolicTangent(_ x: Self) -> Self
}

extension Float: PolicyScalar {
    public static let policyKernels = PolicyKernelTable<Float>(
        multiply: { multiplyTile($0) }, normSquared: { normSquaredTile($0) },
        descend: { descendTile($0) }, dense: { denseForward($0) }, denseBack: { denseBackward($0) })

    public static func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }
}

extension Double: PolicyScalar {
    public static let policyKernels = PolicyKernelTable<Double>(
        multiply: { multiplyTile($0) }, normSquared: { normSquaredTile($0) },
        descend: { descendTile($0) }, dense: { denseForward($0) }, denseBack: { denseBackward($0) })

    public static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
}

/// The loops over a first layer's weights, compiled once a scalar type.
///
/// Letters: O output rows, J input columns, B observations. A tile is a few rows of one block of
/// columns; `FirstLayer` cuts a layer into tiles.
public struct PolicyKernelTable<S: PolicyScalar>: Sendable {
    /// Adds each row's product with each observation to `sums`.
    let multiply: @Sendable (MultiplyTile<S>) -> Void
    /// The tile's share of the squared norm of the gradient, c_j g^2 summed.
    let normSquared: @Sendable (GradientTile<S>) -> S
    /// One Adam step on the tile.
    let descend: @Sendable (DescentTile<S>) -> Void
    /// A narrow layer, forward and backward.
    let dense: @Sendable (DenseForward<S>) -> Void
    let denseBack: @Sendable (DenseBackward<S>) -> Void
}

/// Rows of weights (O, J) against observations (B, J); pointers stand at the tile's first element.
struct MultiplyTile<S: PolicyScalar> {
    var weights: UnsafePointer<S>
    var weightStride: Int
    var rows: Int
    var observations: UnsafePointer<S>
    var observationStride: Int
    var batch: Int
    var columns: Int
    /// (B, `sumStride`): element [b][o] of the tile.
    var sums: UnsafeMutablePointer<S>
    var sumStride: Int
}

/// What the gradient g[o][j] = sum over b of delta[b][o] x[b][j] is formed from.
struct GradientTile<S: PolicyScalar> {
    /// (B, `deltaStride`): the loss's derivative by the rows' outputs.
    var delta: UnsafePointer<S>
    var deltaStride: Int
    var rows: Int
    var observations: UnsafePointer<S>
    var observationStride: Int
    var batch: Int
    var columns: Int
    /// c_j, how many replicas of the observation each column stands for.
    var multiplicity: UnsafePointer<S>
}

struct DescentTile<S: PolicyScalar> {
    var gradient: GradientTile<S>
    /// Weights and Adam's two moments, rows `weightStride` apart.
    var weights: UnsafeMutablePointer<S>
    var mean: UnsafeMutablePointer<S>
    var square: UnsafeMutablePointer<S>
    var weightStride: Int
    var step: AdamStep<S>
}

/// One step of Adam (Kingma and Ba, 2015) as `torch.optim.Adam` orders its operations.
@frozen
public struct AdamStep<S: PolicyScalar>: Sendable {
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
