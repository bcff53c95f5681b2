import SPARSKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Frozen copies of a learner, from which each episode's opponent is drawn.
///
/// Results are kept as a payoff table's row, with the published decay: before a game with a member
/// is counted, its earlier games lose `decay` of their weight, so that the win rate follows a
/// learner that changes (Vinyals and others, 2019, "Grandmaster level in StarCraft II using
/// multi-agent reinforcement learning", and its pseudocode).
///
/// Memory: 4 bytes a parameter of the policy net and member (14 MB for a window of 48 x 48 x 24);
/// members keep no critic.
public struct OpponentPool: Sendable {
    /// How a member is drawn.
    public enum Sampling: Int32, CaseIterable, Sendable {
        /// Always the latest.
        case vanilla = 0
        /// Any, with equal probability: fictitious self-play.
        case fictitious
        /// By (1 - win rate)^power: members that the learner loses to more often.
        case prioritised
        /// By age: a normal number around the middle of the pool, with a quarter of its size as
        /// standard deviation, cut to the pool. What the code of "Competing for pixels" (Saeed and
        /// others, 2025) calls prioritised.
        case gaussian
    }

    public let sampling: Sampling
    public let power: Double
    /// Oldest first.
    private(set) var members: [ActorCritic<Float>] = []
    /// The learner's games with each member, and its wins with ties as halves; both decayed.
    public private(set) var games: [Double] = []
    public private(set) var wins: [Double] = []
    /// The member that plays in each game now; nil before one has been drawn.
    public private(set) var drawn: [Int?]

    static let decay = 0.99

    /// - Parameters:
    ///   - sampling: how an opponent is drawn.
    ///   - power: of the weights that draws by result have.
    ///   - gameCount: games side by side, each of which has its own opponent.
    /// - Throws: `outOfRange` unless `power` is finite and at least 0.
    public init(
        sampling: Sampling, power: Double, gameCount: Int = 1
    ) throws(SPARSError) {
        guard power.isFinite, power >= 0 else {
            throw .range(
                "power", of: .selfPlay, mustBe: "a float of at least 0.0", got: power)
        }
        self.sampling = sampling
        self.power = power
        drawn = Array(repeating: nil, count: gameCount)
    }

    public var count: Int { members.count }

    mutating func add(_ network: ActorCritic<Float>) {
        members.append(network.withoutCritic)
        games.append(0)
        wins.append(0)
    }

    /// The learner's win rate against a member: 0.5 before their first game.
    public func winRate(_ member: Int) -> Double {
        games[member] > 0 ? wins[member] / games[member] : 0.5
    }

    /// Each member's probability of being drawn next, but for `gaussian`.
    public var weights: [Double] {
        let raw: [Double] = members.indices.map { member in
            switch sampling {
            case .vanilla: member == members.count - 1 ? 1 : 0
            case .fictitious, .gaussian: 1
            case .prioritised: pow(1 - winRate(member), power)
            }
        }
        let total = raw.reduce(0, +)
        // As the pseudocode has it: a learner that beats everyone meets everyone.
        guard total >= 1e-10 else {
            return raw.map { _ in 1 / Double(raw.count) }
        }
        return raw.map { $0 / total }
    }

    /// Draws the opponent of a game's next episode.
    mutating func draw(_ random: inout RandomSource, for game: Int = 0) {
        precondition(!members.isEmpty, "a pool without members")
        drawn[game] = member(&random)
    }

    private func member(_ random: inout RandomSource) -> Int? {
        switch sampling {
        case .vanilla: return members.count - 1
        case .gaussian:
            let count = Double(members.count)
            let place = (count / 2 + random.normal() * count / 4).rounded(.down)
            return Int(min(max(place, 0), count - 1))
        case .fictitious, .prioritised:
            let u = random.uniform()
            var cumulative = 0.0
            let weights = weights
            // Rounding may leave the total just below u; the last member that can be drawn is due.
            return weights.indices.first { index in
                cumulative += weights[index]
                return u < cumulative
            } ?? weights.lastIndex { $0 > 0 }
        }
    }

    /// Counts an episode of a game with its member drawn; `result` is 1, 0.5 or 0 for the learner.
    mutating func record(_ result: Double, of game: Int = 0) {
        guard let drawn = drawn[game] else { return }
        games[drawn] = games[drawn] * Self.decay + 1
        wins[drawn] = wins[drawn] * Self.decay + result
    }

    /// Goes on from saved tallies.
    ///
    /// - Throws: `outOfRange` unless there is one pair for each member, with 0 <= wins <= games,
    ///   and `drawn` is a member or nil for each game.
    mutating func restore(games: [Double], wins: [Double], drawn: [Int?]) throws(SPARSError) {
        let fits = zip(games, wins).allSatisfy { game, win in
            game.isFinite && win >= 0 && win <= game + 1e-9
        }
        guard games.count == count, wins.count == count, fits else {
            throw .range(
                "pool", of: .selfPlay,
                mustBe: "games and wins of \(count) members, with 0 <= wins <= games",
                got: "\(games.count) and \(wins.count) numbers")
        }
        guard drawn.count == self.drawn.count,
            drawn.allSatisfy({ $0.map(members.indices.contains) ?? true })
        else {
            throw .range(
                "drawn", of: .selfPlay,
                mustBe: "one of \(count) members for each of \(self.drawn.count) games",
                got: drawn.map { $0 ?? -1 })
        }
        (self.games, self.wins, self.drawn) = (games, wins, drawn)
    }
}

extension ActorCritic {
    /// The policy net with a critic of one silent unit, which takes half the memory and answers the
    /// same actions.
    var withoutCritic: ActorCritic {
        let head = layout.policy.last!
        // `PolicyLayout`: the policy's net, the critic's, the action head, the critic's own.
        return ActorCritic(
            shape: shape.withoutCritic,
            first: first[..<(shape.policyHidden[0] * shape.inputs)]
                + Array(repeating: 0, count: shape.inputs),
            rest: rest[..<layout.value[0].bias] + [0]
                + rest[head.weight..<head.bias + head.outputs] + [0, 0])
    }
}
