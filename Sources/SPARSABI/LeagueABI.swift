import CSPARS
import SPARSNative

private let owner = "League"

/// Frozen players and the field they play on.
///
/// SAFETY: the games are used inside `field.exclusively` only.
private final class LeagueBox: @unchecked Sendable {
    private let field: FieldBox
    private let games: FrozenGames

    init(_ field: FieldBox, _ games: FrozenGames) {
        self.field = field
        self.games = games
    }

    func exclusively(
        scorer: In<spars_scorer> = nil,
        _ body: (FrozenGames) throws(SPARSError) -> Void
    ) throws(SPARSError) {
        try field.exclusively(scorer: scorer) { (_) throws(SPARSError) in try body(games) }
    }

    static func of(_ handle: UInt64) throws(SPARSError) -> LeagueBox {
        try HandleTable.shared.object(handle, kind: "league")
    }
}

// MARK: - A run's pool

@_cdecl("spars_selfplay_set_hyperparameters")
public func sparsSelfPlaySetHyperparameters(
    _ run: UInt64, _ hyperparameters: In<spars_ppo_hyperparameters>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let checked = try checkedHyperparameters(hyperparameters)
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

@_cdecl("spars_selfplay_use_pool")
public func sparsSelfPlayUsePool(
    _ run: UInt64, _ sampling: Int32, _ power: Double, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        guard let sampling = OpponentPool.Sampling(rawValue: sampling) else {
            throw .range("opponents", of: "self_play", mustBe: "0, 1, 2 or 3", got: sampling)
        }
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
        let members = try checkedOutput(members, 1, "members", of: owner)
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            members[0] = Int64(run.pool?.count ?? 0)
        }
    }
}

@_cdecl("spars_selfplay_get_pool")
public func sparsSelfPlayGetPool(
    _ run: UInt64, _ games: Out<Double>, _ wins: Out<Double>, _ count: Int64, _ drawn: Out<Int64>,
    _ episodeLeads: Out<Double>, _ gameCount: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let members = run.pool?.count ?? 0
            try checkCount(count, "count", of: owner, mustBe: members, "in all")
            try checkCount(gameCount, "game_count", of: owner, mustBe: run.games.count, "in all")
            let drawn = try checkedOutput(drawn, run.games.count, "drawn", of: owner)
            let rewards = try checkedOutput(
                episodeLeads, run.games.count, "episode_leads", of: owner)
            for (game, reward) in run.episodeLeads.enumerated() {
                drawn[game] = Int64((run.pool?.drawn[game] ?? nil) ?? -1)
                rewards[game] = Double(reward)
            }
            guard let pool = run.pool else { return }
            _ = try checkedOutput(games, members, "games", of: owner)
                .update(fromContentsOf: pool.games)
            _ = try checkedOutput(wins, members, "wins", of: owner)
                .update(fromContentsOf: pool.wins)
        }
    }
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
    _ run: UInt64, _ games: In<Double>, _ wins: In<Double>, _ count: Int64, _ drawn: In<Int64>,
    _ episodeLeads: In<Double>, _ gameCount: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try RunBox.of(run).exclusively { (run) throws(SPARSError) in
            let members = run.pool?.count ?? 0
            try checkCount(count, "count", of: owner, mustBe: members, "in all")
            try checkCount(gameCount, "game_count", of: owner, mustBe: run.games.count, "in all")
            let drawn = Array(try checkedInput(drawn, run.games.count, "drawn", of: owner))
            guard drawn.allSatisfy({ $0 >= -1 }) else {
                throw .range("drawn", of: owner, mustBe: "members or -1", got: drawn)
            }
            try run.restorePool(
                games: Array(checkedInput(games, members, "games", of: owner)),
                wins: Array(checkedInput(wins, members, "wins", of: owner)),
                drawn: drawn.map { $0 == -1 ? nil : Int(clamping: $0) },
                episodeLeads: checkedInput(
                    episodeLeads, run.games.count, "episode_leads", of: owner
                ).map { Float($0) })
        }
    }
}

// MARK: - Games among frozen players

@_cdecl("spars_league_create")
public func sparsLeagueCreate(
    _ field: UInt64, _ policy: Int32, _ masksActions: Int32, _ shape: In<spars_policy_shape>,
    _ league: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(league, 1, "league", of: owner)
        let shape = try checkedShape(shape)
        guard let policy = SelfPlayConfiguration.Policy(rawValue: policy) else {
            throw .range(
                "policy", of: owner,
                mustBe: "a number below \(SelfPlayConfiguration.Policy.allCases.count)",
                got: policy)
        }
        let box = try FieldBox.of(field)
        let games = try box.exclusively { (field) throws(SPARSError) in
            try FrozenGames(
                field: field, policy: policy, masksActions: masksActions != 0,
                policyHidden: shape.policyHidden, valueHidden: shape.valueHidden)
        }
        guard games.shape.inputs == shape.inputs, games.shape.actions == shape.actions else {
            throw .range(
                "parameters", of: owner,
                mustBe: "of \(games.shape.inputs) inputs and \(games.shape.actions) actions",
                got: "\(shape.inputs) and \(shape.actions)")
        }
        out[0] = HandleTable.shared.insert(LeagueBox(box, games))
    }
}

@_cdecl("spars_league_add")
public func sparsLeagueAdd(
    _ league: UInt64, _ parameters: In<Float>, _ count: Int64, _ player: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(player, 1, "player", of: owner)
        try LeagueBox.of(league).exclusively { (games) throws(SPARSError) in
            let wanted = games.shape.parameterCount
            try checkCount(count, "parameters", of: owner, mustBe: wanted, "in all")
            let given = Array(try checkedInput(parameters, wanted, "parameters", of: owner))
            out[0] = Int64(try games.add(given[...]))
        }
    }
}

@_cdecl("spars_league_play")
public func sparsLeaguePlay(
    _ league: UInt64, _ first: Int64, _ second: Int64, _ start: Int64, _ count: Int64,
    _ steps: Int64, _ seed: UInt64, _ rewards: Out<Double>, _ lengths: Out<Int64>,
    _ scorer: In<spars_scorer>, _ control: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let limit = Int64(FrozenGames.gameLimit)
        guard (0...limit).contains(start), (0...limit).contains(count) else {
            throw .range(
                "games", of: owner, mustBe: "an integer in the range [0, \(limit)]", got: count)
        }
        let rewards = try checkedOutput(rewards, Int(count), "rewards", of: owner)
        let lengths = try checkedOutput(lengths, Int(count), "lengths", of: owner)
        try LeagueBox.of(league).exclusively(scorer: scorer) { (games) throws(SPARSError) in
            let results = try games.play(
                Int(clamping: first), Int(clamping: second),
                games: Int(start)..<Int(start + count), steps: Int(clamping: steps), seed: seed)
            for (i, result) in results.enumerated() {
                rewards[i] = result.reward
                lengths[i] = Int64(result.steps)
            }
        }
    }
}
