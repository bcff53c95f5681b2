import CSPARS
import SPARSABI
import SPARSTestSupport
import Testing

/// Nothing from outside may trap: every function is called with what it must refuse.
@Suite struct GameABITests {
    private func field(
        _ configuration: spars_game_configuration, shape: [Int64] = [12, 11, 10],
        value: Float = 1, classifier: spars_handle = 0
    ) -> (handle: spars_handle, status: Int32, parameter: String) {
        var (handle, error, configuration) = (spars_handle(0), spars_error(), configuration)
        let values = [Float](repeating: value, count: 1_320)
        let status = spars_field_create(
            values, shape, &configuration, [Int64(bitPattern: classifier)], classifier == 0 ? 0 : 1,
            0,
            nil, &handle, &error)
        let parameter = withUnsafeBytes(of: &error.parameter) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return (handle, status, parameter)
    }

    private func game(_ count: Int64 = 2) -> (field: spars_handle, game: spars_handle) {
        let field = field(smallGame()).handle
        var game = spars_handle(0)
        #expect(spars_game_create(field, count, 0, 2, &game, nil) == 0)
        return (field, game)
    }

    private static let scoreHalf:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<Float>?, Int64, UnsafePointer<Int64>?,
            UnsafeMutablePointer<Float>?
        ) -> Int32 = { context, _, count, _, scores in
            let score = context?.assumingMemoryBound(to: Float.self).pointee ?? 0.25
            for i in 0..<Int(count) { scores?[i] = score }
            return 0
        }

    private func step(
        _ game: spars_handle, _ actions: [Int8] = [0, 1], count: Int64 = 2,
        scorer: spars_scorer? = spars_scorer(score: scoreHalf, context: nil)
    ) -> Int32 {
        var (rewards, scores) = ([Float](repeating: 0, count: 2), [Float](repeating: 0, count: 4))
        var (terminated, truncated) = ([UInt8](repeating: 0, count: 2), [UInt8]([0, 0]))
        let learner = actions
        return rewards.withUnsafeMutableBufferPointer { rewards in
            terminated.withUnsafeMutableBufferPointer { terminated in
                truncated.withUnsafeMutableBufferPointer { truncated in
                    scores.withUnsafeMutableBufferPointer { scores in
                        var outcomes = spars_game_outcomes(
                            count: count, rewards: rewards.baseAddress,
                            terminated: terminated.baseAddress, truncated: truncated.baseAddress,
                            scores: scores.baseAddress)
                        guard var scorer else {
                            return spars_game_step(
                                game, learner, actions, &outcomes, nil, nil, nil)
                        }
                        return spars_game_step(
                            game, learner, actions, &outcomes, &scorer, nil, nil)
                    }
                }
            }
        }
    }

    private let refused = Int32(SPARS_INVALID_ARGUMENT.rawValue)
    private let stale = Int32(SPARS_STALE_HANDLE.rawValue)

    @Test func configurationsOutOfRangeAreRefusedByName() {
        #expect(field(smallGame()).status == 0)
        let bad: [(String, (inout spars_game_configuration) -> Void)] = [
            ("grid", { $0.grid.0 = 0 }), ("grid", { $0.grid.1 = .max }),
            ("grid", { $0.grid.2 = .min }), ("window", { $0.window.0 = 13 }),
            ("window", { $0.window.2 = -1 }), ("stride", { $0.stride = .min }),
            ("stride", { $0.stride = .max }),
            ("termination_threshold", { $0.termination_threshold = .nan }),
            ("max_episode_steps", { $0.max_episode_steps = -1 }),
            ("border", { $0.protocol.border = 2 }),
            ("accumulation", { $0.protocol.accumulation = -1 }),
            ("opponent", { $0.protocol.opponent = .max }),
        ]
        for (name, change) in bad {
            let result = field(smallGame(change))
            #expect(result.status == refused)
            #expect(result.parameter == name)
        }
        let huge = field(smallGame { $0.grid = (16_383, 16_383, 16_383) })
        #expect(huge.status == Int32(SPARS_OUT_OF_MEMORY.rawValue))
    }

    @Test func scansThatCannotBeAreRefused() {
        #expect(field(smallGame(), shape: [0, 1, 1]).status == refused)
        #expect(field(smallGame(), shape: [.max, .max, .max]).status == refused)
        #expect(field(smallGame(), shape: [-12, 11, 10]).status == refused)
        #expect(
            field(smallGame(), value: .nan).status == Int32(SPARS_NOT_FINITE.rawValue))
        #expect(field(smallGame(), classifier: 1 << 60).status == stale)
        // Full crops of a scan smaller than the window.
        #expect(field(smallGame(), shape: [3, 11, 10]).parameter == "window")
    }

    @Test func nullPointersAreRefused() {
        let (field, game) = game()
        var configuration = smallGame()
        #expect(spars_field_create(nil, nil, &configuration, nil, 0, 0, nil, nil, nil) == refused)
        #expect(spars_field_counts(field, nil, nil) == refused)
        #expect(spars_field_axis(field, 0, nil, 5, nil) == refused)
        #expect(spars_field_scores(field, nil, 125, nil) == refused)
        #expect(spars_field_adopt(field, nil, 125, nil, nil) == refused)
        #expect(spars_field_scored(field, nil, nil) == refused)
        #expect(spars_field_score_all(field, nil, nil, nil) == refused)
        #expect(spars_field_score(field, nil, 1, nil, nil, nil) == refused)
        #expect(spars_game_create(field, 1, 0, 0, nil, nil) == refused)
        #expect(spars_game_step(game, nil, nil, nil, nil, nil, nil) == refused)
        var outcomes = spars_game_outcomes()
        outcomes.count = 2
        #expect(spars_game_step(game, nil, nil, &outcomes, nil, nil, nil) == refused)
        #expect(spars_game_windows(game, nil, nil, 2, nil) == refused)
        #expect(spars_game_restore(game, 0, nil, 0, nil) == refused)
        #expect(spars_game_observation(game, 0, 0, nil, nil, nil) == refused)
        #expect(spars_game_map(game, 0, nil, 1_320, nil, nil) == refused)
        #expect(spars_game_visit_count(game, 0, nil, nil) == refused)
        #expect(spars_exhaustive_map(nil, nil, nil, nil, nil, 0, nil, nil, nil, nil) == refused)
        #expect(step(game) == 0)
        #expect(spars_game_visits(game, 0, nil, nil, 2, nil) == refused)
    }

    @Test func aMapGoesOnFromItsVisits() {
        let (_, game) = game()
        #expect(step(game) == 0)
        var visits = [Int64](repeating: 0, count: 8)
        var scores = [Float](repeating: 0, count: 2)
        #expect(spars_game_visits(game, 0, &visits, &scores, 2, nil) == 0)
        let (_, other) = self.game()
        #expect(spars_game_set_visits(other, 1, visits, scores, 2, nil) == 0)
        var (first, second) = (
            [Float](repeating: 0, count: 1_320), [Float](repeating: 9, count: 1_320)
        )
        #expect(spars_game_map(game, 0, &first, 1_320, nil, nil) == 0)
        #expect(spars_game_map(other, 1, &second, 1_320, nil, nil) == 0)
        #expect(first == second && first.contains { $0 > 0 })
        #expect(spars_game_set_visits(other, 1, visits, scores, 0, nil) == 0)
        #expect(spars_game_map(other, 1, &second, 1_320, nil, nil) == 0)
        #expect(second.allSatisfy { $0 == 0 })
        for count in [Int64.min, -1, .max] {
            #expect(spars_game_set_visits(other, 1, visits, scores, count, nil) == refused)
        }
        for index in [Int64.min, -1, 2, .max] {
            #expect(spars_game_set_visits(other, index, visits, scores, 2, nil) == refused)
        }
        #expect(spars_game_set_visits(other, 1, nil, scores, 2, nil) == refused)
        #expect(spars_game_set_visits(other, 1, visits, nil, 2, nil) == refused)
        #expect(spars_game_set_visits(other, 1, visits, [0.5, .nan], 2, nil) == refused)
        #expect(spars_game_set_visits(other, 1, visits, [0.5, 1.5], 2, nil) == refused)
        for agent in [Int64.min, -1, 2, .max] {
            visits[3] = agent
            #expect(spars_game_set_visits(other, 1, visits, scores, 2, nil) == refused)
        }
        // Beyond the grid nothing is written, however far.
        for place in [Int64.min, -40_000, 40_000, .max] {
            let far = [place, place, place, 0, 0, place, 0, 1]
            #expect(spars_game_set_visits(other, 1, far, scores, 2, nil) == 0)
            #expect(spars_game_map(other, 1, &second, 1_320, nil, nil) == 0)
        }
    }

    @Test func theFarEdgeIsAPlaceWhereItIsAskedFor() {
        // Starts 0, 2, ... end at 8 of 8, 8 of 8 and 8 of 8; with windows of 3 at 8 of 9.
        for (covers, wanted) in [(Int32(0), [5, 5, 5]), (1, [6, 5, 5])] as [(Int32, [Int64])] {
            var configuration = smallGame { $0.window = (3, 3, 2) }
            var (handle, counts) = (spars_handle(0), [Int64](repeating: 0, count: 3))
            let values = [Float](repeating: 1, count: 1_320)
            #expect(
                spars_field_create(
                    values, [12, 11, 10], &configuration, nil, 0, covers, nil, &handle, nil) == 0)
            #expect(spars_field_counts(handle, &counts, nil) == 0)
            #expect(counts == wanted)
            var starts = [Int64](repeating: -1, count: Int(wanted[0]))
            #expect(spars_field_axis(handle, 0, &starts, wanted[0], nil) == 0)
            #expect(starts.last == (covers == 0 ? 8 : 9))
        }
    }

    @Test func staleHandlesAndHandlesOfAnotherKindAreRefused() {
        let (field, game) = game()
        #expect(step(field) == stale)
        #expect(spars_field_score_all(game, nil, nil, nil) == stale)
        spars_release(game)
        #expect(step(game) == stale)
        #expect(spars_game_reset(game, -1, 0, nil) == stale)
        // The field is its games' too: releasing its handle ends no game.
        var second = spars_handle(0)
        #expect(spars_game_create(field, 2, 0, 0, &second, nil) == 0)
        spars_release(field)
        #expect(step(second) == 0)
        #expect(spars_field_counts(field, nil, nil) != 0)
    }

    @Test func countsIndicesAndActionsOutOfRangeAreRefused() {
        let (field, game) = game()
        for count in [Int64.min, -1, 0, 1, 3, .max] { #expect(step(game, count: count) == refused) }
        for action in [Int8.min, -1, 6, .max] { #expect(step(game, [0, action]) == refused) }
        var float = [Float](repeating: 0, count: 1_320)
        for index in [Int64.min, -2, 2, .max] {
            #expect(spars_game_reset(game, index, 0, nil) == refused)
            #expect(spars_game_map(game, index, &float, 1_320, nil, nil) == refused)
            #expect(spars_game_restore(game, index, [4, 4, 4, 4, 4, 4], 0, nil) == refused)
        }
        for agent in [Int32.min, -1, 2, .max] {
            #expect(spars_game_observation(game, 0, agent, &float, [4, 3, 2], nil) == refused)
        }
        #expect(spars_game_observation(game, 0, 0, &float, [4, 3, 2], nil) == 0)
        #expect(spars_game_observation(game, 0, 0, &float, [.max, .max, 2], nil) == refused)
        for window in [Int64.min, -2, 3, 14, .max] {
            #expect(spars_game_restore(game, 0, [window, 4, 4, 4, 4, 4], 0, nil) == refused)
        }
        for steps in [Int64.min, -1, .max] {
            #expect(spars_game_restore(game, 0, [4, 4, 4, 4, 4, 4], steps, nil) == refused)
        }
        #expect(spars_game_restore(game, 0, [4, 4, 4, 4, 4, 4], 7, nil) == 0)
        #expect(step(game) == 0)
        for count in [Int64.min, 0, 1_000_001, .max] {
            var other = spars_handle(0)
            #expect(spars_game_create(field, count, 0, 0, &other, nil) == refused)
        }
        for axis in [Int64.min, -1, 3, .max] {
            var starts = [Int64](repeating: 0, count: 5)
            #expect(spars_field_axis(field, axis, &starts, 5, nil) == refused)
        }
    }

    @Test func scorersThatFailOrLieAreRefused() {
        let (_, game) = game()
        #expect(step(game, scorer: nil) == refused)
        #expect(
            step(game, scorer: spars_scorer(score: { _, _, _, _, _ in 1 }, context: nil))
                == Int32(SPARS_CALLBACK_FAILED.rawValue))
        // It fills nothing.
        #expect(
            step(game, scorer: spars_scorer(score: { _, _, _, _, _ in 0 }, context: nil))
                == refused)
        for score in [Float.nan, -0.1, 1.1, .infinity] {
            var score = score
            let status = withUnsafeMutablePointer(to: &score) {
                step(game, scorer: spars_scorer(score: Self.scoreHalf, context: $0))
            }
            #expect(status == refused)
        }
        var (windows, steps) = ([Int64](repeating: 0, count: 12), [Int64](repeating: 9, count: 2))
        #expect(spars_game_windows(game, &windows, &steps, 2, nil) == 0)
        #expect(steps == [0, 0])
        #expect(windows[0..<3] == [4, 4, 4])
    }

    @Test func aPollThatAsksStopsALongCall() {
        let field = field(smallGame()).handle
        var control = spars_control(poll: { _, _, _ in 1 }, context: nil)
        var scorer = spars_scorer(score: Self.scoreHalf, context: nil)
        #expect(
            spars_field_score_all(field, &scorer, &control, nil)
                == Int32(SPARS_INTERRUPTED.rawValue))
        #expect(spars_field_score_all(field, &scorer, nil, nil) == 0)
        var count = Int64(0)
        #expect(spars_field_scored(field, &count, nil) == 0)
        #expect(count == 5 * 5 * 5)
    }

    @Test func placesAreScoredByTheirNumbersOnce() {
        let field = field(smallGame()).handle
        var scorer = spars_scorer(score: Self.scoreHalf, context: nil)
        for places in [[-1], [125], [.max], []] as [[Int64]] {
            #expect(
                spars_field_score(field, places, Int64(places.count), &scorer, nil, nil) == refused)
        }
        #expect(spars_field_score(field, [3, 0, 3, 124], 4, &scorer, nil, nil) == 0)
        var count = Int64(0)
        #expect(spars_field_scored(field, &count, nil) == 0)
        #expect(count == 3)
        var scores = [Float](repeating: 0, count: 125)
        #expect(spars_field_scores(field, &scores, 125, nil) == 0)
        #expect(scores.indices.filter { !scores[$0].isNaN } == [0, 3, 124])
    }

    @Test func mapsOfEveryPlaceCheckTheirAxes() {
        var map = [Float](repeating: 0, count: 8)
        let grid: [Int64] = [2, 2, 2]
        for axes in [[0, 0, 0, 0], [0, -1, 0, 0], [1, 0, 0, 0]] as [[Int64]] {
            #expect(
                spars_exhaustive_map(
                    [0.1, 0.2], [2, 1, 1], axes, grid, nil, 0, &map, grid, nil, nil)
                    == refused)
        }
        func filled(_ axes: [Int64], _ part: [Int64]?, _ rule: Int32 = 0) -> Int32 {
            spars_exhaustive_map(
                [0.1, 0.2], [2, 1, 1], axes, grid, part, rule, &map, grid, nil, nil)
        }
        #expect(filled([0, 1, 0, 0], nil, 3) == refused)
        #expect(filled([0, 1, 0, 0], nil) == 0)
        #expect(map[0] == 0.1 && map[7] == Float(0.1) + 0.2)
        // An odd voxel lies above the part.
        #expect(filled([0, 1, 0, 0], [1, 2, 1]) == 0)
        #expect(map == [0.1, 0, 0.1, 0, 0.2, 0, 0.2, 0])
        #expect(filled([0, .max, 0, 0], [1, 1, 1]) == 0)
        #expect(map == [0.1, 0, 0, 0, 0, 0, 0, 0])
        for part in [[3, 1, 1], [1, 0, 1], [1, 1, -1], [.max, 1, 1]] as [[Int64]] {
            #expect(filled([0, 1, 0, 0], part) == refused)
        }
    }
}
