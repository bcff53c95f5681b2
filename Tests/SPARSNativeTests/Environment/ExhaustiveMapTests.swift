import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct ExhaustiveMapTests {
    @Test(
        arguments: GameConfiguration.Accumulation.allCases,
        [nil, Extent(3, 3, 2), Extent(2, 1, 1)])
    func equalsVisitingEveryPlaceOnce(
        rule: GameConfiguration.Accumulation, part: Extent?
    ) throws {
        for seed in Seeds.few { try compare(rule, part, seed: seed) }
    }

    private func compare(
        _ rule: GameConfiguration.Accumulation, _ part: Extent?, seed: UInt64
    ) throws {
        let (grid, window) = (Extent(14, 11, 9), Extent(5, 3, 4))
        let axes = [[0, 4, 8, 9], [1, 3, 7], [0, 2, 5, 8]]
        var random = RandomSource(seed: seed)
        var map = ScoreMap(grid: grid, window: window, part: part, accumulation: rule)
        var scores: [Float] = []
        for x in axes[0] {
            for y in axes[1] {
                for z in axes[2] {
                    scores.append(Float(random.uniform()))
                    map.add(scores.last!, at: Voxel(x, y, z), by: .learner)
                }
            }
        }
        let exhaustive = try exhaustiveMap(
            scores: scores, axes: axes, window: window, part: part, grid: grid, accumulation: rule)
        for (value, wanted) in zip(exhaustive, try map.settledValues()) {
            #expect(abs(value - wanted) <= 1e-5, "seed \(seed)")
        }
    }

    @Test func badAxesAreRefused() {
        let extent = Extent(4, 4, 4)
        for axes in [
            [[0], [1, 1], [0]], [[-1], [0], [0]], [[], [0], [0]], [[0], [0], [0, 1]],
        ] {
            #expect(throws: SPARSError.self) {
                try exhaustiveMap(
                    scores: [0.5], axes: axes, window: extent, grid: extent, accumulation: .sum)
            }
        }
    }
}

@Suite struct VectorGameTests {
    private func field() throws -> SearchField {
        var configuration = GameConfiguration.paper(
            grid: Extent(40, 40, 32), window: Extent(8, 8, 8))
        configuration.maxEpisodeSteps = 20
        configuration.terminationThreshold = 0.9
        return try .ofFormula(configuration) { Float(($0.x * 7 + $0.y * 3 + $0.z) % 29) / 29 }
    }

    @Test(arguments: Seeds.few) func equalsSingleGames(seed: UInt64) throws {
        let vector = try VectorGame(field: field(), count: 5, resetsItself: true, maps: .run)
        var single = (0..<5).map { _ in WindowSearchGame(field: vector.field) }
        var random = RandomSource(seed: seed)
        var resets = 0
        for _ in 0..<100 {
            let actions = (0..<5).map { _ in
                PerAgent(
                    learner: Action.allCases[random.integer(below: 6)],
                    opponent: Action.allCases[random.integer(below: 6)])
            }
            var steps: [GameStep] = []
            try vector.step(actions: { actions[$0] }, result: { steps.append($1) })
            for i in single.indices {
                let step = try single[i].step(
                    learner: actions[i].learner, opponent: actions[i].opponent)
                #expect(step == steps[i])
                if step.terminated || step.truncated {
                    single[i].reset(keepingMap: true)
                    resets += 1
                }
                #expect(single[i].windows == vector.games[i].windows)
            }
        }
        #expect(resets > 5)
        for i in single.indices {
            #expect(try single[i].scoreMap.settledValues() == vector.settledMap(i))
        }
    }

    @Test func withoutMapsNothingIsLogged() throws {
        let vector = try VectorGame(field: field(), count: 2, resetsItself: false, maps: .none)
        try vector.step(
            actions: { _ in PerAgent(learner: .xUp, opponent: .yUp) }, result: { _, _ in })
        #expect(vector.games[0].scoreMap.visits.isEmpty)
    }
}
