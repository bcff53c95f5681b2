import CSPARS
import SPARSABI
import SPARSTestSupport
import Testing

/// Nothing from outside may trap: every function is called with what it must refuse.
@Suite struct LeagueABITests {
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)
    private let stale = Int32(SPARS_STALE_HANDLE.rawValue)

    private func field() -> spars_handle {
        smallField { $0.max_episode_steps = 9 }
    }

    private func run() -> spars_handle {
        var configuration = spars_selfplay_configuration()
        (configuration.n_envs, configuration.record_steps) = (1, 1)
        configuration.n_steps = 8
        configuration.gamma = 0.9
        configuration.gae_lambda = 0.9
        configuration.opponent_update_interval = 8
        configuration.snapshot_interval = 1
        var (hyper, run) = (smallHyperparameters(), spars_handle(0))
        #expect(spars_selfplay_create(field(), &configuration, &hyper, nil, nil, &run, nil) == 0)
        return run
    }

    private static let scoreQuarter:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<Float>?, Int64, UnsafePointer<Int64>?,
            UnsafeMutablePointer<Float>?
        ) -> Int32 = { _, _, count, _, scores in
            for i in 0..<Int(count) { scores?[i] = 0.25 }
            return 0
        }

    @Test func aPoolIsChosenOnceAndBeforeTheRunBegins() {
        let run = run()
        for (sampling, power) in [(-1, 1.0), (4, 1.0), (2, .nan), (2, -0.5)] {
            #expect(spars_selfplay_use_pool(run, Int32(sampling), power, nil) == invalid)
        }
        #expect(spars_selfplay_use_pool(run, 1, 1, nil) == 0)
        #expect(spars_selfplay_use_pool(run, 1, 1, nil) == invalid)
        #expect(spars_selfplay_use_pool(0, 1, 1, nil) == stale)
        var scorer = spars_scorer(score: Self.scoreQuarter, context: nil)
        let late = self.run()
        #expect(spars_selfplay_run(late, 1, &scorer, nil, nil) == 0)
        #expect(spars_selfplay_use_pool(late, 1, 1, nil) == invalid)
    }

    @Test func talliesAndMembersAreChecked() {
        let run = run()
        var (members, drawn, reward) = (Int64(-1), [Int64(0)], [1.0])
        var (games, wins) = ([-1.0], [-1.0])
        #expect(spars_selfplay_pool(run, &members, nil) == 0)
        #expect(members == 0)
        #expect(spars_selfplay_get_pool(run, nil, nil, 0, &drawn, &reward, 1, nil) == 0)
        #expect((drawn, reward) == ([-1], [0]))
        #expect(spars_selfplay_add_to_pool(run, [0], 1, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, [], [], 0, [-1], [0], 1, nil) == invalid)
        #expect(spars_selfplay_use_pool(run, 2, 2, nil) == 0)
        #expect(spars_selfplay_pool(run, nil, nil) == invalid)
        #expect(spars_selfplay_get_pool(run, nil, nil, 1, &drawn, &reward, 1, nil) == invalid)
        #expect(spars_selfplay_get_pool(run, &games, &wins, 1, nil, &reward, 1, nil) == invalid)
        #expect(spars_selfplay_get_pool(run, &games, &wins, 1, &drawn, &reward, 2, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, [1], [1], 1, [-2], [0], 1, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, [1], [1], 1, [.max], [0], 1, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, [1], [2], 1, [0], [0], 1, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, [1], [1], 1, [0], [.infinity], 1, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, [1], [1], 1, [0, 0], [0, 0], 2, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, [1], [1], 1, nil, [0], 1, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, nil, [1], 1, [0], [0], 1, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, [2], [1], 1, [0], [3], 1, nil) == 0)
        #expect(spars_selfplay_pool(run, &members, nil) == 0)
        #expect(spars_selfplay_get_pool(run, &games, &wins, 1, &drawn, &reward, 1, nil) == 0)
        #expect((members, games, wins, drawn, reward) == (1, [2], [1], [0], [3]))
        #expect(spars_selfplay_add_to_pool(run, nil, 1, nil) == invalid)
        #expect(spars_selfplay_learn_from_both(0, 1, nil) == stale)
        #expect(spars_selfplay_learn_from_both(run, 1, nil) == 0)
        var broken = smallHyperparameters()
        broken.learning_rate = -1
        #expect(spars_selfplay_set_hyperparameters(run, &broken, nil) == invalid)
        #expect(spars_selfplay_set_hyperparameters(run, nil, nil) == invalid)
        broken = smallHyperparameters()
        #expect(spars_selfplay_set_hyperparameters(run, &broken, nil) == 0)
    }

    @Test func gamesAreChecked() {
        var shape = spars_policy_shape()
        (shape.inputs, shape.actions, shape.policy_depth, shape.value_depth) = (24, 6, 1, 1)
        shape.policy_hidden.0 = 3
        shape.value_hidden.0 = 2
        let count = 3 * 24 + 3 + 2 * 24 + 2 + 6 * 3 + 6 + 2 + 1
        var league = spars_handle(0)
        let field = field()
        #expect(spars_league_create(field, 0, 0, nil, &league, nil) == invalid)
        #expect(spars_league_create(field, 0, 0, &shape, nil, nil) == invalid)
        #expect(spars_league_create(0, 0, 0, &shape, &league, nil) == stale)
        var other = shape
        other.inputs = 23
        #expect(spars_league_create(field, 0, 0, &other, &league, nil) == invalid)
        for policy in [Int32(-1), 3] {
            #expect(spars_league_create(field, policy, 0, &shape, &league, nil) == invalid)
        }
        #expect(spars_league_create(field, 0, 0, &shape, &league, nil) == 0)
        var player = Int64(-1)
        let parameters = [Float](repeating: 0.1, count: count)
        #expect(spars_league_add(league, parameters, Int64(count - 1), &player, nil) == invalid)
        #expect(spars_league_add(league, nil, Int64(count), &player, nil) == invalid)
        let nan = [Float](repeating: .nan, count: count)
        #expect(
            spars_league_add(league, nan, Int64(count), &player, nil)
                == Int32(SPARS_NOT_FINITE.rawValue))
        for wanted in [Int64(0), 1] {
            #expect(spars_league_add(league, parameters, Int64(count), &player, nil) == 0)
            #expect(player == wanted)
        }
        var scorer = spars_scorer(score: Self.scoreQuarter, context: nil)
        var (rewards, lengths) = ([Double](repeating: 9, count: 4), [Int64](repeating: 0, count: 4))
        func play(
            _ first: Int64, _ second: Int64, _ start: Int64, _ games: Int64, _ steps: Int64
        ) -> Int32 {
            spars_league_play(
                league, first, second, start, games, steps, 1, &rewards, &lengths, &scorer, nil,
                nil)
        }
        #expect(play(0, 2, 0, 4, 9) == invalid)
        #expect(play(-1, 0, 0, 4, 9) == invalid)
        #expect(play(.max, 0, 0, 4, 9) == invalid)
        #expect(play(0, 1, -1, 4, 9) == invalid)
        #expect(play(0, 1, 0, .max, 9) == invalid)
        #expect(play(0, 1, 0, 4, 0) == invalid)
        #expect(play(0, 1, 0, 4, .max) == invalid)
        #expect(play(0, 1, 1 << 32, 4, 1 << 32) == 0)
        #expect(rewards == [0, 0, 0, 0])
        #expect(lengths == [9, 9, 9, 9])
        #expect(
            spars_league_play(league, 0, 1, 0, 4, 9, 1, nil, &lengths, &scorer, nil, nil)
                == invalid)
    }
}
