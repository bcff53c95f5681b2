import CSPARS
import SPARSNative

private let owner = "League"

@_cdecl("spars_selfplay_use_pool")
public func sparsSelfPlayUsePool(
    _ run: UInt64, _ sampling: Int32, _ power: Double, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let sampling: OpponentPool.Sampling = try checkedChoice(
            sampling, "opponents", of: "self_play")
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            try run.usePool(sampling, power: power)
        }
    }
}

@_cdecl("spars_selfplay_pool")
public func sparsSelfPlayPool(
    _ run: UInt64, _ members: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            try write(Int64(run.pool?.count ?? 0), to: members, "members", of: owner)
        }
    }
}

@_cdecl("spars_selfplay_get_pool")
public func sparsSelfPlayGetPool(
    _ run: UInt64, _ tallies: In<spars_pool_tallies>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let given = try checkedStruct(tallies, "tallies", of: owner)
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            try checkCounts(given, run)
            let drawn = run.games.indices.map { Int64((run.pool?.drawn[$0] ?? nil) ?? -1) }
            let leads = run.episodeLeads.map { Double($0) }
            try write(contentsOf: drawn, to: given.drawn, "drawn", of: owner)
            try write(contentsOf: leads, to: given.episode_leads, "episode_leads", of: owner)
            guard let pool = run.pool else { return }
            try write(contentsOf: pool.games, to: given.games, "games", of: owner)
            try write(contentsOf: pool.wins, to: given.wins, "wins", of: owner)
        }
    }
}

private func checkCounts(_ given: spars_pool_tallies, _ run: SelfPlay) throws(SPARSError) {
    try checkCount(
        given.member_count, "count", of: owner, mustBe: run.pool?.count ?? 0, "in all")
    try checkCount(given.game_count, "game_count", of: owner, mustBe: run.games.count, "in all")
}

@_cdecl("spars_selfplay_add_to_pool")
public func sparsSelfPlayAddToPool(
    _ run: UInt64, _ parameters: In<Float>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let wanted = run.optimizer.network.shape.parameterCount
            try checkCount(count, "parameters", of: owner, mustBe: wanted, "in all")
            try run.addToPool(
                Array(checkedInput(parameters, wanted, "parameters", of: owner)))
        }
    }
}

@_cdecl("spars_selfplay_set_pool")
public func sparsSelfPlaySetPool(
    _ run: UInt64, _ tallies: In<spars_pool_tallies>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let given = try checkedStruct(tallies, "tallies", of: owner)
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            try checkCounts(given, run)
            let (members, games) = (Int(given.member_count), run.games.count)
            let drawn = Array(try checkedOutput(given.drawn, games, "drawn", of: owner))
            guard drawn.allSatisfy({ $0 >= -1 }) else {
                throw .range("drawn", of: owner, mustBe: "members or -1", got: drawn)
            }
            try run.restorePool(
                games: Array(checkedOutput(given.games, members, "games", of: owner)),
                wins: Array(checkedOutput(given.wins, members, "wins", of: owner)),
                drawn: drawn.map { $0 == -1 ? nil : Int(clamping: $0) },
                episodeLeads: checkedOutput(
                    given.episode_leads, games, "episode_leads", of: owner
                ).map { Float($0) })
        }
    }
}
