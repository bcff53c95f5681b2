#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

#if hasFeature(Embedded)
    public typealias VectorNumber = BinaryFloatingPoint & SIMDScalar & Sendable
#else
    // The whole standard library wants numbers of its vectors to be Codable, its embedded form has
    // no such protocol.
    public typealias VectorNumber = BinaryFloatingPoint & SIMDScalar & Codable & Sendable
#endif

/// The numbers a policy computes in: float32 for play, float64 for checking updates exactly.
public protocol PolicyNumber: VectorNumber {
    static func hyperbolicTangent(_ x: Self) -> Self
}

extension Float: PolicyNumber {
    @inlinable @inline(__always)
    public static func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }
}

extension Double: PolicyNumber {
    @inlinable @inline(__always)
    public static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
}

/// The loops over a first layer's weights, compiled once a scalar type.
///
/// Letters: O output rows, J input columns, B observations. A tile is a few rows of one block of
/// columns; `FirstLayer` cuts a layer into tiles.
public struct PolicyKernelTable<S: PolicyNumber>: Sendable {
    /// Adds each row's product with each observation to `sums`.
    public let multiply: @Sendable (MultiplyTile<S>) -> Void
    /// Writes the tile's gradient, rows as far apart as said, and returns its share of the squared
    /// norm, c_j g^2 summed.
    public let gradient: @Sendable (GradientTile<S>, UnsafeMutablePointer<S>, Int) -> Double
    /// Products of observations with each other.
    public let gram: @Sendable (GramTile<S>) -> Void
    /// One Adam step on the tile.
    public let descend: @Sendable (DescentTile<S>) -> Void
    /// The same on part of a row whose gradient is known.
    public let move: @Sendable (MovementTile<S>) -> Void
    /// A narrow layer, forward and backward.
    public let dense: @Sendable (DenseForward<S>) -> Void
    public let denseBack: @Sendable (DenseBackward<S>) -> Void

    @inlinable
    public init(
        multiply: @escaping @Sendable (MultiplyTile<S>) -> Void,
        gradient:
            @escaping @Sendable (GradientTile<S>, UnsafeMutablePointer<S>, Int) -> Double,
        gram: @escaping @Sendable (GramTile<S>) -> Void,
        descend: @escaping @Sendable (DescentTile<S>) -> Void,
        move: @escaping @Sendable (MovementTile<S>) -> Void,
        dense: @escaping @Sendable (DenseForward<S>) -> Void,
        denseBack: @escaping @Sendable (DenseBackward<S>) -> Void
    ) {
        self.multiply = multiply
        self.gradient = gradient
        self.gram = gram
        self.descend = descend
        self.move = move
        self.dense = dense
        self.denseBack = denseBack
    }
}

/// Rows of weights (O, J) against observations (B, J); pointers stand at the tile's first element.
public struct MultiplyTile<S: PolicyNumber> {
    public var weights: UnsafePointer<S>
    public var weightStride: Int
    public var rows: Int
    public var observations: UnsafePointer<S>
    public var observationStride: Int
    public var batch: Int
    public var columns: Int
    /// (B, `sumStride`): element [b][o] of the tile.
    public var sums: UnsafeMutablePointer<S>
    public var sumStride: Int

    @inlinable
    public init(
        weights: UnsafePointer<S>, weightStride: Int, rows: Int, observations: UnsafePointer<S>,
        observationStride: Int, batch: Int, columns: Int, sums: UnsafeMutablePointer<S>,
        sumStride: Int
    ) {
        self.weights = weights
        self.weightStride = weightStride
        self.rows = rows
        self.observations = observations
        self.observationStride = observationStride
        self.batch = batch
        self.columns = columns
        self.sums = sums
        self.sumStride = sumStride
    }
}

/// What the gradient g[o][j] = sum over b of delta[b][o] x[b][j] is formed from.
public struct GradientTile<S: PolicyNumber> {
    /// (B, `deltaStride`): the loss's derivative by the rows' outputs.
    public var delta: UnsafePointer<S>
    public var deltaStride: Int
    public var rows: Int
    public var observations: UnsafePointer<S>
    public var observationStride: Int
    public var batch: Int
    public var columns: Int
    /// c_j, how many replicas of the observation each column stands for.
    public var multiplicity: UnsafePointer<S>

    @inlinable
    public init(
        delta: UnsafePointer<S>, deltaStride: Int, rows: Int, observations: UnsafePointer<S>,
        observationStride: Int, batch: Int, columns: Int, multiplicity: UnsafePointer<S>
    ) {
        self.delta = delta
        self.deltaStride = deltaStride
        self.rows = rows
        self.observations = observations
        self.observationStride = observationStride
        self.batch = batch
        self.columns = columns
        self.multiplicity = multiplicity
    }
}

/// Observations (B, J) whose products with each other are summed in float64, each column m_j times:
/// within (J + 1) 2^-53 of the sum of the products' magnitudes.
public struct GramTile<S: PolicyNumber> {
    public var observations: UnsafePointer<S>
    public var observationStride: Int
    public var batch: Int
    public var columns: Int
    public var multiplicity: UnsafePointer<S>
    /// Room for (B, J) each.
    public var wide: UnsafeMutablePointer<Double>
    public var weighted: UnsafeMutablePointer<Double>
    /// (B, B), whose upper triangle is added to; what stands below the diagonal has no meaning.
    public var gram: UnsafeMutablePointer<Double>

    @inlinable
    public init(
        observations: UnsafePointer<S>, observationStride: Int, batch: Int, columns: Int,
        multiplicity: UnsafePointer<S>, wide: UnsafeMutablePointer<Double>,
        weighted: UnsafeMutablePointer<Double>, gram: UnsafeMutablePointer<Double>
    ) {
        self.observations = observations
        self.observationStride = observationStride
        self.batch = batch
        self.columns = columns
        self.multiplicity = multiplicity
        self.wide = wide
        self.weighted = weighted
        self.gram = gram
    }
}

/// A few rows of weights and the gradient that moves them.
public struct DescentTile<S: PolicyNumber> {
    public var gradient: GradientTile<S>
    /// Weights and Adam's two moments, rows `weightStride` apart.
    public var weights: UnsafeMutablePointer<S>
    public var mean: UnsafeMutablePointer<S>
    public var square: UnsafeMutablePointer<S>
    public var weightStride: Int
    public var step: AdamStep<S>
    /// So many numbers after each weight and moment lies the one wanted next; 0 for none.
    public var ahead: Int
    /// Room for `formedColumns` of the gradient of all rows.
    public var formed: UnsafeMutablePointer<S>

    /// So many columns' gradient is formed at once, and used while it is in the first cache.
    @inlinable public static var formedColumns: Int { 240 }

    @inlinable
    public init(
        gradient: GradientTile<S>, weights: UnsafeMutablePointer<S>, mean: UnsafeMutablePointer<S>,
        square: UnsafeMutablePointer<S>, weightStride: Int, step: AdamStep<S>, ahead: Int,
        formed: UnsafeMutablePointer<S>
    ) {
        self.gradient = gradient
        self.weights = weights
        self.mean = mean
        self.square = square
        self.weightStride = weightStride
        self.step = step
        self.ahead = ahead
        self.formed = formed
    }
}

/// Part of one row: its gradient, weights and moments side by side.
public struct MovementTile<S: PolicyNumber> {
    public var gradient: UnsafePointer<S>
    public var weights: UnsafeMutablePointer<S>
    public var mean: UnsafeMutablePointer<S>
    public var square: UnsafeMutablePointer<S>
    public var multiplicity: UnsafePointer<S>
    public var columns: Int
    public var step: AdamStep<S>
    /// So many numbers after each weight and moment lies the one wanted next; 0 for none.
    public var ahead: Int

    @inlinable
    public init(
        gradient: UnsafePointer<S>, weights: UnsafeMutablePointer<S>, mean: UnsafeMutablePointer<S>,
        square: UnsafeMutablePointer<S>, multiplicity: UnsafePointer<S>, columns: Int,
        step: AdamStep<S>, ahead: Int = 0
    ) {
        self.gradient = gradient
        self.weights = weights
        self.mean = mean
        self.square = square
        self.multiplicity = multiplicity
        self.columns = columns
        self.step = step
        self.ahead = ahead
    }
}

/// One narrow layer on a batch: outputs[b][o] = bias[o] + sum over j of weights[o][j] inputs[b][j],
/// then tanh if wanted. Each output is one running sum over eight lanes, whatever the batch: with u
/// half of S's ulpOfOne, an error before tanh is within gamma(J / 8 + 6), gamma(n) = n u / (1 - n u),
/// of the sum of the magnitudes of products and bias.
public struct DenseForward<S: PolicyNumber> {
    public var weights: UnsafePointer<S>
    public var bias: UnsafePointer<S>
    public var inputs: UnsafePointer<S>
    public var outputs: UnsafeMutablePointer<S>
    public var batch: Int
    public var rows: Int
    public var columns: Int
    public var appliesTanh: Bool

    @inlinable
    public init(
        weights: UnsafePointer<S>, bias: UnsafePointer<S>, inputs: UnsafePointer<S>,
        outputs: UnsafeMutablePointer<S>, batch: Int, rows: Int, columns: Int, appliesTanh: Bool
    ) {
        self.weights = weights
        self.bias = bias
        self.inputs = inputs
        self.outputs = outputs
        self.batch = batch
        self.rows = rows
        self.columns = columns
        self.appliesTanh = appliesTanh
    }

}

/// The backward pass of `DenseForward`, given `upper` (B, O), the loss's derivative by the outputs
/// before tanh.
///
/// Errors, as of `DenseForward`: gamma(B + 1) times the sum of the products' magnitudes for
/// `weightGradient`; for `lower` gamma(O + 1) times the result's terms, and gamma(2) times their sum for
/// 1 - inputs^2.
public struct DenseBackward<S: PolicyNumber> {
    public var weights: UnsafePointer<S>
    public var inputs: UnsafePointer<S>
    public var upper: UnsafePointer<S>
    /// (O, J), added to.
    public var weightGradient: UnsafeMutablePointer<S>
    /// (B, J): the derivative by the inputs, times 1 - inputs^2, the slope of the tanh they came
    /// from.
    public var lower: UnsafeMutablePointer<S>
    public var batch: Int
    public var rows: Int
    public var columns: Int

    @inlinable
    public init(
        weights: UnsafePointer<S>, inputs: UnsafePointer<S>, upper: UnsafePointer<S>,
        weightGradient: UnsafeMutablePointer<S>, lower: UnsafeMutablePointer<S>, batch: Int,
        rows: Int, columns: Int
    ) {
        self.weights = weights
        self.inputs = inputs
        self.upper = upper
        self.weightGradient = weightGradient
        self.lower = lower
        self.batch = batch
        self.rows = rows
        self.columns = columns
    }

}
