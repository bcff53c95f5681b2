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

/// What errors of conv1's moments are bounded by: the means of its taps' magnitudes and of the
/// magnitudes of their products, in float64.
struct MomentMagnitudes {
    let mean: [Double]
    /// [27, 27].
    let products: [Double]

    init(_ inputs: [FloatBuffer], shape: Extent) {
        let places = shape.convolved(stride: 1)
        var sums = [Double](repeating: 0, count: 27)
        var products = [Double](repeating: 0, count: 27 * 27)
        for input in inputs {
            for place in 0..<places.count {
                let (x, y, z) = (
                    place / (places.y * places.z), place / places.z % places.y, place % places.z
                )
                let taps = (0..<27).map { t in
                    Double(
                        abs(
                            input.pointer[
                                ((x + t / 9) * shape.y + y + t / 3 % 3) * shape.z + z + t % 3]))
                }
                for i in 0..<27 {
                    sums[i] += taps[i]
                    for j in 0..<27 { products[27 * i + j] += taps[i] * taps[j] }
                }
            }
        }
        let n = Double(inputs.count * places.count)
        mean = sums.map { $0 / n }
        self.products = products.map { $0 / n }
    }
}
