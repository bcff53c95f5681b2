import CSPARS
import SPARSABI
import SPARSTestSupport
import Testing

/// Nothing from outside may trap: every function is called with what it must refuse.
@Suite struct SelfPlayABITests {
    private let memory = Memory()
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)

    private func create(
        _ change: (inout spars_selfplay_configuration) -> Void = { _ in },
        reference: spars_reference? = nil, rule: spars_exhaustion_rule? = nil,
        field given: spars_handle? = nil
    ) -> (status: Int32, run: spars_handle) {
        var configuration = spars_selfplay_configuration(
            n_steps: 8, gamma: 0.9, gae_lambda: 0.9, opponent_update_interval: 8,
            reset_each_iteration: 0, snapshot_interval: 1, input_shape: (8, 6, 4), seed: 1,
            policy: 0, n_envs: 1, mask_actions: 0, record_steps: 1)
        change(&configuration)
        var hyperparameters = smallHyperparameters()
        var run = spars_handle(0)
        let status = spars_selfplay_create(
            given ?? smallField(), &configuration, &hyperparameters,
            reference.map { UnsafePointer(memory.of([$0])) },
            rule.map { UnsafePointer(memory.of([$0])) }, nil, &run, nil)
        return (status, run)
    }

    /// A state of so many numbers, all zero.
    private func state(
        parameters n: Int, visits: Int, shown: Int = 0
    ) -> spars_selfplay_state {
        spars_selfplay_state(
            parameters: memory.of(0, count: n), moments: memory.of(0, count: 2 * n),
            parameter_count: Int64(n), opponent: nil, opponent_count: 0,
            counters: memory.of(0, count: 17), counter_count: 17,
            visits: memory.of(0, count: 4 * visits), visit_scores: memory.of(0, count: visits),
            visit_count: Int64(visits), shown: memory.of(0, count: 4 * shown),
            shown_count: Int64(shown))
    }

    /// Goes on from a changed state.
    private func set(
        _ run: spars_handle, _ state: spars_selfplay_state,
        _ change: (inout spars_selfplay_state) -> Void = { _ in }
    ) -> Int32 {
        var state = state
        change(&state)
        return spars_selfplay_set_state(run, &state, nil, nil)
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
            { $0.snapshot_interval = -1 }, { $0.input_shape.0 = 3 }, { $0.input_shape.1 = .max },
            { $0.input_shape.2 = .min }, { $0.policy = 3 }, { $0.policy = -1 }, { $0.n_envs = 0 },
            { $0.n_envs = .max }, { $0.n_envs = .min }, { ($0.n_envs, $0.n_steps) = (4096, 257) },
        ]
        for (i, change) in changes.enumerated() {
            #expect(create(change).status == invalid, "\(i)")
        }
        #expect(create(field: 0).status == Int32(SPARS_STALE_HANDLE.rawValue))
    }

    @Test func referencesAreChecked() {
        func status(
            _ plane: Int32, _ mark: Int32, _ total: Int64, _ threshold: Float,
            grid: (Int64, Int64, Int64) = (12, 11, 10)
        ) -> Int32 {
            create(
                reference: spars_reference(
                    grid: grid, planes: memory.of(plane, count: 33),
                    marks: memory.of(mark, count: 1_320), total: total, threshold: threshold)
            ).status
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
        #expect(status(1, 1, 1_320, 0.5, grid: (12, 10, 11)) == invalid)
        #expect(status(1, 1, 1_320, 0.5, grid: (.max, .min, 0)) == invalid)
        let none = spars_reference(
            grid: (12, 11, 10), planes: nil, marks: nil, total: 1, threshold: 1)
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
        var state = state(parameters: Int(sizes.parameters), visits: Int(sizes.visits))
        #expect(spars_selfplay_get_state(run, &state, nil, nil) == 0)
        #expect(spars_selfplay_get_state(run, nil, nil, nil) == invalid)
        #expect(sizes.counters == 17)
        #expect(sizes.shown == 0)
        state.visit_count = 0
        #expect(set(run, state) == 0)
        #expect(set(run, state) { $0.counter_count = 25 } == invalid)
        #expect(set(run, state) { $0.parameter_count = -1 } == invalid)
        #expect(set(run, state) { $0.parameters = nil } == invalid)
        #expect(set(run, state) { $0.visit_count = -1 } == invalid)
        #expect(set(run, state) { $0.visit_count = .max } == invalid)
        for (i, value) in [(0, -1), (6, -1), (7, .max), (10, 3), (11, .max), (12, 1)]
            as [(Int, Int64)]
        {
            let kept = state.counters[i]
            state.counters[i] = value
            #expect(set(run, state) == invalid, "counter \(i)")
            state.counters[i] = kept
        }
        #expect(
            set(run, state) {
                ($0.visits, $0.visit_count) = (memory.of([0, 0, 0, 7]), 1)
            } == invalid)
        // The search game shows nothing.
        #expect(
            set(run, state) { ($0.shown, $0.shown_count) = (memory.of([4, 4, 4, 0]), 1) }
                == invalid)
        #expect(set(run, state) { $0.shown_count = -1 } == invalid)
        #expect(set(run, state) { $0.shown_count = .max } == invalid)
        var map = [Float](repeating: 0, count: 1_320)
        #expect(spars_selfplay_map(run, &map, 1_320, nil, nil) == 0)
        #expect(spars_selfplay_map(run, &map, 1_319, nil, nil) == invalid)
        var iteration: Int64 = 0
        #expect(
            spars_selfplay_snapshot(
                run, 0, state.parameters, state.parameter_count, &iteration, nil) == invalid)
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
        var state = state(
            parameters: Int(sizes.parameters), visits: Int(sizes.visits), shown: Int(sizes.shown))
        state.shown_count += 1
        #expect(spars_selfplay_get_state(run, &state, nil, nil) == invalid)
        state.shown_count -= 1
        #expect(spars_selfplay_get_state(run, &state, nil, nil) == 0)
        func set(_ shown: [Int64]) -> Int32 {
            self.set(run, state) {
                ($0.shown, $0.shown_count) = (memory.of(shown), Int64(shown.count / 4))
            }
        }
        #expect(self.set(run, state) == 0)
        // A game whose episode has made ten steps can have shown ten places.
        state.counters[8] = 10
        #expect(set([4, 4, 4, 0, 2, 4, 4, 0]) == 0)
        #expect(set([4, 4, 4, 0, 4, 4, 4, 0]) == invalid)
        #expect(set([4, 4, 4, 1]) == invalid)
        #expect(set([4, 4, 4, -1]) == invalid)
        #expect(set([3, 4, 4, 0]) == invalid)
        #expect(set([.max, .min, 4, 0]) == invalid)
        state.counters[8] = 0
        #expect(set([4, 4, 4, 0]) == invalid)
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
