import SPARSTestSupport
import Testing

@testable import SPARSNative

/// What records tell of a run's visits, against the log of the map that the games themselves wrote.
@Suite struct RecordedVisitsTests {
    private let steps = 6
    private let games = 3
    private let iterations = 5

    private struct Played {
        var map: ScoreMap
        var windows: [PerAgent<Voxel>] = []
        var scores: [PerAgent<Float>] = []
        var ends: [Bool] = []
    }

    /// Plays games that share a map, as self-play does.
    private func played(
        _ configuration: GameConfiguration, resetsEachIteration: Bool, seed: UInt64
    ) throws -> Played {
        let field = try SearchField.ofFormula(configuration) {
            Float(abs($0.x + $0.y - $0.z) % 17) / 20
        }
        var random = RandomSource(seed: seed)
        var games = (0..<games).map { _ in WindowSearchGame(field: field) }
        for i in games.indices { (games[i].number, games[i].recordsMap) = (i, false) }
        let clears = configuration.mapRead == .afterReset
        var played = Played(map: games[0].scoreMap)
        func reset(_ i: Int) {
            games[i].reset()
            if clears { played.map.clear(of: i) }
        }
        for iteration in 0..<iterations {
            if resetsEachIteration && iteration > 0 { games.indices.forEach(reset) }
            for _ in 0..<steps {
                for i in games.indices {
                    func action() -> Action { Action(rawValue: Int8(random.integer(below: 6)))! }
                    swap(&games[i].scoreMap, &played.map)
                    games[i].recordsMap = true
                    let step = try games[i].step(learner: action(), opponent: action())
                    swap(&games[i].scoreMap, &played.map)
                    played.windows.append(games[i].windows)
                    played.scores.append(step.scores)
                    played.ends.append(step.terminated || step.truncated)
                    if played.ends.last! { reset(i) }
                }
            }
        }
        return played
    }

    @Test(
        arguments: [
            (GameConfiguration.MapRead.beforeReset, false), (.beforeReset, true),
            (.afterReset, false), (.afterReset, true),
        ], Seeds.few)
    func recordsTellWhatTheMapHolds(
        rule: (mapRead: GameConfiguration.MapRead, resets: Bool), seed: UInt64
    ) throws {
        for (score, agents, border) in [
            (
                GameConfiguration.CreditedScore.own, GameConfiguration.CreditedAgents.both,
                GameConfiguration.Border.inside
            ),
            (.other, .learner, .clampedCrop), (.other, .both, .clampedCrop),
        ] {
            var configuration = GameConfiguration.paper(
                grid: Extent(20, 18, 16), window: Extent(5, 4, 6))
            configuration.maxEpisodeSteps = 9
            configuration.terminationThreshold = 0.75
            configuration.mapRead = rule.mapRead
            (configuration.creditedScore, configuration.creditedAgents) = (score, agents)
            (configuration.border, configuration.stride) = (border, 6)
            let played = try played(configuration, resetsEachIteration: rule.resets, seed: seed)
            let records = try StepRecords(
                count: played.ends.count, games: games, stepsPerIteration: steps,
                resetsEachIteration: rule.resets, windows: { played.windows[$0] },
                scores: { played.scores[$0] }, isEnd: { played.ends[$0] })
            let visits = records.visits(configuration)
            #expect(visits.filter(\.isKept).map(\.visit) == played.map.visits, "seed \(seed)")
            #expect(visits.map(\.step) == visits.map(\.step).sorted())
            for visit in visits {
                #expect(
                    visit.visit.origin == played.windows[visit.step][visit.visit.agent])
            }
            if rule.mapRead == .afterReset { #expect(visits.count > played.map.visits.count) }
        }
    }

    @Test func stepsMustBeWholeIterations() {
        for (count, games, steps) in [(7, 2, 3), (-6, 2, 3), (6, 0, 3), (6, 2, 0)] {
            #expect(throws: SPARSError.self) {
                try StepRecords(
                    count: count, games: games, stepsPerIteration: steps,
                    resetsEachIteration: false,
                    windows: { _ in PerAgent(learner: Voxel(0, 0, 0), opponent: Voxel(0, 0, 0)) },
                    scores: { _ in PerAgent(learner: 0, opponent: 0) }, isEnd: { _ in false })
            }
        }
    }
}
