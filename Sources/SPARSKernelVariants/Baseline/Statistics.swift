func correlateRow(
    _ row: Floats, _ other: Floats, _ count: Int, _ sums: UnsafeMutablePointer<Double>
) {
    var a0 = V8.zero
    var a1 = V8.zero
    var a2 = V8.zero
    var a3 = V8.zero
    var a4 = V8.zero
    var z = 0
    while z + 8 <= count {
        let v = load8(row + z)
        let o = other + z
        a0 = madd(a0, v, load8(o - 2))
        a1 = madd(a1, v, load8(o - 1))
        a2 = madd(a2, v, load8(o))
        a3 = madd(a3, v, load8(o + 1))
        a4 = madd(a4, v, load8(o + 2))
        z += 8
    }
    sums[0] += Double(a0.sum())
    sums[1] += Double(a1.sum())
    sums[2] += Double(a2.sum())
    sums[3] += Double(a3.sum())
    sums[4] += Double(a4.sum())
    while z < count {
        let v = Double(row[z])
        let o = other + z
        sums[0] += v * Double(o[-2])
        sums[1] += v * Double(o[-1])
        sums[2] += v * Double(o[0])
        sums[3] += v * Double(o[1])
        sums[4] += v * Double(o[2])
        z += 1
    }
}

func channelSums(
    _ row: Floats, _ channels: Int, _ count: Int, _ sums: UnsafeMutablePointer<Double>
) {
    var c = 0
    while c < channels {
        var total = V16.zero
        var p = row + c
        var z = 0
        while z < count {
            total += load16(p)
            p += channels
            z += 1
        }
        var lane = 0
        while lane < 16 {
            sums[c + lane] += Double(total[lane])
            lane += 1
        }
        c += 16
    }
}

func channelSquares(
    _ row: Floats, _ channels: Int, _ count: Int, _ mean: Floats,
    _ squares: UnsafeMutablePointer<Double>
) {
    var c = 0
    while c < channels {
        let m = load16(mean + c)
        var total = V16.zero
        var p = row + c
        var z = 0
        while z < count {
            let d = load16(p) - m
            total = madd(total, d, d)
            p += channels
            z += 1
        }
        var lane = 0
        while lane < 16 {
            squares[c + lane] += Double(total[lane])
            lane += 1
        }
        c += 16
    }
}

func affineRow(
    _ row: Floats, _ channels: Int, _ count: Int, _ slope: Floats, _ offset: Floats,
    _ output: MutableFloats
) {
    var c = 0
    while c < channels {
        let s = load16(slope + c)
        let t = load16(offset + c)
        var i = c
        var z = 0
        while z < count {
            store(madd(t, s, load16(row + i)), output + i)
            i += channels
            z += 1
        }
        c += 16
    }
}

func addScaled(_ a: Float, _ x: Floats, _ count: Int, _ y: MutableFloats) {
    let v = splat16(a)
    var i = 0
    while i + 16 <= count {
        store(madd(load16(y + i), v, load16(x + i)), y + i)
        i += 16
    }
    while i < count {
        #if SPARS_FMA || arch(arm64)
            y[i] = y[i].addingProduct(a, x[i])
        #else
            y[i] += a * x[i]
        #endif
        i += 1
    }
}
