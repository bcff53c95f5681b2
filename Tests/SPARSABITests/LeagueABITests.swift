import CSPARS
import SPARSABI
import SPARSTestSupport
import Testing

/// Nothing from outside may trap: every function is called with what it must refuse.
@Suite struct LeagueABITests {
    private let memory = Memory()
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
        #expect(
            spars_selfplay_create(field(), &configuration, &hyper, nil, nil, nil, &run, nil) == 0)
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

    /// Tallies of one member and one game, changed.
    private func tallies(
        _ games: [Double] = [1], _ wins: [Double] = [1], drawn: [Int64] = [0],
        leads: [Double] = [0], changed change: (inout spars_pool_tallies) -> Void = { _ in }
    ) -> UnsafeMutablePointer<spars_pool_tallies> {
        var tallies = spars_pool_tallies(
            games: memory.of(games), wins: memory.of(wins), member_count: Int64(games.count),
            drawn: memory.of(drawn), episode_leads: memory.of(leads),
            game_count: Int64(drawn.count))
        change(&tallies)
        return memory.of([tallies])
    }

    @Test func talliesAndMembersAreChecked() {
        let run = run()
        var members = Int64(-1)
        #expect(spars_selfplay_pool(run, &members, nil) == 0)
        #expect(members == 0)
        let none = tallies([], [], drawn: [0], leads: [1])
        #expect(spars_selfplay_get_pool(run, none, nil) == 0)
        #expect(none.pointee.drawn[0] == -1 && none.pointee.episode_leads[0] == 0)
        #expect(spars_selfplay_add_to_pool(run, [0], 1, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, none, nil) == invalid)
        #expect(spars_selfplay_use_pool(run, 2, 2, nil) == 0)
        #expect(spars_selfplay_pool(run, nil, nil) == invalid)
        #expect(spars_selfplay_get_pool(run, nil, nil) == invalid)
        #expect(spars_selfplay_set_pool(run, nil, nil) == invalid)
        let changes: [(inout spars_pool_tallies) -> Void] = [
            { $0.games = nil }, { $0.wins = nil }, { $0.drawn = nil }, { $0.episode_leads = nil },
            { $0.game_count = 2 }, { $0.game_count = -1 }, { $0.member_count = .max },
        ]
        for (i, change) in changes.enumerated() {
            #expect(spars_selfplay_get_pool(run, tallies(changed: change), nil) == invalid, "\(i)")
            #expect(spars_selfplay_set_pool(run, tallies(changed: change), nil) == invalid, "\(i)")
        }
        for wrong in [
            tallies(drawn: [-2]), tallies(drawn: [.max]), tallies([1], [2]),
            tallies(leads: [.infinity]), tallies(drawn: [0, 0], leads: [0, 0]),
        ] {
            #expect(spars_selfplay_set_pool(run, wrong, nil) == invalid)
        }
        #expect(spars_selfplay_set_pool(run, tallies([2], [1], leads: [3]), nil) == 0)
        #expect(spars_selfplay_pool(run, &members, nil) == 0)
        let found = tallies([-1], [-1], drawn: [-1], leads: [1])
        #expect(spars_selfplay_get_pool(run, found, nil) == 0)
        #expect((members, found.pointee.games[0], found.pointee.wins[0]) == (1, 2, 1))
        #expect((found.pointee.drawn[0], found.pointee.episode_leads[0]) == (0, 3))
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
        let (rewards, lengths) = (memory.of(9.0, count: 4), memory.of(Int64(0), count: 4))
        func play(
            _ first: Int64, _ second: Int64, _ start: Int64, _ games: Int64, _ steps: Int64,
            into rewards: UnsafeMutablePointer<Double>?
        ) -> Int32 {
            var games = spars_league_games(
                first: first, second: second, start: start, steps: steps, seed: 1,
                rewards: rewards, lengths: lengths, count: games)
            return spars_league_play(league, &games, &scorer, nil, nil)
        }
        func play(
            _ first: Int64, _ second: Int64, _ start: Int64, _ games: Int64, _ steps: Int64
        ) -> Int32 {
            play(first, second, start, games, steps, into: rewards)
        }
        #expect(play(0, 2, 0, 4, 9) == invalid)
        #expect(play(-1, 0, 0, 4, 9) == invalid)
        #expect(play(.max, 0, 0, 4, 9) == invalid)
        #expect(play(0, 1, -1, 4, 9) == invalid)
        #expect(play(0, 1, 0, .max, 9) == invalid)
        #expect(play(0, 1, 0, 4, 0) == invalid)
        #expect(play(0, 1, 0, 4, .max) == invalid)
        #expect(play(0, 1, 1 << 32, 4, 1 << 32) == 0)
        for game in 0..<4 { #expect((rewards[game], lengths[game]) == (0, 9)) }
        #expect(play(0, 1, 0, 4, 9, into: nil) == invalid)
        #expect(spars_league_play(league, nil, &scorer, nil, nil) == invalid)
    }
}
