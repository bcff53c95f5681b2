import SPARSKernels

/// Lets networks see windows of a field, and remembers what they answered.
///
/// The policy's first layer is read once a step for both players where they share a network, and
/// not at all where a window was seen before with the same weights.
struct WindowPolicy {
    let field: SearchField
    /// First-layer products of the policy rows by place, for each player's eyes.
    private var products: [[Int: [Float]]] = [[:], [:]]
    /// Whether both players see the same numbers (D12, D13), so that one memory serves both.
    let seesAlike: Bool
    /// What was last looked at, kept so that its memory is not cleared and mapped every step.
    private var seen: [Float] = []

    init(_ field: SearchField) {
        self.field = field
        let configuration = field.configuration
        seesAlike =
            configuration.observationCast == .float32
            || configuration.opponentObservation == .same
    }

    /// Forgets the answers of weights that have changed since.
    mutating func forget() { products = [[:], [:]] }

    /// Forgets those of a player of its own who has been replaced.
    mutating func forgetOpponent() { products[1] = [:] }

    /// Writes what `agent` sees of a window at `origin` into `row` of the (n, inputs) matrix.
    func look(
        at origin: Voxel, as agent: Agent, into matrix: inout [Float], row: Int
    ) throws(SPARSError) {
        let count = field.configuration.window.count
        let box = try field.box(at: field.lattice.cropStart(origin))
        if box.extent == field.configuration.window {
            let geometry = BoxGeometry(of: box, in: field.volume.extent)
            matrix.withUnsafeMutableBufferPointer { matrix in
                field.volume.values.withUnsafeBufferPointer { values in
                    copyBox(
                        values, geometry,
                        into: .init(rebasing: matrix[row * count..<(row + 1) * count]))
                }
            }
        } else {
            let seen = try field.observation(at: origin)
            matrix.replaceSubrange(row * count..<(row + 1) * count, with: seen)
        }
        guard field.configuration.observationCast != .float32 else { return }
        for i in row * count..<(row + 1) * count {
            matrix[i] = field.configuration.seen(matrix[i], by: agent)
        }
    }

    /// The distributions over both players' actions; `opponent` nil is the learner's own network.
    mutating func distributions(
        at windows: PerAgent<Voxel>, learner: ActorCritic<Float>, opponent: ActorCritic<Float>?
    ) throws(SPARSError) -> PerAgent<Categorical<Float>> {
        // The same eyes and the same weights share one memory.
        let opponentMemory = seesAlike && opponent == nil ? 0 : 1
        let places = PerAgent(
            learner: field.index(ofOrigin: windows.learner),
            opponent: field.index(ofOrigin: windows.opponent))
        var unknown: [(agent: Agent, memory: Int)] = []
        if products[0][places.learner] == nil { unknown.append((.learner, 0)) }
        if products[opponentMemory][places.opponent] == nil
            && !(opponentMemory == 0 && places.opponent == places.learner)
        {
            unknown.append((.opponent, opponentMemory))
        }
        if opponent == nil {
            try see(unknown, places, windows, learner)
        } else {
            try see(unknown.filter { $0.memory == 0 }, places, windows, learner)
            try see(unknown.filter { $0.memory == 1 }, places, windows, opponent ?? learner)
        }
        return PerAgent(
            learner: distribution(products[0][places.learner]!, learner),
            opponent: distribution(
                products[opponentMemory][places.opponent]!, opponent ?? learner))
    }

    /// The distribution over one player's actions, which is not remembered.
    mutating func distribution(
        at origin: Voxel, as agent: Agent, _ network: ActorCritic<Float>
    ) throws(SPARSError) -> Categorical<Float> {
        try look(at: [(origin, agent)])
        let products = try Control.shielded { () throws(SPARSError) in
            network.firstProducts(seen, batch: 1, part: .policy)
        }
        return distribution(products, network)
    }

    private mutating func see(
        _ unknown: [(agent: Agent, memory: Int)], _ places: PerAgent<Int>,
        _ windows: PerAgent<Voxel>, _ network: ActorCritic<Float>
    ) throws(SPARSError) {
        guard !unknown.isEmpty else { return }
        try look(at: unknown.map { (windows[$0.agent], $0.agent) })
        let width = network.shape.firstRows
        let all = try Control.shielded { () throws(SPARSError) in
            network.firstProducts(seen, batch: unknown.count, part: .policy)
        }
        for (row, item) in unknown.enumerated() {
            products[item.memory][places[item.agent]] =
                Array(all[row * width..<(row + 1) * width])
        }
    }

    /// Fills the first rows of `seen`.
    private mutating func look(at windows: [(origin: Voxel, agent: Agent)]) throws(SPARSError) {
        let needed = windows.count * field.configuration.window.count
        if seen.count < needed { seen = [Float](repeating: 0, count: needed) }
        // Taken out, so that writing into it does not overlap with reading `self`.
        var matrix = seen
        seen = []
        defer { seen = matrix }
        for (row, window) in windows.enumerated() {
            try look(at: window.origin, as: window.agent, into: &matrix, row: row)
        }
    }

    private func distribution(
        _ products: [Float], _ network: ActorCritic<Float>
    ) -> Categorical<Float> {
        Categorical(
            logits: network.activations(products: products, batch: 1, part: .policy).logits,
            actions: network.shape.actions)
    }

    /// The critic's values of windows as `agent` sees them, read a few at a time.
    mutating func values(
        at origins: [Voxel], as agent: Agent = .learner, _ network: ActorCritic<Float>
    ) throws(SPARSError) -> [Float] {
        let window = field.configuration.window.count
        let chunk = max(1, min(origins.count, (1 << 22) / window))
        var values: [Float] = []
        values.reserveCapacity(origins.count)
        for first in stride(from: 0, to: origins.count, by: chunk) {
            try Control.check()
            let part = origins[first..<min(first + chunk, origins.count)]
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
