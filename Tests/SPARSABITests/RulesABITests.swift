import CSPARS
import SPARSABI
import Testing

/// Nothing from outside may trap: every function is called with what it must refuse.
@Suite struct RulesABITests {
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)
    private let stale = Int32(SPARS_STALE_HANDLE.rawValue)

    private static let score:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<Float>?, Int64, UnsafePointer<Int64>?,
            UnsafeMutablePointer<Float>?
        ) -> Int32 = { _, _, count, _, scores in
            for i in 0..<Int(count) { scores?[i] = 0.25 }
            return 0
        }

    private func rule(
        _ change: (inout spars_exhaustion_rule) -> Void = { _ in }
    ) -> spars_exhaustion_rule {
        var rule = spars_exhaustion_rule(
            final_factor: 10, early_penalty: 1, min_steps: 2, repeat_penalty: 0.5)
        change(&rule)
        return rule
    }

    private func exhaustion(_ count: Int64 = 2) -> spars_handle {
        var (rule, game) = (rule(), spars_handle(0))
        #expect(spars_exhaustion_create(smallField(), count, 0, 2, &rule, &game, nil) == 0)
        return game
    }

    private struct Step {
        var status: Int32 = 0
        var rewards = [0.0, 0, 0, 0]
        var ends: [UInt8] = [9, 9, 9, 9]
        var scores: [Float] = [-1, -1, -1, -1]
    }

    private func step(
        _ game: spars_handle, _ learner: [Int8] = [0, 0], _ opponent: [Int8] = [1, 1],
        count: Int64 = 2, hasScorer: Bool = true
    ) -> Step {
        var step = Step()
        var scorer = spars_scorer(score: hasScorer ? Self.score : nil, context: nil)
        step.rewards.withUnsafeMutableBufferPointer { rewards in
            step.ends.withUnsafeMutableBufferPointer { ends in
                step.scores.withUnsafeMutableBufferPointer { scores in
                    var outcomes = spars_exhaustion_outcomes(
                        count: count, rewards: rewards.baseAddress, terminated: ends.baseAddress,
                        truncated: ends.baseAddress! + 2, scores: scores.baseAddress)
                    step.status = spars_exhaustion_step(
                        game, learner, opponent, &outcomes, &scorer, nil, nil)
                }
            }
        }
        return step
    }

    @Test func aStepPaysByTheRule() {
        let game = exhaustion()
        let first = step(game)
        #expect(first.status == 0)
        #expect(first.rewards == [0, 0, 0, 0] && first.ends == [0, 0, 0, 0])
        #expect(first.scores == [0.25, 0.25, 0.25, 0.25])
        // Back: the start was not shown; the second game's learner calls the end, too early.
        let second = step(game, [1, 7], [0, 0])
        #expect(second.rewards == [0, 0, -1, -1])
        #expect(second.ends == [0, 1, 0, 0])
        // The places of the first step again.
        let third = step(game, [0, 0], [1, 1])
        #expect(third.rewards == [-0.5, -0.5, -0.5, -0.5])
        #expect(third.scores == [0, 0, 0, 0])
        var count: Int64 = -1
        #expect(spars_exhaustion_shown_count(game, 1, &count, nil) == 0)
        #expect(count == 3)
        var places = [Int64](repeating: -1, count: 9)
        #expect(spars_exhaustion_shown(game, 1, &places, 3, nil) == 0)
        #expect(places == [4, 4, 6, 4, 4, 2, 4, 4, 4])
        #expect(spars_exhaustion_shown(game, 1, &places, 2, nil) == invalid)
        #expect(spars_exhaustion_shown(game, 2, &places, 3, nil) == invalid)
        #expect(spars_exhaustion_shown(game, 1, nil, 3, nil) == invalid)
        #expect(spars_exhaustion_shown_count(game, -1, &count, nil) == invalid)
        #expect(spars_exhaustion_shown_count(game, 0, nil, nil) == invalid)
        let other = exhaustion()
        #expect(spars_exhaustion_set_shown(other, 0, places, 3, nil) == 0)
        #expect(spars_exhaustion_shown_count(other, 0, &count, nil) == 0)
        #expect(count == 3)
        for index in [Int64.min, -1, 2, .max] {
            #expect(spars_exhaustion_set_shown(other, index, places, 3, nil) == invalid)
        }
        for count in [Int64.min, -1, .max] {
            #expect(spars_exhaustion_set_shown(other, 0, places, count, nil) == invalid)
        }
        #expect(spars_exhaustion_set_shown(other, 0, nil, 3, nil) == invalid)
        for place in [Int64.min, -2, 3, 14, .max] {
            #expect(spars_exhaustion_set_shown(other, 0, [place, 4, 4], 1, nil) == invalid)
        }
        #expect(spars_exhaustion_set_shown(other, 0, [4, 4, 4, 4, 4, 4], 2, nil) == invalid)
        #expect(spars_exhaustion_shown_count(other, 0, &count, nil) == 0)
        #expect(count == 3)
        #expect(spars_game_reset(game, -1, 0, nil) == 0)
        #expect(spars_exhaustion_shown_count(game, 1, &count, nil) == 0)
        #expect(count == 0)
    }

    @Test func whatIsNoAnswerMovesNoGame() {
        let game = exhaustion()
        for (learner, opponent) in [
            ([0, 12], [0, 0]), ([0, 0], [-1, 0]), ([.max, 0], [0, 0]),
        ]
            as [([Int8], [Int8])]
        {
            #expect(step(game, learner, opponent).status == invalid)
        }
        for count in [1, 3, 0, -1, Int64.max] {
            #expect(step(game, count: count).status == invalid)
        }
        #expect(step(game, hasScorer: false).status == invalid)
        #expect(spars_exhaustion_step(game, [0, 0], [0, 0], nil, nil, nil, nil) == invalid)
        var outcomes = spars_exhaustion_outcomes()
        outcomes.count = 2
        #expect(spars_exhaustion_step(game, [0, 0], [0, 0], &outcomes, nil, nil, nil) == invalid)
        #expect(spars_exhaustion_step(game, nil, nil, &outcomes, nil, nil, nil) == invalid)
        var (windows, steps) = ([Int64](repeating: 0, count: 12), [Int64](repeating: -1, count: 2))
        #expect(spars_game_windows(game, &windows, &steps, 2, nil) == 0)
        #expect(steps == [0, 0])
    }

    @Test func rulesOutOfRangeAreRefused() {
        let field = smallField()
        var game = spars_handle(0)
        let bad: [(inout spars_exhaustion_rule) -> Void] = [
            { $0.final_factor = -1 }, { $0.early_penalty = .nan },
            { $0.repeat_penalty = .infinity },
            { $0.min_steps = -1 },
        ]
        for change in bad {
            var rule = rule(change)
            #expect(spars_exhaustion_create(field, 1, 0, 2, &rule, &game, nil) == invalid)
        }
        var rule = rule()
        #expect(spars_exhaustion_create(field, 0, 0, 2, &rule, &game, nil) == invalid)
        #expect(spars_exhaustion_create(field, 1, 0, 3, &rule, &game, nil) == invalid)
        #expect(spars_exhaustion_create(field, 1, 0, 2, nil, &game, nil) == invalid)
        #expect(spars_exhaustion_create(field, 1, 0, 2, &rule, nil, nil) == invalid)
        #expect(spars_exhaustion_create(0, 1, 0, 2, &rule, &game, nil) == stale)
    }

    @Test func lookingAroundNeedsTheExhaustionGame() {
        var worths = [Float](repeating: -1, count: 24)
        var shown = [UInt8](repeating: 9, count: 24)
        var scorer = spars_scorer(score: Self.score, context: nil)
        let game = exhaustion()
        #expect(spars_exhaustion_look(game, &worths, &shown, 2, &scorer, nil, nil) == 0)
        #expect(worths.allSatisfy { $0 == 0.25 } && shown.allSatisfy { $0 == 0 })
        #expect(step(game).status == 0)
        #expect(spars_exhaustion_look(game, &worths, &shown, 2, nil, nil, nil) == 0)
        #expect(shown.count { $0 == 1 } == 0)
        #expect(spars_exhaustion_look(game, nil, &shown, 2, &scorer, nil, nil) == invalid)
        #expect(spars_exhaustion_look(game, &worths, nil, 2, &scorer, nil, nil) == invalid)
        #expect(spars_exhaustion_look(game, &worths, &shown, 1, &scorer, nil, nil) == invalid)
        #expect(spars_exhaustion_look(0, &worths, &shown, 2, &scorer, nil, nil) == stale)
        var search = spars_handle(0)
        #expect(spars_game_create(smallField(), 2, 0, 2, &search, nil) == 0)
        #expect(spars_exhaustion_look(search, &worths, &shown, 2, &scorer, nil, nil) == invalid)
        #expect(step(search).status == invalid)
    }

    @Test func masksAreOfEveryGameAndAgent() {
        var masks = [UInt8](repeating: 9, count: 24)
        let game = exhaustion()
        #expect(spars_game_action_masks(game, &masks, 2, nil) == 0)
        #expect(masks.allSatisfy { $0 == 1 })
        for _ in 0..<3 { #expect(step(game, [4, 4], [1, 1]).status == 0) }
        #expect(spars_game_action_masks(game, &masks, 2, nil) == 0)
        #expect(masks[..<6] == [1, 1, 1, 1, 0, 1] && masks[6..<12] == [1, 0, 1, 1, 1, 1])
        #expect(spars_game_action_masks(game, nil, 2, nil) == invalid)
        #expect(spars_game_action_masks(game, &masks, 1, nil) == invalid)
        #expect(spars_game_action_masks(0, &masks, 2, nil) == stale)
    }

    // MARK: - Visits

    private func visits(
        _ change: (inout spars_step_records) -> Void = { _ in }, room: Int64 = 4
    ) -> (status: Int32, found: Int64) {
        var configuration = smallGame()
        let windows: [Int32] = [0, 0, 0, 4, 4, 4, 8, 8, 8, 12, 0, 0]
        let (scores, ends): ([Float], [UInt8]) = ([0.5, 0.25, 1, 0], [0, 1])
        var visits = [Int64](repeating: -1, count: 16)
        var added = [Float](repeating: -1, count: 4)
        var steps = [Int64](repeating: -1, count: 4)
        var kept = [UInt8](repeating: 9, count: 4)
        var found: Int64 = -1
        let status = windows.withUnsafeBufferPointer { windows in
            scores.withUnsafeBufferPointer { scores in
                ends.withUnsafeBufferPointer { ends in
                    var records = spars_step_records(
                        count: 2, windows: windows.baseAddress, scores: scores.baseAddress,
                        ends: ends.baseAddress, games: 1, n_steps: 2, reset_each_iteration: 0)
                    change(&records)
                    return spars_record_visits(
                        &records, &configuration, &visits, &added, &steps, &kept, room, &found, nil)
                }
            }
        }
        return (status, found)
    }

    @Test func recordsThatCannotBeAreRefused() {
        // The last window lies outside the grid.
        #expect(visits() == (0, 3))
        let bad: [(inout spars_step_records) -> Void] = [
            { $0.count = 1 }, { $0.count = -2 }, { $0.count = .max }, { $0.games = 0 },
            { $0.games = .max }, { $0.n_steps = 0 }, { $0.n_steps = .min }, { $0.windows = nil },
            { $0.scores = nil }, { $0.ends = nil },
        ]
        for change in bad { #expect(visits(change).status == invalid) }
        #expect(visits(room: 3).status == invalid)
        #expect(visits({ $0.count = 0 }, room: 0) == (0, 0))
        var records = spars_step_records()
        #expect(
            spars_record_visits(&records, nil, nil, nil, nil, nil, 0, nil, nil) == invalid)
    }

    @Test func windowsFarAwayCoverNothing() {
        var covers = [UInt8](repeating: 9, count: 3)
        let origins: [Int64] = [0, 0, 0, .max, .max, .max, .min, .min, .min]
        let (window, grid): ([Int64], [Int64]) = ([2, 2, 2], [4, 4, 4])
        func asked(
            _ voxel: [Int64]?, count: Int64 = 3, window: [Int64] = [2, 2, 2], part: [Int64]? = nil,
            grid: [Int64] = [4, 4, 4]
        ) -> Int32 {
            spars_windows_covering(origins, count, window, part, grid, voxel, &covers, nil)
        }
        #expect(asked([1, 1, 1]) == 0 && covers == [1, 0, 0])
        #expect(asked([.max, .min, 0]) == 0 && covers == [0, 0, 0])
        #expect(asked([0, 1, 0], part: [1, 2, 1]) == 0 && covers == [1, 0, 0])
        #expect(asked([1, 1, 0], part: [1, 2, 1]) == 0 && covers == [0, 0, 0])
        #expect(asked([1, 1, 1], count: -1) == invalid)
        #expect(asked([1, 1, 1], window: [0, 2, 2]) == invalid)
        #expect(asked([1, 1, 1], part: [0, 2, 2]) == invalid)
        #expect(asked([1, 1, 1], part: [2, 2, 3]) == invalid)
        #expect(asked([1, 1, 1], grid: [.max, 1, 1]) == invalid)
        #expect(asked(nil) == invalid)
        #expect(
            spars_windows_covering(nil, 3, window, nil, grid, [1, 1, 1], &covers, nil) == invalid)
        #expect(
            spars_windows_covering(origins, 3, window, nil, grid, [1, 1, 1], nil, nil) == invalid)
    }

    @Test func bytesAreWrapped() {
        var bytes = [UInt8](repeating: 9, count: 4)
        #expect(spars_wrapped_bytes([-1000, 255.9, .nan, .infinity], &bytes, 4, nil) == 0)
        #expect(bytes == [24, 255, 0, 0])
        #expect(spars_wrapped_bytes(nil, &bytes, 4, nil) == invalid)
        #expect(spars_wrapped_bytes([1], nil, 1, nil) == invalid)
        #expect(spars_wrapped_bytes([1], &bytes, .max, nil) == invalid)
    }
}
