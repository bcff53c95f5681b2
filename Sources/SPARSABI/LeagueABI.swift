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

@_cdecl("spars_league_create")
public func sparsLeagueCreate(
    _ field: UInt64, _ policy: Int32, _ maskActions: Int32, _ shape: In<spars_policy_shape>,
    _ league: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(league, 1, "league", of: owner)
        let shape = try PolicyShape(checkedStruct(shape, "shape", of: owner))
        let policy: SelfPlayConfiguration.Policy = try checkedChoice(policy, "policy", of: owner)
        let box = try FieldBox.of(field)
        let games = try box.exclusively { (field) throws(SPARSError) in
            try FrozenGames(
                field: field, policy: policy, masksActions: maskActions != 0,
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
            try Memory.require(wanted, each: 12, for: "A member of a league")
            let given = Array(try checkedInput(parameters, wanted, "parameters", of: owner))
            out[0] = Int64(try games.add(given[...]))
        }
    }
}

@_cdecl("spars_league_play")
public func sparsLeaguePlay(
    _ league: UInt64, _ games: In<spars_league_games>, _ scorer: In<spars_scorer>,
    _ progress: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let wanted = try checkedStruct(games, "games", of: owner)
        let limit = Int64(FrozenGames.gameLimit)
        guard (0...limit).contains(wanted.start), (0...limit).contains(wanted.count) else {
            throw .range(
                "games", of: owner, mustBe: "an integer in the range [0, \(limit)]",
                got: wanted.count)
        }
        let (start, count) = (Int(wanted.start), Int(wanted.count))
        let rewards = try checkedOutput(wanted.rewards, count, "rewards", of: owner)
        let lengths = try checkedOutput(wanted.lengths, count, "lengths", of: owner)
        try LeagueBox.of(league).exclusively(scorer: scorer) { (games) throws(SPARSError) in
            let results = try games.play(
                Int(clamping: wanted.first), Int(clamping: wanted.second),
                games: start..<start + count, steps: Int(clamping: wanted.steps),
                seed: wanted.seed)
            for (i, result) in results.enumerated() {
                rewards[i] = result.reward
                lengths[i] = Int64(result.steps)
            }
        }
    }
}
