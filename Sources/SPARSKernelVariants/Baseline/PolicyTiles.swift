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

/// Four rows and the sums of their products with one observation.
private struct FourRows<S: PolicyNumber> {
    let first: UnsafePointer<S>
    let stride: Int

    /// Eight columns of each row, or those that are left.
    @inline(__always)
    func load(_ j: Int, _ count: Int) -> (SIMD8<S>, SIMD8<S>, SIMD8<S>, SIMD8<S>) {
        (
            loadUpTo8(first + j, count), loadUpTo8(first + stride + j, count),
            loadUpTo8(first + 2 * stride + j, count), loadUpTo8(first + 3 * stride + j, count)
        )
    }
}

private struct FourSums<S: PolicyNumber> {
    var s0 = SIMD8<S>.zero
    var s1 = SIMD8<S>.zero
    var s2 = SIMD8<S>.zero
    var s3 = SIMD8<S>.zero

    @inline(__always)
    mutating func add(_ w: (SIMD8<S>, SIMD8<S>, SIMD8<S>, SIMD8<S>), _ x: SIMD8<S>) {
        s0 = multiplyAdd(s0, w.0, x)
        s1 = multiplyAdd(s1, w.1, x)
        s2 = multiplyAdd(s2, w.2, x)
        s3 = multiplyAdd(s3, w.3, x)
    }

    @inline(__always)
    func add(to sums: UnsafeMutablePointer<S>) {
        sums[0] += sum(s0)
        sums[1] += sum(s1)
        sums[2] += sum(s2)
        sums[3] += sum(s3)
    }
}

// Whole vectors have a loop of their own: with the test for the last, short one inside, sums are
// kept in memory.

@inline(__always)
private func multiply4x2<S: PolicyNumber>(_ tile: MultiplyTile<S>, _ row: Int, _ b: Int) {
    let rows = FourRows(first: tile.weights + row * tile.weightStride, stride: tile.weightStride)
    let x = tile.observations + b * tile.observationStride
    let y = x + tile.observationStride
    var (first, second) = (FourSums<S>(), FourSums<S>())
    var j = 0
    while j + lanes <= tile.columns {
        let w = rows.load(j, lanes)
        first.add(w, loadUpTo8(x + j, lanes))
        second.add(w, loadUpTo8(y + j, lanes))
        j += lanes
    }
    if j < tile.columns {
        let left = tile.columns - j
        let w = rows.load(j, left)
        first.add(w, loadUpTo8(x + j, left))
        second.add(w, loadUpTo8(y + j, left))
    }
    let sums = tile.sums + b * tile.sumStride + row
    first.add(to: sums)
    second.add(to: sums + tile.sumStride)
}

@inline(__always)
private func multiply4x1<S: PolicyNumber>(_ tile: MultiplyTile<S>, _ row: Int, _ b: Int) {
    let rows = FourRows(first: tile.weights + row * tile.weightStride, stride: tile.weightStride)
    let x = tile.observations + b * tile.observationStride
    var all = FourSums<S>()
    var j = 0
    while j + lanes <= tile.columns {
        all.add(rows.load(j, lanes), loadUpTo8(x + j, lanes))
        j += lanes
    }
    if j < tile.columns {
        let left = tile.columns - j
        all.add(rows.load(j, left), loadUpTo8(x + j, left))
    }
    all.add(to: tile.sums + b * tile.sumStride + row)
}

@inline(__always)
private func multiply1x1<S: PolicyNumber>(_ tile: MultiplyTile<S>, _ row: Int, _ b: Int) {
    tile.sums[b * tile.sumStride + row] += dot(
        tile.weights + row * tile.weightStride, tile.observations + b * tile.observationStride,
        tile.columns)
}

/// The sum of products over eight lanes.
@inline(__always)
private func dot<S: PolicyNumber>(
    _ a: UnsafePointer<S>, _ b: UnsafePointer<S>, _ count: Int
) -> S {
    var s = SIMD8<S>.zero
    var j = 0
    while j + lanes <= count {
        s = multiplyAdd(s, loadUpTo8(a + j, lanes), loadUpTo8(b + j, lanes))
        j += lanes
    }
    if j < count {
        s = multiplyAdd(s, loadUpTo8(a + j, count - j), loadUpTo8(b + j, count - j))
    }
    return sum(s)
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

/// gram[c][b] += sum over j of m_j x[b][j] x[c][j] for c <= b, in float64: what is left of the
/// gradient's norm may be much smaller than its terms. Some elements above the diagonal are added
/// to as well.
@inline(__always)
func gramTile<S: PolicyNumber>(_ tile: GramTile<S>) {
    let (columns, batch) = (tile.columns, tile.batch)
    for b in 0..<batch {
        let x = tile.observations + b * tile.observationStride
        let (wide, weighted) = (tile.wide + b * columns, tile.weighted + b * columns)
        for j in 0..<columns {
            let value = Double(x[j])
            wide[j] = value
            weighted[j] = value * Double(tile.multiplicity[j])
        }
    }
    let products = MultiplyTile(
        weights: UnsafePointer(tile.weighted), weightStride: columns, rows: batch,
        observations: UnsafePointer(tile.wide), observationStride: columns, batch: batch,
        columns: columns, sums: tile.gram, sumStride: batch)
    var b = 0
    while b + 4 <= batch {
        // One at a time: sums of two, in float64, do not fit the registers.
        for c in 0..<b + 4 { multiply4x1(products, b, c) }
        b += 4
    }
    while b < batch {
        for c in 0...b { multiply1x1(products, b, c) }
        b += 1
    }
}

@inline(__always)
func descendTile<S: PolicyNumber>(_ tile: DescentTile<S>) {
    var row = 0
    // Small batches wait for memory and divisions, and there one row at a time is faster.
    if tile.gradient.batch > 16 {
        while row + 2 <= tile.gradient.rows {
            descend2(tile, row)
            row += 2
        }
    }
    while row < tile.gradient.rows {
        descend1(tile, row)
        row += 1
    }
}

/// Four vectors at a time, so that sums that wait for each other overlap.
@inline(__always)
private func descend1<S: PolicyNumber>(_ tile: DescentTile<S>, _ row: Int) {
    let g = tile.gradient
    let start = row * tile.weightStride
    var j = 0
    while j + 4 * lanes <= g.columns {
        var (a, b, c, d) = (SIMD8<S>.zero, SIMD8<S>.zero, SIMD8<S>.zero, SIMD8<S>.zero)
        var x = g.observations + j
        var delta = g.delta + row
        for _ in 0..<g.batch {
            let factor = SIMD8(repeating: delta.pointee)
            a = multiplyAdd(a, loadUpTo8(x, lanes), factor)
            b = multiplyAdd(b, loadUpTo8(x + lanes, lanes), factor)
            c = multiplyAdd(c, loadUpTo8(x + 2 * lanes, lanes), factor)
            d = multiplyAdd(d, loadUpTo8(x + 3 * lanes, lanes), factor)
            x += g.observationStride
            delta += g.deltaStride
        }
        move(tile, a, start, j, lanes)
        move(tile, b, start, j + lanes, lanes)
        move(tile, c, start, j + 2 * lanes, lanes)
        move(tile, d, start, j + 3 * lanes, lanes)
        j += 4 * lanes
    }
    descendRest(tile, row, from: j)
}

/// Two rows share the loads of the observations. Not more: the same columns of several rows may lie
/// in the same few lines of the cache.
@inline(__always)
private func descend2<S: PolicyNumber>(_ tile: DescentTile<S>, _ row: Int) {
    let g = tile.gradient
    let start = row * tile.weightStride
    var j = 0
    while j + 4 * lanes <= g.columns {
        var (a0, a1, a2, a3) = (SIMD8<S>.zero, SIMD8<S>.zero, SIMD8<S>.zero, SIMD8<S>.zero)
        var (b0, b1, b2, b3) = (SIMD8<S>.zero, SIMD8<S>.zero, SIMD8<S>.zero, SIMD8<S>.zero)
        var x = g.observations + j
        var delta = g.delta + row
        for _ in 0..<g.batch {
            let (a, b) = (SIMD8(repeating: delta[0]), SIMD8(repeating: delta[1]))
            let x0 = loadUpTo8(x, lanes)
            a0 = multiplyAdd(a0, x0, a)
            b0 = multiplyAdd(b0, x0, b)
            let x1 = loadUpTo8(x + lanes, lanes)
            a1 = multiplyAdd(a1, x1, a)
            b1 = multiplyAdd(b1, x1, b)
            let x2 = loadUpTo8(x + 2 * lanes, lanes)
            a2 = multiplyAdd(a2, x2, a)
            b2 = multiplyAdd(b2, x2, b)
            let x3 = loadUpTo8(x + 3 * lanes, lanes)
            a3 = multiplyAdd(a3, x3, a)
            b3 = multiplyAdd(b3, x3, b)
            x += g.observationStride
            delta += g.deltaStride
        }
        move(tile, a0, start, j, lanes)
        move(tile, a1, start, j + lanes, lanes)
        move(tile, a2, start, j + 2 * lanes, lanes)
        move(tile, a3, start, j + 3 * lanes, lanes)
        let second = start + tile.weightStride
        move(tile, b0, second, j, lanes)
        move(tile, b1, second, j + lanes, lanes)
        move(tile, b2, second, j + 2 * lanes, lanes)
        move(tile, b3, second, j + 3 * lanes, lanes)
        j += 4 * lanes
    }
    descendRest(tile, row, from: j)
    descendRest(tile, row + 1, from: j)
}

/// The columns of one row from `first`.
@inline(__always)
private func descendRest<S: PolicyNumber>(
    _ tile: DescentTile<S>, _ row: Int, from first: Int
) {
    var j = first
    while j < tile.gradient.columns {
        let g = gradient(tile.gradient, row, j, tile.gradient.columns - j)
        move(tile, g, row * tile.weightStride, j)
        j += lanes
    }
}

/// `AdamStep.move` on eight weights of the row that begins at `row`, or on those that are left.
@inline(__always)
private func move<S: PolicyNumber>(
    _ tile: DescentTile<S>, _ gradient: SIMD8<S>, _ row: Int, _ j: Int, _ count: Int? = nil
) {
    let left = count ?? (tile.gradient.columns - j)
    let step = tile.step
    let (weights, means) = (tile.weights + row + j, tile.mean + row + j)
    let squares = tile.square + row + j
    let g = gradient * step.gradientScale
    var mean = loadUpTo8(means, left)
    mean += (g - mean) * step.oneMinusBeta1
    let square = loadUpTo8(squares, left) * step.beta2 + g * g * step.oneMinusBeta2
    let denominator = square.squareRoot() / step.squareCorrection + step.epsilon
    let moved =
        loadUpTo8(tile.gradient.multiplicity + j, left) * (step.stepSize * mean / denominator)
    storeUpTo8(loadUpTo8(weights, left) - moved, weights, left)
    storeUpTo8(mean, means, left)
    storeUpTo8(square, squares, left)
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
