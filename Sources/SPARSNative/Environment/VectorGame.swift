/// Many games on one field, stepped together, by the rule of the window-search game or of the
/// exhaustion game.
public final class VectorGame {
    public let field: SearchField
    public private(set) var games: [WindowSearchGame]
    /// What each game's episode has shown, where the exhaustion game is played; else empty.
    public private(set) var exhaustions: [Exhaustion] = []
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

    /// - Parameters:
    ///   - field: what is searched.
    ///   - count: games.
    ///   - resetsItself: whether a game that ends begins again by itself.
    ///   - maps: which score maps are kept.
    ///   - exhaustion: the exhaustion game's numbers, where that rule is played.
    /// - Throws: `outOfRange` unless `count` is 1 to 1,000,000 and the rule's numbers are in
    ///   their ranges.
    public init(
        field: SearchField, count: Int, resetsItself: Bool, maps: Maps,
        exhaustion: ExhaustionRule? = nil
    ) throws(SPARSError) {
        guard (1...1_000_000).contains(count) else {
            throw .range(
                "n", of: .vectorGame, mustBe: "an integer in the range [1, 1000000]", got: count)
        }
        self.field = field
        self.resetsItself = resetsItself
        self.maps = maps
        var game = WindowSearchGame(field: field)
        game.recordsMap = maps != .none
        games = Array(repeating: game, count: count)
        indices = Array(repeating: 0, count: 2 * count)
        moved = games.map(\.windows)
        if let exhaustion {
            try exhaustion.validate()
            exhaustions = Array(repeating: Exhaustion(exhaustion), count: count)
        }
    }

    /// Puts one game's windows back to the start; nothing is shown yet.
    public func reset(_ i: Int, keepingMap: Bool = false) {
        games[i].reset(keepingMap: keepingMap)
        if !exhaustions.isEmpty { exhaustions[i].reset() }
    }

    /// Continues one game from a saved place; see `WindowSearchGame.restore`. What an exhaustion
    /// game's episode has shown stays.
    public func restore(
        _ i: Int, windows: PerAgent<Voxel>, steps: Int
    ) throws(SPARSError) {
        try games[i].restore(windows: windows, steps: steps)
    }

    /// Replaces one game's map by the one of a saved game's visits, oldest first.
    ///
    /// - Throws: `outOfRange` for a score outside [0, 1], or where no map is recorded.
    public func restore(
        _ i: Int, visits: [(agent: Agent, origin: Voxel, score: Float)]
    ) throws(SPARSError) {
        guard visits.isEmpty || maps != .none, visits.allSatisfy({ (0...1).contains($0.score) })
        else {
            throw .range(
                "visits", of: .vectorGame,
                mustBe: "with scores in [0, 1], and none where no map is recorded",
                got: "\(visits.count) visits")
        }
        games[i].scoreMap.clear()
        for visit in visits {
            games[i].scoreMap.add(visit.score, at: visit.origin, by: visit.agent)
        }
    }

    /// Lets an episode of the exhaustion game have shown a saved one's places, in their order.
    ///
    /// - Throws: `outOfRange` unless the places are different ones that the game can reach.
    public func restore(_ i: Int, shown places: [Voxel]) throws(SPARSError) {
        guard places.allSatisfy(games[i].isReachable), Set(places).count == places.count else {
            throw .range(
                "places", of: .vectorGame, mustBe: "different places that the game can reach",
                got: "\(places.count) places")
        }
        exhaustions[i].restore(places)
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

// MARK: - The exhaustion game

extension VectorGame {
    /// Steps every game by the exhaustion rule, and makes known what there is around the windows.
    ///
    /// Unknown scores of all games are asked for in one call of the scorer, those around their new
    /// places in a second. On an error every game is as it was before the call.
    /// - Parameters:
    ///   - answers: what each agent of a game answers.
    ///   - result: receives each game's step. A game that resets itself stands at its start then.
    public func step(
        answers: (Int) -> PerAgent<ExhaustionAnswer>, result: (Int, ExhaustionStep) -> Void
    ) throws(SPARSError) {
        precondition(!exhaustions.isEmpty, "the search game is played")
        try place { i in
            let answer = answers(i)
            return PerAgent(learner: answer.learner.move, opponent: answer.opponent.move)
        }
        try scoreAround(moved)
        let (configuration, table) = (field.configuration, field.scores)
        for i in games.indices {
            let answer = answers(i)
            let scores = PerAgent(
                learner: table[indices[2 * i]], opponent: table[indices[2 * i + 1]])
            let step = exhaustions[i].judge(
                games[i].commit(moved[i], scores, configuration), moved[i],
                callsEnd: answer.learner.callsEnd || answer.opponent.callsEnd,
                steps: games[i].steps, configuration)
            if resetsItself && (step.terminated || step.truncated) {
                reset(i, keepingMap: maps == .run)
            }
            result(i, step)
        }
    }

    /// Makes known what the places around every window are worth, in one call of the scorer.
    public func lookAround() throws(SPARSError) { try scoreAround(games.map(\.windows)) }

    /// What the six moves of an agent lead to, by action: what each place is worth, and whether it has
    /// been shown. `lookAround` comes before.
    public func surroundings(_ i: Int, of agent: Agent) -> [(worth: Float, isShown: Bool)] {
        Action.allCases.map { action in
            let place = field.configuration.moved(games[i].windows[agent], by: action)
            let score = field.known(field.index(ofOrigin: place))
            return (exhaustions[i].worth(score, at: place), exhaustions[i].hasShown(place))
        }
    }

    private func scoreAround(_ windows: [PerAgent<Voxel>]) throws(SPARSError) {
        var places: [Int] = []
        places.reserveCapacity(2 * Action.allCases.count * windows.count)
        for windows in windows {
            for action in Action.allCases {
                for agent in Agent.allCases {
                    let moved = field.configuration.moved(windows[agent], by: action)
                    places.append(field.index(ofOrigin: moved))
                }
            }
        }
        if places.contains(where: { field.known($0).isNaN }) { try field.score(places) }
    }
}
