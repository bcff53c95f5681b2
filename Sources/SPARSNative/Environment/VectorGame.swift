/// Many games on one field, stepped together.
public final class VectorGame {
    public let field: SearchField
    public private(set) var games: [WindowSearchGame]
    /// Whether a finished game is reset in the step that finished it.
    public let resetsItself: Bool
    public let maps: Maps

    /// What becomes of each game's map.
    public enum Maps: Int32, Sendable {
        /// Nothing is recorded, and a game takes the same memory for ever.
        case none
        /// The map is of the episode and cleared at its reset.
        case episode
        /// The map goes on over the game's own resets.
        case run
    }

    private var moved: [PerAgent<Voxel>] = []
    private var indices: [Int] = []

    /// - Throws: `invalidArgument` unless `count` is 1 to 1,000,000.
    public init(
        field: SearchField, count: Int, resetsItself: Bool, maps: Maps
    ) throws(SPARSError) {
        guard (1...1_000_000).contains(count) else {
            throw .range(
                "n", of: "VectorGame", mustBe: "an integer in the range [1, 1000000]", got: count)
        }
        self.field = field
        self.resetsItself = resetsItself
        self.maps = maps
        var game = WindowSearchGame(field: field)
        game.recordsMap = maps != .none
        games = Array(repeating: game, count: count)
        indices = Array(repeating: 0, count: 2 * count)
        moved = games.map(\.windows)
    }

    /// Puts one game's windows back to the start.
    public func reset(_ i: Int, keepingMap: Bool = false) {
        games[i].reset(keepingMap: keepingMap)
    }

    /// Continues one game from a saved place; see `WindowSearchGame.restore`.
    public func restore(
        _ i: Int, windows: PerAgent<Voxel>, steps: Int
    ) throws(SPARSError) {
        try games[i].restore(windows: windows, steps: steps)
    }

    /// Steps every game; unknown scores of all of them are asked for in one call of the scorer.
    ///
    /// On an error every game is as it was before the call.
    /// - Parameters:
    ///   - actions: what each agent of a game does.
    ///   - result: receives each game's step. A game that resets itself stands at its start then.
    public func step(
        actions: (Int) -> PerAgent<Action>, result: (Int, GameStep) -> Void
    ) throws(SPARSError) {
        var isAnyUnknown = false
        for i in games.indices {
            let actions = actions(i)
            let next = games[i].next(learner: actions.learner, opponent: actions.opponent)
            moved[i] = next
            indices[2 * i] = field.index(ofOrigin: next.learner)
            indices[2 * i + 1] = field.index(ofOrigin: next.opponent)
            isAnyUnknown =
                isAnyUnknown || field.known(indices[2 * i]).isNaN
                || field.known(indices[2 * i + 1]).isNaN
        }
        if isAnyUnknown { try field.score(indices) }
        for i in games.indices {
            let scores = PerAgent(
                learner: field.known(indices[2 * i]), opponent: field.known(indices[2 * i + 1]))
            let step = games[i].commit(moved[i], scores)
            if resetsItself && (step.terminated || step.truncated) {
                games[i].reset(keepingMap: maps == .run)
            }
            result(i, step)
        }
    }

    /// The map of one game.
    public func settledMap(_ i: Int) throws(SPARSError) -> [Float] {
        try games[i].scoreMap.settledValues()
    }
}
