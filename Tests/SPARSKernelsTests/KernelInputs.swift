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
