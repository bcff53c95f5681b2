import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct FrozenGamesTests {
    private static let grid = Extent(24, 20, 16)
    private static let window = Extent(6, 5, 4)

    private func field(
        published: Bool, _ change: (inout GameConfiguration) -> Void = { _ in }
    ) throws -> SearchField {
        var game =
            published
            ? GameConfiguration.published(grid: Self.grid, window: Self.window)
            : GameConfiguration.paper(grid: Self.grid, window: Self.window)
        (game.stride, game.terminationThreshold, game.maxEpisodeSteps) = (2, 1, 40)
        change(&game)
        return try SearchField(
            volume: Volume(
                extent: Self.grid,
                values: (0..<Self.grid.count).map { Float($0 % 97) / 97 }),
            configuration: game,
            scorer: FormulaScorer { Float(($0.x * 7 + $0.y * 5 + $0.z * 3) % 29) / 29 })
    }

    private func shape() throws -> PolicyShape {
        try PolicyShape(
            inputs: Self.window.count, policyHidden: [8], valueHidden: [8], actions: 6)
    }

    /// Parameters far enough from zero that players differ.
    private func parameters(_ seed: UInt64) throws -> [Float] {
        var random = RandomSource(seed: seed)
        return (0..<(try shape()).parameterCount).map { _ in Float(random.normal()) }
    }

    /// Plays a game move by move through `WindowSearchGame` and whole networks.
    private func twin(
        _ field: SearchField, _ players: [[Float]], masks: Bool, number: Int,
        _ random: RandomSource
    ) throws -> (reward: Double, steps: Int) {
        var random = random
        let networks = try players.map { try ActorCritic(shape: shape(), parameters: $0) }
        let sides = number % 2 == 0 ? [0, 1] : [1, 0]
        var game = WindowSearchGame(field: field)
        var reward = 0.0
        while true {
            var actions: [Action] = []
            for agent in Agent.allCases {
                let network = networks[sides[agent.rawValue]]
                let seen = try field.observation(at: game.windows[agent]).map {
                    field.configuration.seen($0, by: agent)
                }
                let products = network.firstProducts(seen, batch: 1, part: .policy)
                let logits = try network.activations(
                    products: products, batch: 1, part: .policy
                ).logits
                let origin = game.windows[agent]
                let choice = Categorical(
                    logits: logits, actions: 6,
                    allowed: masks
                        ? Action.allCases.map { field.configuration.allows($0, from: origin) } : [])
                let u = random.uniform()
                var (cumulative, answer) = (0.0, 5)
                for action in 0..<6 {
                    cumulative += Double(choice.probability(0, of: action))
                    if Float(u) < Float(cumulative) {
                        answer = action
                        break
                    }
                }
                actions.append(Action(rawValue: Int8(answer))!)
            }
            let step = try game.step(learner: actions[0], opponent: actions[1])
            reward += Double(step.reward)
            if step.terminated || step.truncated { break }
        }
        return (number % 2 == 0 ? reward : -reward, game.steps)
    }

    @Test(arguments: [(false, false), (true, false), (false, true)])
    func gamesAreThoseOfWholeNetworks(published: Bool, masks: Bool) throws {
        let players = [try parameters(1), try parameters(2)]
        let games = try FrozenGames(
            field: field(published: published), masksActions: masks, policyHidden: [8],
            valueHidden: [8])
        for player in players { _ = try games.add(player[...]) }
        let results = try games.play(0, 1, games: 0..<12, steps: 1_000, seed: 9)
        let source = RandomSource(seed: 9).stream(0).stream(1)
        for (number, result) in results.enumerated() {
            let wanted = try twin(
                field(published: published), players, masks: masks, number: number,
                source.stream(UInt64(number)))
            #expect(result.reward == wanted.reward, "game \(number)")
            #expect(result.steps == wanted.steps)
        }
        #expect(Set(results.map(\.reward)).count > 1)
    }

    @Test func anySplitIntoCallsPlaysTheSameGames() throws {
        let games = try FrozenGames(
            field: field(published: false), policyHidden: [8], valueHidden: [8])
        for seed in 1...3 { _ = try games.add(parameters(UInt64(seed))[...]) }
        let whole = try games.play(2, 0, games: 0..<20, steps: 100, seed: 3)
        let again = try games.play(2, 0, games: 0..<7, steps: 100, seed: 3)
        _ = try games.play(1, 0, games: 0..<5, steps: 100, seed: 3)
        #expect(again + (try games.play(2, 0, games: 7..<20, steps: 100, seed: 3)) == whole)
        #expect(try games.play(2, 0, games: 0..<20, steps: 100, seed: 4) != whole)
        #expect(try games.play(2, 0, games: 0..<3, steps: 5, seed: 3).allSatisfy { $0.steps == 5 })
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let games = try FrozenGames(
            field: field(published: false), policyHidden: [8], valueHidden: [8])
        _ = try games.add(parameters(1)[...])
        #expect(throws: SPARSError.self) { try games.add(parameters(1).dropLast()) }
        #expect(throws: SPARSError.self) {
            try games.play(0, 1, games: 0..<1, steps: 10, seed: 0)
        }
        #expect(throws: SPARSError.self) {
            try games.play(0, 0, games: 0..<1, steps: 0, seed: 0)
        }
        #expect(throws: SPARSError.self) {
            try FrozenGames(field: field(published: true), policy: .local)
        }
        #expect(throws: SPARSError.self) {
            try FrozenGames(field: field(published: false), policyHidden: [])
        }
    }
}
