import SPARSKernelTable

/// A wide first layer, weights (O, J) row by row: the part of an actor-critic that costs memory
/// traffic. Every function gives the same bits for any thread count and any batch.
///
/// A product is summed within blocks of `blockColumns` columns, then over blocks in order, which
/// also keeps float32 sums over 55,296 columns accurate: |error| <= (J / B + B / 8 + 3) eps
/// sum |w_j x_j| with B = `blockColumns`, against J eps for one running sum.
public struct FirstLayer<S: PolicyScalar>: Sendable {
    public let rows: Int
    public let columns: Int

    /// A tile's rows and observations of so many columns stay in 32 KiB together.
    static var blockColumns: Int { 1024 }
    static var tileRows: Int { 4 }
    /// So many blocks of observations stay in a core's second cache while all rows pass over them;
    /// a multiple of the three that a tile takes at once.
    private static var fewObservations: Int { 24 }
    /// More are read block by block for all rows, fewer row by row.
    private static var streamedObservations: Int { 8 }
    /// Numbers between packed observations. Rows of a multiple of 4 KiB, as those of 55,296 columns
    /// are, lie in the same few lines of the cache: a pass over eight of them and the weights ran
    /// at half its speed.
    static var gap: Int { 16 }

    /// Blocks that move together where the gradient is formed on the way: each row's weights and
    /// moments are then read two pages at a time, for which memory is faster than for one.
    private static var blocksMovedTogether: Int { 2 }

    /// Columns, of `available`, of which the observations of a batch, packed, stay in the cache.
    private static func packedColumns(batch: Int, of available: Int) -> Int {
        min(available, max(64, (1 << 14) / batch / 32 * 32))
    }

    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    var blocks: Int { (columns + Self.blockColumns - 1) / Self.blockColumns }

    /// Waking threads costs more than `serialWork` multiplications.
    static func forEach(_ count: Int, work: Int, _ body: (Int) -> Void) {
        let serialWork = 1 << 17
        if work >= serialWork { return Parallel.forEach(count, body) }
        for i in 0..<count { body(i) }
    }

    func width(ofBlock block: Int) -> Int {
        min(Self.blockColumns, columns - block * Self.blockColumns)
    }

    /// outputs[b][o] = sum over j of weights[o][j] observations[b][j] for the given rows;
    /// `outputs` is (B, `rows`), other rows of it are left as they are.
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    public func multiply(
        weights: UnsafePointer<S>, rows wanted: Range<Int>, observations: UnsafePointer<S>,
        batch: Int, outputs: UnsafeMutablePointer<S>
    ) {
        // SAFETY: each item writes the outputs of its own rows only.
        nonisolated(unsafe) let (weights, observations, outputs) = (weights, observations, outputs)
        if batch > Self.streamedObservations {
            return multiplyByBlocks(weights, wanted, observations, batch, outputs)
        }
        let groups = (wanted.count + Self.tileRows - 1) / Self.tileRows
        for b in 0..<batch {
            for o in wanted { outputs[b * rows + o] = 0 }
        }
        Self.forEach(groups, work: wanted.count * columns * batch) { group in
            let row = wanted.lowerBound + group * Self.tileRows
            for block in 0..<blocks {
                let column = block * Self.blockColumns
                S.policyKernels.multiply(
                    MultiplyTile(
                        weights: weights + row * columns + column, weightStride: columns,
                        rows: min(Self.tileRows, wanted.upperBound - row),
                        observations: observations + column, observationStride: columns,
                        batch: batch, columns: width(ofBlock: block),
                        sums: outputs + row, sumStride: rows))
            }
        }
    }

    /// The same bits in an order that reads the observations once, a few at a time for all rows.
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    private func multiplyByBlocks(
        _ weights: UnsafePointer<S>, _ wanted: Range<Int>, _ observations: UnsafePointer<S>,
        _ batch: Int, _ outputs: UnsafeMutablePointer<S>
    ) {
        let count = batch * wanted.count
        let parts = UnsafeMutablePointer<S>.allocate(capacity: blocks * count)
        defer { parts.deallocate() }
        parts.initialize(repeating: 0, count: blocks * count)
        // SAFETY: each item writes its own part.
        nonisolated(unsafe) let (weights, observations, shares) = (weights, observations, parts)
        Self.forEach(blocks, work: wanted.count * columns * batch) { block in
            multiplyBlock(
                block, weights, wanted, observations, batch, into: shares + block * count)
        }
        for b in 0..<batch {
            for (i, o) in wanted.enumerated() {
                var sum = S.zero
                for block in 0..<blocks { sum += parts[block * count + b * wanted.count + i] }
                outputs[b * rows + o] = sum
            }
        }
    }

    /// Adds one block's products to `sums`, (B, wanted rows).
    @inline(__always)
    private func multiplyBlock(
        _ block: Int, _ weights: UnsafePointer<S>, _ wanted: Range<Int>,
        _ observations: UnsafePointer<S>, _ batch: Int, into sums: UnsafeMutablePointer<S>
    ) {
        let column = block * Self.blockColumns
        for b in stride(from: 0, to: batch, by: Self.fewObservations) where !Parallel.isStopped {
            for row in stride(from: 0, to: wanted.count, by: Self.tileRows) {
                S.policyKernels.multiply(
                    MultiplyTile(
                        weights: weights + (wanted.lowerBound + row) * columns + column,
                        weightStride: columns, rows: min(Self.tileRows, wanted.count - row),
                        observations: observations + b * columns + column,
                        observationStride: columns,
                        batch: min(Self.fewObservations, batch - b),
                        columns: width(ofBlock: block),
                        sums: sums + b * wanted.count + row, sumStride: wanted.count))
            }
        }
    }

    /// The share of the squared global gradient norm: sum of c_j g[o][j]^2 over the layer, without
    /// forming the gradient. It is the sum of (delta delta^T) times (x c x^T), both (B, B): cheap in
    /// small batches. float64 throughout: within gamma(J / 4 + O + B^2 + 8) of it (see `KernelTable`)
    /// times the sum of the magnitudes of all those products.
    ///
    /// - Parameters:
    ///   - delta: (B, O), the loss's derivative by the outputs.
    ///   - observations: (B, J).
    ///   - multiplicity: (J), c_j.
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    public func gradientNormSquared(
        delta: UnsafePointer<S>, observations: UnsafePointer<S>, batch: Int,
        multiplicity: UnsafePointer<S>
    ) -> Double {
        let size = batch * batch
        let part = Self.packedColumns(batch: batch, of: Self.blockColumns)
        let grams = UnsafeMutablePointer<Double>.allocate(capacity: blocks * size)
        defer { grams.deallocate() }
        grams.initialize(repeating: 0, count: blocks * size)
        // SAFETY: each item writes its own (B, B) matrix and scratch of its own.
        nonisolated(unsafe) let (observations, multiplicity, shares) =
            (observations, multiplicity, grams)
        Self.forEach(blocks, work: size * columns) { block in
            let wide = UnsafeMutablePointer<Double>.allocate(capacity: 2 * batch * part)
            defer { wide.deallocate() }
            let column = block * Self.blockColumns
            let end = column + width(ofBlock: block)
            for first in stride(from: column, to: end, by: part) {
                S.policyKernels.gram(
                    GramTile(
                        observations: observations + first, observationStride: columns,
                        batch: batch, columns: min(part, end - first),
                        multiplicity: multiplicity + first, wide: wide,
                        weighted: wide + batch * part, gram: shares + block * size))
            }
        }
        var total = 0.0
        for b in 0..<batch {
            for c in 0...b {
                var product = 0.0
                for o in 0..<rows {
                    product += Double(delta[b * rows + o]) * Double(delta[c * rows + o])
                }
                var gram = 0.0
                for block in 0..<blocks { gram += grams[block * size + c * batch + b] }
                total += (b == c ? 1 : 2) * product * gram
            }
        }
        // Rounding may leave a sum of nothing just below it.
        return max(total, 0)
    }

    /// One Adam step on the whole layer and, in the same pass over memory, the product of the moved
    /// weights with the next observations.
    ///
    /// - Parameters:
    ///   - weights, mean, square: (O, J), changed in place.
    ///   - gradient: what `gradient` left of the same delta and observations, or nil, and it is
    ///     formed here.
    ///   - next: (`nextBatch`, J); `nextOutputs` is (`nextBatch`, O).
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    public func descend(
        weights: UnsafeMutablePointer<S>, mean: UnsafeMutablePointer<S>,
        square: UnsafeMutablePointer<S>, delta: UnsafePointer<S>, observations: UnsafePointer<S>,
        batch: Int, multiplicity: UnsafePointer<S>, gradient: UnsafePointer<S>? = nil,
        step: AdamStep<S>, next: UnsafePointer<S>?, nextBatch: Int,
        nextOutputs: UnsafeMutablePointer<S>?
    ) {
        let count = next == nil ? 0 : nextBatch * rows
        let parts = UnsafeMutablePointer<S>.allocate(capacity: max(1, blocks * count))
        defer { parts.deallocate() }
        parts.initialize(repeating: 0, count: max(1, blocks * count))
        // SAFETY: each item changes its own block of columns and its own part.
        nonisolated(unsafe) let (weights, mean, square, delta, observations, multiplicity, next) =
            (weights, mean, square, delta, observations, multiplicity, next)
        nonisolated(unsafe) let (shares, gradient) = (parts, gradient)
        let together = gradient == nil ? Self.blocksMovedTogether : 1
        let items = (blocks + together - 1) / together
        Self.forEach(items, work: rows * columns * batch) { item in
            let layer = MovingLayer(
                weights: weights, mean: mean, square: square, multiplicity: multiplicity,
                step: step)
            let first = item * together
            let sums = shares + first * count
            guard let gradient else {
                return descendBlocks(
                    first..<min(blocks, first + together), layer, delta, observations, batch,
                    next: next, nextBatch: nextBatch, into: sums)
            }
            moveBlock(first, layer, gradient)
            if let next {
                multiplyBlock(
                    first, UnsafePointer(weights), 0..<rows, next, nextBatch, into: sums)
            }
        }
        guard let nextOutputs, count > 0 else { return }
        for i in 0..<count { nextOutputs[i] = 0 }
        for block in 0..<blocks {
            for i in 0..<count { nextOutputs[i] += parts[block * count + i] }
        }
    }

    /// Moves some blocks of columns, and multiplies the next observations by a few rows' weights once
    /// they have moved, while they are in the cache.
    @inline(__always)
    private func descendBlocks(
        _ wanted: Range<Int>, _ layer: MovingLayer<S>, _ delta: UnsafePointer<S>,
        _ observations: UnsafePointer<S>, _ batch: Int, next: UnsafePointer<S>?, nextBatch: Int,
        into sums: UnsafeMutablePointer<S>
    ) {
        let column = wanted.lowerBound * Self.blockColumns
        let end = min(columns, wanted.upperBound * Self.blockColumns)
        let part = Self.packedColumns(batch: batch, of: end - column)
        let packed = UnsafeMutablePointer<S>.allocate(capacity: batch * (part + Self.gap))
        let formed = UnsafeMutablePointer<S>.allocate(
            capacity: Self.tileRows * DescentTile<S>.formedColumns)
        defer {
            packed.deallocate()
            formed.deallocate()
        }
        for first in stride(from: column, to: end, by: part) {
            let width = min(part, end - first)
            for b in 0..<batch {
                (packed + b * (width + Self.gap)).update(
                    from: observations + b * columns + first, count: width)
            }
            for row in stride(from: 0, to: rows, by: Self.tileRows) {
                let tileRows = min(Self.tileRows, rows - row)
                let start = row * columns + first
                S.policyKernels.descend(
                    DescentTile(
                        gradient: GradientTile(
                            delta: delta + row, deltaStride: rows, rows: tileRows,
                            observations: packed, observationStride: width + Self.gap,
                            batch: batch, columns: width,
                            multiplicity: layer.multiplicity + first),
                        weights: layer.weights + start, mean: layer.mean + start,
                        square: layer.square + start, weightStride: columns, step: layer.step,
                        ahead: row + 2 * Self.tileRows <= rows ? Self.tileRows * columns : 0,
                        formed: formed))
                guard let next, first + width == end else { continue }
                for block in wanted {
                    let column = block * Self.blockColumns
                    S.policyKernels.multiply(
                        MultiplyTile(
                            weights: UnsafePointer(layer.weights) + row * columns + column,
                            weightStride: columns, rows: tileRows,
                            observations: next + column, observationStride: columns,
                            batch: nextBatch, columns: self.width(ofBlock: block),
                            sums: sums + (block - wanted.lowerBound) * nextBatch * rows + row,
                            sumStride: rows))
                }
            }
        }
    }

    /// Moves one block of columns by a gradient that is known.
    @inline(__always)
    private func moveBlock(
        _ block: Int, _ layer: MovingLayer<S>, _ gradient: UnsafePointer<S>
    ) {
        let column = block * Self.blockColumns
        for row in 0..<rows {
            let start = row * columns + column
            S.policyKernels.move(
                MovementTile(
                    gradient: gradient + (block * rows + row) * gradientStride,
                    weights: layer.weights + start, mean: layer.mean + start,
                    square: layer.square + start, multiplicity: layer.multiplicity + column,
                    columns: width(ofBlock: block), step: layer.step))
        }
    }
}

/// What `descend` changes, and how.
private struct MovingLayer<S: PolicyScalar> {
    let weights: UnsafeMutablePointer<S>
    let mean: UnsafeMutablePointer<S>
    let square: UnsafeMutablePointer<S>
    let multiplicity: UnsafePointer<S>
    let step: AdamStep<S>
}
