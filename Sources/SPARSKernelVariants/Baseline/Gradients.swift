func weightGradientRow(
    _ input: Floats, _ channels: Int, _ outputGradient: Floats, _ gradientStride: Int,
    _ count: Int, _ gradient: MutableFloats
) {
    let zStep = 2 * channels
    // Four of the 3 C neighbouring taps and channels at a time, 16 outputs in the lanes.
    var k = 0
    while k < 3 * channels {
        let g = gradient + 16 * k
        var a0 = load16(g)
        var a1 = load16(g + 16)
        var a2 = load16(g + 32)
        var a3 = load16(g + 48)
        var p = input + k
        var d = outputGradient
        var z = 0
        while z < count {
            let v = load16(d)
            a0 = madd(a0, splat16(p[0]), v)
            a1 = madd(a1, splat16(p[1]), v)
            a2 = madd(a2, splat16(p[2]), v)
            a3 = madd(a3, splat16(p[3]), v)
            p += zStep
            d += gradientStride
            z += 1
        }
        store(a0, g)
        store(a1, g + 16)
        store(a2, g + 32)
        store(a3, g + 48)
        k += 4
    }
}

func inputGradientRow(
    _ outputGradient: Floats, _ outputChannels: Int, _ weights: Floats, _ count: Int,
    _ output: MutableFloats, _ outputStride: Int
) {
    let next = 8 * outputChannels
    var m = 0
    while m + 4 <= count {
        let o = output + 2 * m * outputStride
        var e0 = load8(o)
        var o0 = load8(o + outputStride)
        var e1 = load8(o + 2 * outputStride)
        var o1 = load8(o + 3 * outputStride)
        var e2 = load8(o + 4 * outputStride)
        var o2 = load8(o + 5 * outputStride)
        var e3 = load8(o + 6 * outputStride)
        var o3 = load8(o + 7 * outputStride)
        let d = outputGradient + m * outputChannels
        let before = d - outputChannels
        let d1 = d + outputChannels
        let d2 = d1 + outputChannels
        let d3 = d2 + outputChannels
        var k = 0
        while k < outputChannels {
            let w = weights + 8 * k
            let w0 = load8(w)
            let w1 = load8(w + next)
            let w2 = load8(w + 2 * next)
            var g = splat8(before[k])
            e0 = madd(e0, g, w2)
            g = splat8(d[k])
            e0 = madd(e0, g, w0)
            o0 = madd(o0, g, w1)
            e1 = madd(e1, g, w2)
            g = splat8(d1[k])
            e1 = madd(e1, g, w0)
            o1 = madd(o1, g, w1)
            e2 = madd(e2, g, w2)
            g = splat8(d2[k])
            e2 = madd(e2, g, w0)
            o2 = madd(o2, g, w1)
            e3 = madd(e3, g, w2)
            g = splat8(d3[k])
            e3 = madd(e3, g, w0)
            o3 = madd(o3, g, w1)
            k += 1
        }
        store(e0, o)
        store(o0, o + outputStride)
        store(e1, o + 2 * outputStride)
        store(o1, o + 3 * outputStride)
        store(e2, o + 4 * outputStride)
        store(o2, o + 5 * outputStride)
        store(e3, o + 6 * outputStride)
        store(o3, o + 7 * outputStride)
        m += 4
    }
    while m < count {
        let o = output + 2 * m * outputStride
        var e = load8(o)
        var odd = load8(o + outputStride)
        let d = outputGradient + m * outputChannels
        let before = d - outputChannels
        var k = 0
        while k < outputChannels {
            let w = weights + 8 * k
            e = madd(e, splat8(before[k]), load8(w + 2 * next))
            let g = splat8(d[k])
            e = madd(e, g, load8(w))
            odd = madd(odd, g, load8(w + next))
            k += 1
        }
        store(e, o)
        store(odd, o + outputStride)
        m += 1
    }
}

func firstWeightGradientRow(
    _ input: Floats, _ xStride: Int, _ yStride: Int, _ gradient: Floats, _ output: Floats,
    _ choice: UnsafePointer<UInt8>, _ pairs: Int, _ sums: MutableFloats
) {
    var c = 0
    while c < 8 {
        // Three taps along z in the lanes of each; the fourth lane is of no meaning.
        var s0 = SIMD4<Float>.zero
        var s1 = SIMD4<Float>.zero
        var s2 = SIMD4<Float>.zero
        var s3 = SIMD4<Float>.zero
        var s4 = SIMD4<Float>.zero
        var s5 = SIMD4<Float>.zero
        var s6 = SIMD4<Float>.zero
        var s7 = SIMD4<Float>.zero
        var s8 = SIMD4<Float>.zero
        var total: Float = 0
        var q = 0
        while q < pairs {
            let i = 8 * q + c
            let g: Float = output[i] > 0 ? gradient[i] : 0
            let k = Int(choice[i])
            let p = input + 2 * q + (k >> 2) * xStride + (k >> 1 & 1) * yStride + (k & 1)
            let v = SIMD4<Float>(repeating: g)
            total += g
            s0 = madd4(s0, v, p)
            s1 = madd4(s1, v, p + yStride)
            s2 = madd4(s2, v, p + 2 * yStride)
            let p1 = p + xStride
            s3 = madd4(s3, v, p1)
            s4 = madd4(s4, v, p1 + yStride)
            s5 = madd4(s5, v, p1 + 2 * yStride)
            let p2 = p1 + xStride
            s6 = madd4(s6, v, p2)
            s7 = madd4(s7, v, p2 + yStride)
            s8 = madd4(s8, v, p2 + 2 * yStride)
            q += 1
        }
        let t = sums + 28 * c
        add3(s0, t)
        add3(s1, t + 3)
        add3(s2, t + 6)
        add3(s3, t + 9)
        add3(s4, t + 12)
        add3(s5, t + 15)
        add3(s6, t + 18)
        add3(s7, t + 21)
        add3(s8, t + 24)
        t[27] += total
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

@inline(__always) private func add3(_ value: SIMD4<Float>, _ p: MutableFloats) {
    p[0] += value.x
    p[1] += value.y
    p[2] += value.z
}
