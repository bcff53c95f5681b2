import SPARSKernels
import SPARSNative

/// A buffer of uniform numbers in [-1, 1).
func randomBuffer(_ count: Int, seed: UInt64) -> FloatBuffer {
    var source = RandomSource(seed: seed)
    return FloatBuffer((0..<count).map { _ in Float(source.uniform(-1, 1)) })
}

/// The largest distance between the first `count` values.
func distance(_ a: FloatBuffer, _ b: FloatBuffer, count: Int? = nil) -> Float {
    (0..<(count ?? min(a.count, b.count))).reduce(0) {
        max($0, abs(a.pointer[$1] - b.pointer[$1]))
    }
}

/// The error bound of a float32 sum of `terms` products of numbers within [-1, 1].
func bound(terms: Int) -> Float { Float(terms * terms) * 0x1p-24 }

/// n u / (1 - n u): the relative error of n roundings one upon the other, and so of a sum of n
/// products against the sum of their magnitudes, in whatever order they are added (N. J. Higham,
/// Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, sections 3.1 and 4.2).
///
/// - Parameter unit: u, of float32 if not given.
func gamma(_ n: Int, unit: Double = 0x1p-24) -> Double {
    Double(n) * unit / (1 - Double(n) * unit)
}

/// The largest error as a part of its bound, gamma(roundings) times a value's magnitude; infinite
/// for NaN, and for any error where the magnitude is zero.
func worstError(
    _ values: some Sequence<Float>, _ exact: some Sequence<Double>,
    magnitudes: some Sequence<Double>, roundings: Int
) -> Double {
    zip(zip(values, exact), magnitudes).reduce(0) { worst, next in
        let error = abs(Double(next.0.0) - next.0.1)
        if error == 0 { return worst }
        let part = error / (gamma(roundings) * next.1)
        return part.isNaN ? .infinity : max(worst, part)
    }
}

extension FloatBuffer {
    var doubles: [Double] { values.map(Double.init) }
    /// The values' magnitudes.
    var magnitudes: FloatBuffer { FloatBuffer(values.map(abs)) }
}
