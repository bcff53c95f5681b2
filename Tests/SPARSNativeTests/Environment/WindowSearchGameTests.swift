import SPARSNative
import SPARSTestSupport
import Testing

private let grid = Extent(40, 40, 32)
private let window = Extent(8, 8, 8)

@Suite struct WindowSearchGameTests {
    private func game(
        _ change: (inout GameConfiguration) -> Void = { _ in }, published: Bool = false,
        scores formula: @escaping (Voxel) -> Float = { Float($0.z) / 100 }
    ) throws -> WindowSearchGame {
        var configuration =
            published
            ? GameConfiguration.published(grid: grid, window: window)
            : GameConfiguration.paper(grid: grid, window: window)
        change(&configuration)
        return WindowSearchGame(field: try .ofFormula(configuration, formula))
    }

    @Test func theProtocolsStartWhereTheySay() throws {
        #expect(try game(published: true).windows.learner == Voxel(20, 20, 16))
        #expect(try game().windows.learner == Voxel(16, 16, 12))
    }

    @Test func theHigherScoreWinsAndTheRewardsSumToZero() throws {
        var game = try game()
        #expect(try game.step(learner: .zUp, opponent: .zDown).reward == 1)
        #expect(try game.step(learner: .zDown, opponent: .zUp).reward == 0)
        #expect(try game.step(learner: .zDown, opponent: .zUp).reward == -1)
    }

    @Test func d16ATieGivesTheLearnerOneOnlyWhenPublished() throws {
        var paper = try game()
        var released = try game({ $0.tieReward = .learner })
        #expect(try paper.step(learner: .xUp, opponent: .xUp).reward == 0)
        #expect(try released.step(learner: .xUp, opponent: .xUp).reward == 1)
    }

    @Test func aScoreAtTheThresholdDoesNotTerminate() throws {
        // 0.25 is exact in float32 and in float64.
        var game = try game(
            { $0.terminationThreshold = 0.25 },
            scores: { $0.x == 20 ? 0.25 : $0.y == 20 ? 0.26 : 0 })
        #expect(try !game.step(learner: .xUp, opponent: .zUp).terminated)
        game.reset()
        #expect(try game.step(learner: .zUp, opponent: .yUp).terminated)
    }

    @Test func d9AStepLimitTruncates() throws {
        var limited = try game({ $0.maxEpisodeSteps = 3 }, scores: { _ in 0 })
        var unlimited = try game({ $0.maxEpisodeSteps = nil }, scores: { _ in 0 })
        let truncated = try (0..<3).map { _ in
            (
                try limited.step(learner: .xUp, opponent: .xUp).truncated,
                try unlimited.step(learner: .xUp, opponent: .xUp).truncated
            )
        }
        #expect(truncated.map(\.0) == [false, false, true])
        #expect(truncated.map(\.1) == [false, false, false])
    }

    @Test func d5TheCreditedScoreIsTheOthersWhenPublished() throws {
        for (credited, expected) in [
            (GameConfiguration.CreditedScore.own, Float(0.16)), (.other, 0.08),
        ] {
            var game = try game({ $0.creditedScore = credited })
            _ = try game.step(learner: .zUp, opponent: .zDown)
            #expect(game.scoreMap.visits[0].score == expected)
            #expect(game.scoreMap.visits[0].origin == Voxel(16, 16, 16))
        }
    }

    @Test func d6OnlyTheLearnersPlacesAreWrittenWhenPublished() throws {
        for (agents, expected) in [
            (GameConfiguration.CreditedAgents.both, [Agent.learner, .opponent]),
            (.learner, [.learner]),
        ] {
            var game = try game({ $0.creditedAgents = agents })
            _ = try game.step(learner: .zUp, opponent: .zDown)
            #expect(game.scoreMap.visits.map(\.agent) == expected)
        }
    }

    @Test func d7OnlyAClampedCropLeavesTheGrid() throws {
        var inside = try game()
        var clamped = try game({ $0.border = .clampedCrop })
        for _ in 0..<20 {
            _ = try inside.step(learner: .xUp, opponent: .yDown)
            _ = try clamped.step(learner: .xUp, opponent: .yDown)
        }
        #expect(inside.windows == PerAgent(learner: Voxel(32, 16, 12), opponent: Voxel(16, 0, 12)))
        #expect(clamped.windows.learner == Voxel(100, 20, 16))
        #expect(clamped.windows.opponent == Voxel(20, -60, 16))
        #expect(clamped.cropStart(of: .learner) == Voxel(31, 20, 16))
        #expect(clamped.cropStart(of: .opponent) == Voxel(20, 1, 16))
        #expect(inside.actionMask(of: .learner) == [true, true, true, true, false, true])
        #expect(clamped.actionMask(of: .learner) == Array(repeating: true, count: 6))
    }

    @Test func d17CropsBeyondTheScanAreFullOrCutShort() throws {
        let scan = Extent(40, 40, 20)
        for (crops, extent) in [
            (GameConfiguration.BorderCrops.full, Extent(8, 8, 8)), (.stretched, Extent(8, 8, 4)),
        ] {
            var configuration = GameConfiguration.published(grid: grid, window: window)
            configuration.borderCrops = crops
            let field = try SearchField.ofFormula(configuration, scan: scan) { _ in 0 }
            let start = field.lattice.cropStart(Voxel(20, 20, 16))
            #expect(start.z == (crops == .full ? 12 : 16))
            #expect(try field.box(at: start).extent == extent)
            #expect(try field.observation(at: Voxel(20, 20, 16)).count == window.count)
        }
    }

    @Test func aWindowWithoutAnyVoxelOfTheScanIsAnErrorAndLeavesTheGameAsItWas() throws {
        var game = WindowSearchGame(
            field: try SearchField(
                volume: Volume(
                    extent: Extent(40, 40, 18), values: Array(repeating: 0, count: 28_800)),
                configuration: .published(grid: grid, window: window),
                scorer: CallbackScorer { _, _, scores in scores.update(repeating: 0) }))
        let error = #expect(throws: SPARSError.self) {
            try game.step(learner: .zUp, opponent: .zDown)
        }
        #expect(error?.description.contains("holds no voxel of the scan") == true)
        #expect(game.steps == 0 && game.windows.opponent == Voxel(20, 20, 16))
        #expect(throws: SPARSError.self) {
            try SearchField.ofFormula(
                .published(grid: grid, window: window), scan: Extent(40, 40, 10)
            ) { _ in 0 }
        }
    }

    @Test(arguments: Seeds.few) func everyPlaceIsScoredOnceWhateverTheWalk(seed: UInt64) throws {
        for published in [false, true] {
            var game = try game(published: published)
            var random = RandomSource(seed: seed)
            for _ in 0..<2_000 {
                _ = try game.step(
                    learner: Action.allCases[random.integer(below: 6)],
                    opponent: Action.allCases[random.integer(below: 6)])
            }
            let asked = (game.field.scorer as? FormulaScorer)?.asked ?? []
            #expect(Set(asked).count == asked.count && !asked.isEmpty)
            #expect(asked.count == game.field.scored)
        }
    }

    @Test(arguments: Seeds.few) func restoredGamesGoOnAlike(seed: UInt64) throws {
        for published in [false, true] {
            var game = try game(
                published: published, scores: { Float(($0.x * 7 + $0.y * 3 + $0.z) % 29) / 29 })
            var random = RandomSource(seed: seed)
            func action() -> Action { Action.allCases[random.integer(below: 6)] }
            for _ in 0..<50 { _ = try game.step(learner: action(), opponent: action()) }
            var other = WindowSearchGame(field: game.field)
            try other.restore(windows: game.windows, steps: game.steps)
            for _ in 0..<50 {
                let (a, b) = (action(), action())
                #expect(
                    try game.step(learner: a, opponent: b) == other.step(learner: a, opponent: b))
            }
        }
    }

    @Test func restoreRejectsWindowsThatNoWalkReaches() throws {
        var game = try game()
        for bad in [Voxel(17, 16, 12), Voxel(36, 16, 12), Voxel(-4, 16, 12), Voxel(.max, .min, 0)] {
            #expect(throws: SPARSError.self) {
                try game.restore(
                    windows: PerAgent(learner: bad, opponent: Voxel(16, 16, 12)), steps: 0)
            }
        }
    }

    @Test func configurationsOutOfRangeAreNamed() {
        func message(_ change: (inout GameConfiguration) -> Void) -> String {
            var configuration = GameConfiguration.paper(grid: grid, window: window)
            change(&configuration)
            do throws(SPARSError) { try configuration.validate() } catch {
                return error.description
            }
            return "accepted"
        }
        #expect(message { $0.window.x = 41 }.contains("'window'"))
        #expect(message { $0.grid.y = 0 }.contains("'grid'"))
        #expect(message { $0.stride = 0 }.contains("'stride'"))
        #expect(message { $0.terminationThreshold = .nan }.contains("'termination_threshold'"))
        #expect(message { $0.maxEpisodeSteps = 0 }.contains("'max_episode_steps'"))
    }

    @Test func aScoreOutsideItsRangeIsRefused() throws {
        for bad in [Float.nan, -0.1, 1.1, .infinity] {
            var game = try game(scores: { _ in bad })
            #expect(throws: SPARSError.self) { try game.step(learner: .xUp, opponent: .xUp) }
        }
    }
}
