/// conv1: 8 output channels in the lanes, ten voxels along z in ten accumulators. An input value is
/// broadcast once for the three taps along z that see it: 13 loads for 30 products.
struct FirstTile {
    var a0 = V8.zero
    var a1 = V8.zero
    var a2 = V8.zero
    var a3 = V8.zero
    var a4 = V8.zero
    var a5 = V8.zero
    var a6 = V8.zero
    var a7 = V8.zero
    var a8 = V8.zero
    var a9 = V8.zero

    static let width = 10

    /// Adds the three taps along z of one (dx, dy).
    @inline(__always) mutating func add(_ p: Floats, _ w: Floats) {
        let w0 = load8(w)
        let w1 = load8(w + 8)
        let w2 = load8(w + 16)
        var x = splat8(p[0])
        a0 = madd(a0, x, w0)
        x = splat8(p[1])
        a0 = madd(a0, x, w1)
        a1 = madd(a1, x, w0)
        x = splat8(p[2])
        a0 = madd(a0, x, w2)
        a1 = madd(a1, x, w1)
        a2 = madd(a2, x, w0)
        x = splat8(p[3])
        a1 = madd(a1, x, w2)
        a2 = madd(a2, x, w1)
        a3 = madd(a3, x, w0)
        x = splat8(p[4])
        a2 = madd(a2, x, w2)
        a3 = madd(a3, x, w1)
        a4 = madd(a4, x, w0)
        x = splat8(p[5])
        a3 = madd(a3, x, w2)
        a4 = madd(a4, x, w1)
        a5 = madd(a5, x, w0)
        x = splat8(p[6])
        a4 = madd(a4, x, w2)
        a5 = madd(a5, x, w1)
        a6 = madd(a6, x, w0)
        x = splat8(p[7])
        a5 = madd(a5, x, w2)
        a6 = madd(a6, x, w1)
        a7 = madd(a7, x, w0)
        x = splat8(p[8])
        a6 = madd(a6, x, w2)
        a7 = madd(a7, x, w1)
        a8 = madd(a8, x, w0)
        x = splat8(p[9])
        a7 = madd(a7, x, w2)
        a8 = madd(a8, x, w1)
        a9 = madd(a9, x, w0)
        x = splat8(p[10])
        a8 = madd(a8, x, w2)
        a9 = madd(a9, x, w1)
        x = splat8(p[11])
        a9 = madd(a9, x, w2)
    }

    @inline(__always) init(_ input: Floats, _ xStride: Int, _ yStride: Int, _ weights: Floats) {
        var dx = 0
        while dx < 3 {
            var dy = 0
            while dy < 3 {
                add(input + dx * xStride + dy * yStride, weights + (dx * 3 + dy) * 24)
                dy += 1
            }
            dx += 1
        }
    }
}

/// One voxel, its terms added in the same order as the tile's.
@inline(__always)
func firstVoxel(_ input: Floats, _ xStride: Int, _ yStride: Int, _ weights: Floats) -> V8 {
    var sum = V8.zero
    var dx = 0
    while dx < 3 {
        var dy = 0
        while dy < 3 {
            let p = input + dx * xStride + dy * yStride
            let w = weights + (dx * 3 + dy) * 24
            sum = madd(sum, splat8(p[0]), load8(w))
            sum = madd(sum, splat8(p[1]), load8(w + 8))
            sum = madd(sum, splat8(p[2]), load8(w + 16))
            dy += 1
        }
        dx += 1
    }
    return sum
}

func firstRow(
    _ input: Floats, _ xStride: Int, _ yStride: Int, _ weights: Floats, _ count: Int,
    _ output: MutableFloats
) {
    if count < FirstTile.width {
        var z = 0
        while z < count {
            store(firstVoxel(input + z, xStride, yStride, weights), output + 8 * z)
            z += 1
        }
        return
    }
    var z = 0
    while z < count {
        // The last tile steps back and writes some voxels twice, with the same bits.
        let start = min(z, count - FirstTile.width)
        let t = FirstTile(input + start, xStride, yStride, weights)
        let o = output + 8 * start
        store(t.a0, o)
        store(t.a1, o + 8)
        store(t.a2, o + 16)
        store(t.a3, o + 24)
        store(t.a4, o + 32)
        store(t.a5, o + 40)
        store(t.a6, o + 48)
        store(t.a7, o + 56)
        store(t.a8, o + 64)
        store(t.a9, o + 72)
        z += FirstTile.width
    }
}

func firstRowPairs(
    _ input: Floats, _ xStride: Int, _ yStride: Int, _ weights: Floats, _ pairs: Int,
    _ output: MutableFloats
) {
    let tilePairs = FirstTile.width / 2
    if pairs < tilePairs {
        var q = 0
        while q < pairs {
            let a = firstVoxel(input + 2 * q, xStride, yStride, weights)
            let b = firstVoxel(input + 2 * q + 1, xStride, yStride, weights)
            store(larger(a, b), output + 8 * q)
            q += 1
        }
        return
    }
    var q = 0
    while q < pairs {
        let start = min(q, pairs - tilePairs)
        let t = FirstTile(input + 2 * start, xStride, yStride, weights)
        let o = output + 8 * start
        store(larger(t.a0, t.a1), o)
        store(larger(t.a2, t.a3), o + 8)
        store(larger(t.a4, t.a5), o + 16)
        store(larger(t.a6, t.a7), o + 24)
        store(larger(t.a8, t.a9), o + 32)
        q += tilePairs
    }
}
