import CSPARS
import SPARSABI
import SPARSTestSupport
import Testing

/// Nothing from outside may trap: every function is called with what it must refuse.
@Suite struct SelfPlayABITests {
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)

    private func create(
        _ change: (inout spars_selfplay_configuration) -> Void = { _ in },
        reference: spars_reference? = nil, rule: spars_exhaustion_rule? = nil,
        field given: spars_handle? = nil
    ) -> (status: Int32, run: spars_handle) {
        var configuration = spars_selfplay_configuration(
            n_steps: 8, gamma: 0.9, gae_lambda: 0.9, opponent_update_interval: 8,
            reset_each_iteration: 0, snapshot_interval: 1, policy_input: (8, 6, 4), seed: 1,
            policy: 0,
            n_envs: 1, mask_actions: 0, record_steps: 1)
        change(&configuration)
        var hyperparameters = smallHyperparameters()
        var run = spars_handle(0)
        let field = given ?? smallField()
        if var reference {
            return (
                spars_selfplay_create(
                    field, &configuration, &hyperparameters, &reference, nil, &run, nil), run
            )
        }
        if var rule {
            return (
                spars_selfplay_create(
                    field, &configuration, &hyperparameters, nil, &rule, &run, nil), run
            )
        }
        return (
            spars_selfplay_create(field, &configuration, &hyperparameters, nil, nil, &run, nil),
            run
        )
    }

    private static let scoreHalf:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<Float>?, Int64, UnsafePointer<Int64>?,
            UnsafeMutablePointer<Float>?
        ) -> Int32 = { context, _, count, _, scores in
            for i in 0..<Int(count) { scores?[i] = 0.25 }
            return context == nil ? 0 : 1
        }

    @Test func configurationsOutOfRangeAreErrors() {
        #expect(create().status == 0)
        let changes: [(inout spars_selfplay_configuration) -> Void] = [
            { $0.n_steps = 1 }, { $0.n_steps = .max }, { $0.gamma = 1.5 }, { $0.gamma = .nan },
            { $0.gae_lambda = -1 }, { $0.opponent_update_interval = 0 },
            { $0.snapshot_interval = -1 }, { $0.policy_input.0 = 3 }, { $0.policy_input.1 = .max },
            { $0.policy_input.2 = .min }, { $0.policy = 3 }, { $0.policy = -1 }, { $0.n_envs = 0 },
            { $0.n_envs = .max }, { $0.n_envs = .min }, { ($0.n_envs, $0.n_steps) = (4096, 257) },
        ]
        for (i, change) in changes.enumerated() {
            #expect(create(change).status == invalid, "\(i)")
        }
        #expect(create(field: 0).status == Int32(SPARS_STALE_HANDLE.rawValue))
    }

    @Test func referencesAreChecked() {
        func status(_ plane: Int32, _ mark: Int32, _ count: Int64, _ threshold: Float) -> Int32 {
            let planes = [Int32](repeating: plane, count: 33)
            let marks = [Int32](repeating: mark, count: 1_320)
            return planes.withUnsafeBufferPointer { planes in
                marks.withUnsafeBufferPointer { marks in
                    create(
                        reference: spars_reference(
                            planes: planes.baseAddress, marks: marks.baseAddress, count: count,
                            threshold: threshold)
                    ).status
                }
            }
        }
        #expect(status(1, 1, 1_320, 0.5) == 0)
        #expect(status(-1, 1, 1_320, 0.5) == invalid)
        #expect(status(.max, 1, 1_320, 0.5) == invalid)
        #expect(status(1, -1, 1_320, 0.5) == invalid)
        #expect(status(1, .max, .max, 0.5) == invalid)
        #expect(status(1, 1, 1_319, 0.5) == invalid)
        #expect(status(1, 1, .min, 0.5) == invalid)
        #expect(status(1, 1, 1_320, .nan) == invalid)
        #expect(status(1, 1, 1_320, -1) == invalid)
        let none = spars_reference(planes: nil, marks: nil, count: 1, threshold: 1)
        #expect(create(reference: none).status == invalid)
    }

    @Test func aRunIsPlayedReadAndContinued() {
        let run = create().run
        var scorer = spars_scorer(score: Self.scoreHalf, context: nil)
        #expect(spars_selfplay_run(run, 2, &scorer, nil, nil) == 0)
        #expect(spars_selfplay_run(run, -1, &scorer, nil, nil) == invalid)
        #expect(spars_selfplay_run(run, .max, &scorer, nil, nil) == invalid)
        var sizes = spars_selfplay_sizes()
        #expect(spars_selfplay_measure(run, &sizes, nil) == 0)
        #expect((sizes.iterations, sizes.steps, sizes.snapshots) == (2, 16, 2))
        let n = Int(sizes.parameters)
        var (parameters, moments) = (
            [Float](repeating: 0, count: n), [Float](repeating: 0, count: 2 * n)
        )
        var counters = [Int64](repeating: 0, count: 17)
        let m = Int(sizes.visits)
        var (visits, scores) = (
            [Int64](repeating: 0, count: 4 * m), [Float](repeating: 0, count: m)
        )
        #expect(
            spars_selfplay_get_state(
                run, &parameters, &moments, Int64(n), nil, 0, &counters, 17, &visits, &scores,
                Int64(m), nil, 0, nil) == 0)
        #expect(sizes.counters == 17)
        #expect(sizes.shown == 0)
        func set(
            parameterCount: Int64? = nil, counters: [Int64], visits: [Int64]? = nil,
            visitCount: Int64? = nil, counterCount: Int64 = 17, shown: [Int64] = [],
            shownCount: Int64? = nil
        ) -> Int32 {
            spars_selfplay_set_state(
                run, parameters, moments, parameterCount ?? Int64(n), nil, 0, counters,
                counterCount, visits ?? [], scores, visitCount ?? 0, shown,
                shownCount ?? Int64(shown.count / 4), nil, nil)
        }
        #expect(set(counters: counters) == 0)
        #expect(set(counters: counters, counterCount: 25) == invalid)
        #expect(set(parameterCount: -1, counters: counters) == invalid)
        #expect(set(counters: counters, visitCount: -1) == invalid)
        #expect(set(counters: counters, visitCount: .max) == invalid)
        for (i, value) in [(0, -1), (6, -1), (7, .max), (10, 3), (11, .max), (12, 1)]
            as [(Int, Int64)]
        {
            var broken = counters
            broken[i] = value
            #expect(set(counters: broken) == invalid, "counter \(i)")
        }
        #expect(set(counters: counters, visits: [0, 0, 0, 7], visitCount: 1) == invalid)
        // The search game shows nothing.
        #expect(set(counters: counters, shown: [4, 4, 4, 0]) == invalid)
        #expect(set(counters: counters, shownCount: -1) == invalid)
        #expect(set(counters: counters, shownCount: .max) == invalid)
        var map = [Float](repeating: 0, count: 1_320)
        #expect(spars_selfplay_map(run, &map, 1_320, nil, nil) == 0)
        #expect(spars_selfplay_map(run, &map, 1_319, nil, nil) == invalid)
        var iteration: Int64 = 0
        #expect(spars_selfplay_snapshot(run, 0, &iteration, &parameters, Int64(n), nil) == invalid)
    }

    @Test func rulesAndTheirStatesAreChecked() {
        func rule(
            _ factor: Double = 100, _ early: Double = 1, _ steps: Int64 = 2, _ repeated: Double = 1
        ) -> spars_exhaustion_rule {
            spars_exhaustion_rule(
                final_factor: factor, early_penalty: early, min_steps: steps,
                repeat_penalty: repeated)
        }
        for broken in [
            rule(-1), rule(.nan), rule(.infinity), rule(1, -1), rule(1, 1, -1), rule(1, 1, .min),
            rule(1, 1, 1, -1), rule(1, 1, 1, .nan),
        ] {
            #expect(create(rule: broken).status == invalid)
        }
        #expect(create(rule: rule(0, 0, .max, 0)).status == 0)
        let run = create(rule: rule()).run
        var scorer = spars_scorer(score: Self.scoreHalf, context: nil)
        #expect(spars_selfplay_run(run, 3, &scorer, nil, nil) == 0)
        var sizes = spars_selfplay_sizes()
        #expect(spars_selfplay_measure(run, &sizes, nil) == 0)
        let (n, m, k) = (Int(sizes.parameters), Int(sizes.visits), Int(sizes.shown))
        var (parameters, moments) = (
            [Float](repeating: 0, count: n), [Float](repeating: 0, count: 2 * n)
        )
        var (counters, visits, scores, shown) = (
            [Int64](repeating: 0, count: 17), [Int64](repeating: 0, count: 4 * m),
            [Float](repeating: 0, count: m), [Int64](repeating: 0, count: 4 * k)
        )
        #expect(
            spars_selfplay_get_state(
                run, &parameters, &moments, Int64(n), nil, 0, &counters, 17, &visits, &scores,
                Int64(m), &shown, Int64(k) + 1, nil) == invalid)
        #expect(
            spars_selfplay_get_state(
                run, &parameters, &moments, Int64(n), nil, 0, &counters, 17, &visits, &scores,
                Int64(m), &shown, Int64(k), nil) == 0)
        func set(_ shown: [Int64], _ counters: [Int64]) -> Int32 {
            spars_selfplay_set_state(
                run, parameters, moments, Int64(n), nil, 0, counters, 17, visits, scores, Int64(m),
                shown, Int64(shown.count / 4), nil, nil)
        }
        #expect(set(shown, counters) == 0)
        // A game whose episode has made ten steps can have shown ten places.
        var later = counters
        later[8] = 10
        #expect(set([4, 4, 4, 0, 2, 4, 4, 0], later) == 0)
        #expect(set([4, 4, 4, 0, 4, 4, 4, 0], later) == invalid)
        #expect(set([4, 4, 4, 1], later) == invalid)
        #expect(set([4, 4, 4, -1], later) == invalid)
        #expect(set([3, 4, 4, 0], later) == invalid)
        #expect(set([.max, .min, 4, 0], later) == invalid)
        later[8] = 0
        #expect(set([4, 4, 4, 0], later) == invalid)
    }

    @Test func aFailingScorerIsSaid() {
        let run = create().run
        var mark = 0
        withUnsafeMutablePointer(to: &mark) { mark in
            var scorer = spars_scorer(score: Self.scoreHalf, context: mark)
            #expect(
                spars_selfplay_run(run, 2, &scorer, nil, nil)
                    == Int32(SPARS_CALLBACK_FAILED.rawValue))
        }
        var sizes = spars_selfplay_sizes()
        #expect(spars_selfplay_measure(run, &sizes, nil) == 0)
        #expect(sizes.iterations_in_all == 0 && sizes.steps == 0)
        // No scorer at all, and no score known.
        #expect(spars_selfplay_run(run, 1, nil, nil, nil) == invalid)
    }
}
