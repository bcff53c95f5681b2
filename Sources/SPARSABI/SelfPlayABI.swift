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
    _ rule: In<spars_exhaustion_rule>, _ run: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(run, 1, "run", of: owner)
        let given = try checkedInput(configuration, 1, "configuration", of: owner)[0]
        var settings = SelfPlayConfiguration()
        guard let policy = SelfPlayConfiguration.Policy(rawValue: given.policy) else {
            throw .range(
                "policy", of: owner,
                mustBe: "a number below \(SelfPlayConfiguration.Policy.allCases.count)",
                got: given.policy)
        }
        settings.policy = policy
        settings.gameCount = Int(given.n_envs)
        settings.masksActions = given.mask_actions != 0
        settings.recordsSteps = given.record_steps != 0
        settings.stepCount = Int(given.n_steps)
        settings.hyperparameters = try checkedHyperparameters(hyperparameters)
        settings.gamma = given.gamma
        settings.gaeLambda = given.gae_lambda
        settings.opponentUpdateInterval = Int(given.opponent_update_interval)
        settings.resetEachIteration = given.reset_each_iteration != 0
        settings.snapshotInterval = Int(given.snapshot_interval)
        let (x, y, z) = given.policy_input
        if x != 0 || y != 0 || z != 0 {
            settings.policyInput = Extent(
                Int(clamping: x), Int(clamping: y), Int(clamping: z))
        }
        settings.seed = given.seed
        settings.exhaustion = rule.map { ExhaustionRule($0.pointee) }
        let box = try FieldBox.of(field)
        try box.exclusively { (field) throws(SPARSError) in
            let made = try SelfPlay(
                field: field, configuration: settings,
                overlap: checkedOverlap(reference, field.configuration.grid))
            out[0] = HandleTable.shared.insert(RunBox(box, made))
        }
    }
}

private func checkedOverlap(
    _ reference: In<spars_reference>, _ grid: Extent
) throws(SPARSError) -> NativeOverlap? {
    guard let given = reference?.pointee else { return nil }
    let planes = Array(
        try checkedInput(given.planes, grid.x + grid.y + grid.z, "planes", of: owner))
    let marks = Array(try checkedInput(given.marks, grid.count, "reference", of: owner))
    return try NativeOverlap(
        grid: grid,
        planes: [
            Array(planes[..<grid.x]), Array(planes[grid.x..<grid.x + grid.y]),
            Array(planes[(grid.x + grid.y)...]),
        ], marks: marks, referenceCount: Int(given.count), threshold: given.threshold)
}

@_cdecl("spars_selfplay_run")
public func sparsSelfPlayRun(
    _ run: UInt64, _ iterations: Int64, _ scorer: In<spars_scorer>, _ control: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
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
        let out = try checkedOutput(sizes, 1, "sizes", of: owner)
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            out[0] = spars_selfplay_sizes(
                iterations_in_all: Int64(run.iterationCount), steps_in_all: Int64(run.stepCount),
                iterations: Int64(run.iterations.count), steps: Int64(run.steps.count),
                snapshots: Int64(run.snapshots.count),
                parameters: Int64(run.optimizer.network.shape.parameterCount),
                opponent_parameters: run.hasFrozenOpponent
                    ? Int64(run.optimizer.network.shape.parameterCount) : 0,
                visits: Int64(run.scoreMap.visits.count),
                counters: Int64(SelfPlayState.counterCount(games: run.games.count)),
                shown: Int64(run.exhaustions.reduce(0) { $0 + $1.places.count }))
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
            _ = try checkedOutput(records, values.count, "records", of: owner)
                .update(fromContentsOf: values)
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
    _ run: UInt64, _ map: Out<Float>, _ count: Int64, _ control: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let voxels = run.field.configuration.grid.count
            try checkCount(count, "map", of: owner, mustBe: voxels, "in all")
            let out = try checkedOutput(map, voxels, "map", of: owner)
            _ = out.update(fromContentsOf: try run.settledMap())
        }
    }
}

@_cdecl("spars_selfplay_snapshot")
public func sparsSelfPlaySnapshot(
    _ run: UInt64, _ index: Int64, _ iteration: Out<Int64>, _ parameters: Out<Float>,
    _ count: Int64, _ error: Out<spars_error>
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
            try checkedOutput(iteration, 1, "iteration", of: owner)[0] = Int64(snapshot.iteration)
            _ = try checkedOutput(parameters, values.count, "parameters", of: owner)
                .update(fromContentsOf: values)
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
    _ run: UInt64, _ parameters: Out<Float>, _ moments: Out<Float>, _ parameterCount: Int64,
    _ opponent: Out<Float>, _ opponentCount: Int64, _ counters: Out<Int64>, _ counterCount: Int64,
    _ visits: Out<Int64>, _ visitScores: Out<Float>, _ visitCount: Int64, _ shown: Out<Int64>,
    _ shownCount: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let state = run.state
            let n = state.parameters.count
            try checkCount(parameterCount, "parameters", of: owner, mustBe: n, "in all")
            try checkCount(
                opponentCount, "opponent", of: owner, mustBe: state.opponent.count, "in all")
            try checkCount(
                counterCount, "counters", of: owner, mustBe: state.counters.count, "in all")
            try checkCount(
                visitCount, "visits", of: owner, mustBe: state.visitScores.count, "in all")
            try checkCount(shownCount, "shown", of: owner, mustBe: state.shown.count / 4, "in all")
            func write<Element>(
                _ values: [Element], _ pointer: Out<Element>, _ name: String
            ) throws(SPARSError) {
                if values.isEmpty { return }
                _ = try checkedOutput(pointer, values.count, name, of: owner)
                    .update(fromContentsOf: values)
            }
            try write(state.parameters, parameters, "parameters")
            try write(state.moments, moments, "moments")
            try write(state.opponent, opponent, "opponent")
            try write(state.counters, counters, "counters")
            try write(state.visits, visits, "visits")
            try write(state.visitScores, visitScores, "visit_scores")
            try write(state.shown, shown, "shown")
        }
    }
}

@_cdecl("spars_selfplay_set_state")
public func sparsSelfPlaySetState(
    _ run: UInt64, _ parameters: In<Float>, _ moments: In<Float>, _ parameterCount: Int64,
    _ opponent: In<Float>, _ opponentCount: Int64, _ counters: In<Int64>, _ counterCount: Int64,
    _ visits: In<Int64>, _ visitScores: In<Float>, _ visitCount: Int64, _ shown: In<Int64>,
    _ shownCount: Int64, _ control: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let n = run.optimizer.network.shape.parameterCount
            try checkCount(parameterCount, "parameters", of: owner, mustBe: n, "in all")
            let counterTotal = SelfPlayState.counterCount(games: run.games.count)
            try checkCount(counterCount, "counters", of: owner, mustBe: counterTotal, "in all")
            guard opponentCount == 0 || opponentCount == Int64(n) else {
                throw .range("opponent", of: owner, mustBe: "0 or \(n) numbers", got: opponentCount)
            }
            for (name, count) in [("visits", visitCount), ("shown", shownCount)] {
                guard (0...(1 << 32)).contains(count) else {
                    throw .range(name, of: owner, mustBe: "at most \(1 << 32)", got: count)
                }
            }
            func read<Element>(
                _ pointer: In<Element>, _ count: Int, _ name: String
            ) throws(SPARSError) -> [Element] {
                count == 0 ? [] : Array(try checkedInput(pointer, count, name, of: owner))
            }
            let visitTotal = Int(visitCount)
            try run.restore(
                SelfPlayState(
                    parameters: read(parameters, n, "parameters"),
                    moments: read(moments, 2 * n, "moments"),
                    opponent: read(opponent, Int(opponentCount), "opponent"),
                    counters: read(counters, counterTotal, "counters"),
                    visits: read(visits, 4 * visitTotal, "visits"),
                    visitScores: read(visitScores, visitTotal, "visit_scores"),
                    shown: read(shown, 4 * Int(shownCount), "shown")))
        }
    }
}
