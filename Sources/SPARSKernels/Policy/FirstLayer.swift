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

    static var blockColumns: Int { 2048 }
    static var tileRows: Int { 4 }

    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    private var blocks: Int { (columns + Self.blockColumns - 1) / Self.blockColumns }

    /// Waking threads costs more than `serialWork` multiplications.
    private static func forEach(_ count: Int, work: Int, _ body: (Int) -> Void) {
        let serialWork = 1 << 17
        if work >= serialWork { return Parallel.forEach(count, body) }
        for i in 0..<count { body(i) }
    }

    private func width(ofBlock block: Int) -> Int {
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

    /// The share of the squared global gradient norm: sum of c_j g[o][j]^2 over the layer.
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
        let parts = UnsafeMutablePointer<Double>.allocate(capacity: blocks)
        defer { parts.deallocate() }
        // SAFETY: each item writes its own element.
        nonisolated(unsafe) let (delta, observations, multiplicity, shares) =
            (delta, observations, multiplicity, parts)
        Self.forEach(blocks, work: rows * columns * batch) { block in
            let column = block * Self.blockColumns
            shares[block] = Double(
                S.policyKernels.normSquared(
                    GradientTile(
                        delta: delta, deltaStride: rows, rows: rows,
                        observations: observations + column, observationStride: columns,
                        batch: batch, columns: width(ofBlock: block),
                        multiplicity: multiplicity + column)))
        }
        // A stopped region leaves parts unwritten; its result is thrown away by the caller's check.
        var total = 0.0
        for block in 0..<blocks { total += parts[block] }
        return total
    }

    /// One Adam step on the whole layer and, in the same pass over memory, the product of the moved
    /// weights with the next observations.
    ///
    /// - Parameters:
    ///   - weights, mean, square: (O, J), changed in place.
    ///   - next: (`nextBatch`, J); `nextOutputs` is (`nextBatch`, O).
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    public func descend(
        weights: UnsafeMutablePointer<S>, mean: UnsafeMutablePointer<S>,
        square: UnsafeMutablePointer<S>, delta: UnsafePointer<S>, observations: UnsafePointer<S>,
        batch: Int, multiplicity: UnsafePointer<S>, step: AdamStep<S>,
        next: UnsafePointer<S>?, nextBatch: Int, nextOutputs: UnsafeMutablePointer<S>?
    ) {
        let count = next == nil ? 0 : nextBatch * rows
        let parts = UnsafeMutablePointer<S>.allocate(capacity: max(1, blocks * count))
        defer { parts.deallocate() }
        parts.initialize(repeating: 0, count: max(1, blocks * count))
        // SAFETY: each item changes its own block of columns and its own part.
        nonisolated(unsafe) let (weights, mean, square, delta, observations, multiplicity, next) =
            (weights, mean, square, delta, observations, multiplicity, next)
        nonisolated(unsafe) let shares = parts
        Self.forEach(blocks, work: rows * columns * batch) { block in
            let column = block * Self.blockColumns
            for row in stride(from: 0, to: rows, by: Self.tileRows) {
                let tileRows = min(Self.tileRows, rows - row)
                let start = row * columns + column
                S.policyKernels.descend(
                    DescentTile(
                        gradient: GradientTile(
                            delta: delta + row, deltaStride: rows, rows: tileRows,
                            observations: observations + column, observationStride: columns,
                            batch: batch, columns: width(ofBlock: block),
                            multiplicity: multiplicity + column),
                        weights: weights + start, mean: mean + start, square: square + start,
                        weightStride: columns, step: step))
                guard let next else { continue }
                S.policyKernels.multiply(
                    MultiplyTile(
                        weights: UnsafePointer(weights) + start, weightStride: columns,
                        rows: tileRows, observations: next + column, observationStride: columns,
                        batch: nextBatch, columns: width(ofBlock: block),
                        sums: shares + block * count + row, sumStride: rows))
            }
        }
        guard let nextOutputs, count > 0 else { return }
        for i in 0..<count { nextOutputs[i] = 0 }
        for block in 0..<blocks {
            for i in 0..<count { nextOutputs[i] += parts[block * count + i] }
        }
    }
}
