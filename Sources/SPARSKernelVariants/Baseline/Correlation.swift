import SPARSKernelTable

/// The first `count` lanes, zeros behind.
@inline(__always) private func leading(_ count: Int, _ pointer: Floats) -> V8 {
    V8.zero.replacing(
        with: load8(pointer), where: V8(0, 1, 2, 3, 4, 5, 6, 7) .< splat8(Float(count)))
}

/// Five lags, in two sets of accumulators: one set would wait for itself.
private struct Lags {
    var a0 = V8.zero
    var a1 = V8.zero
    var a2 = V8.zero
    var a3 = V8.zero
    var a4 = V8.zero
    var b0 = V8.zero
    var b1 = V8.zero
    var b2 = V8.zero
    var b3 = V8.zero
    var b4 = V8.zero

    @inline(__always) init() {}

    @inline(__always) mutating func add16(_ row: Floats, _ other: Floats, _ one: Int) {
        let o0 = other - 2 * one
        let o1 = other - one
        let o3 = other + one
        let o4 = other + 2 * one
        let v = load8(row)
        a0 = madd(a0, v, load8(o0))
        a1 = madd(a1, v, load8(o1))
        a2 = madd(a2, v, load8(other))
        a3 = madd(a3, v, load8(o3))
        a4 = madd(a4, v, load8(o4))
        let w = load8(row + 8)
        b0 = madd(b0, w, load8(o0 + 8))
        b1 = madd(b1, w, load8(o1 + 8))
        b2 = madd(b2, w, load8(other + 8))
        b3 = madd(b3, w, load8(o3 + 8))
        b4 = madd(b4, w, load8(o4 + 8))
    }

    @inline(__always) mutating func add(_ row: Floats, _ other: Floats, _ count: Int) {
        let v = leading(count, row)
        a0 = madd(a0, v, leading(count, other - 2))
        a1 = madd(a1, v, leading(count, other - 1))
        a2 = madd(a2, v, leading(count, other))
        a3 = madd(a3, v, leading(count, other + 1))
        a4 = madd(a4, v, leading(count, other + 2))
    }
}

func correlateRows(
    _ rows: Floats, _ others: Floats, _ stride: Int, _ rowCount: Int, _ places: Int,
    _ one: Int, _ sums: UnsafeMutablePointer<Double>
) {
    var lags = Lags()
    var r = 0
    while r < rowCount {
        let row = rows + r * stride
        let other = others + r * stride
        var z = 2
        while z + 16 <= places {
            lags.add16(row + z, other + z, one)
            z += 16
        }
        while z < places {
            lags.add(row + z, other + z, min(8, places - z))
            z += 8
        }
        r += 1
    }
    // The first two places of a row and its last two, lags in the lanes.
    var first = V8.zero
    var second = V8.zero
    var last = V8.zero
    var behind = V8.zero
    r = 0
    while r < rowCount {
        let row = rows + r * stride
        let other = others + r * stride
        first = madd(first, splat8(row[0]), load8(other))
        second = madd(second, splat8(row[1]), load8(other))
        last = madd(last, splat8(row[places]), load8(other + places - 2))
        behind = madd(behind, splat8(row[places + 1]), load8(other + places - 1))
        r += 1
    }
    sums[2] += Double((lags.a0 + lags.b0).sum())
    sums[27] += Double((lags.a1 + lags.b1).sum())
    sums[52] += Double((lags.a2 + lags.b2).sum())
    sums[77] += Double((lags.a3 + lags.b3).sum())
    sums[102] += Double((lags.a4 + lags.b4).sum())
    // A lag that leaves the row has no sum.
    var k = 0
    while k < 5 {
        let slots = sums + 25 * k
        if k >= 2 { slots[0] += Double(first[k - 2]) }
        if k >= 1 { slots[1] += Double(second[k - 1]) }
        if k <= 3 { slots[3] += Double(last[k]) }
        if k <= 2 { slots[4] += Double(behind[k]) }
        k += 1
    }
}

/// Eight float32 sums as float64, lane by lane: conversions of whole vectors are generic code.
@inline(__always) private func widened(_ v: V8) -> SIMD8<Double> {
    SIMD8(
        Double(v[0]), Double(v[1]), Double(v[2]), Double(v[3]), Double(v[4]), Double(v[5]),
        Double(v[6]), Double(v[7]))
}

/// Neighbouring lanes of two vectors, added.
@inline(__always) private func paired(_ a: V8, _ b: V8) -> V8 {
    let both = V16(lowHalf: a, highHalf: b)
    return both.evenHalf + both.oddHalf
}

func correlateLags(_ rows: FourRows, _ weights: Floats, _ vectors: Int, _ slots: WeightedSlots) {
    var lags = Lags()
    var k = 0
    var w = weights
    while k < 8 * vectors {
        let row = load8(rows.r0 + k)
        let other = rows.r1 + k
        var p = row * load8(other - 2)
        lags.a0 = madd(lags.a0, p, load8(w))
        lags.a1 = madd(lags.a1, p, load8(w + 8))
        p = row * load8(other - 1)
        lags.b0 = madd(lags.b0, p, load8(w + 16))
        lags.b1 = madd(lags.b1, p, load8(w + 24))
        lags.b2 = madd(lags.b2, p, load8(w + 32))
        lags.b3 = madd(lags.b3, p, load8(w + 40))
        lags.b4 = madd(lags.b4, p, load8(w + 48))
        p = row * load8(other)
        lags.a0 = madd(lags.a0, p, load8(w + 56))
        lags.a1 = madd(lags.a1, p, load8(w + 64))
        lags.a2 = madd(lags.a2, p, load8(w + 72))
        lags.a3 = madd(lags.a3, p, load8(w + 80))
        lags.a4 = madd(lags.a4, p, load8(w + 88))
        p = row * load8(other + 1)
        lags.b0 = madd(lags.b0, p, load8(w + 96))
        lags.b1 = madd(lags.b1, p, load8(w + 104))
        lags.b2 = madd(lags.b2, p, load8(w + 112))
        lags.b3 = madd(lags.b3, p, load8(w + 120))
        lags.b4 = madd(lags.b4, p, load8(w + 128))
        p = row * load8(other + 2)
        lags.a3 = madd(lags.a3, p, load8(w + 136))
        lags.a4 = madd(lags.a4, p, load8(w + 144))
        w += 152
        k += 8
    }
    let four = paired(
        paired(lags.a0 + lags.b0, lags.a1 + lags.b1),
        paired(lags.a2 + lags.b2, lags.a3 + lags.b3))
    let fifth = paired(paired(lags.a4 + lags.b4, V8.zero), V8.zero)
    let middle = widened(paired(four, fifth))
    // The first two resampled places by the other row's first four, the last two by its last four.
    let ends = load8(rows.r2)
    let others = load8(rows.r3)
    let first = widened(
        V8(lowHalf: SIMD4(repeating: ends[0]), highHalf: SIMD4(repeating: ends[1]))
            * V8(lowHalf: others.lowHalf, highHalf: others.lowHalf))
    let last = widened(
        V8(lowHalf: SIMD4(repeating: ends[6]), highHalf: SIMD4(repeating: ends[7]))
            * V8(lowHalf: others.highHalf, highHalf: others.highHalf))
    var i = 0
    while i < slots.count {
        let weight = SIMD8<Double>(repeating: slots.weights[i])
        let sums = UnsafeMutableRawPointer(slots.sums + 24 * Int(slots.indices[i]))
        add(weight * middle, sums)
        add(weight * first, sums + 64)
        add(weight * last, sums + 128)
        i += 1
    }
}

@inline(__always) private func add(_ value: SIMD8<Double>, _ sums: UnsafeMutableRawPointer) {
    let sum = sums.loadUnaligned(as: SIMD8<Double>.self) + value
    sums.storeBytes(of: sum, as: SIMD8<Double>.self)
}
