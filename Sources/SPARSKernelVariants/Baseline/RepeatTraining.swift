import SPARSKernelTable

// conv1 in training where the input repeats source voxels: see `RepeatKernelTable`.

/// The larger of two values and which it was; the first of equals is kept.
struct Best {
    var value: V8
    var corner = SIMD8<Int32>.zero

    @inline(__always) init(_ value: V8) { self.value = value }

    @inline(__always) mutating func meet(_ other: V8, _ k: Int32) {
        let isLarger = value .< other
        value = value.replacing(with: other, where: isLarger)
        corner = corner.replacing(with: SIMD8(repeating: k), where: isLarger)
    }

    @inline(__always) func storeCorner(_ choice: UnsafeMutablePointer<UInt8>) {
        // Lane by lane: conversions and halves of such vectors are generic code.
        let c = corner
        let bytes = SIMD8(
            UInt8(truncatingIfNeeded: c[0]), UInt8(truncatingIfNeeded: c[1]),
            UInt8(truncatingIfNeeded: c[2]), UInt8(truncatingIfNeeded: c[3]),
            UInt8(truncatingIfNeeded: c[4]), UInt8(truncatingIfNeeded: c[5]),
            UInt8(truncatingIfNeeded: c[6]), UInt8(truncatingIfNeeded: c[7]))
        UnsafeMutableRawPointer(choice).storeBytes(of: bytes, as: SIMD8<UInt8>.self)
    }
}

func poolChoiceOfRepeats(
    _ rows: FourRows, _ pairs: UnsafePointer<Int32>, _ count: Int, _ shift: Floats,
    _ output: MutableFloats, _ choice: UnsafeMutablePointer<UInt8>
) {
    let t = load8(shift)
    var q = 0
    while q < count {
        let a = Int(pairs[2 * q])
        let b = Int(pairs[2 * q + 1])
        var best = Best(t + load8(rows.r0 + a))
        best.meet(t + load8(rows.r0 + b), 1)
        best.meet(t + load8(rows.r1 + a), 2)
        best.meet(t + load8(rows.r1 + b), 3)
        best.meet(t + load8(rows.r2 + a), 4)
        best.meet(t + load8(rows.r2 + b), 5)
        best.meet(t + load8(rows.r3 + a), 6)
        best.meet(t + load8(rows.r3 + b), 7)
        store(larger(V8.zero, best.value), output + 8 * q)
        best.storeCorner(choice + 8 * q)
        q += 1
    }
}

/// Eight bytes, one to a lane. By shifts here and below: conversions and comparisons of vectors of
/// integers compile to loops over their lanes.
@inline(__always) func corners(_ choice: UnsafePointer<UInt8>) -> SIMD8<Int32> {
    let raw = UnsafeRawPointer(choice)
    let low = SIMD4(repeating: raw.loadUnaligned(as: Int32.self))
    let high = SIMD4(repeating: raw.loadUnaligned(fromByteOffset: 4, as: Int32.self))
    let shifts = SIMD4<Int32>(0, 8, 16, 24)
    return SIMD8(lowHalf: low &>> shifts, highHalf: high &>> shifts) & 255
}

/// Adds the lanes of `gradient` whose corner is `k`, one of 0 to 7.
@inline(__always)
private func addWhere(
    _ corner: SIMD8<Int32>, _ k: Int32, _ gradient: V8, _ place: MutableFloats
) {
    // Zero less one is negative in the lanes that are equal, and in no others.
    let mask = ((corner ^ SIMD8(repeating: k)) &- 1) &>> 31
    let mine = unsafeBitCast(unsafeBitCast(gradient, to: SIMD8<Int32>.self) & mask, to: V8.self)
    store(load8(place) + mine, place)
}

func scatterToRepeats(
    _ gradient: Floats, _ output: Floats, _ choice: UnsafePointer<UInt8>,
    _ pairs: UnsafePointer<Int32>, _ count: Int, _ rows: FourMutableRows, _ total: MutableFloats
) {
    var sum = load8(total)
    var q = 0
    while q < count {
        let a = Int(pairs[2 * q])
        let b = Int(pairs[2 * q + 1])
        let g = V8.zero.replacing(
            with: load8(gradient + 8 * q), where: load8(output + 8 * q) .> V8.zero)
        let corner = corners(choice + 8 * q)
        sum += g
        // Corners may share a row or a place: one after the other.
        addWhere(corner, 0, g, rows.r0 + a)
        addWhere(corner, 1, g, rows.r0 + b)
        addWhere(corner, 2, g, rows.r1 + a)
        addWhere(corner, 3, g, rows.r1 + b)
        addWhere(corner, 4, g, rows.r2 + a)
        addWhere(corner, 5, g, rows.r2 + b)
        addWhere(corner, 6, g, rows.r3 + a)
        addWhere(corner, 7, g, rows.r3 + b)
        q += 1
    }
    store(sum, total)
}

func foldRepeats(
    _ distinct: Floats, _ index: UnsafePointer<Int32>, _ terms: Int, _ count: Int,
    _ partial: MutableFloats
) {
    var d = 0
    while d < count {
        let v = load8(distinct + 8 * d)
        var t = 0
        while t < terms {
            let p = partial + Int(index[terms * d + t])
            store(load8(p) + v, p)
            t += 1
        }
        d += 1
    }
}

func subsetGradients(
    _ source: Floats, _ offsets: UnsafePointer<Int>, _ groups: Int, _ count: Int,
    _ partial: Floats, _ weights: MutableFloats
) {
    var g = 0
    while g < groups {
        let p = source + offsets[g]
        let w = weights + 48 * g
        var a0 = load8(w)
        var a1 = load8(w + 8)
        var a2 = load8(w + 16)
        var a3 = load8(w + 24)
        var a4 = load8(w + 32)
        var a5 = load8(w + 40)
        var z = 0
        while z < count {
            let x = splat8(p[z])
            let h = partial + 48 * z
            a0 = madd(a0, x, load8(h))
            a1 = madd(a1, x, load8(h + 8))
            a2 = madd(a2, x, load8(h + 16))
            a3 = madd(a3, x, load8(h + 24))
            a4 = madd(a4, x, load8(h + 32))
            a5 = madd(a5, x, load8(h + 40))
            z += 1
        }
        store(a0, w)
        store(a1, w + 8)
        store(a2, w + 16)
        store(a3, w + 24)
        store(a4, w + 32)
        store(a5, w + 40)
        g += 1
    }
}
