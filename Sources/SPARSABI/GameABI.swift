import CSPARS
import SPARSNative

private let owner = "the game"

@_cdecl("spars_game_create")
public func sparsGameCreate(
    _ field: UInt64, _ count: Int64, _ resetsItself: Int32, _ maps: Int32, _ game: Out<UInt64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(game, 1, "game", of: owner)
        let maps: VectorGame.Maps = try checkedChoice(maps, "maps", of: owner)
        let box = try FieldBox.of(field)
        let games = try box.exclusively { (field) throws(SPARSError) in
            try VectorGame(
                field: field, count: Int(clamping: count), resetsItself: resetsItself != 0,
                maps: maps)
        }
        out[0] = HandleTable.shared.insert(GameBox(box, games))
    }
}

@_cdecl("spars_game_reset")
public func sparsGameReset(
    _ game: UInt64, _ index: Int64, _ keepMap: Int32, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let box = try GameBox.of(game)
        if index == -1 {
            try box.exclusively { (games) throws(SPARSError) in
                for i in games.games.indices { games.reset(i, keepingMap: keepMap != 0) }
            }
        } else {
            try box.exclusively(index: index) { (games, i) throws(SPARSError) in
                games.reset(i, keepingMap: keepMap != 0)
            }
        }
    }
}

@_cdecl("spars_game_step")
public func sparsGameStep(
    _ game: UInt64, _ learner: In<Int8>, _ opponent: In<Int8>, _ outcomes: In<spars_game_outcomes>,
    _ scorer: In<spars_scorer>, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let outcomes = try checkedStruct(outcomes, "outcomes", of: owner)
        try GameBox.of(game).exclusively(scorer: scorer) { (games) throws(SPARSError) in
            let n = try checkedGames(outcomes.count, games)
            let learner = try checkedInput(learner, n, "learner", of: owner)
            let opponent = try checkedInput(opponent, n, "opponent", of: owner)
            let rewards = try checkedOutput(outcomes.rewards, n, "rewards", of: owner)
            let terminated = try checkedOutput(outcomes.terminated, n, "terminated", of: owner)
            let truncated = try checkedOutput(outcomes.truncated, n, "truncated", of: owner)
            let scores = try checkedOutput(outcomes.scores, 2 * n, "scores", of: owner)
            for action in [learner, opponent].joined() where !(0...5).contains(action) {
                throw .range(
                    "action", of: owner, mustBe: "an integer in the range [0, 5]", got: action)
            }
            try games.step(
                actions: { i in
                    // SAFETY: all were found to be in 0...5 just now, but the memory is the
                    // caller's; should it change meanwhile, the action is some action.
                    PerAgent(
                        learner: Action(rawValue: learner[i]) ?? .zUp,
                        opponent: Action(rawValue: opponent[i]) ?? .zUp)
                },
                result: { i, step in
                    rewards[i] = step.reward
                    terminated[i] = step.terminated ? 1 : 0
                    truncated[i] = step.truncated ? 1 : 0
                    scores[2 * i] = step.scores.learner
                    scores[2 * i + 1] = step.scores.opponent
                })
        }
    }
}

@_cdecl("spars_game_windows")
public func sparsGameWindows(
    _ game: UInt64, _ windows: Out<Int64>, _ steps: Out<Int64>, _ count: Int64,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try GameBox.of(game).exclusively { (games) throws(SPARSError) in
            let n = try checkedGames(count, games)
            let windows = try checkedOutput(windows, 6 * n, "windows", of: owner)
            let steps = try checkedOutput(steps, n, "steps", of: owner)
            for (i, game) in games.games.enumerated() {
                steps[i] = Int64(game.steps)
                for agent in Agent.allCases {
                    let origin = game.windows[agent]
                    let at = 6 * i + 3 * agent.rawValue
                    windows[at] = Int64(origin.x)
                    windows[at + 1] = Int64(origin.y)
                    windows[at + 2] = Int64(origin.z)
                }
            }
        }
    }
}

@_cdecl("spars_game_restore")
public func sparsGameRestore(
    _ game: UInt64, _ index: Int64, _ windows: In<Int64>, _ steps: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let w = try checkedInput(windows, 6, "windows", of: owner).map { Int(clamping: $0) }
        try GameBox.of(game).exclusively(index: index) { (games, i) throws(SPARSError) in
            try games.restore(
                i,
                windows: PerAgent(
                    learner: Voxel(w[0], w[1], w[2]), opponent: Voxel(w[3], w[4], w[5])),
                steps: Int(clamping: steps))
        }
    }
}

@_cdecl("spars_game_observation")
public func sparsGameObservation(
    _ game: UInt64, _ index: Int64, _ agent: Int32, _ observation: Out<Float>,
    _ shape: In<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let extent = try checkedExtent(shape, "shape", of: owner)
        guard let agent = Agent(rawValue: Int(agent)) else {
            throw .range("agent", of: owner, mustBe: "0 or 1", got: agent)
        }
        try GameBox.of(game).exclusively(index: index) { (games, i) throws(SPARSError) in
            try write(
                contentsOf: games.games[i].observation(of: agent, as: extent), to: observation,
                "observation", of: owner)
        }
    }
}

@_cdecl("spars_game_map")
public func sparsGameMap(
    _ game: UInt64, _ index: Int64, _ map: Out<Float>, _ count: Int64, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        try GameBox.of(game).exclusively(index: index) { (games, i) throws(SPARSError) in
            let voxels = games.field.configuration.grid.count
            try checkCount(count, "count", of: owner, mustBe: voxels)
            try write(contentsOf: games.settledMap(i), to: map, "map", of: owner)
        }
    }
}

@_cdecl("spars_game_visit_count")
public func sparsGameVisitCount(
    _ game: UInt64, _ index: Int64, _ count: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try GameBox.of(game).exclusively(index: index) { (games, i) throws(SPARSError) in
            let visits = games.games[i].scoreMap.visits
            try write(Int64(visits.count), to: count, "count", of: owner)
        }
    }
}

@_cdecl("spars_game_visits")
public func sparsGameVisits(
    _ game: UInt64, _ index: Int64, _ visits: Out<Int64>, _ scores: Out<Float>, _ count: Int64,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try GameBox.of(game).exclusively(index: index) { (games, i) throws(SPARSError) in
            let log = games.games[i].scoreMap.visits
            try checkCount(count, "count", of: owner, mustBe: log.count)
            let visits = try checkedOutput(visits, 4 * log.count, "visits", of: owner)
            let scores = try checkedOutput(scores, log.count, "scores", of: owner)
            for (n, visit) in log.enumerated() {
                for axis in 0..<3 { visits[4 * n + axis] = Int64(visit.origin[axis]) }
                visits[4 * n + 3] = Int64(visit.agent.rawValue)
                scores[n] = visit.score
            }
        }
    }
}

@_cdecl("spars_game_set_visits")
public func sparsGameSetVisits(
    _ game: UInt64, _ index: Int64, _ visits: In<Int64>, _ scores: In<Float>, _ count: Int64,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let n = count == 0 ? 0 : try checkedCount([count], "count", of: owner)
        let numbers = try checkedInput(visits, 4 * n, "visits", of: owner)
        let scores = try checkedInput(scores, n, "scores", of: owner)
        var log: [(agent: Agent, origin: Voxel, score: Float)] = []
        log.reserveCapacity(n)
        for i in 0..<n {
            guard let agent = Agent(rawValue: Int(clamping: numbers[4 * i + 3])) else {
                throw .range(
                    "visits", of: owner, mustBe: "by agent 0 or 1", got: numbers[4 * i + 3])
            }
            log.append((agent, place(numbers, at: 4 * i), scores[i]))
        }
        try GameBox.of(game).exclusively(index: index) { (games, i) throws(SPARSError) in
            try games.restore(i, visits: log)
        }
    }
}

/// The voxel whose three numbers begin at `start`; beyond 32 bits it is as far as can be.
func place(_ numbers: UnsafeBufferPointer<Int64>, at start: Int) -> Voxel {
    func coordinate(_ value: Int64) -> Int { Int(Int32(clamping: value)) }
    return Voxel(
        coordinate(numbers[start]), coordinate(numbers[start + 1]), coordinate(numbers[start + 2]))
}

private func checkedGames(_ count: Int64, _ games: VectorGame) throws(SPARSError) -> Int {
    try checkCount(count, "count", of: owner, mustBe: games.games.count)
    return games.games.count
}
