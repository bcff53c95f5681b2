/// Value noise: random numbers in [-1, 1] on a lattice of 32 x 32 x 32 that repeats, joined by a
/// cubic fade. Its standard deviation is about 0.31.
///
/// The texture of phantoms and of made-up lesions, whose speed hangs on it: it is inlined there.
package struct SmoothNoise: Sendable {
    private static let side = 32
    @usableFromInline let lattice: [Float]

    package init(_ source: inout RandomSource) {
        lattice = (0..<Self.side * Self.side * Self.side).map { _ in Float(source.uniform(-1, 1)) }
    }

    /// The noise at `p`, whose unit is the lattice's spacing.
    @inlinable package func callAsFunction(_ p: Point) -> Float {
        // An offset keeps the truncation below a floor: places are within 1e4 mm.
        let q = p + 16_384
        let (x, y, z) = (Int(q.x), Int(q.y), Int(q.z))
        let t = q - Point(Float(x), Float(y), Float(z))
        let f = t * t * (3 - 2 * t)
        let mask = 31
        let x0 = (x & mask) << 10
        let x1 = ((x + 1) & mask) << 10
        let y0 = (y & mask) << 5
        let y1 = ((y + 1) & mask) << 5
        let z0 = z & mask
        let z1 = (z + 1) & mask
        let a = mix(lattice[x0 | y0 | z0], lattice[x0 | y0 | z1], f.z)
        let b = mix(lattice[x0 | y1 | z0], lattice[x0 | y1 | z1], f.z)
        let c = mix(lattice[x1 | y0 | z0], lattice[x1 | y0 | z1], f.z)
        let d = mix(lattice[x1 | y1 | z0], lattice[x1 | y1 | z1], f.z)
        return mix(mix(a, b, f.y), mix(c, d, f.y), f.x)
    }

    /// Two octaves, the second half as large and twice as fine; within [-1.5, 1.5].
    @inlinable package func twoOctaves(_ p: Point) -> Float {
        self(p) + 0.5 * self(p * 2.03 + 7.31)
    }
}
