import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct OpponentPoolTests {
    private func network(_ seed: UInt64) throws -> ActorCritic<Float> {
        let shape = try PolicyShape(
            inputs: 12, policyHidden: [5, 4], valueHidden: [7, 3], actions: 6)
        return try ActorCritic(
            shape: shape, multiplicity: nil, random: RandomSource(seed: seed))
    }

    private func pool(
        _ sampling: OpponentPool.Sampling, power: Double = 2, members: Int = 5
    ) throws -> OpponentPool {
        var pool = try OpponentPool(sampling: sampling, power: power)
        for i in 0..<members { pool.add(try network(UInt64(i))) }
        return pool
    }

    /// How often each member is drawn.
    private func shares(_ pool: OpponentPool, seed: UInt64, draws: Int = 20_000) -> [Double] {
        var (pool, random) = (pool, RandomSource(seed: seed))
        var counts = [Double](repeating: 0, count: pool.count)
        for _ in 0..<draws {
            pool.draw(&random)
            counts[pool.drawn[0]!] += 1 / Double(draws)
        }
        return counts
    }

    @Test(arguments: Seeds.few) func membersAreDrawnByTheirWeights(seed: UInt64) throws {
        for sampling in [OpponentPool.Sampling.vanilla, .fictitious, .prioritised] {
            var pool = try pool(sampling)
            var random = RandomSource(seed: seed)
            for _ in 0..<200 {
                pool.draw(&random)
                pool.record(pool.drawn[0]! % 2 == 0 ? 1 : 0.5)
            }
            for (share, weight) in zip(shares(pool, seed: seed), pool.weights) {
                // Five standard deviations of a share of 20,000.
                #expect(abs(share - weight) < 5 * 0.5 / 141, "\(sampling)")
            }
        }
    }

    @Test func prioritisedPrefersWhoWins() throws {
        var pool = try pool(.prioritised, power: 1, members: 3)
        try pool.restore(games: [10, 10, 0], wins: [9, 2, 0], drawn: [1])
        // 1 - win rate: 0.1, 0.8, and 0.5 for a member not met yet.
        let weights = pool.weights
        for (got, wanted) in zip(weights, [0.1 / 1.4, 0.8 / 1.4, 0.5 / 1.4]) {
            #expect(abs(got - wanted) < 1e-12)
        }
        try pool.restore(games: [4, 4, 4], wins: [4, 4, 4], drawn: [nil])
        #expect(pool.weights.allSatisfy { $0 == 1.0 / 3 })
    }

    @Test func gaussianFollowsItsNormalNumbers() throws {
        let pool = try pool(.gaussian, members: 8)
        let shares = shares(pool, seed: 4)
        // P(floor(N(4, 2)) = k): the tails go to the ends.
        let wanted = [0.0668, 0.0919, 0.1499, 0.1915, 0.1915, 0.1499, 0.0919, 0.0668]
        for (share, probability) in zip(shares, wanted) {
            #expect(abs(share - probability) < 0.02)
        }
    }

    @Test func earlierGamesLoseWeight() throws {
        var pool = try pool(.vanilla, members: 1)
        var random = RandomSource(seed: 1)
        pool.draw(&random)
        #expect(pool.winRate(0) == 0.5)
        for result in [0.0, 1, 1] { pool.record(result) }
        let decay = OpponentPool.decay
        #expect(abs(pool.games[0] - (1 + decay + decay * decay)) < 1e-12)
        #expect(abs(pool.wins[0] - (1 + decay)) < 1e-12)
    }

    @Test func talliesOutOfRangeAreRefused() throws {
        #expect(throws: SPARSError.self) {
            try OpponentPool(sampling: .prioritised, power: -1)
        }
        #expect(throws: SPARSError.self) {
            try OpponentPool(sampling: .prioritised, power: .infinity)
        }
        var pool = try pool(.fictitious, members: 2)
        for (games, wins, drawn) in [
            ([1.0], [1.0], [nil]), ([1, 1], [2, 0], [nil]), ([1, 1], [-1, 0], [nil]),
            ([.nan, 1], [0, 0], [nil]), ([1, 1], [0, 0], [2]), ([1, 1], [0, 0], [-1]),
            ([1, 1], [0, 0], []), ([1, 1], [0, 0], [0, 1]),
        ] as [([Double], [Double], [Int?])] {
            #expect(throws: SPARSError.self) {
                try pool.restore(games: games, wins: wins, drawn: drawn)
            }
        }
    }

    @Test(arguments: Seeds.few) func aMemberWithoutCriticAnswersTheSame(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let whole = try network(seed)
        let small = whole.withoutCritic
        let observations = (0..<3 * 12).map { _ in Float(random.normal()) }
        func logits(_ network: ActorCritic<Float>) throws -> [Float] {
            let products = network.firstProducts(observations, batch: 3, part: .policy)
            return try network.activations(products: products, batch: 3, part: .policy).logits
        }
        #expect(try logits(small) == logits(whole))
        #expect(small.shape.parameterCount < whole.shape.parameterCount)
    }
}
