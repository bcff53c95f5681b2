import SPARSKernels

/// Lets networks see windows of a field, and remembers what they answered.
///
/// The policy's first layer is read once a step for both players of all games where they share a
/// network, and not at all where a window was seen before with the same weights.
struct WindowPolicy {
    let sight: any PolicySight
    private let masksActions: Bool
    /// How many answers make the same move: 2 where one of them also calls the end.
    private let answersPerMove: Int
    /// First-layer products of the policy rows by place: of the learner's network for the learner's
    /// eyes and for the opponent's, then of each frozen network.
    private var products: [[Standpoint: [Float]]] = []
    /// Whether both players see the same numbers (D12, D13), so that one memory serves both.
    let seesAlike: Bool
    /// What was last looked at, kept so that its memory is not cleared and mapped every step.
    private var seen: [Float] = []

    init(_ sight: any PolicySight, masksActions: Bool, answersPerMove: Int = 1) {
        self.sight = sight
        self.masksActions = masksActions
        self.answersPerMove = answersPerMove
        let configuration = sight.field.configuration
        seesAlike =
            configuration.observationCast == .float32
            || configuration.opponentObservation == .same
    }

    /// Rows looked at together: 16 MB of observations, or one.
    private var chunk: Int { max(1, (1 << 22) / sight.count) }

    /// Forgets the answers of weights that have changed since.
    mutating func forget() { products = [] }

    /// Writes what is seen from the standpoints into the first rows of the (n, `sight.count`) matrix.
    func look(
        at windows: [(standpoint: Standpoint, agent: Agent)], into matrix: inout [Float]
    ) throws(SPARSError) {
        try sight.prepare(windows.map(\.standpoint))
        let count = sight.count
        precondition(matrix.count >= windows.count * count, "\(matrix.count) numbers")
        var failures = [SPARSError?](repeating: nil, count: windows.count)
        try Control.shielded { () throws(SPARSError) in
            matrix.withUnsafeMutableBufferPointer { matrix in
                failures.withUnsafeMutableBufferPointer { failures in
                    // SAFETY: each item writes its own row and its own failure.
                    nonisolated(unsafe) let (matrix, failures) = (matrix, failures)
                    Self.forEach(windows.count, numbers: windows.count * count) { row in
                        do throws(SPARSError) {
                            try sight.look(
                                from: windows[row].standpoint, as: windows[row].agent,
                                into: .init(rebasing: matrix[row * count..<(row + 1) * count]))
                        } catch { failures[row] = error }
                    }
                }
            }
        }
        if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
    }

    /// Waking threads costs more than writing a few `numbers`.
    private static func forEach(_ count: Int, numbers: Int, _ body: (Int) -> Void) {
        if numbers < 1 << 16 { return (0..<count).forEach(body) }
        Parallel.forEach(count, body)
    }

    /// Which actions a policy may answer with from `origin`; empty where all are.
    func allowed(from origin: Voxel) -> [Bool] {
        guard masksActions else { return [] }
        let moves = Action.allCases.map { sight.field.configuration.allows($0, from: origin) }
        return answersPerMove == 1 ? moves : moves + moves
    }

    private struct Look {
        let standpoint: Standpoint
        let agent: Agent
        let memory: Int
    }

    /// The distributions over both players' actions in each game; `opponents` says for each game
    /// which of the `frozen` networks answers, or nil for the learner's own. Their numbers name the
    /// same networks until `forget` is called.
    mutating func distributions(
        at windows: [PerAgent<Standpoint>], learner: ActorCritic<Float>, opponents: [Int?],
        of frozen: [ActorCritic<Float>]
    ) throws(SPARSError) -> [PerAgent<Categorical<Float>>] {
        let missing = 2 + frozen.count - products.count
        if missing > 0 { products += Array(repeating: [:], count: missing) }
        // The same eyes and the same weights share one memory.
        let memories = opponents.map { number in number.map { $0 + 2 } ?? (seesAlike ? 0 : 1) }
        var unknown: [[Look]] = Array(repeating: [], count: 1 + frozen.count)
        var asked: [Set<Standpoint>] = Array(repeating: [], count: products.count)
        for (game, pair) in windows.enumerated() {
            for agent in Agent.allCases {
                let memory = agent == .learner ? 0 : memories[game]
                let place = sight.place(of: pair[agent])
                if products[memory][place] == nil, asked[memory].insert(place).inserted {
                    unknown[max(0, memory - 1)].append(
                        Look(standpoint: pair[agent], agent: agent, memory: memory))
                }
            }
        }
        try see(unknown[0], learner)
        for (looks, network) in zip(unknown.dropFirst(), frozen) { try see(looks, network) }
        return windows.enumerated().map { game, pair in
            PerAgent(
                learner: known(0, pair.learner, learner),
                opponent: known(
                    memories[game], pair.opponent, opponents[game].map { frozen[$0] } ?? learner))
        }
    }

    /// The distribution over one player's actions, which is not remembered.
    mutating func distribution(
        at standpoint: Standpoint, as agent: Agent, _ network: ActorCritic<Float>
    ) throws(SPARSError) -> Categorical<Float> {
        try look(at: [(standpoint, agent)])
        let products = try Control.shielded { () throws(SPARSError) in
            network.firstProducts(seen, batch: 1, part: .policy)
        }
        return distribution(products, standpoint.origin, network)
    }

    private mutating func see(
        _ unknown: [Look], _ network: ActorCritic<Float>
    ) throws(SPARSError) {
        let width = network.shape.firstRows
        for first in stride(from: 0, to: unknown.count, by: chunk) {
            let part = unknown[first..<min(first + chunk, unknown.count)]
            try look(at: part.map { ($0.standpoint, $0.agent) })
            let all = try Control.shielded { () throws(SPARSError) in
                network.firstProducts(seen, batch: part.count, part: .policy)
            }
            for (row, item) in part.enumerated() {
                products[item.memory][sight.place(of: item.standpoint)] =
                    Array(all[row * width..<(row + 1) * width])
            }
        }
    }

    /// Fills the first rows of `seen`.
    private mutating func look(at windows: [(standpoint: Standpoint, agent: Agent)])
        throws(SPARSError)
    {
        let needed = windows.count * sight.count
        if seen.count < needed { seen = [Float](repeating: 0, count: needed) }
        // Taken out, so that writing into it does not overlap with reading `self`.
        var matrix = seen
        seen = []
        defer { seen = matrix }
        try look(at: windows, into: &matrix)
    }

    private func known(
        _ memory: Int, _ standpoint: Standpoint, _ network: ActorCritic<Float>
    ) -> Categorical<Float> {
        distribution(
            products[memory][sight.place(of: standpoint)]!, standpoint.origin, network)
    }

    private func distribution(
        _ products: [Float], _ origin: Voxel, _ network: ActorCritic<Float>
    ) -> Categorical<Float> {
        Categorical(
            logits: network.activations(products: products, batch: 1, part: .policy).logits,
            actions: network.shape.actions, allowed: allowed(from: origin))
    }

    /// The critic's values of windows as `agent` sees them, read a few at a time.
    mutating func values(
        at standpoints: [Standpoint], as agent: Agent = .learner, _ network: ActorCritic<Float>
    ) throws(SPARSError) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(standpoints.count)
        for first in stride(from: 0, to: standpoints.count, by: chunk) {
            try Control.check()
            let part = standpoints[first..<min(first + chunk, standpoints.count)]
            try look(at: part.map { ($0, agent) })
            let products = try Control.shielded { () throws(SPARSError) in
                network.firstProducts(seen, batch: part.count, part: .value)
            }
            values +=
                network.activations(
                    products: products, batch: part.count, part: .value
                ).values
        }
        return values
    }
}
