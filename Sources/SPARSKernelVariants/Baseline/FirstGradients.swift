import SPARSKernelTable

// The way back to conv1's weights over every place of its input: see `FirstKernelTable`.

func interleavePlanes(_ planes: FourRows, _ count: Int, _ output: MutableFloats) {
    var z = 0
    while z < count {
        var even = V16.zero
        even.evenHalf = load8(planes.r0 + z)
        even.oddHalf = load8(planes.r2 + z)
        var odd = V16.zero
        odd.evenHalf = load8(planes.r1 + z)
        odd.oddHalf = load8(planes.r3 + z)
        var low = V16.zero
        low.evenHalf = even.lowHalf
        low.oddHalf = odd.lowHalf
        store(low, output + 4 * z)
        var high = V16.zero
        high.evenHalf = even.highHalf
        high.oddHalf = odd.highHalf
        store(high, output + 4 * z + 16)
        z += 8
    }
}

/// Room for each pool: its gradients, or zeros where it is not active, and where its voxels begin.
private func prepare(
    _ gradient: Floats, _ output: Floats, _ choice: UnsafePointer<UInt8>, _ pairs: Int,
    _ rowLength: Int, _ room: MutableFloats, _ sums: MutableFloats
) {
    var total = V8.zero
    let toNextRow = SIMD8<Int32>(repeating: Int32(rowLength))
    var q = 0
    while q < pairs {
        let g = V8.zero.replacing(
            with: load8(gradient + 8 * q), where: load8(output + 8 * q) .> V8.zero)
        total += g
        let k = corners(choice + 8 * q)
        let y = SIMD8<Int32>.zero &- ((k &>> 1) & 1)
        let start = (k &>> 2) &+ ((k & 1) &<< 2) &+ (y & toNextRow)
        store(g, room + 16 * q)
        UnsafeMutableRawPointer(room + 16 * q + 8).storeBytes(
            of: start &+ SIMD8(repeating: Int32(8 * q)), as: SIMD8<Int32>.self)
        q += 1
    }
    var c = 0
    while c < 8 {
        sums[28 * c + 27] += total[c]
        c += 1
    }
}

func firstWeightGradient(
    _ rows: Floats, _ rowLength: Int, _ gradient: Floats, _ output: Floats,
    _ choice: UnsafePointer<UInt8>, _ pairs: Int, _ room: MutableFloats, _ sums: MutableFloats
) {
    prepare(gradient, output, choice, pairs, rowLength, room, sums)
    var c = 0
    while c < 8 {
        // Two places along z, then the third, in rows of four planes; the fourth lane of each is of
        // no meaning.
        var a0 = V8.zero
        var a1 = V8.zero
        var a2 = V8.zero
        var b0 = SIMD4<Float>.zero
        var b1 = SIMD4<Float>.zero
        var b2 = SIMD4<Float>.zero
        var mine = room + c
        var q = 0
        while q < pairs {
            let g = mine[0]
            let start = UnsafeRawPointer(mine + 8).load(as: Int32.self)
            let p = rows + Int(start)
            let p1 = p + rowLength
            let p2 = p1 + rowLength
            let v = splat8(g)
            let w = SIMD4(repeating: g)
            a0 = madd(a0, v, load8(p))
            b0 = madd4(b0, w, p + 8)
            a1 = madd(a1, v, load8(p1))
            b1 = madd4(b1, w, p1 + 8)
            a2 = madd(a2, v, load8(p2))
            b2 = madd4(b2, w, p2 + 8)
            mine += 16
            q += 1
        }
        let t = sums + 28 * c
        addTaps(a0, b0, t)
        addTaps(a1, b1, t + 3)
        addTaps(a2, b2, t + 6)
        c += 1
    }
}

@inline(__always)
private func madd4(_ acc: SIMD4<Float>, _ a: SIMD4<Float>, _ p: Floats) -> SIMD4<Float> {
    let b = UnsafeRawPointer(p).loadUnaligned(as: SIMD4<Float>.self)
    #if SPARS_FMA || arch(arm64)
        return acc.addingProduct(a, b)
    #else
        return acc + a * b
    #endif
}

/// Adds sums of one row along y to taps 9 x + z.
@inline(__always) private func addTaps(_ a: V8, _ b: SIMD4<Float>, _ taps: MutableFloats) {
    taps[0] += a[0]
    taps[1] += a[4]
    taps[2] += b[0]
    taps[9] += a[1]
    taps[10] += a[5]
    taps[11] += b[1]
    taps[18] += a[2]
    taps[19] += a[6]
    taps[20] += b[2]
}
