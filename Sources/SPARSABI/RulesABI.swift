import CSPARS
import SPARSNative

private let owner = "the game"

@_cdecl("spars_game_action_masks")
public func sparsGameActionMasks(
    _ game: UInt64, _ masks: Out<UInt8>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try GameBox.of(game).exclusively { (games) throws(SPARSError) in
            let n = try checkedGames(count, games)
            let perAgent = Action.allCases.count
            let out = try checkedOutput(masks, 2 * perAgent * n, "masks", of: owner)
            var at = 0
            for game in games.games {
                for agent in Agent.allCases {
                    for isAllowed in game.actionMask(of: agent) {
                        out[at] = isAllowed ? 1 : 0
                        at += 1
                    }
                }
            }
        }
    }
}

// MARK: - The exhaustion game

@_cdecl("spars_exhaustion_create")
public func sparsExhaustionCreate(
    _ field: UInt64, _ count: Int64, _ resetsItself: Int32, _ maps: Int32,
    _ rule: In<spars_exhaustion_rule>, _ game: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(game, 1, "game", of: owner)
        let maps: VectorGame.Maps = try checkedChoice(maps, "maps", of: owner)
        let rule = ExhaustionRule(try checkedStruct(rule, "rule", of: owner))
        let box = try FieldBox.of(field)
        let games = try box.exclusively { (field) throws(SPARSError) in
            try VectorGame(
                field: field, count: Int(clamping: count), resetsItself: resetsItself != 0,
                maps: maps, exhaustion: rule)
        }
        out[0] = HandleTable.shared.insert(GameBox(box, games))
    }
}

@_cdecl("spars_exhaustion_step")
public func sparsExhaustionStep(
    _ game: UInt64, _ learner: In<Int8>, _ opponent: In<Int8>,
    _ outcomes: In<spars_exhaustion_outcomes>, _ scorer: In<spars_scorer>,
    _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        try GameBox.of(game).exclusively(scorer: scorer) { (games) throws(SPARSError) in
            let rule = try checkedRule(games)
            let wanted = try checkedStruct(outcomes, "outcomes", of: owner)
            let n = try checkedGames(wanted.count, games)
            let learner = try checkedInput(learner, n, "learner", of: owner)
            let opponent = try checkedInput(opponent, n, "opponent", of: owner)
            let rewards = try checkedOutput(wanted.rewards, 2 * n, "rewards", of: owner)
            let terminated = try checkedOutput(wanted.terminated, n, "terminated", of: owner)
            let truncated = try checkedOutput(wanted.truncated, n, "truncated", of: owner)
            let scores = try checkedOutput(wanted.scores, 2 * n, "scores", of: owner)
            // Read once: the memory is the caller's, who might change it meanwhile.
            var answers: [PerAgent<ExhaustionAnswer>] = []
            answers.reserveCapacity(n)
            for i in 0..<n {
                answers.append(
                    PerAgent(
                        learner: try checkedAnswer(learner[i]),
                        opponent: try checkedAnswer(opponent[i])))
            }
            try games.step(
                answers: { answers[$0] },
                result: { i, step in
                    terminated[i] = step.terminated ? 1 : 0
                    truncated[i] = step.truncated ? 1 : 0
                    for agent in Agent.allCases {
                        rewards[2 * i + agent.rawValue] = step.rewardTerms[agent].reward(rule)
                        scores[2 * i + agent.rawValue] = step.worths[agent]
                    }
                })
        }
    }
}

@_cdecl("spars_exhaustion_look")
public func sparsExhaustionLook(
    _ game: UInt64, _ worths: Out<Float>, _ shown: Out<UInt8>, _ count: Int64,
    _ scorer: In<spars_scorer>, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        try GameBox.of(game).exclusively(scorer: scorer) { (games) throws(SPARSError) in
            _ = try checkedRule(games)
            let n = try checkedGames(count, games)
            let size = 2 * Action.allCases.count * n
            let worths = try checkedOutput(worths, size, "worths", of: owner)
            let shown = try checkedOutput(shown, size, "shown", of: owner)
            try games.lookAround()
            var at = 0
            for i in 0..<n {
                for agent in Agent.allCases {
                    for place in games.surroundings(i, of: agent) {
                        worths[at] = place.worth
                        shown[at] = place.isShown ? 1 : 0
                        at += 1
                    }
                }
            }
        }
    }
}

@_cdecl("spars_exhaustion_shown_count")
public func sparsExhaustionShownCount(
    _ game: UInt64, _ index: Int64, _ count: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try GameBox.of(game).exclusively(index: index) { (games, i) throws(SPARSError) in
            _ = try checkedRule(games)
            try write(Int64(games.exhaustions[i].places.count), to: count, "count", of: owner)
        }
    }
}

@_cdecl("spars_exhaustion_shown")
public func sparsExhaustionShown(
    _ game: UInt64, _ index: Int64, _ places: Out<Int64>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try GameBox.of(game).exclusively(index: index) { (games, i) throws(SPARSError) in
            _ = try checkedRule(games)
            let shown = games.exhaustions[i].places
            try checkCount(count, "count", of: owner, mustBe: shown.count)
            try write(
                contentsOf: shown.flatMap { [Int64($0.x), Int64($0.y), Int64($0.z)] }, to: places,
                "places", of: owner)
        }
    }
}

@_cdecl("spars_exhaustion_set_shown")
public func sparsExhaustionSetShown(
    _ game: UInt64, _ index: Int64, _ places: In<Int64>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let n = count == 0 ? 0 : try checkedCount([count], "count", of: owner)
        let numbers = try checkedInput(places, 3 * n, "places", of: owner)
        let shown = (0..<n).map { place(numbers, at: 3 * $0) }
        try GameBox.of(game).exclusively(index: index) { (games, i) throws(SPARSError) in
            _ = try checkedRule(games)
            try games.restore(i, shown: shown)
        }
    }
}

private func checkedGames(_ count: Int64, _ games: VectorGame) throws(SPARSError) -> Int {
    try checkCount(count, "count", of: owner, mustBe: games.games.count)
    return games.games.count
}

private func checkedRule(_ games: VectorGame) throws(SPARSError) -> ExhaustionRule {
    guard let rule = games.exhaustions.first?.rule else {
        throw .range("game", of: owner, mustBe: "the exhaustion game", got: "the search game")
    }
    return rule
}

private func checkedAnswer(_ answer: Int8) throws(SPARSError) -> ExhaustionAnswer {
    guard let checked = ExhaustionAnswer(rawValue: answer) else {
        throw .range(
            "action", of: owner,
            mustBe: "an integer in the range [0, \(ExhaustionAnswer.count - 1)]", got: answer)
    }
    return checked
}

// MARK: - Visits

@_cdecl("spars_record_visits")
public func sparsRecordVisits(
    _ records: In<spars_step_records>, _ configuration: In<spars_game_configuration>,
    _ visits: Out<Int64>, _ scores: Out<Float>, _ steps: Out<Int64>, _ kept: Out<UInt8>,
    _ room: Int64, _ found: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "record_visits"
        let records = try checkedStruct(records, "records", of: owner)
        let configuration = try GameConfiguration(
            checkedStruct(configuration, "configuration", of: owner))
        let count = records.count == 0 ? 0 : try checkedCount([records.count], "count", of: owner)
        try checkCount(room, "room", of: owner, mustBe: 2 * count)
        let windows = try checkedInput(records.windows, 6 * count, "windows", of: owner)
        let ownScores = try checkedInput(records.scores, 2 * count, "scores", of: owner)
        let ends = try checkedInput(records.ends, count, "ends", of: owner)
        let played = try StepRecords(
            count: count, games: Int(clamping: records.games),
            stepsPerIteration: Int(clamping: records.n_steps),
            resetsEachIteration: records.reset_each_iteration != 0,
            windows: { step in
                func voxel(_ at: Int) -> Voxel {
                    Voxel(Int(windows[at]), Int(windows[at + 1]), Int(windows[at + 2]))
                }
                return PerAgent(learner: voxel(6 * step), opponent: voxel(6 * step + 3))
            },
            scores: { PerAgent(learner: ownScores[2 * $0], opponent: ownScores[2 * $0 + 1]) },
            isEnd: { ends[$0] != 0 })
        let told = played.visits(configuration)
        let places = told.flatMap { told -> [Int64] in
            let origin = told.visit.origin
            return [
                Int64(origin.x), Int64(origin.y), Int64(origin.z), Int64(told.visit.agent.rawValue),
            ]
        }
        try write(contentsOf: places, to: visits, "visits", of: owner)
        try write(contentsOf: told.map(\.visit.score), to: scores, "scores", of: owner)
        try write(contentsOf: told.map { Int64($0.step) }, to: steps, "steps", of: owner)
        try write(contentsOf: told.map { $0.isKept ? 1 : 0 }, to: kept, "kept", of: owner)
        try write(Int64(told.count), to: found, "found", of: owner)
    }
}

@_cdecl("spars_windows_covering")
public func sparsWindowsCovering(
    _ origins: In<Int64>, _ count: Int64, _ window: In<Int64>, _ part: In<Int64>,
    _ grid: In<Int64>, _ voxel: In<Int64>, _ covers: Out<UInt8>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "windows_covering"
        let window = try checkedExtent(window, "window", of: owner)
        let geometry = MapGeometry(
            grid: try checkedExtent(grid, "grid", of: owner), window: window,
            part: try checkedPart(part, of: window, owner))
        let n = count == 0 ? 0 : try checkedCount([count], "count", of: owner)
        let wanted = try checkedInput(voxel, 3, "voxel", of: owner).map { Int(clamping: $0) }
        let origins = try checkedInput(origins, 3 * n, "origins", of: owner)
        let out = try checkedOutput(covers, n, "covers", of: owner)
        // Beyond this no window reaches a grid whose lengths fit 32 bits, and no sum overflows.
        func coordinate(_ value: Int64) -> Int { min(max(Int(value), -(1 << 40)), 1 << 40) }
        for i in 0..<n {
            let origin = Voxel(
                coordinate(origins[3 * i]), coordinate(origins[3 * i + 1]),
                coordinate(origins[3 * i + 2]))
            let isCovered = geometry.covers(Voxel(wanted[0], wanted[1], wanted[2]), from: origin)
            out[i] = isCovered ? 1 : 0
        }
    }
}

// MARK: - Observations

@_cdecl("spars_wrapped_bytes")
public func sparsWrappedBytes(
    _ values: In<Float>, _ bytes: Out<UInt8>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "wrapped_bytes"
        let n = try checkedCount([count], "count", of: owner)
        let values = try checkedInput(values, n, "values", of: owner)
        let out = try checkedOutput(bytes, n, "bytes", of: owner)
        for i in 0..<n { out[i] = wrappedUInt8(values[i]) }
    }
}

extension ExhaustionRule {
    /// The rule that came over the ABI; its numbers are not checked.
    init(_ c: spars_exhaustion_rule) {
        self.init()
        finalFactor = c.final_factor
        earlyPenalty = c.early_penalty
        minSteps = Int(clamping: c.min_steps)
        repeatPenalty = c.repeat_penalty
    }
}
