import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct SelfPlayTests {
    private static let grid = Extent(24, 20, 16)
    private static let window = Extent(6, 5, 4)

    private func play(
        published: Bool = false, overlap: NativeOverlap? = nil,
        _ change: (inout SelfPlayConfiguration) -> Void = { _ in },
        scores formula: @escaping (Voxel) -> Float = {
            Float(($0.x * 7 + $0.y * 5 + $0.z * 3) % 29) / 29
        }
    ) throws -> SelfPlay {
        var game =
            published
            ? GameConfiguration.published(grid: Self.grid, window: Self.window)
            : GameConfiguration.paper(grid: Self.grid, window: Self.window)
        game.stride = 2
        game.terminationThreshold = 0.9
        var configuration = SelfPlayConfiguration()
        (configuration.stepCount, configuration.seed) = (16, 5)
        configuration.policyInput = Extent(24, 24, 12)
        configuration.policyHidden = [8]
        configuration.valueHidden = [8]
        configuration.hyperparameters.learningRate = 0.01
        change(&configuration)
        let field = try SearchField(
            volume: Volume(
                extent: Self.grid,
                values: (0..<Self.grid.count).map { Float($0 % 97) / 97 }),
            configuration: game, scorer: FormulaScorer(formula))
        return try SelfPlay(field: field, configuration: configuration, overlap: overlap)
    }

    @Test(arguments: [false, true]) func aRestoredStateGoesOnToTheBit(published: Bool) throws {
        let change = { (c: inout SelfPlayConfiguration) in c.opponentUpdateInterval = 24 }
        let whole = try play(published: published, change)
        try whole.run(iterations: 6)
        let first = try play(published: published, change)
        try first.run(iterations: 3)
        let second = try play(published: published, change)
        try second.restore(first.state)
        try second.run(iterations: 3)
        #expect(try second.state == whole.state)
        // As text, where NaN equals NaN: without a reference there is no Dice.
        #expect("\(second.iterations)" == "\(whole.iterations.suffix(3).map(\.self))")
        #expect(second.steps == Array(whole.steps.suffix(48)))
    }

    @Test(arguments: SelfPlayConfiguration.Policy.allCases, [1, 3])
    func everyPolicyGoesOnToTheBit(policy: SelfPlayConfiguration.Policy, games: Int) throws {
        let change = { (c: inout SelfPlayConfiguration) in
            (c.policy, c.gameCount, c.masksActions) = (policy, games, true)
            c.opponentUpdateInterval = 40
        }
        let whole = try play(change)
        try whole.run(iterations: 5)
        let first = try play(change)
        try first.run(iterations: 2)
        let second = try play(change)
        try second.restore(first.state)
        try second.run(iterations: 3)
        #expect(try second.state == whole.state)
        #expect(second.steps == Array(whole.steps.suffix(3 * 16 * games)))
    }

    @Test(arguments: SelfPlayConfiguration.Policy.allCases, [(1, false), (3, false), (2, true)])
    func theExhaustionGameGoesOnToTheBit(
        policy: SelfPlayConfiguration.Policy, run: (games: Int, published: Bool)
    ) throws {
        let (games, published) = run
        let change = { (c: inout SelfPlayConfiguration) in
            (c.policy, c.gameCount, c.masksActions) = (policy, games, true)
            (c.exhaustion, c.opponentUpdateInterval, c.learnsFromBoth) = (.init(), 40, true)
        }
        let whole = try play(published: published, change)
        try whole.run(iterations: 5)
        #expect(whole.steps.contains { $0.actions.learner >= 6 })
        let first = try play(published: published, change)
        try first.run(iterations: 2)
        let second = try play(published: published, change)
        try second.restore(first.state)
        #expect(try second.state == first.state)
        try second.run(iterations: 3)
        #expect(try second.state == whole.state)
        #expect(second.steps == Array(whole.steps.suffix(3 * 16 * games)))
        #expect(whole.exhaustions.count == games)
    }

    @Test func anExhaustionRuleIsChecked() {
        for change: (inout ExhaustionRule) -> Void in [
            { $0.finalFactor = -1 }, { $0.earlyPenalty = .nan }, { $0.minSteps = -1 },
            { $0.repeatPenalty = .infinity },
        ] {
            var rule = ExhaustionRule()
            change(&rule)
            #expect(throws: SPARSError.self) {
                try play { $0.exhaustion = rule }
            }
        }
    }

    @Test func sideBySideGamesClearTheirOwnPartOfTheMap() throws {
        let change = { (c: inout SelfPlayConfiguration) in c.gameCount = 3 }
        let whole = try play(published: true, change)
        try whole.run(iterations: 4)
        var last: [Int: Int] = [:]
        for (i, step) in whole.steps.enumerated() where step.terminated { last[i % 3] = i }
        #expect(!last.isEmpty)
        for game in 0..<3 {
            // Published runs begin every iteration anew; each step adds one visit at most.
            let begun = max(3 * 16 * 3, last[game].map { $0 + 1 } ?? 0)
            let added = (begun..<whole.steps.count).filter { $0 % 3 == game }.count
            #expect(whole.scoreMap.visits.filter { $0.game == game }.count <= added)
        }
        var state = try whole.state
        let second = try play(published: true, change)
        try second.restore(state)
        try whole.run(iterations: 2)
        try second.run(iterations: 2)
        #expect(try second.state == whole.state)
        (state.visits, state.visitScores) = ([4, 4, 4, 6], [0.5])
        #expect(throws: SPARSError.self) { try second.restore(state) }
    }

    @Test func aStopKeepsWholeIterationsOnly() throws {
        let whole = try play()
        try whole.run(iterations: 4)
        let stopped = try play()
        var polls = 0
        #expect(throws: SPARSError.interrupted) {
            let poll = { (_: Int, _: Int) in
                polls += 1
                return true
            }
            try Control.with(poll: poll) { () throws(SPARSError) in
                try stopped.run(iterations: 4)
            }
        }
        #expect(polls > 0)
        try stopped.run(iterations: 4 - stopped.iterationCount)
        #expect(try stopped.state == whole.state)
    }

    /// Updates of few minibatches are not taken back: nothing stops them, and their loss is known
    /// before they move anything.
    @Test func aLongUpdateThatFailsIsTakenBackEachTime() throws {
        let change = { (c: inout SelfPlayConfiguration) in
            (c.hyperparameters.batchSize, c.hyperparameters.nEpochs) = (2, 4)
        }
        let whole = try play(change)
        try whole.run(iterations: 3)
        let failing = try play(change)
        for iteration in 1...3 {
            let rate = failing.configuration.hyperparameters.learningRate
            let before = try failing.state
            for _ in 0..<2 {
                // Weights that no float32 sum of products holds.
                failing.configuration.hyperparameters.learningRate = 1e30
                #expect(throws: SPARSError.self) { try failing.run(iterations: 1) }
                #expect(try failing.state == before)
            }
            failing.configuration.hyperparameters.learningRate = rate
            try failing.run(iterations: 1)
            #expect(failing.iterationCount == iteration)
        }
        #expect(try failing.state == whole.state)
    }

    @Test(arguments: [1, 17, 40]) func aFailingScorerTakesNothingAway(after count: Int) throws {
        final class Failing: WindowScorer {
            var left: Int
            init(_ left: Int) { self.left = left }
            func scores(
                of field: SearchField, at starts: [Voxel], reportsProgress: Bool
            ) throws(SPARSError) -> [Float] {
                left -= 1
                if left < 0 { throw .callbackFailed }
                return starts.map { Float(($0.x + $0.z) % 11) / 11 }
            }
        }
        func run(_ left: Int) throws -> (SelfPlay, Failing) {
            var game = GameConfiguration.paper(grid: Self.grid, window: Self.window)
            (game.stride, game.maxEpisodeSteps) = (2, 7)
            let scorer = Failing(left)
            let field = try SearchField(
                volume: Volume(
                    extent: Self.grid, values: [Float](repeating: 0.5, count: Self.grid.count)),
                configuration: game, scorer: scorer)
            return (try SelfPlay(field: field, configuration: SelfPlayConfiguration()), scorer)
        }
        let (broken, scorer) = try run(count)
        #expect(throws: SPARSError.callbackFailed) { try broken.run(iterations: 50) }
        #expect(broken.steps.count == 32 * broken.iterationCount)
        scorer.left = .max
        let (whole, _) = try run(.max)
        let count = broken.iterationCount + 2
        try broken.run(iterations: 2)
        try whole.run(iterations: count)
        #expect(try broken.state == whole.state)
    }

    @Test func theLiveOpponentStandsStillUntilItsFirstRefresh() throws {
        let play = try play(published: true) { $0.opponentUpdateInterval = 20 }
        try play.run(iterations: 2)
        #expect(play.steps[..<20].allSatisfy { $0.actions.opponent == 0 })
        #expect(play.steps[20...].contains { $0.actions.opponent != 0 })
    }

    @Test func aFrozenOpponentIsToldApartOnlyWhileItDiffers() throws {
        let live = try play { $0.opponentUpdateInterval = 16 }
        try live.run(iterations: 2)
        #expect(!live.hasFrozenOpponent)
        let frozen = try play { $0.opponentUpdateInterval = 1_000 }
        try frozen.run(iterations: 2)
        #expect(frozen.hasFrozenOpponent)
        #expect(try frozen.state.opponent != frozen.state.parameters)
    }

    @Test func multiplicityFollowsTheNearestRule() throws {
        var configuration = SelfPlayConfiguration()
        configuration.policyInput = Extent(40, 33, 30)
        let counts = try #require(try configuration.multiplicity(of: Extent(6, 5, 4)))
        #expect(counts.reduce(0, +) == 40 * 33 * 30)
        #expect(Array(counts.prefix(4)) == [392, 343, 392, 343])
    }

    @Test(arguments: Seeds.few) func diceFollowsTheMapVisitByVisit(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let planes = (0..<3).map { axis in
            (0..<Self.grid[axis]).map { _ in Int32(random.integer(below: 3)) }
        }
        let marks = (0..<Self.grid.count).map { _ in
            Int32(random.integer(below: 8) == 0 ? 1 : 0)
        }
        let total = marks.reduce(0) { $0 + Int($1) }
        let overlap = try NativeOverlap(
            grid: Self.grid, planes: planes, marks: marks, referenceCount: total + 5,
            threshold: 0.4)
        for published in [false, true] {
            let play = try play(published: published, overlap: overlap)
            try play.run(iterations: 3) { record in
                guard let values = try? play.settledMap() else { return }
                var (weight, mark) = (0, 0)
                for x in 0..<Self.grid.x {
                    for y in 0..<Self.grid.y {
                        for z in 0..<Self.grid.z where values[Self.grid.offset(x, y, z)] > 0.4 {
                            weight += Int(planes[0][x] * planes[1][y] * planes[2][z])
                            mark += Int(marks[Self.grid.offset(x, y, z)])
                        }
                    }
                }
                #expect(record.dice == 2 * Double(mark) / Double(weight + total + 5))
            }
        }
    }
}
