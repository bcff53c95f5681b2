// conv1 where the input repeats source voxels: see `RepeatedAxis` in SPARSKernels for the terms.

/// partial[z, s, 8] = sum over g of row g at z times weights[g, s, 8], for six subsets s of the
/// taps along z; row g begins at source + offsets[g].
func subsetProducts(
    _ source: Floats, _ offsets: UnsafePointer<Int>, _ groups: Int, _ count: Int,
    _ weights: Floats, _ partial: MutableFloats
) {
    var z = 0
    while z < count {
        var a0 = V8.zero
        var a1 = V8.zero
        var a2 = V8.zero
        var a3 = V8.zero
        var a4 = V8.zero
        var a5 = V8.zero
        var b0 = V8.zero
        var b1 = V8.zero
        var b2 = V8.zero
        var b3 = V8.zero
        var b4 = V8.zero
        var b5 = V8.zero
        // The second voxel of the last pair may lie behind the row: computed, not stored.
        var g = 0
        while g < groups {
            let p = source + offsets[g] + z
            let w = weights + 48 * g
            let x = splat8(p[0])
            let y = splat8(p[1])
            var v = load8(w)
            a0 = madd(a0, x, v)
            b0 = madd(b0, y, v)
            v = load8(w + 8)
            a1 = madd(a1, x, v)
            b1 = madd(b1, y, v)
            v = load8(w + 16)
            a2 = madd(a2, x, v)
            b2 = madd(b2, y, v)
            v = load8(w + 24)
            a3 = madd(a3, x, v)
            b3 = madd(b3, y, v)
            v = load8(w + 32)
            a4 = madd(a4, x, v)
            b4 = madd(b4, y, v)
            v = load8(w + 40)
            a5 = madd(a5, x, v)
            b5 = madd(b5, y, v)
            g += 1
        }
        let o = partial + 48 * z
        store(a0, o)
        store(a1, o + 8)
        store(a2, o + 16)
        store(a3, o + 24)
        store(a4, o + 32)
        store(a5, o + 40)
        if z + 1 < count {
            store(b0, o + 48)
            store(b1, o + 56)
            store(b2, o + 64)
            store(b3, o + 72)
            store(b4, o + 80)
            store(b5, o + 88)
        }
        z += 2
    }
}

/// distinct[d, 8] = the sum of `terms` rows of `partial` at index[terms d + ...]; then
/// output[q, 8] = the larger of distinct[pairs[2 q]] and distinct[pairs[2 q + 1]].
/// Indices count floats.
func combineRepeats(
    _ partial: Floats, _ index: UnsafePointer<Int32>, _ terms: Int, _ distinctCount: Int,
    _ pairs: UnsafePointer<Int32>, _ pairCount: Int, _ distinct: MutableFloats,
    _ output: MutableFloats
) {
    var d = 0
    if terms == 2 {
        while d < distinctCount {
            let a = load8(partial + Int(index[2 * d]))
            let b = load8(partial + Int(index[2 * d + 1]))
            store(a + b, distinct + 8 * d)
            d += 1
        }
    } else {
        while d < distinctCount {
            let a = load8(partial + Int(index[3 * d]))
            let b = load8(partial + Int(index[3 * d + 1]))
            let c = load8(partial + Int(index[3 * d + 2]))
            store(a + b + c, distinct + 8 * d)
            d += 1
        }
    }
    var q = 0
    while q < pairCount {
        let a = load8(distinct + Int(pairs[2 * q]))
        let b = load8(distinct + Int(pairs[2 * q + 1]))
        store(larger(a, b), output + 8 * q)
        q += 1
    }
}
