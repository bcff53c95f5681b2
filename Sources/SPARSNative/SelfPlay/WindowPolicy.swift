import SPARSKernels

/// Lets networks observe windows of a field, and remembers what they answered.
///
/// The policy's first layer is read once a step for both players of all games where they share a
/// network, and not at all where a window was seen before with the same weights.
struct WindowPolicy {
    let observation: any PolicyObservation
    private let masksActions: Bool
    /// How many answers make the same move: 2 where one of them also calls the end.
    private let answersPerMove: Int
    /// First-layer products of the policy rows by state: of the learner's network for what the
    /// learner observes and for what the opponent does, then of each frozen network.
    private var products: [[AgentState: [Float]]] = []
    /// Whether both players observe the same numbers (D12, D13), so that one memory serves both.
    let sharesObservations: Bool
    /// What was last observed, kept so that its memory is not cleared and mapped every step.
    private var observed: [Float] = []

    init(_ observation: any PolicyObservation, masksActions: Bool, answersPerMove: Int = 1) {
        self.observation = observation
        self.masksActions = masksActions
        self.answersPerMove = answersPerMove
        let configuration = observation.field.configuration
        sharesObservations =
            configuration.observationCast == .float32
            || configuration.opponentObservation == .same
    }

    /// Rows observed together: 16 MB of observations, or one.
    private var chunk: Int { max(1, (1 << 22) / observation.count) }

    /// Forgets the answers of weights that have changed since.
    mutating func forget() { products = [] }

    /// Writes what is observed in the states into the first rows of the (n, `observation.count`) matrix.
    func observe(
        _ windows: [(state: AgentState, agent: Agent)], into matrix: inout [Float]
    ) throws(SPARSError) {
        try observation.prepare(windows.map(\.state))
        let count = observation.count
        precondition(matrix.count >= windows.count * count, "\(matrix.count) numbers")
        var failures = [SPARSError?](repeating: nil, count: windows.count)
        unsafe matrix.withUnsafeMutableBufferPointer { matrix in
            unsafe failures.withUnsafeMutableBufferPointer { failures in
                // SAFETY: each item writes its own row and its own failure.
                nonisolated(unsafe) let (matrix, failures) = unsafe (matrix, failures)
                Self.forEach(windows.count, numbers: windows.count * count) { row in
                    do throws(SPARSError) {
                        try unsafe observation.observe(
                            in: windows[row].state, as: windows[row].agent,
                            into: .init(rebasing: matrix[row * count..<(row + 1) * count]))
                    } catch { unsafe failures[row] = error }
                }
            }
        }
        try Control.check()
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
        let moves = Action.allCases.map { observation.field.configuration.allows($0, from: origin) }
        return answersPerMove == 1 ? moves : moves + moves
    }

    private struct Query {
        let state: AgentState
        let agent: Agent
        let memory: Int
    }

    /// The distributions over both players' actions in each game; `opponents` says for each game
    /// which of the `frozen` networks answers, or nil for the learner's own. Their numbers name the
    /// same networks until `forget` is called.
    mutating func distributions(
        at windows: [PerAgent<AgentState>], learner: ActorCritic<Float>, opponents: [Int?],
        of frozen: [ActorCritic<Float>]
    ) throws(SPARSError) -> [PerAgent<Categorical<Float>>] {
        let missing = 2 + frozen.count - products.count
        if missing > 0 { products += Array(repeating: [:], count: missing) }
        // The same observations and the same weights share one memory.
        let memories = opponents.map { number in
            number.map { $0 + 2 } ?? (sharesObservations ? 0 : 1)
        }
        var unknown: [[Query]] = Array(repeating: [], count: 1 + frozen.count)
        var asked: [Set<AgentState>] = Array(repeating: [], count: products.count)
        for (game, pair) in windows.enumerated() {
            for agent in Agent.allCases {
                let memory = agent == .learner ? 0 : memories[game]
                let key = observation.key(of: pair[agent])
                if products[memory][key] == nil, asked[memory].insert(key).inserted {
                    unknown[max(0, memory - 1)].append(
                        Query(state: pair[agent], agent: agent, memory: memory))
                }
            }
        }
        try remember(unknown[0], learner)
        for (queries, network) in zip(unknown.dropFirst(), frozen) {
            try remember(queries, network)
        }
        var answers: [PerAgent<Categorical<Float>>] = []
        for (game, pair) in windows.enumerated() {
            answers.append(
                PerAgent(
                    learner: try known(0, pair.learner, learner),
                    opponent: try known(
                        memories[game], pair.opponent,
                        opponents[game].map { frozen[$0] } ?? learner)))
        }
        return answers
    }

    /// The distribution over one player's actions, which is not remembered.
    mutating func distribution(
        at state: AgentState, as agent: Agent, _ network: ActorCritic<Float>
    ) throws(SPARSError) -> Categorical<Float> {
        try observe([(state, agent)])
        let products = try Control.shielded { () throws(SPARSError) in
            network.firstProducts(observed, batch: 1, part: .policy)
        }
        return try distribution(products, state.origin, network)
    }

    private mutating func remember(
        _ unknown: [Query], _ network: ActorCritic<Float>
    ) throws(SPARSError) {
        let width = network.shape.firstRows
        for first in stride(from: 0, to: unknown.count, by: chunk) {
            let part = unknown[first..<min(first + chunk, unknown.count)]
            try observe(part.map { ($0.state, $0.agent) })
            let all = try Control.shielded { () throws(SPARSError) in
                network.firstProducts(observed, batch: part.count, part: .policy)
            }
            for (row, item) in part.enumerated() {
                products[item.memory][observation.key(of: item.state)] =
                    Array(all[row * width..<(row + 1) * width])
            }
        }
    }

    /// Fills the first rows of `observed`.
    private mutating func observe(_ windows: [(state: AgentState, agent: Agent)])
        throws(SPARSError)
    {
        let needed = windows.count * observation.count
        if observed.count < needed { observed = [Float](repeating: 0, count: needed) }
        // Taken out, so that writing into it does not overlap with reading `self`.
        var matrix = observed
        observed = []
        defer { observed = matrix }
        try observe(windows, into: &matrix)
    }

    private func known(
        _ memory: Int, _ state: AgentState, _ network: ActorCritic<Float>
    ) throws(SPARSError) -> Categorical<Float> {
        try distribution(
            products[memory][observation.key(of: state)]!, state.origin, network)
    }

    private func distribution(
        _ products: [Float], _ origin: Voxel, _ network: ActorCritic<Float>
    ) throws(SPARSError) -> Categorical<Float> {
        Categorical(
            logits: try network.activations(products: products, batch: 1, part: .policy).logits,
            actions: network.shape.actions, allowed: allowed(from: origin))
    }

    /// The critic's values of states as `agent` observes them, read a few at a time.
    mutating func values(
        at states: [AgentState], as agent: Agent = .learner, _ network: ActorCritic<Float>
    ) throws(SPARSError) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(states.count)
        for first in stride(from: 0, to: states.count, by: chunk) {
            try Control.check()
            let part = states[first..<min(first + chunk, states.count)]
            try observe(part.map { ($0, agent) })
            let products = try Control.shielded { () throws(SPARSError) in
                network.firstProducts(observed, batch: part.count, part: .value)
            }
            values +=
                try network.activations(
                    products: products, batch: part.count, part: .value
                ).values
        }
        return values
    }
}
