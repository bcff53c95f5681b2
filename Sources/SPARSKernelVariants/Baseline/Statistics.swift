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
