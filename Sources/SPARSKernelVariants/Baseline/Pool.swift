func maxOfRows(
    _ rows: Floats, _ rowStride: Int, _ rowCount: Int, _ channels: Int, _ pairs: Int,
    _ shift: Floats, _ output: MutableFloats
) {
    var c = 0
    while c < channels {
        let t = load8(shift + c)
        var i = c
        let end = pairs * channels
        if rowCount == 4 {
            let r1 = rows + rowStride
            let r2 = r1 + rowStride
            let r3 = r2 + rowStride
            while i < end {
                let a = larger(load8(rows + i), load8(r1 + i))
                let b = larger(load8(r2 + i), load8(r3 + i))
                store(larger(V8.zero, larger(a, b) + t), output + i)
                i += channels
            }
        } else if rowCount == 2 {
            let r1 = rows + rowStride
            while i < end {
                let a = larger(load8(rows + i), load8(r1 + i))
                store(larger(V8.zero, a + t), output + i)
                i += channels
            }
        } else {
            while i < end {
                store(larger(V8.zero, load8(rows + i) + t), output + i)
                i += channels
            }
        }
        c += 8
    }
}

func poolChoice(
    _ raw: Floats, _ xStride: Int, _ yStride: Int, _ channels: Int, _ pairs: Int,
    _ scale: Floats, _ shift: Floats, _ output: MutableFloats,
    _ choice: UnsafeMutablePointer<UInt8>
) {
    var c = 0
    while c < channels {
        let s = load8(scale + c)
        let t = load8(shift + c)
        var q = 0
        while q < pairs {
            let p = raw + 2 * q * channels + c
            var best = Best(madd(t, s, load8(p)))
            var corner: Int32 = 1
            while corner < 8 {
                let k = Int(corner)
                let voxel = p + (k >> 2) * xStride + (k >> 1 & 1) * yStride + (k & 1) * channels
                best.meet(madd(t, s, load8(voxel)), corner)
                corner += 1
            }
            let o = q * channels + c
            store(larger(V8.zero, best.value), output + o)
            best.storeCorner(choice + o)
            q += 1
        }
        c += 8
    }
}

func poolMax(
    _ raw: Floats, _ xStride: Int, _ yStride: Int, _ zStride: Int, _ channels: Int, _ pairs: Int,
    _ shift: Floats, _ output: MutableFloats
) {
    var c = 0
    while c < channels {
        let t = load8(shift + c)
        var q = 0
        while q < pairs {
            let p = raw + 2 * q * zStride + c
            let a = larger(load8(p), load8(p + zStride))
            let b = larger(load8(p + yStride), load8(p + yStride + zStride))
            let p1 = p + xStride
            let d = larger(load8(p1), load8(p1 + zStride))
            let e = larger(load8(p1 + yStride), load8(p1 + yStride + zStride))
            store(
                larger(V8.zero, larger(larger(a, b), larger(d, e)) + t), output + q * channels + c)
            q += 1
        }
        c += 8
    }
}
