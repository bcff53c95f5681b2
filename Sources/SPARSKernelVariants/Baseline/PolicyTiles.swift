import SPARSKernelTable

// The tiles of `PolicyKernelTable`, generic over the scalar and inlined into one copy a type.
// Sums run over eight lanes, lane l taking columns l, l + 8, ...; the last, short vector is filled
// with zeros. So a product has the same bits whatever rows and observations share its tile.

private let lanes = 8

/// Eight columns from `pointer`, or the first `count` of them and zeros.
@inline(__always)
private func loadUpTo8<S: PolicyNumber>(_ pointer: UnsafePointer<S>, _ count: Int) -> SIMD8<S> {
    if count >= lanes {
        return UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<S>.self)
    }
    var vector = SIMD8<S>.zero
    for lane in 0..<count { vector[lane] = pointer[lane] }
    return vector
}

@inline(__always)
private func loadUpTo8<S: PolicyNumber>(_ pointer: UnsafeMutablePointer<S>, _ count: Int) -> SIMD8<
    S
> {
    loadUpTo8(UnsafePointer(pointer), count)
}

@inline(__always)
private func storeUpTo8<S: PolicyNumber>(
    _ vector: SIMD8<S>, _ pointer: UnsafeMutablePointer<S>, _ count: Int
) {
    if count >= lanes {
        UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: SIMD8<S>.self)
    } else {
        for lane in 0..<count { pointer[lane] = vector[lane] }
    }
}

@inline(__always)
private func sum<S: PolicyNumber>(_ v: SIMD8<S>) -> S {
    let half = v.lowHalf + v.highHalf
    let quarter = half.lowHalf + half.highHalf
    return quarter[0] + quarter[1]
}

@inline(__always)
func multiplyTile<S: PolicyNumber>(_ tile: MultiplyTile<S>) {
    var row = 0
    while row + 4 <= tile.rows {
        var b = 0
        while b + 2 <= tile.batch {
            multiply4x2(tile, row, b)
            b += 2
        }
        if b < tile.batch { multiply4x1(tile, row, b) }
        row += 4
    }
    while row < tile.rows {
        for b in 0..<tile.batch { multiply1x1(tile, row, b) }
        row += 1
    }
}

@inline(__always)
private func multiply4x2<S: PolicyNumber>(_ tile: MultiplyTile<S>, _ row: Int, _ b: Int) {
    let w0 = tile.weights + row * tile.weightStride
    let w1 = w0 + tile.weightStride
    let w2 = w1 + tile.weightStride
    let w3 = w2 + tile.weightStride
    let x0 = tile.observations + b * tile.observationStride
    let x1 = x0 + tile.observationStride
    var s00 = SIMD8<S>.zero
    var s10 = SIMD8<S>.zero
    var s20 = SIMD8<S>.zero
    var s30 = SIMD8<S>.zero
    var s01 = SIMD8<S>.zero
    var s11 = SIMD8<S>.zero
    var s21 = SIMD8<S>.zero
    var s31 = SIMD8<S>.zero
    var j = 0
    while j < tile.columns {
        let left = tile.columns - j
        let a = loadUpTo8(x0 + j, left)
        let c = loadUpTo8(x1 + j, left)
        let v0 = loadUpTo8(w0 + j, left)
        s00 = multiplyAdd(s00, v0, a)
        s01 = multiplyAdd(s01, v0, c)
        let v1 = loadUpTo8(w1 + j, left)
        s10 = multiplyAdd(s10, v1, a)
        s11 = multiplyAdd(s11, v1, c)
        let v2 = loadUpTo8(w2 + j, left)
        s20 = multiplyAdd(s20, v2, a)
        s21 = multiplyAdd(s21, v2, c)
        let v3 = loadUpTo8(w3 + j, left)
        s30 = multiplyAdd(s30, v3, a)
        s31 = multiplyAdd(s31, v3, c)
        j += lanes
    }
    let first = tile.sums + b * tile.sumStride + row
    first[0] += sum(s00)
    first[1] += sum(s10)
    first[2] += sum(s20)
    first[3] += sum(s30)
    let second = first + tile.sumStride
    second[0] += sum(s01)
    second[1] += sum(s11)
    second[2] += sum(s21)
    second[3] += sum(s31)
}

@inline(__always)
private func multiply4x1<S: PolicyNumber>(_ tile: MultiplyTile<S>, _ row: Int, _ b: Int) {
    let w0 = tile.weights + row * tile.weightStride
    let w1 = w0 + tile.weightStride
    let w2 = w1 + tile.weightStride
    let w3 = w2 + tile.weightStride
    let x = tile.observations + b * tile.observationStride
    var s0 = SIMD8<S>.zero
    var s1 = SIMD8<S>.zero
    var s2 = SIMD8<S>.zero
    var s3 = SIMD8<S>.zero
    var j = 0
    while j < tile.columns {
        let left = tile.columns - j
        let a = loadUpTo8(x + j, left)
        s0 = multiplyAdd(s0, loadUpTo8(w0 + j, left), a)
        s1 = multiplyAdd(s1, loadUpTo8(w1 + j, left), a)
        s2 = multiplyAdd(s2, loadUpTo8(w2 + j, left), a)
        s3 = multiplyAdd(s3, loadUpTo8(w3 + j, left), a)
        j += lanes
    }
    let sums = tile.sums + b * tile.sumStride + row
    sums[0] += sum(s0)
    sums[1] += sum(s1)
    sums[2] += sum(s2)
    sums[3] += sum(s3)
}

@inline(__always)
private func multiply1x1<S: PolicyNumber>(_ tile: MultiplyTile<S>, _ row: Int, _ b: Int) {
    let w = tile.weights + row * tile.weightStride
    let x = tile.observations + b * tile.observationStride
    var s = SIMD8<S>.zero
    var j = 0
    while j < tile.columns {
        let left = tile.columns - j
        s = multiplyAdd(s, loadUpTo8(w + j, left), loadUpTo8(x + j, left))
        j += lanes
    }
    tile.sums[b * tile.sumStride + row] += sum(s)
}

/// Columns j ... j + 7 of the gradient of one row.
@inline(__always)
private func gradient<S: PolicyNumber>(
    _ tile: GradientTile<S>, _ row: Int, _ j: Int, _ left: Int
) -> SIMD8<S> {
    var g = SIMD8<S>.zero
    var x = tile.observations + j
    var delta = tile.delta + row
    for _ in 0..<tile.batch {
        g = multiplyAdd(g, loadUpTo8(x, left), SIMD8(repeating: delta.pointee))
        x += tile.observationStride
        delta += tile.deltaStride
    }
    return g
}

@inline(__always)
func normSquaredTile<S: PolicyNumber>(_ tile: GradientTile<S>) -> S {
    var total = S.zero
    for row in 0..<tile.rows {
        var s = SIMD8<S>.zero
        var j = 0
        while j < tile.columns {
            let left = tile.columns - j
            let g = gradient(tile, row, j, left)
            s = multiplyAdd(s, g * g, loadUpTo8(tile.multiplicity + j, left))
            j += lanes
        }
        total += sum(s)
    }
    return total
}

@inline(__always)
func descendTile<S: PolicyNumber>(_ tile: DescentTile<S>) {
    let step = tile.step
    let scale = SIMD8(repeating: step.gradientScale)
    let oneMinusBeta1 = SIMD8(repeating: step.oneMinusBeta1)
    let beta2 = SIMD8(repeating: step.beta2)
    let oneMinusBeta2 = SIMD8(repeating: step.oneMinusBeta2)
    let correction = SIMD8(repeating: step.squareCorrection)
    let epsilon = SIMD8(repeating: step.epsilon)
    let size = SIMD8(repeating: step.stepSize)
    for row in 0..<tile.gradient.rows {
        let weights = tile.weights + row * tile.weightStride
        let means = tile.mean + row * tile.weightStride
        let squares = tile.square + row * tile.weightStride
        var j = 0
        while j < tile.gradient.columns {
            let left = tile.gradient.columns - j
            let g = gradient(tile.gradient, row, j, left) * scale
            var mean = loadUpTo8(means + j, left)
            mean += (g - mean) * oneMinusBeta1
            let square = loadUpTo8(squares + j, left) * beta2 + g * g * oneMinusBeta2
            let denominator = square.squareRoot() / correction + epsilon
            let moved =
                loadUpTo8(tile.gradient.multiplicity + j, left) * (size * mean / denominator)
            storeUpTo8(loadUpTo8(weights + j, left) - moved, weights + j, left)
            storeUpTo8(mean, means + j, left)
            storeUpTo8(square, squares + j, left)
            j += lanes
        }
    }
}

@inline(__always)
func denseForward<S: PolicyNumber>(_ d: DenseForward<S>) {
    let count = d.batch * d.rows
    for i in 0..<count { d.outputs[i] = 0 }
    multiplyTile(
        MultiplyTile(
            weights: d.weights, weightStride: d.columns, rows: d.rows, observations: d.inputs,
            observationStride: d.columns, batch: d.batch, columns: d.columns, sums: d.outputs,
            sumStride: d.rows))
    for b in 0..<d.batch {
        for o in 0..<d.rows {
            let sum = d.outputs[b * d.rows + o] + d.bias[o]
            d.outputs[b * d.rows + o] = d.appliesTanh ? S.hyperbolicTangent(sum) : sum
        }
    }
}

@inline(__always)
func denseBackward<S: PolicyNumber>(_ d: DenseBackward<S>) {
    for b in 0..<d.batch {
        let input = d.inputs + b * d.columns
        let lower = d.lower + b * d.columns
        for k in 0..<d.columns { lower[k] = 0 }
        for o in 0..<d.rows {
            let delta = d.upper[b * d.rows + o]
            let weights = d.weights + o * d.columns
            let gradient = d.weightGradient + o * d.columns
            for k in 0..<d.columns {
                gradient[k] += delta * input[k]
                lower[k] += delta * weights[k]
            }
        }
        for k in 0..<d.columns { lower[k] *= 1 - input[k] * input[k] }
    }
}

/// sum + a * b, fused where the target has the instruction; on others `addingProduct` would call
/// libm once a lane.
@inline(__always)
private func multiplyAdd<S: PolicyNumber>(
    _ sum: SIMD8<S>, _ a: SIMD8<S>, _ b: SIMD8<S>
) -> SIMD8<S> {
    #if SPARS_FMA || arch(arm64)
        return sum.addingProduct(a, b)
    #else
        return sum + a * b
    #endif
}
