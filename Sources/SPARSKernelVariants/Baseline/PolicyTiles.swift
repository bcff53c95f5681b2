import CSPARSProcessor
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
        // Twelve sums of eight float32 leave four of sixteen registers for what they are made of.
        #if SPARS_FMA || arch(arm64)
            if MemoryLayout<S>.size == 4 {
                while b + 3 <= tile.batch {
                    multiply4x3(tile, row, b)
                    b += 3
                }
            }
        #endif
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

/// One row's sums with three observations.
private struct SumsOfThree<S: PolicyNumber> {
    var s0 = SIMD8<S>.zero
    var s1 = SIMD8<S>.zero
    var s2 = SIMD8<S>.zero

    @inline(__always)
    mutating func add(_ w: SIMD8<S>, _ x: (SIMD8<S>, SIMD8<S>, SIMD8<S>)) {
        s0 = multiplyAdd(s0, w, x.0)
        s1 = multiplyAdd(s1, w, x.1)
        s2 = multiplyAdd(s2, w, x.2)
    }

    @inline(__always)
    func add(to sums: UnsafeMutablePointer<S>, _ stride: Int) {
        sums[0] += sum(s0)
        sums[stride] += sum(s1)
        sums[2 * stride] += sum(s2)
    }
}

/// Three observations are held and rows loaded one at a time: the other way round needs a
/// seventeenth register, and a sum kept in memory halves the speed.
@inline(__always)
private func multiply4x3<S: PolicyNumber>(_ tile: MultiplyTile<S>, _ row: Int, _ b: Int) {
    let stride = tile.weightStride
    let w = tile.weights + row * stride
    let x = tile.observations + b * tile.observationStride
    let y = x + tile.observationStride
    let z = y + tile.observationStride
    var (r0, r1) = (SumsOfThree<S>(), SumsOfThree<S>())
    var (r2, r3) = (SumsOfThree<S>(), SumsOfThree<S>())
    var j = 0
    while j + lanes <= tile.columns {
        let seen = (loadUpTo8(x + j, lanes), loadUpTo8(y + j, lanes), loadUpTo8(z + j, lanes))
        r0.add(loadUpTo8(w + j, lanes), seen)
        r1.add(loadUpTo8(w + stride + j, lanes), seen)
        r2.add(loadUpTo8(w + 2 * stride + j, lanes), seen)
        r3.add(loadUpTo8(w + 3 * stride + j, lanes), seen)
        j += lanes
    }
    if j < tile.columns {
        let left = tile.columns - j
        let seen = (loadUpTo8(x + j, left), loadUpTo8(y + j, left), loadUpTo8(z + j, left))
        r0.add(loadUpTo8(w + j, left), seen)
        r1.add(loadUpTo8(w + stride + j, left), seen)
        r2.add(loadUpTo8(w + 2 * stride + j, left), seen)
        r3.add(loadUpTo8(w + 3 * stride + j, left), seen)
    }
    let sums = tile.sums + b * tile.sumStride + row
    r0.add(to: sums, tile.sumStride)
    r1.add(to: sums + 1, tile.sumStride)
    r2.add(to: sums + 2, tile.sumStride)
    r3.add(to: sums + 3, tile.sumStride)
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
private func rowGradient<S: PolicyNumber>(
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
func gradientTile<S: PolicyNumber>(
    _ tile: GradientTile<S>, _ gradient: UnsafeMutablePointer<S>, _ stride: Int
) -> Double {
    var strip = tile
    var total = 0.0
    var first = 0
    while first < tile.columns {
        strip.columns = tile.columns - first < 3 * lanes ? tile.columns - first : 3 * lanes
        total += gradientStrip(strip, gradient + first, stride)
        strip.observations += strip.columns
        strip.multiplicity += strip.columns
        first += strip.columns
    }
    return total
}

/// Four rows by three vectors where the strip is whole: each load serves four products.
@inline(__always)
private func gradientStrip<S: PolicyNumber>(
    _ tile: GradientTile<S>, _ gradient: UnsafeMutablePointer<S>, _ stride: Int
) -> Double {
    if tile.rows == 4 && tile.columns == 3 * lanes {
        return gradient4x3(tile, gradient, stride)
    }
    var total = 0.0
    for row in 0..<tile.rows {
        var j = 0
        while j < tile.columns {
            let left = tile.columns - j
            let g = rowGradient(tile, row, j, left)
            storeUpTo8(g, gradient + row * stride + j, left)
            total += Double(sum(g * g * loadUpTo8(tile.multiplicity + j, left)))
            j += lanes
        }
    }
    return total
}

/// One row's sums in three vectors of columns.
private struct ThreeSums<S: PolicyNumber> {
    var s0 = SIMD8<S>.zero
    var s1 = SIMD8<S>.zero
    var s2 = SIMD8<S>.zero

    @inline(__always)
    mutating func add(_ x: (SIMD8<S>, SIMD8<S>, SIMD8<S>), _ factor: S) {
        let factor = SIMD8(repeating: factor)
        s0 = multiplyAdd(s0, x.0, factor)
        s1 = multiplyAdd(s1, x.1, factor)
        s2 = multiplyAdd(s2, x.2, factor)
    }

    /// Writes the sums, and returns the sum of their squares times `counts`.
    @inline(__always)
    func store(_ pointer: UnsafeMutablePointer<S>, _ counts: UnsafePointer<S>) -> Double {
        storeUpTo8(s0, pointer, lanes)
        storeUpTo8(s1, pointer + lanes, lanes)
        storeUpTo8(s2, pointer + 2 * lanes, lanes)
        let squares =
            s0 * s0 * loadUpTo8(counts, lanes) + s1 * s1 * loadUpTo8(counts + lanes, lanes)
            + s2 * s2 * loadUpTo8(counts + 2 * lanes, lanes)
        return Double(sum(squares))
    }
}

@inline(__always)
private func gradient4x3<S: PolicyNumber>(
    _ tile: GradientTile<S>, _ gradient: UnsafeMutablePointer<S>, _ stride: Int
) -> Double {
    var (a, b, c, d) = (ThreeSums<S>(), ThreeSums<S>(), ThreeSums<S>(), ThreeSums<S>())
    var x = tile.observations
    var delta = tile.delta
    for _ in 0..<tile.batch {
        let seen = (
            loadUpTo8(x, lanes), loadUpTo8(x + lanes, lanes), loadUpTo8(x + 2 * lanes, lanes)
        )
        a.add(seen, delta[0])
        b.add(seen, delta[1])
        c.add(seen, delta[2])
        d.add(seen, delta[3])
        x += tile.observationStride
        delta += tile.deltaStride
    }
    var total = a.store(gradient, tile.multiplicity)
    total += b.store(gradient + stride, tile.multiplicity)
    total += c.store(gradient + 2 * stride, tile.multiplicity)
    total += d.store(gradient + 3 * stride, tile.multiplicity)
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

/// Forms the gradient of a few columns for all rows, so that a load of observations serves four,
/// then moves them row by row: the same columns of several rows and of their moments often lie in
/// the same few lines of the cache.
@inline(__always)
func descendTile<S: PolicyNumber>(_ tile: DescentTile<S>) {
    var g = tile.gradient
    let columns = g.columns
    let formed = DescentTile<S>.formedColumns
    var first = 0
    while first < columns {
        g.columns = columns - first < formed ? columns - first : formed
        _ = gradientTile(g, tile.formed, formed)
        for row in 0..<g.rows {
            let start = row * tile.weightStride + first
            moveTile(
                MovementTile(
                    gradient: UnsafePointer(tile.formed) + row * formed,
                    weights: tile.weights + start, mean: tile.mean + start,
                    square: tile.square + start, multiplicity: g.multiplicity,
                    columns: g.columns, step: tile.step, ahead: tile.ahead))
        }
        g.observations += g.columns
        g.multiplicity += g.columns
        first += g.columns
    }
}

@inline(__always)
func moveTile<S: PolicyNumber>(_ tile: MovementTile<S>) {
    var j = 0
    while j + lanes <= tile.columns {
        if tile.ahead > 0 {
            spars_processor_prefetch(tile.weights + j + tile.ahead)
            spars_processor_prefetch(tile.mean + j + tile.ahead)
            spars_processor_prefetch(tile.square + j + tile.ahead)
        }
        move(tile, j, lanes)
        j += lanes
    }
    if j < tile.columns { move(tile, j, tile.columns - j) }
}

/// `AdamStep.move` on eight weights, or on those that are left.
@inline(__always)
private func move<S: PolicyNumber>(_ tile: MovementTile<S>, _ j: Int, _ left: Int) {
    let step = tile.step
    let g = loadUpTo8(tile.gradient + j, left) * step.gradientScale
    var mean = loadUpTo8(tile.mean + j, left)
    mean += (g - mean) * step.oneMinusBeta1
    let square = loadUpTo8(tile.square + j, left) * step.beta2 + g * g * step.oneMinusBeta2
    let denominator = square.squareRoot() / step.squareCorrection + step.epsilon
    let change = loadUpTo8(tile.multiplicity + j, left) * (step.stepSize * mean / denominator)
    storeUpTo8(loadUpTo8(tile.weights + j, left) - change, tile.weights + j, left)
    storeUpTo8(mean, tile.mean + j, left)
    storeUpTo8(square, tile.square + j, left)
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
