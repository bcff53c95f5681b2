import SPARSKernelTable

/// The gradient as numbers of its own, for batches whose (B, B) products would cost more.
extension FirstLayer {
    /// From here on forming the gradient twice, or all products of observations with each other in
    /// float64, costs more than writing and reading it once.
    public static func keepsGradient(batch: Int) -> Bool { batch > 16 }

    /// Columns that a tile of four rows takes at once: twelve sums of eight fill the registers.
    private static var stripColumns: Int { 24 }

    /// Blocks follow one another, rows of a block lie so far apart; see `gap`.
    var gradientStride: Int { Self.blockColumns + Self.gap }

    /// Numbers that `gradient` writes, the gaps included.
    public var gradientCount: Int { blocks * rows * gradientStride }

    /// Writes the gradient g of one replica, in an order that only `descend` reads, and returns its
    /// share of the squared global norm, the sum of c_j g[o][j]^2.
    ///
    /// Every g is one running sum over the batch, as `descend` forms it by itself. Terms of the norm
    /// are positive; up to 24 of a row are added in `S`, three by three and then in pairs, and the rest
    /// in float64: the norm is that of the g written to within 5 eps + O J 2^-53 of its value, with
    /// eps that of `S`.
    ///
    /// - Parameters:
    ///   - delta: (B, O); `observations`: (B, J); `multiplicity`: (J).
    ///   - gradient: `gradientCount` numbers.
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    public func gradient(
        delta: UnsafePointer<S>, observations: UnsafePointer<S>, batch: Int,
        multiplicity: UnsafePointer<S>, into gradient: UnsafeMutablePointer<S>
    ) -> Double {
        let parts = UnsafeMutablePointer<Double>.allocate(capacity: blocks)
        defer { parts.deallocate() }
        parts.initialize(repeating: 0, count: blocks)
        let packedDelta = packed(delta, batch)
        defer { packedDelta.deallocate() }
        // SAFETY: each item writes its own block and its own element.
        nonisolated(unsafe) let (observations, multiplicity, gradient) =
            (observations, multiplicity, gradient)
        nonisolated(unsafe) let (delta, shares) = (UnsafePointer(packedDelta), parts)
        Self.forEach(blocks, work: rows * columns * batch) { block in
            let strip = Self.stripColumns
            let seen = UnsafeMutablePointer<S>.allocate(capacity: batch * strip)
            defer { seen.deallocate() }
            let column = block * Self.blockColumns
            let end = column + width(ofBlock: block)
            for first in stride(from: column, to: end, by: strip) where !Parallel.isStopped {
                let width = min(strip, end - first)
                for b in 0..<batch {
                    (seen + b * strip).update(
                        from: observations + b * columns + first, count: width)
                }
                for row in stride(from: 0, to: rows, by: Self.tileRows) {
                    let start = (block * rows + row) * gradientStride + first - column
                    shares[block] += S.policyKernels.gradient(
                        GradientTile(
                            delta: delta + row * batch, deltaStride: Self.tileRows,
                            rows: min(Self.tileRows, rows - row), observations: seen,
                            observationStride: strip, batch: batch, columns: width,
                            multiplicity: multiplicity + first),
                        gradient + start, gradientStride)
                }
            }
        }
        var total = 0.0
        for block in 0..<blocks { total += parts[block] }
        return total
    }

    /// `delta` four rows at a time: (O / 4, B, 4), the last filled with zeros.
    private func packed(_ delta: UnsafePointer<S>, _ batch: Int) -> UnsafeMutablePointer<S> {
        let groups = (rows + Self.tileRows - 1) / Self.tileRows
        let count = groups * batch * Self.tileRows
        let packed = UnsafeMutablePointer<S>.allocate(capacity: count)
        packed.initialize(repeating: 0, count: count)
        for b in 0..<batch {
            for o in 0..<rows {
                let (group, row) = (o / Self.tileRows, o % Self.tileRows)
                packed[(group * batch + b) * Self.tileRows + row] = delta[b * rows + o]
            }
        }
        return packed
    }
}
