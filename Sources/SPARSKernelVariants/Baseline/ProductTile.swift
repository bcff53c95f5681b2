/// Up to six rows of products with one matrix [K, 16]: 16 outputs in the lanes, each row's value
/// broadcast. All tiles add the terms of a row in the order of k.
struct Tile6 {
    var a0 = V16.zero
    var a1 = V16.zero
    var a2 = V16.zero
    var a3 = V16.zero
    var a4 = V16.zero
    var a5 = V16.zero

    @inline(__always) init() {}

    @inline(__always) mutating func add(_ p: Floats, _ step: Int, _ weights: Floats, _ count: Int) {
        let p1 = p + step
        let p2 = p1 + step
        let p3 = p2 + step
        let p4 = p3 + step
        let p5 = p4 + step
        var k = 0
        while k < count {
            let w = load16(weights + 16 * k)
            a0 = madd(a0, splat16(p[k]), w)
            a1 = madd(a1, splat16(p1[k]), w)
            a2 = madd(a2, splat16(p2[k]), w)
            a3 = madd(a3, splat16(p3[k]), w)
            a4 = madd(a4, splat16(p4[k]), w)
            a5 = madd(a5, splat16(p5[k]), w)
            k += 1
        }
    }
}

struct Tile4 {
    var a0 = V16.zero
    var a1 = V16.zero
    var a2 = V16.zero
    var a3 = V16.zero

    @inline(__always) init() {}

    @inline(__always) mutating func add(_ p: Floats, _ step: Int, _ weights: Floats, _ count: Int) {
        let p1 = p + step
        let p2 = p1 + step
        let p3 = p2 + step
        var k = 0
        while k < count {
            let w = load16(weights + 16 * k)
            a0 = madd(a0, splat16(p[k]), w)
            a1 = madd(a1, splat16(p1[k]), w)
            a2 = madd(a2, splat16(p2[k]), w)
            a3 = madd(a3, splat16(p3[k]), w)
            k += 1
        }
    }
}

struct Tile1 {
    var a0 = V16.zero

    @inline(__always) init() {}

    @inline(__always) mutating func add(_ p: Floats, _ weights: Floats, _ count: Int) {
        var k = 0
        while k < count {
            a0 = madd(a0, splat16(p[k]), load16(weights + 16 * k))
            k += 1
        }
    }
}

/// How many of the next voxels one tile takes: sixes, but fours where sixes would leave 1, 2 or 4.
@inline(__always) func tileWidth(_ left: Int) -> Int {
    if left >= 12 || left == 6 || left == 10 { return 6 }
    return left >= 4 ? 4 : 1
}

func convolutionRow(
    _ input: Floats, _ offsets: UnsafePointer<Int>, _ rows: Int, _ channels: Int, _ zStep: Int,
    _ weights: Floats, _ count: Int, _ output: MutableFloats, _ outputStride: Int
) {
    // conv2's steps as literals: a tile's six rows are then at fixed distances.
    if channels == 8 && zStep == 16 {
        row(input, offsets, rows, 8, 16, weights, count, output, outputStride)
    } else if channels == 8 && zStep == 8 {
        row(input, offsets, rows, 8, 8, weights, count, output, outputStride)
    } else {
        row(input, offsets, rows, channels, zStep, weights, count, output, outputStride)
    }
}

@inline(__always) private func row(
    _ input: Floats, _ offsets: UnsafePointer<Int>, _ rows: Int, _ channels: Int, _ zStep: Int,
    _ weights: Floats, _ count: Int, _ output: MutableFloats, _ outputStride: Int
) {
    // The three taps along z of all channels are neighbours in memory, in input and weights.
    let taps = 3 * channels
    var z = 0
    while z < count {
        let p = input + z * zStep
        let o = output + z * outputStride
        let width = tileWidth(count - z)
        if width == 6 {
            var t = Tile6()
            var row = 0
            while row < rows {
                let (shift, w) = (offsets[2 * row], weights + offsets[2 * row + 1])
                t.add(p + shift, zStep, w, taps)
                row += 1
            }
            store(t.a0, o)
            store(t.a1, o + outputStride)
            store(t.a2, o + 2 * outputStride)
            store(t.a3, o + 3 * outputStride)
            store(t.a4, o + 4 * outputStride)
            store(t.a5, o + 5 * outputStride)
        } else if width == 4 {
            var t = Tile4()
            var row = 0
            while row < rows {
                let (shift, w) = (offsets[2 * row], weights + offsets[2 * row + 1])
                t.add(p + shift, zStep, w, taps)
                row += 1
            }
            store(t.a0, o)
            store(t.a1, o + outputStride)
            store(t.a2, o + 2 * outputStride)
            store(t.a3, o + 3 * outputStride)
        } else {
            var t = Tile1()
            var row = 0
            while row < rows {
                let (shift, w) = (offsets[2 * row], weights + offsets[2 * row + 1])
                t.add(p + shift, w, taps)
                row += 1
            }
            store(t.a0, o)
        }
        z += width
    }
}

func denseBlock(
    _ input: Floats, _ inputs: Int, _ weights: Floats, _ bias: Floats, _ relu: Bool,
    _ count: Int, _ output: MutableFloats, _ outputStride: Int
) {
    let b = load16(bias)
    let floor = relu ? V16.zero : splat16(-.infinity)
    var n = 0
    while n < count {
        let p = input + n * inputs
        let o = output + n * outputStride
        let width = tileWidth(count - n)
        if width == 6 {
            var t = Tile6()
            t.add(p, inputs, weights, inputs)
            store(larger(floor, t.a0 + b), o)
            store(larger(floor, t.a1 + b), o + outputStride)
            store(larger(floor, t.a2 + b), o + 2 * outputStride)
            store(larger(floor, t.a3 + b), o + 3 * outputStride)
            store(larger(floor, t.a4 + b), o + 4 * outputStride)
            store(larger(floor, t.a5 + b), o + 5 * outputStride)
        } else if width == 4 {
            var t = Tile4()
            t.add(p, inputs, weights, inputs)
            store(larger(floor, t.a0 + b), o)
            store(larger(floor, t.a1 + b), o + outputStride)
            store(larger(floor, t.a2 + b), o + 2 * outputStride)
            store(larger(floor, t.a3 + b), o + 3 * outputStride)
        } else {
            var t = Tile1()
            t.add(p, weights, inputs)
            store(larger(floor, t.a0 + b), o)
        }
        n += width
    }
}
