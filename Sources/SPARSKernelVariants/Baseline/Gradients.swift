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
