import SPARSKernels

/// The plain twins of `FirstLayer`'s functions: one running sum each, in float64.
/// They differ from the fast ones by rounding only, within the bound that `FirstLayer` states.
extension FirstLayer {
    /// outputs (B, O) of all rows.
    @inlinable public func multiplyReference(weights: [S], observations: [S], batch: Int) -> [S] {
        var outputs: [S] = []
        for b in 0..<batch {
            for o in 0..<rows {
                var sum = 0.0
                for j in 0..<columns {
                    sum += Double(weights[o * columns + j]) * Double(observations[b * columns + j])
                }
                outputs.append(S(sum))
            }
        }
        return outputs
    }

    /// The gradient of one replica of every weight, (O, J).
    @inlinable public func gradientReference(delta: [S], observations: [S], batch: Int) -> [S] {
        var gradient: [S] = []
        for o in 0..<rows {
            for j in 0..<columns {
                var sum = 0.0
                for b in 0..<batch {
                    sum += Double(delta[b * rows + o]) * Double(observations[b * columns + j])
                }
                gradient.append(S(sum))
            }
        }
        return gradient
    }
}
