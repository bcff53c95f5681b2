import SPARSKernelTable

// conv1 by minimal filtering: see `FirstConvolution` in SPARSKernels for the algebra.

/// 32 neighbouring values as four vectors, one for each remainder modulo 4.
@inline(__always) private func split(_ p: Floats) -> (V8, V8, V8, V8) {
    let a = load16(p)
    let b = load16(p + 16)
    let even = V16(lowHalf: a.evenHalf, highHalf: b.evenHalf)
    let odd = V16(lowHalf: a.oddHalf, highHalf: b.oddHalf)
    return (even.evenHalf, odd.evenHalf, even.oddHalf, odd.oddHalf)
}

@inline(__always)
private func store(_ value: (V8, V8, V8, V8), _ pointer: MutableFloats, _ stride: Int) {
    store(value.0, pointer)
    store(value.1, pointer + stride)
    store(value.2, pointer + 2 * stride)
    store(value.3, pointer + 3 * stride)
}

func transformFirstRow(
    _ row: Floats, _ count: Int, _ groups: Int, _ room: MutableFloats, _ output: MutableFloats
) {
    // Value 4 t + i of the row at room[i length + t], zeros behind the last.
    let length = 8 * groups + 8
    var t = 0
    while 4 * t + 32 <= count {
        store(split(row + 4 * t), room + t, length)
        t += 8
    }
    let tail = room + 4 * length
    store((V8.zero, V8.zero, V8.zero, V8.zero), tail, 8)
    var i = 0
    let left = count - 4 * t
    while i + 8 <= left {
        store(load8(row + 4 * t + i), tail + i)
        i += 8
    }
    while i < left {
        tail[i] = row[4 * t + i]
        i += 1
    }
    store(split(tail), room + t, length)
    t += 8
    while t < length {
        store((V8.zero, V8.zero, V8.zero, V8.zero), room + t, length)
        t += 8
    }
    t = 0
    var o = output
    while t < 8 * groups {
        let d0 = load8(room + t)
        let d1 = load8(room + length + t)
        let d2 = load8(room + 2 * length + t)
        let d3 = load8(room + 3 * length + t)
        let d4 = load8(room + t + 1)
        let d5 = load8(room + length + t + 1)
        let e = madd(d4, splat8(-4), d2)
        let f = madd(d3, splat8(-4), d1)
        let g = d4 - d2
        let h = d3 - d1
        store(madd(madd(d4, splat8(-5), d2), splat8(4), d0), o)
        store(e + f, o + 8)
        store(e - f, o + 16)
        store(madd(g, splat8(2), h), o + 24)
        store(madd(g, splat8(-2), h), o + 32)
        store(madd(madd(d5, splat8(-5), d3), splat8(4), d1), o + 40)
        t += 8
        o += 48
    }
}

func transformFirstPairs(_ rows: FourRows, _ groups: Int, _ output: MutableFloats) {
    var i = 0
    var o = output
    while i < 48 * groups {
        let a = load8(rows.r0 + i)
        let b = load8(rows.r1 + i)
        let c = load8(rows.r2 + i)
        let d = load8(rows.r3 + i)
        store(a - c, o)
        store(b + c, o + 8)
        store(c - b, o + 16)
        store(d - b, o + 24)
        i += 8
        o += 32
    }
}

/// Sums over the three taps along x for two planes of x and two tiles along z, a and b.
private struct FirstSums {
    var a0: V8
    var a1: V8
    var b0: V8
    var b1: V8

    @inline(__always) static func + (l: FirstSums, r: FirstSums) -> FirstSums {
        FirstSums(a0: l.a0 + r.a0, a1: l.a1 + r.a1, b0: l.b0 + r.b0, b1: l.b1 + r.b1)
    }

    @inline(__always) static func - (l: FirstSums, r: FirstSums) -> FirstSums {
        FirstSums(a0: l.a0 - r.a0, a1: l.a1 - r.a1, b0: l.b0 - r.b0, b1: l.b1 - r.b1)
    }

    @inline(__always) init(a0: V8, a1: V8, b0: V8, b1: V8) {
        (self.a0, self.a1, self.b0, self.b1) = (a0, a1, b0, b1)
    }

    @inline(__always) init(_ rows: FourRows, _ i: Int, _ weights: Floats) {
        let w0 = load8(weights)
        let w1 = load8(weights + 8)
        let w2 = load8(weights + 16)
        var x = splat8(rows.r0[i])
        var y = splat8(rows.r0[i + 1])
        a0 = x * w0
        b0 = y * w0
        x = splat8(rows.r1[i])
        y = splat8(rows.r1[i + 1])
        a0 = madd(a0, x, w1)
        b0 = madd(b0, y, w1)
        a1 = x * w0
        b1 = y * w0
        x = splat8(rows.r2[i])
        y = splat8(rows.r2[i + 1])
        a0 = madd(a0, x, w2)
        b0 = madd(b0, y, w2)
        a1 = madd(a1, x, w1)
        b1 = madd(b1, y, w1)
        a1 = madd(a1, splat8(rows.r3[i]), w2)
        b1 = madd(b1, splat8(rows.r3[i + 1]), w2)
    }

    @inline(__always) mutating func add(_ rows: FourRows, _ i: Int, _ weights: Floats) {
        let w0 = load8(weights)
        let w1 = load8(weights + 8)
        let w2 = load8(weights + 16)
        var x = splat8(rows.r0[i])
        var y = splat8(rows.r0[i + 1])
        a0 = madd(a0, x, w0)
        b0 = madd(b0, y, w0)
        x = splat8(rows.r1[i])
        y = splat8(rows.r1[i + 1])
        a0 = madd(a0, x, w1)
        b0 = madd(b0, y, w1)
        a1 = madd(a1, x, w0)
        b1 = madd(b1, y, w0)
        x = splat8(rows.r2[i])
        y = splat8(rows.r2[i + 1])
        a0 = madd(a0, x, w2)
        b0 = madd(b0, y, w2)
        a1 = madd(a1, x, w1)
        b1 = madd(b1, y, w1)
        a1 = madd(a1, splat8(rows.r3[i]), w2)
        b1 = madd(b1, splat8(rows.r3[i + 1]), w2)
    }

    /// Four rows [x, y] of each tile.
    @inline(__always) func write(_ y: Int, _ products: MutableFloats) {
        let o = products + 8 * y
        store(a0, o)
        store(a1, o + 16)
        store(b0, o + 32)
        store(b1, o + 48)
    }
}

/// products[t, 2 x + y, 8] for the first `count` of eight tiles (one more if odd), for one value
/// along z: the transform along y is undone here, two of its four sums beginning at the others'.
@inline(__always)
private func firstProducts(
    _ rows: FourRows, _ start: Int, _ weights: Floats, _ count: Int, _ products: MutableFloats
) {
    var t = 0
    while t < count {
        let i = start + t
        let o = products + 32 * t
        let p = FirstSums(rows, i + 8, weights + 24)
        let q = FirstSums(rows, i + 16, weights + 48)
        var even = p + q
        even.add(rows, i, weights)
        even.write(0, o)
        var odd = p - q
        odd.add(rows, i + 24, weights + 72)
        odd.write(1, o)
        t += 2
    }
}

private let tileProducts = 8 * 32

/// The four voxels along z of one tile and one of its rows.
private struct FirstVoxels {
    let z0: V8
    let z1: V8
    let z2: V8
    let z3: V8

    @inline(__always) init(_ products: Floats) {
        let m1 = load8(products + tileProducts)
        let m2 = load8(products + 2 * tileProducts)
        let m3 = load8(products + 3 * tileProducts)
        let m4 = load8(products + 4 * tileProducts)
        let a = m1 + m2
        let b = m1 - m2
        let c = m3 + m4
        let d = m3 - m4
        z0 = load8(products) + a + c
        z1 = madd(b, splat8(2), d)
        z2 = madd(a, splat8(4), c)
        z3 = madd(b + load8(products + 5 * tileProducts), splat8(8), d)
    }
}

/// Calls `body(tile, its products)` for every tile of a row of pools.
@inline(__always)
private func forEachFirstTile(
    _ planes: FourRows, _ weights: Floats, _ pairs: Int, _ room: MutableFloats,
    _ body: (Int, Floats) -> Void
) {
    let tiles = (pairs + 1) / 2
    var start = 0
    while start < tiles {
        let count = min(8, tiles - start)
        var k = 0
        while k < 6 {
            firstProducts(
                planes, 24 * start + 32 * k, weights + 96 * k, count, room + tileProducts * k)
            k += 1
        }
        var t = 0
        while t < count {
            body(start + t, room + 32 * t)
            t += 1
        }
        start += 8
    }
}

func firstPooled(
    _ planes: FourRows, _ weights: Floats, _ pairs: Int, _ room: MutableFloats, _ shift: Floats,
    _ output: MutableFloats
) {
    let s = load8(shift)
    forEachFirstTile(planes, weights, pairs, room) { tile, products in
        let a = FirstVoxels(products)
        var low = larger(a.z0, a.z1)
        var high = larger(a.z2, a.z3)
        let b = FirstVoxels(products + 8)
        low = larger(low, larger(b.z0, b.z1))
        high = larger(high, larger(b.z2, b.z3))
        let c = FirstVoxels(products + 16)
        low = larger(low, larger(c.z0, c.z1))
        high = larger(high, larger(c.z2, c.z3))
        let d = FirstVoxels(products + 24)
        low = larger(low, larger(d.z0, d.z1))
        high = larger(high, larger(d.z2, d.z3))
        let o = output + 16 * tile
        store(larger(V8.zero, low + s), o)
        if 2 * tile + 1 < pairs { store(larger(V8.zero, high + s), o + 8) }
    }
}

func firstPooledChoice(
    _ planes: FourRows, _ weights: Floats, _ pairs: Int, _ room: MutableFloats, _ shift: Floats,
    _ output: MutableFloats, _ choice: UnsafeMutablePointer<UInt8>
) {
    let s = load8(shift)
    forEachFirstTile(planes, weights, pairs, room) { tile, products in
        let a = FirstVoxels(products)
        var low = Best(a.z0)
        low.meet(a.z1, 1)
        var high = Best(a.z2)
        high.meet(a.z3, 1)
        var k: Int32 = 2
        while k < 8 {
            let b = FirstVoxels(products + 4 * Int(k))
            low.meet(b.z0, k)
            low.meet(b.z1, k + 1)
            high.meet(b.z2, k)
            high.meet(b.z3, k + 1)
            k += 2
        }
        let i = 16 * tile
        store(larger(V8.zero, low.value + s), output + i)
        low.storeCorner(choice + i)
        if 2 * tile + 1 < pairs {
            store(larger(V8.zero, high.value + s), output + i + 8)
            high.storeCorner(choice + i + 8)
        }
    }
}
