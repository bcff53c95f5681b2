import CSPARS
import SPARSNative

private let owner = "self_play"

/// A run and the field it plays on.
///
/// SAFETY: the run is used inside `field.exclusively` only.
final class RunBox: @unchecked Sendable {
    private let field: FieldBox
    private let run: SelfPlay

    init(_ field: FieldBox, _ run: SelfPlay) {
        self.field = field
        self.run = run
    }

    func exclusively(
        scorer: In<spars_scorer> = nil,
        _ body: (SelfPlay) throws(SPARSError) -> Void
    ) throws(SPARSError) {
        try field.exclusively(scorer: scorer) { (_) throws(SPARSError) in try body(run) }
    }

    static func of(_ handle: UInt64) throws(SPARSError) -> RunBox {
        try HandleTable.shared.object(handle, kind: "self-play run")
    }
}

@_cdecl("spars_selfplay_create")
public func sparsSelfPlayCreate(
    _ field: UInt64, _ configuration: In<spars_selfplay_configuration>,
    _ hyperparameters: In<spars_ppo_hyperparameters>, _ reference: In<spars_reference>,
    _ rule: In<spars_exhaustion_rule>, _ signals: In<spars_control>, _ run: Out<UInt64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let out = try checkedOutput(run, 1, "run", of: owner)
        var settings = try SelfPlayConfiguration(
            checkedStruct(configuration, "configuration", of: owner))
        settings.hyperparameters = try PPOHyperparameters(
            checkedStruct(hyperparameters, "hyperparameters", of: owner))
        settings.exhaustion = rule.map { ExhaustionRule($0.pointee) }
        let box = try FieldBox.of(field)
        try box.exclusively { (field) throws(SPARSError) in
            let made = try SelfPlay(
                field: field, configuration: settings,
                overlap: checkedOverlap(reference, field.configuration.grid))
            try Control.check()
            out[0] = HandleTable.shared.insert(RunBox(box, made))
        }
    }
}

extension SelfPlayConfiguration {
    fileprivate init(_ given: spars_selfplay_configuration) throws(SPARSError) {
        self.init()
        policy = try checkedChoice(given.policy, "policy", of: owner)
        gameCount = Int(given.n_envs)
        masksActions = given.mask_actions != 0
        recordsSteps = given.record_steps != 0
        stepCount = Int(given.n_steps)
        gamma = given.gamma
        gaeLambda = given.gae_lambda
        opponentUpdateInterval = Int(given.opponent_update_interval)
        resetEachIteration = given.reset_each_iteration != 0
        snapshotInterval = Int(given.snapshot_interval)
        if given.input_shape != (0, 0, 0) { policyInput = Extent(given.input_shape) }
        seed = given.seed
    }
}

private func checkedOverlap(
    _ reference: In<spars_reference>, _ grid: Extent
) throws(SPARSError) -> NativeOverlap? {
    guard let given = reference?.pointee else { return nil }
    guard Extent(given.grid) == grid else {
        throw .range("reference", of: owner, mustBe: "on the grid \(grid)", got: given.grid)
    }
    try Memory.require(grid.count, each: 12, for: "The reference of a run")
    let planes = Array(
        try checkedInput(given.planes, grid.x + grid.y + grid.z, "planes", of: owner))
    let marks = Array(try checkedInput(given.marks, grid.count, "reference", of: owner))
    return try NativeOverlap(
        grid: grid,
        planes: [
            Array(planes[..<grid.x]), Array(planes[grid.x..<grid.x + grid.y]),
            Array(planes[(grid.x + grid.y)...]),
        ], marks: marks, referenceCount: Int(given.total), threshold: given.threshold)
}

@_cdecl("spars_selfplay_run")
public func sparsSelfPlayRun(
    _ run: UInt64, _ iterations: Int64, _ scorer: In<spars_scorer>, _ progress: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        guard (0...(1 << 32)).contains(iterations) else {
            throw .range(
                "iterations", of: owner, mustBe: "an integer in the range [0, \(1 << 32)]",
                got: iterations)
        }
        try RunBox.of(run).exclusively(scorer: scorer) { (run) throws(SPARSError) in
            try run.run(iterations: Int(iterations))
        }
    }
}

@_cdecl("spars_selfplay_measure")
public func sparsSelfPlayMeasure(
    _ run: UInt64, _ sizes: Out<spars_selfplay_sizes>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let found = spars_selfplay_sizes(
                iterations_in_all: Int64(run.iterationCount), steps_in_all: Int64(run.stepCount),
                iterations: Int64(run.iterations.count), steps: Int64(run.steps.count),
                snapshots: Int64(run.snapshots.count),
                parameters: Int64(run.optimizer.network.shape.parameterCount),
                opponent_parameters: run.hasFrozenOpponent
                    ? Int64(run.optimizer.network.shape.parameterCount) : 0,
                visits: Int64(run.scoreMap.visits.count),
                counters: Int64(SelfPlayState.counterCount(games: run.games.count)),
                shown: Int64(run.exhaustions.reduce(0) { $0 + $1.places.count }))
            try write(found, to: sizes, "sizes", of: owner)
        }
    }
}

@_cdecl("spars_selfplay_records")
public func sparsSelfPlayRecords(
    _ run: UInt64, _ records: Out<Double>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let values = run.iterations.flatMap(\.values)
            try checkCount(count, "records", of: owner, mustBe: values.count, "in all")
            try write(contentsOf: values, to: records, "records", of: owner)
        }
    }
}

@_cdecl("spars_selfplay_steps")
public func sparsSelfPlaySteps(
    _ run: UInt64, _ windows: Out<Int32>, _ scores: Out<Float>, _ actions: Out<Int8>,
    _ ends: Out<UInt8>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let n = run.steps.count
            try checkCount(count, "steps", of: owner, mustBe: n, "in all")
            let windows = try checkedOutput(windows, 6 * n, "windows", of: owner)
            let scores = try checkedOutput(scores, 2 * n, "scores", of: owner)
            let actions = try checkedOutput(actions, 2 * n, "actions", of: owner)
            let ends = try checkedOutput(ends, n, "ends", of: owner)
            for (i, step) in run.steps.enumerated() {
                for agent in Agent.allCases {
                    let a = agent.rawValue
                    for axis in 0..<3 {
                        windows[6 * i + 3 * a + axis] = Int32(
                            clamping: step.windows[agent][axis])
                    }
                    scores[2 * i + a] = step.scores[agent]
                    actions[2 * i + a] = step.actions[agent]
                }
                ends[i] = step.terminated ? 1 : step.truncated ? 2 : 0
            }
        }
    }
}

@_cdecl("spars_selfplay_map")
public func sparsSelfPlayMap(
    _ run: UInt64, _ map: Out<Float>, _ count: Int64, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let voxels = run.field.configuration.grid.count
            try checkCount(count, "map", of: owner, mustBe: voxels, "in all")
            try write(contentsOf: run.settledMap(), to: map, "map", of: owner)
        }
    }
}

@_cdecl("spars_selfplay_snapshot")
public func sparsSelfPlaySnapshot(
    _ run: UInt64, _ index: Int64, _ parameters: Out<Float>, _ count: Int64,
    _ iteration: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            guard (0..<Int64(run.snapshots.count)).contains(index) else {
                throw .range(
                    "index", of: owner, mustBe: "a snapshot's, below \(run.snapshots.count)",
                    got: index)
            }
            let snapshot = run.snapshots[Int(index)]
            let values = snapshot.network.parameters
            try checkCount(count, "parameters", of: owner, mustBe: values.count, "in all")
            try write(Int64(snapshot.iteration), to: iteration, "iteration", of: owner)
            try write(contentsOf: values, to: parameters, "parameters", of: owner)
        }
    }
}

@_cdecl("spars_selfplay_forget")
public func sparsSelfPlayForget(_ run: UInt64, _ error: Out<spars_error>) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in run.forgetPlayed() }
    }
}

@_cdecl("spars_selfplay_get_state")
public func sparsSelfPlayGetState(
    _ run: UInt64, _ state: In<spars_selfplay_state>, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let given = try checkedStruct(state, "state", of: owner)
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let state = try run.state
            for (name, got, wanted) in [
                ("parameters", given.parameter_count, state.parameters.count),
                ("opponent", given.opponent_count, state.opponent.count),
                ("counters", given.counter_count, state.counters.count),
                ("visits", given.visit_count, state.visitScores.count),
                ("shown", given.shown_count, state.shown.count / 4),
            ] {
                try checkCount(got, name, of: owner, mustBe: wanted, "in all")
            }
            try write(contentsOf: state.parameters, to: given.parameters, "parameters", of: owner)
            try write(contentsOf: state.moments, to: given.moments, "moments", of: owner)
            try write(contentsOf: state.opponent, to: given.opponent, "opponent", of: owner)
            try write(contentsOf: state.counters, to: given.counters, "counters", of: owner)
            try write(contentsOf: state.visits, to: given.visits, "visits", of: owner)
            try write(
                contentsOf: state.visitScores, to: given.visit_scores, "visit_scores", of: owner)
            try write(contentsOf: state.shown, to: given.shown, "shown", of: owner)
        }
    }
}

@_cdecl("spars_selfplay_set_state")
public func sparsSelfPlaySetState(
    _ run: UInt64, _ state: In<spars_selfplay_state>, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let given = try checkedStruct(state, "state", of: owner)
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let n = run.optimizer.network.shape.parameterCount
            try checkCount(given.parameter_count, "parameters", of: owner, mustBe: n, "in all")
            let counters = SelfPlayState.counterCount(games: run.games.count)
            try checkCount(given.counter_count, "counters", of: owner, mustBe: counters, "in all")
            guard given.opponent_count == 0 || given.opponent_count == Int64(n) else {
                throw .range(
                    "opponent", of: owner, mustBe: "0 or \(n) numbers", got: given.opponent_count)
            }
            for (name, count) in [("visits", given.visit_count), ("shown", given.shown_count)] {
                guard (0...(1 << 32)).contains(count) else {
                    throw .range(name, of: owner, mustBe: "at most \(1 << 32)", got: count)
                }
            }
            func read<Element>(
                _ pointer: Out<Element>, _ count: Int, _ name: String
            ) throws(SPARSError) -> [Element] {
                count == 0 ? [] : Array(try checkedOutput(pointer, count, name, of: owner))
            }
            let visits = Int(given.visit_count)
            try run.restore(
                SelfPlayState(
                    parameters: read(given.parameters, n, "parameters"),
                    moments: read(given.moments, 2 * n, "moments"),
                    opponent: read(given.opponent, Int(given.opponent_count), "opponent"),
                    counters: read(given.counters, counters, "counters"),
                    visits: read(given.visits, 4 * visits, "visits"),
                    visitScores: read(given.visit_scores, visits, "visit_scores"),
                    shown: read(given.shown, 4 * Int(given.shown_count), "shown")))
        }
    }
}

@_cdecl("spars_selfplay_set_hyperparameters")
public func sparsSelfPlaySetHyperparameters(
    _ run: UInt64, _ hyperparameters: In<spars_ppo_hyperparameters>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let checked = try PPOHyperparameters(
            checkedStruct(hyperparameters, "hyperparameters", of: owner))
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in try run.set(checked) }
    }
}

@_cdecl("spars_selfplay_learn_from_both")
public func sparsSelfPlayLearnFromBoth(
    _ run: UInt64, _ both: Int32, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            run.learn(fromBoth: both != 0)
        }
    }
}
