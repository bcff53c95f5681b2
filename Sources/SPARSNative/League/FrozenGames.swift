import SPARSKernels

/// Games between players whose weights no longer change.
///
/// What such a player does at a place never changes either, so it is computed once: a step then
/// costs two readings of a table and two random numbers, and a round robin of thousands of games
/// takes seconds. The scores come from the field's table likewise.
///
/// Memory: 4 bytes a parameter of each player's policy net, and 28 bytes a place and player.
public final class FrozenGames {
    /// What one game gave the first player.
    public struct Result: Equatable, Sendable {
        /// The sum of its rewards: above 0 it won more steps than it lost.
        public let reward: Double
        public let steps: Int
    }

    public let field: SearchField
    public let shape: PolicyShape
    private let observation: any PolicyObservation
    private let masksActions: Bool
    private var players: [Player] = []

    public static let playerLimit = 1 << 12
    public static let gameLimit = 1 << 32
    public static let stepLimit = 1 << 32

    /// - Parameters:
    ///   - field: what is searched.
    ///   - valueHidden: widths of their critics' hidden layers.
    ///   - policy: what the players are.
    ///   - masksActions: whether they never choose a move that would leave the grid.
    ///   - policyHidden: widths of their nets' hidden layers; critics are not used.
    /// - Throws: `outOfRange` for widths, and `invalidArgument` for "LocalPolicy" where windows may
    ///   leave the grid: what it sees has no end there.
    public init(
        field: SearchField, policy: SelfPlayConfiguration.Policy = .mlp, masksActions: Bool = false,
        policyHidden: [Int] = [64, 64], valueHidden: [Int] = [64, 64]
    ) throws(SPARSError) {
        guard policy != .local || field.configuration.border == .inside else {
            throw .invalidArgument(
                parameter: "policy",
                message: "A league of LocalPolicy needs windows that stay inside the grid "
                    + "(border=\"inside\").")
        }
        var configuration = SelfPlayConfiguration()
        (configuration.policyHidden, configuration.valueHidden) = (policyHidden, valueHidden)
        self.field = field
        self.masksActions = masksActions
        observation = policy.observation(of: field)
        shape = try observation.shape(configuration)
    }

    /// Adds a player and returns its number.
    public func add(_ parameters: ArraySlice<Float>) throws(SPARSError) -> Int {
        guard players.count < Self.playerLimit else {
            throw .range(
                "members", of: .league, mustBe: "at most \(Self.playerLimit)",
                got: players.count + 1)
        }
        let network = try ActorCritic(shape: shape, parameters: parameters).withoutCritic
        players.append(Player(network, WindowPolicy(observation, masksActions: masksActions)))
        return players.count - 1
    }

    /// Plays games of two players, who change sides from game to game.
    ///
    /// Game g draws from a random source of its own, named by `seed`, the players and g, so that
    /// games can be played in any number of calls.
    ///
    /// - Parameters:
    ///   - first: a player's number.
    ///   - second: the other's.
    ///   - seed: of the games' random sources.
    ///   - games: their numbers; in an even one `first` is the learner.
    ///   - steps: a game's most steps, where neither a score nor the protocol's limit ends it.
    /// - Throws: `outOfRange` for a number out of range, what the scorer throws, `interrupted`.
    public func play(
        _ first: Int, _ second: Int, games: Range<Int>, steps: Int, seed: UInt64
    ) throws(SPARSError) -> [Result] {
        for (name, player) in [("first", first), ("second", second)] {
            guard players.indices.contains(player) else {
                throw .range(
                    name, of: .league, mustBe: "a member, below \(players.count)", got: player)
            }
        }
        guard (1...Self.stepLimit).contains(steps) else {
            throw .range(
                "steps", of: .league, mustBe: "an integer in the range [1, \(Self.stepLimit)]",
                got: steps)
        }
        let source = RandomSource(seed: seed).stream(UInt64(first)).stream(UInt64(second))
        var results: [Result] = []
        results.reserveCapacity(games.count)
        for number in games {
            try Control.report(done: number - games.lowerBound, planned: games.count)
            results.append(
                try game(
                    PerAgent(learner: first, opponent: second), changesSides: number % 2 == 1,
                    steps, source.stream(UInt64(number))))
        }
        try Control.report(done: games.count, planned: games.count)
        return results
    }

    private func game(
        _ pair: PerAgent<Int>, changesSides: Bool, _ limit: Int, _ random: RandomSource
    ) throws(SPARSError) -> Result {
        var random = random
        let sides =
            changesSides ? PerAgent(learner: pair.opponent, opponent: pair.learner) : pair
        var game = WindowSearchGame(field: field)
        game.recordsMap = false
        var reward = 0.0
        for step in 1...limit {
            if step % 1024 == 0 { try Control.check() }
            let learner = try answer(sides.learner, game.windows.learner, .learner, &random)
            let opponent = try answer(sides.opponent, game.windows.opponent, .opponent, &random)
            let result = try game.step(learner: learner, opponent: opponent)
            reward += Double(result.reward)
            if result.terminated || result.truncated { break }
        }
        return Result(reward: changesSides ? -reward : reward, steps: game.steps)
    }

    private func answer(
        _ player: Int, _ origin: Voxel, _ agent: Agent, _ random: inout RandomSource
    ) throws(SPARSError) -> Action {
        Action(rawValue: Int8(try players[player].draw(at: origin, as: agent, &random)))!
    }
}

/// A player and what it is known to do.
private struct Player {
    private let network: ActorCritic<Float>
    private let field: SearchField
    private var policy: WindowPolicy
    /// Cumulative probabilities by place, for what each agent observes; NaN where not known yet.
    private var tables: [[Float]]

    init(_ network: ActorCritic<Float>, _ policy: WindowPolicy) {
        self.network = network
        self.policy = policy
        field = policy.observation.field
        tables = [[], []]
    }

    /// The first action whose cumulative probability exceeds one uniform number.
    mutating func draw(
        at origin: Voxel, as agent: Agent, _ random: inout RandomSource
    ) throws(SPARSError) -> Int {
        let actions = network.shape.actions
        let table = policy.sharesObservations ? 0 : agent.rawValue
        let place = field.index(ofOrigin: origin) * actions
        if tables[table].isEmpty {
            tables[table] = Array(repeating: .nan, count: field.lattice.count * actions)
        }
        if tables[table][place].isNaN {
            let distribution = try policy.distribution(
                at: AgentState(origin), as: agent, network)
            let probabilities = (0..<actions).map { Double(distribution.probability(0, of: $0)) }
            // It is due for every number that rounding leaves above the total.
            let last = probabilities.lastIndex { $0 > 0 } ?? actions - 1
            var cumulative = 0.0
            for action in 0..<actions {
                cumulative += probabilities[action]
                tables[table][place + action] = action >= last ? 1 : Float(cumulative)
            }
        }
        let u = min(Float(random.uniform()), Float(1).nextDown)
        return (0..<actions).first { u < tables[table][place + $0] } ?? actions - 1
    }
}
