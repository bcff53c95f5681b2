import SPARSTestSupport
import Testing

@testable import SPARSNative

/// Many exhaustion games, against each played by itself.
@Suite struct VectorExhaustionTests {
    private let rule: ExhaustionRule = {
        var rule = ExhaustionRule()
        (rule.finalFactor, rule.earlyPenalty, rule.minSteps, rule.repeatPenalty) = (10, 3, 2, 0.5)
        return rule
    }()

    private func field(
        _ border: GameConfiguration.Border = .inside, _ score: @escaping (Voxel) -> Float
    ) throws -> SearchField {
        var configuration = GameConfiguration.paper(
            grid: Extent(20, 18, 16), window: Extent(5, 4, 6))
        configuration.maxEpisodeSteps = 7
        configuration.border = border
        return try SearchField.ofFormula(configuration, score)
    }

    @Test(arguments: [GameConfiguration.Border.inside, .clampedCrop], Seeds.few)
    func everyGameIsTheOnePlayedByItself(
        border: GameConfiguration.Border, seed: UInt64
    ) throws {
        let score: (Voxel) -> Float = { Float(abs($0.x + $0.y - $0.z) % 5) / 8 }
        let games = try VectorGame(
            field: field(border, score), count: 3, resetsItself: true, maps: .run,
            exhaustion: rule)
        let alone = try (0..<3).map { _ in WindowSearchGame(field: try field(border, score)) }
        var (plain, judges) = (alone, alone.map { _ in Exhaustion(rule) })
        var random = RandomSource(seed: seed)
        for _ in 0..<60 {
            let answers = (0..<3).map { _ in
                func answer() -> ExhaustionAnswer {
                    let calls = random.integer(below: 8) == 0 ? 6 : 0
                    return ExhaustionAnswer(rawValue: Int8(random.integer(below: 6) + calls))!
                }
                return PerAgent(learner: answer(), opponent: answer())
            }
            var found: [ExhaustionStep] = []
            try games.step(answers: { answers[$0] }, result: { found.append($1) })
            for i in 0..<3 {
                let step = try plain[i].step(
                    learner: answers[i].learner.move, opponent: answers[i].opponent.move)
                let judged = judges[i].judge(
                    step, plain[i].windows,
                    callsEnd: answers[i].learner.callsEnd || answers[i].opponent.callsEnd,
                    steps: plain[i].steps, plain[i].configuration)
                #expect(found[i] == judged, "seed \(seed)")
                if judged.terminated || judged.truncated {
                    plain[i].reset(keepingMap: true)
                    judges[i].reset()
                }
                #expect(games.games[i].windows == plain[i].windows)
                #expect(games.exhaustions[i].places == judges[i].places)
            }
        }
        for i in 0..<3 { #expect(games.games[i].scoreMap.visits == plain[i].scoreMap.visits) }
    }

    @Test func aroundAWindowThereIsWhatMovesWouldBeWorth() throws {
        let field = try field { Float($0.x + 2 * $0.y + 3 * $0.z) / 200 }
        let games = try VectorGame(
            field: field, count: 2, resetsItself: false, maps: .none, exhaustion: rule)
        try games.lookAround()
        let scorer = field.scorer as! FormulaScorer
        let asked = scorer.asked.count
        let (up, down) = (ExhaustionAnswer(rawValue: 0)!, ExhaustionAnswer(rawValue: 1)!)
        for answer in [
            PerAgent(learner: up, opponent: down), PerAgent(learner: down, opponent: up),
        ] {
            try games.step(answers: { _ in answer }, result: { _, _ in })
            let known = scorer.asked.count
            for agent in Agent.allCases {
                let origin = games.games[1].windows[agent]
                let around = games.surroundings(1, of: agent)
                for action in Action.allCases {
                    let place = field.configuration.moved(origin, by: action)
                    let (worth, isShown) = around[Int(action.rawValue)]
                    #expect(isShown == games.exhaustions[1].hasShown(place))
                    #expect(worth == (isShown ? 0 : try field.score(of: place)))
                }
            }
            // What is around the new places was asked for by the step.
            #expect(scorer.asked.count == known)
        }
        #expect(scorer.asked.count > asked)
    }

    @Test func aStepThatFailsMovesNoGame() throws {
        let field = try field { $0.x > 8 ? 2 : 0.5 }
        let games = try VectorGame(
            field: field, count: 1, resetsItself: false, maps: .run, exhaustion: rule)
        let start = games.games[0].windows
        let (along, still) = (ExhaustionAnswer(rawValue: 4)!, ExhaustionAnswer(rawValue: 0)!)
        // The place reached has a score, one of those around it has none in [0, 1].
        #expect(throws: SPARSError.self) {
            for _ in 0..<3 {
                try games.step(
                    answers: { _ in PerAgent(learner: along, opponent: still) },
                    result: { _, _ in })
            }
        }
        #expect(games.exhaustions[0].places.count == 2 * games.games[0].steps)
        if games.games[0].steps == 0 { #expect(games.games[0].windows == start) }
    }

    @Test func brokenRulesAreRefused() throws {
        var broken = rule
        broken.finalFactor = -1
        #expect(throws: SPARSError.self) {
            try VectorGame(
                field: field { _ in 0 }, count: 1, resetsItself: false, maps: .none,
                exhaustion: broken)
        }
    }
}
