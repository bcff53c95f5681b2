import CSPARS
import SPARSABI
import SPARSTestSupport
import Testing

/// Nothing from outside may trap: every function is called with what it must refuse.
@Suite struct PPOABITests {
    private let memory = Memory()

    private func shape(
        _ change: (inout spars_policy_shape) -> Void = { _ in }
    ) -> spars_policy_shape {
        var shape = spars_policy_shape()
        (shape.inputs, shape.actions, shape.policy_depth, shape.value_depth) = (3, 2, 1, 1)
        (shape.policy_hidden.0, shape.value_hidden.0) = (4, 4)
        change(&shape)
        return shape
    }

    private func hyperparameters(
        _ change: (inout spars_ppo_hyperparameters) -> Void = { _ in }
    ) -> spars_ppo_hyperparameters {
        smallHyperparameters {
            $0.batch_size = 2
            change(&$0)
        }
    }

    private func learner() -> spars_handle {
        var (handle, shape) = (spars_handle(0), shape())
        #expect(spars_ppo_create(&shape, nil, 1, nil, &handle, nil) == 0)
        return handle
    }

    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)

    @Test func shapesOutOfRangeAreErrors() {
        let changes: [(inout spars_policy_shape) -> Void] = [
            { $0.inputs = 0 }, { $0.inputs = -1 }, { $0.inputs = .max }, { $0.inputs = .min },
            { $0.actions = 0 }, { $0.actions = .max }, { $0.policy_depth = 0 },
            { $0.policy_depth = 9 }, { $0.value_depth = -1 }, { $0.policy_hidden.0 = 0 },
            { $0.value_hidden.0 = .max },
        ]
        for change in changes {
            var (handle, shape) = (spars_handle(7), shape(change))
            let status = spars_ppo_create(&shape, nil, 1, nil, &handle, nil)
            #expect(status == invalid, "\(shape)")
            #expect(handle == 7)
        }
        // Each size is allowed, their product is not.
        var large = shape {
            $0.inputs = 1 << 28
            $0.policy_hidden.0 = 1 << 16
        }
        var handle = spars_handle(0)
        #expect(
            spars_ppo_create(&large, nil, 1, nil, &handle, nil)
                == Int32(SPARS_OUT_OF_MEMORY.rawValue))
        #expect(spars_ppo_create(nil, nil, 1, nil, &handle, nil) == invalid)
        var good = shape()
        #expect(spars_ppo_create(&good, nil, 1, nil, nil, nil) == invalid)
        #expect(spars_ppo_create(&good, [1, 0, 2], 1, nil, &handle, nil) == invalid)
        #expect(spars_ppo_create(&good, [1, 1, .max], 1, nil, &handle, nil) == invalid)
    }

    @Test func actingChecksItsBuffers() {
        let learner = learner()
        var (actions, logs) = ([Int64](repeating: 0, count: 2), [Float](repeating: 0, count: 2))
        let x: [Float] = [1, 2, 3, 4, 5, 6]
        #expect(spars_ppo_act(learner, x, 2, 3, 0, &actions, &logs, nil, nil) == 0)
        #expect(actions.allSatisfy { (0...1).contains($0) })
        for (batch, inputs) in [(0, 3), (-1, 3), (2, 4), (.max, .max), (2, 0)] as [(Int64, Int64)] {
            #expect(spars_ppo_act(learner, x, batch, inputs, 0, &actions, &logs, nil, nil) != 0)
        }
        #expect(spars_ppo_act(learner, nil, 2, 3, 0, &actions, &logs, nil, nil) == invalid)
        #expect(spars_ppo_act(learner, x, 2, 3, 0, nil, &logs, nil, nil) == invalid)
        #expect(
            spars_ppo_act(learner, [1, .nan, 3], 1, 3, 0, &actions, &logs, nil, nil)
                == Int32(SPARS_NOT_FINITE.rawValue))
        #expect(
            spars_ppo_act(learner + 1_000, x, 2, 3, 0, &actions, &logs, nil, nil)
                == Int32(SPARS_STALE_HANDLE.rawValue))
        #expect(spars_ppo_values(learner, x, 2, 3, nil, nil, nil) == invalid)
        #expect(spars_ppo_log_probabilities(learner, x, 2, 3, &logs, 3, nil, nil) == invalid)
        spars_release(learner)
        #expect(
            spars_ppo_values(learner, x, 2, 3, &logs, nil, nil)
                == Int32(SPARS_STALE_HANDLE.rawValue))
    }

    private func update(
        _ change: (inout spars_ppo_hyperparameters) -> Void = { _ in }, steps: Int64 = 4,
        actions: [Int64] = [0, 1, 0, 1], order: [Int64] = [3, 1, 0, 2], parameterCount: Int64 = 47,
        value: Double = 0.5, inputs: Int64 = 3, precision: Int32 = 1
    ) -> Int32 {
        let numbers = memory.of(value, count: 12)
        var log = [Double](repeating: 0, count: 8)
        var step = spars_ppo_step(
            shape: shape(), hyperparameters: hyperparameters(change),
            rollout: spars_rollout(
                precision: precision, steps: steps, inputs: inputs, observations: numbers,
                actions: memory.of(actions), values: numbers, log_probs: numbers,
                advantages: numbers, returns: numbers),
            permutations: memory.of(order), multiplicity: nil,
            parameters: memory.of(0.1, count: 47), parameter_count: parameterCount)
        return spars_ppo_update(&step, nil, &log, nil)
    }

    @Test func updatesRefuseWhatIsOutOfRange() {
        #expect(update() == 0)
        let changes: [(inout spars_ppo_hyperparameters) -> Void] = [
            { $0.learning_rate = -1 }, { $0.learning_rate = .nan }, { $0.n_epochs = 0 },
            { $0.n_epochs = .max }, { $0.batch_size = 0 }, { $0.batch_size = .min },
            { $0.clip_range = 0 }, { $0.clip_range = .infinity }, { $0.clip_range_vf = -1 },
            { $0.max_grad_norm = 0 }, { $0.target_kl = 0 }, { $0.adam_eps = 0 },
            { $0.ent_coef = .nan }, { $0.vf_coef = .infinity },
        ]
        for (i, change) in changes.enumerated() {
            #expect(update(change) == invalid, "change \(i)")
        }
        #expect(update(steps: 0) == invalid)
        #expect(update(steps: -4) == invalid)
        #expect(update(actions: [0, 1, 2, 1]) == invalid)
        #expect(update(actions: [0, -1, 0, 1]) == invalid)
        #expect(update(order: [0, 0, 1, 2]) == invalid)
        #expect(update(order: [0, 1, 2, .max]) == invalid)
        #expect(update(parameterCount: 46) == invalid)
        #expect(update(inputs: 2) == invalid)
        #expect(update(precision: 2) == invalid)
        #expect(update(precision: -1) == invalid)
        #expect(spars_ppo_update(nil, nil, nil, nil) == invalid)
        #expect(update(value: .infinity) == Int32(SPARS_NOT_FINITE.rawValue))
    }

    @Test func statesAndPermutationsAreChecked() {
        let learner = learner()
        var moments = [Float](repeating: 0, count: 94)
        var counters = [Int64](repeating: 0, count: 6)
        #expect(spars_ppo_get_state(learner, &moments, 94, &counters, nil) == 0)
        #expect(spars_ppo_set_state(learner, moments, 94, counters, nil) == 0)
        #expect(spars_ppo_get_state(learner, &moments, 93, &counters, nil) == invalid)
        #expect(spars_ppo_set_state(learner, moments, 94, nil, nil) == invalid)
        let still = [Int64](repeating: 0, count: 6)
        #expect(spars_ppo_set_state(learner, moments, 94, still, nil) == invalid)
        moments[93] = -1
        #expect(spars_ppo_set_state(learner, moments, 94, counters, nil) == invalid)
        var order = [Int64](repeating: -1, count: 6)
        #expect(spars_ppo_permutations(&order, 2, 3, 5, nil, nil) == 0)
        #expect(order[..<3].sorted() == [0, 1, 2] && order[3...].sorted() == [0, 1, 2])
        for (rows, count) in [(0, 3), (-1, 3), (.max, .max)] as [(Int64, Int64)] {
            #expect(spars_ppo_permutations(&order, rows, count, 5, nil, nil) == invalid)
        }
    }

    @Test func gaeChecksItsArrays() {
        let numbers = [Double](repeating: 1, count: 4)
        var (advantages, returns) = (numbers, numbers)
        func gae(_ steps: Int64, _ environments: Int64, _ rewards: [Double]?) -> Int32 {
            let kept = memory.of(numbers)
            var collected = spars_collected(
                steps: steps, environments: environments, rewards: rewards.map { memory.of($0) },
                values: kept, episode_starts: kept, last_value: kept, last_episode_start: kept)
            return spars_ppo_gae(&collected, 0.9, 0.9, &advantages, &returns, nil, nil)
        }
        #expect(gae(2, 2, numbers) == 0)
        #expect(gae(2, 2, nil) == invalid)
        #expect(spars_ppo_gae(nil, 0.9, 0.9, &advantages, &returns, nil, nil) == invalid)
        for (steps, environments) in [(0, 1), (1, 0), (-2, -2), (.max, 2)] as [(Int64, Int64)] {
            #expect(gae(steps, environments, numbers) == invalid)
        }
    }
}
