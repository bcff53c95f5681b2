import SPARSKernels

/// The plain twins of `FirstLayer`'s functions: one running sum each, in float64.
/// They differ from the fast ones by rounding only, within the bound that `FirstLayer` states.
extension FirstLayer {
    /// outputs (B, O) of all rows.
    @inlinable public func multiplyReference(weights: [S], observations: [S], batch: Int) -> [S] {
        sums(batch, rows, of: columns) { b, o, j in
            Double(weights[o * columns + j]) * Double(observations[b * columns + j])
        }
    }

    /// The gradient of one replica of every weight, (O, J).
    @inlinable public func gradientReference(delta: [S], observations: [S], batch: Int) -> [S] {
        sums(rows, columns, of: batch) { o, j, b in
            Double(delta[b * rows + o]) * Double(observations[b * columns + j])
        }
    }

    /// (`height`, `width`), each the sum of `count` terms in order.
    @inlinable func sums(
        _ height: Int, _ width: Int, of count: Int, _ term: (Int, Int, Int) -> Double
    ) -> [S] {
        var sums: [S] = []
        for i in 0..<height {
            for k in 0..<width {
                var sum = 0.0
                for n in 0..<count { sum += term(i, k, n) }
                sums.append(S(sum))
            }
        }
        return sums
    }
}
