import SPARSKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Distributions over actions given by rows of logits, (B, actions).
public struct Categorical<S: PolicyScalar>: Sendable {
    public let batch: Int
    public let actions: Int
    /// log p(a), normalised, (B, actions).
    public let logProbabilities: [S]
    /// Which actions are allowed, (B, actions); empty where all are.
    public let allowed: [Bool]

    /// - Parameters:
    ///   - actions: how many there are.
    ///   - logits: finite, (B, actions).
    ///   - allowed: (B, actions), or empty. The others' logits become -1e8, so that their
    ///     probabilities are 0 (Huang and Ontanon, 2022, as sb3-contrib's MaskablePPO does it);
    ///     where none is allowed all are equally probable.
    public init(logits: [S], actions: Int, allowed: [Bool] = []) {
        precondition(actions > 0 && logits.count % actions == 0)
        precondition(allowed.isEmpty || allowed.count == logits.count)
        self.actions = actions
        self.allowed = allowed
        batch = logits.count / actions
        var logits = logits
        for i in allowed.indices where !allowed[i] { logits[i] = -1e8 }
        var normalised = logits
        for b in 0..<batch {
            let row = b * actions..<(b + 1) * actions
            let top = logits[row].max()!
            // float64 throughout a row: the rounding of a sum of six must not show in log p.
            let total = row.reduce(0.0) { $0 + exp(Double(logits[$1] - top)) }
            let normaliser = Double(top) + log(total)
            for i in row { normalised[i] = S(Double(logits[i]) - normaliser) }
        }
        logProbabilities = normalised
    }

    public func allows(_ b: Int, _ action: Int) -> Bool {
        allowed.isEmpty || allowed[b * actions + action]
    }

    public func logProbability(_ b: Int, of action: Int) -> S {
        logProbabilities[b * actions + action]
    }

    public func probability(_ b: Int, of action: Int) -> S {
        S(exp(Double(logProbability(b, of: action))))
    }

    /// -sum p log p over the allowed actions, natural logarithm.
    public func entropy(_ b: Int) -> S {
        var sum = 0.0
        for action in 0..<actions {
            if !allows(b, action) { continue }
            let l = Double(logProbability(b, of: action))
            // A probability that underflows to 0 adds 0, its limit.
            if l > -700 { sum -= exp(l) * l }
        }
        return S(sum)
    }

    /// Draws an action: the first whose cumulative probability exceeds one uniform number.
    public func sample(_ b: Int, _ random: inout RandomSource) -> Int {
        let u = random.uniform()
        var cumulative = 0.0
        for action in 0..<actions {
            cumulative += exp(Double(logProbability(b, of: action)))
            if u < cumulative { return action }
        }
        // Rounding may leave the total just below u; the last action of non-zero probability is due.
        return (0..<actions).last { logProbability(b, of: $0) > -700 } ?? actions - 1
    }

    /// The most probable action; the first of equals.
    public func mode(_ b: Int) -> Int {
        var best = 0
        for action in 1..<max(1, actions)
        where logProbability(b, of: action) > logProbability(b, of: best) {
            best = action
        }
        return best
    }
}
