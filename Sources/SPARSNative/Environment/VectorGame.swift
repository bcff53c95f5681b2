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
        try place(actions)
        // In locals, so that the loop pays for neither exclusivity checks nor reference counts.
        let (configuration, table) = (field.configuration, field.scores)
        var games: [WindowSearchGame] = []
        swap(&games, &self.games)
        defer { swap(&games, &self.games) }
        for i in games.indices {
            let scores = PerAgent(
                learner: table[indices[2 * i]], opponent: table[indices[2 * i + 1]])
            let step = games[i].commit(moved[i], scores, configuration)
            if resetsItself && (step.terminated || step.truncated) {
                games[i].reset(keepingMap: maps == .run)
            }
            result(i, step)
        }
    }

    /// Fills `moved` and `indices` with where every window goes, and sees that its score is known.
    private func place(_ actions: (Int) -> PerAgent<Action>) throws(SPARSError) {
        let (configuration, lattice, table) = (field.configuration, field.lattice, field.scores)
        var (moved, indices): ([PerAgent<Voxel>], [Int]) = ([], [])
        swap(&moved, &self.moved)
        swap(&indices, &self.indices)
        defer {
            swap(&moved, &self.moved)
            swap(&indices, &self.indices)
        }
        var isAnyUnknown = false
        for i in moved.indices {
            let action = actions(i)
            let windows = games[i].windows
            let learner = configuration.moved(windows.learner, by: action.learner)
            let opponent = configuration.moved(windows.opponent, by: action.opponent)
            let first = lattice.index(ofStart: lattice.cropStart(learner))
            let second = lattice.index(ofStart: lattice.cropStart(opponent))
            moved[i] = PerAgent(learner: learner, opponent: opponent)
            indices[2 * i] = first
            indices[2 * i + 1] = second
            isAnyUnknown = isAnyUnknown || table[first].isNaN || table[second].isNaN
        }
        if isAnyUnknown { try field.score(indices) }
    }

    /// The map of one game.
    public func settledMap(_ i: Int) throws(SPARSError) -> [Float] {
        try games[i].scoreMap.settledValues()
    }
}
