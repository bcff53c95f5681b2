import SPARSTestSupport
import Testing

@testable import SPARSNative

/// The exhaustion game's rules, written out by hand. Another twin, in Tests/python, plays whole
/// runs beside the core.
@Suite struct ExhaustionTests {
    private let configuration: GameConfiguration = {
        var configuration = GameConfiguration.paper(
            grid: Extent(12, 12, 12), window: Extent(4, 4, 4))
        configuration.maxEpisodeSteps = 5
        return configuration
    }()

    private let rule: ExhaustionRule = {
        var rule = ExhaustionRule()
        (rule.finalFactor, rule.earlyPenalty, rule.minSteps, rule.repeatPenalty) = (10, 3, 2, 0.5)
        return rule
    }()

    private func rewards(_ judged: ExhaustionStep) -> PerAgent<Double> {
        PerAgent(
            learner: judged.rewardTerms.learner.reward(rule),
            opponent: judged.rewardTerms.opponent.reward(rule))
    }

    private func step(_ learner: Float, _ opponent: Float) -> GameStep {
        // A score's own reward and end are not read.
        GameStep(
            reward: 9, terminated: true, truncated: true,
            scores: PerAgent(learner: learner, opponent: opponent))
    }

    @Test func answersAreAMoveAndACall() throws {
        #expect(ExhaustionAnswer.count == 12)
        for raw in Int8(0)..<12 {
            let answer = try #require(ExhaustionAnswer(rawValue: raw))
            #expect(answer.move.rawValue == raw % 6)
            #expect(answer.callsEnd == (raw >= 6))
        }
        #expect(ExhaustionAnswer(rawValue: 12) == nil)
        #expect(ExhaustionAnswer(rawValue: -1) == nil)
    }

    @Test func aPlaceCountsOnce() {
        var game = Exhaustion(rule)
        let (a, b) = (Voxel(4, 4, 8), Voxel(4, 4, 0))
        func judge(
            _ learner: Voxel, _ opponent: Voxel, _ steps: Int, callsEnd: Bool = false
        ) -> ExhaustionStep {
            game.judge(
                step(0.5, 0.25), PerAgent(learner: learner, opponent: opponent),
                callsEnd: callsEnd, steps: steps, configuration)
        }
        var judged = judge(a, b, 1)
        #expect(rewards(judged) == PerAgent(learner: 1, opponent: -1))
        #expect(judged.worths == PerAgent(learner: 0.5, opponent: 0.25))
        #expect(!judged.terminated && !judged.truncated)
        #expect(game.places == [a, b])
        // The learner shows its place again: the opponent's new one is worth more.
        judged = judge(a, Voxel(0, 4, 4), 2)
        #expect(rewards(judged) == PerAgent(learner: -1.5, opponent: 1))
        #expect(judged.worths == PerAgent(learner: 0, opponent: 0.25))
        // Both show one anew: nothing is repeated, and the scores of one place differ by agent here.
        judged = judge(Voxel(8, 4, 4), Voxel(8, 4, 4), 3)
        #expect(rewards(judged) == PerAgent(learner: 1, opponent: -1))
        #expect(game.places == [a, b, Voxel(0, 4, 4), Voxel(8, 4, 4)])
        // Both show what was shown, and call the end.
        judged = judge(b, a, 4, callsEnd: true)
        #expect(rewards(judged) == PerAgent(learner: -0.5, opponent: -0.5))
        #expect(judged.terminated && !judged.truncated)
        game.reset()
        #expect(game.places.isEmpty && !game.hasShown(a))
    }

    @Test(arguments: [(1, -1), (2, -1), (3, 0)])
    func anEarlyEndCostsBoth(steps: Int, early: Int) {
        var game = Exhaustion(rule)
        let judged = game.judge(
            step(0.25, 0.5), PerAgent(learner: Voxel(0, 0, 0), opponent: Voxel(4, 0, 0)),
            callsEnd: true, steps: steps, configuration)
        let price = 3.0 * Double(early)
        #expect(rewards(judged) == PerAgent(learner: -10 + price, opponent: 10 + price))
    }

    /// A rollout holds one of each step: docs/reference and RESULTS.md count its bytes.
    @Test func rewardTermsAreAByte() {
        #expect(MemoryLayout<RewardTerms>.stride == 1)
        let terms = RewardTerms(comparison: -1, isFinal: true, isEarly: true, isRepeat: true)
        #expect(terms.reward(nil) == -1)
    }

    @Test func aLimitTruncatesWhatNobodyEnded() {
        var game = Exhaustion(rule)
        let windows = PerAgent(learner: Voxel(0, 0, 0), opponent: Voxel(4, 0, 0))
        let limit = game.judge(
            step(0, 1), windows, callsEnd: false, steps: 5, configuration)
        #expect(limit.truncated && !limit.terminated)
        let ended = game.judge(step(0, 1), windows, callsEnd: true, steps: 5, configuration)
        #expect(!ended.truncated && ended.terminated)
    }

    @Test(arguments: [GameConfiguration.TieReward.none, .learner])
    func tiesFollowTheirSwitch(tie: GameConfiguration.TieReward) {
        var configuration = configuration
        configuration.tieReward = tie
        var game = Exhaustion(rule)
        let judged = game.judge(
            step(0.5, 0.5), PerAgent(learner: Voxel(0, 0, 0), opponent: Voxel(4, 0, 0)),
            callsEnd: false, steps: 1, configuration)
        let reward = tie == .learner ? 1.0 : 0.0
        #expect(rewards(judged) == PerAgent(learner: reward, opponent: 0 - reward))
    }

    @Test func flagsAreOfThePlacesThatMovesLeadTo() {
        var game = Exhaustion(rule)
        #expect(game.shown(around: Voxel(4, 4, 4), configuration) == 0)
        game.restore([Voxel(4, 4, 8), Voxel(4, 0, 4), Voxel(8, 4, 4), Voxel(0, 4, 4)])
        let flags = game.shown(around: Voxel(4, 4, 4), configuration)
        #expect(AgentState(Voxel(4, 4, 4), shown: flags).flags == [1, 0, 0, 1, 1, 1])
        // Where a move is not made, the flag is of the place itself.
        let corner = game.shown(around: Voxel(8, 4, 4), configuration)
        #expect(AgentState(Voxel(8, 4, 4), shown: corner).flags == [0, 0, 0, 0, 1, 0])
    }
}
