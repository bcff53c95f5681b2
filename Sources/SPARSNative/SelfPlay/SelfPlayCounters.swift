/// The whole numbers of a run's state, and the only place that knows their order in a file.
struct SelfPlayCounters: Equatable, Sendable {
    /// Who answers for the opponent, as files name it.
    enum Opponent: Int64 { case still, current, frozen }

    /// Where a game stands.
    struct Game: Equatable, Sendable {
        /// Steps of its episode so far.
        var steps: Int
        /// Whether its next step begins an episode.
        var startsEpisode: Bool
        var windows: PerAgent<Voxel>
    }

    var adamSteps: UInt64
    var updates: UInt64
    /// The random source's state.
    var randomWords: [UInt64]
    var iterations: Int
    var steps: Int
    var opponent: Opponent
    /// One or more.
    var games: [Game]

    private static let (runNumbers, gameNumbers) = (9, 8)
    private static let largest: Int64 = 1 << 53

    /// How many numbers encode a run of so many games.
    static func count(games: Int) -> Int { runNumbers + gameNumbers * games }

    /// Adam's steps, updates, the random source's four words, iterations, steps; the first game's
    /// steps and whether it starts an episode; the opponent; the first game's origins, the learner's
    /// first. Then all eight numbers of each further game.
    var encoded: [Int64] {
        var numbers = [Int64(adamSteps), Int64(updates)]
        numbers += randomWords.map { Int64(bitPattern: $0) }
        numbers += [Int64(iterations), Int64(steps)]
        for (index, game) in games.enumerated() {
            numbers += [Int64(game.steps), game.startsEpisode ? 1 : 0]
            if index == 0 { numbers.append(opponent.rawValue) }
            for agent in Agent.allCases {
                numbers += (0..<3).map { Int64(game.windows[agent][$0]) }
            }
        }
        return numbers
    }

    /// Nil for numbers that no run of `gameCount` games encodes to. Where a game stands is for the
    /// game to check.
    init?(decoding numbers: [Int64], games gameCount: Int) {
        guard numbers.count == Self.count(games: gameCount) else { return nil }
        var rest = numbers[...]
        func next() -> Int64 { rest.removeFirst() }
        func nextCount() -> Int? {
            let number = next()
            return (0...Self.largest).contains(number) ? Int(number) : nil
        }
        func nextVoxel() -> Voxel {
            let (x, y, z) = (next(), next(), next())
            return Voxel(Int(clamping: x), Int(clamping: y), Int(clamping: z))
        }
        guard let adamSteps = UInt64(exactly: next()), let updates = UInt64(exactly: next()) else {
            return nil
        }
        (self.adamSteps, self.updates) = (adamSteps, updates)
        randomWords = (0..<4).map { _ in UInt64(bitPattern: next()) }
        guard let iterations = nextCount(), let steps = nextCount() else { return nil }
        (self.iterations, self.steps) = (iterations, steps)
        guard let firstSteps = nextCount(), let firstStarts = nextCount(),
            let opponent = Opponent(rawValue: next())
        else { return nil }
        self.opponent = opponent
        games = [
            Game(
                steps: firstSteps, startsEpisode: firstStarts != 0,
                windows: PerAgent(learner: nextVoxel(), opponent: nextVoxel()))
        ]
        for _ in 1..<gameCount {
            games.append(
                Game(
                    steps: Int(clamping: next()), startsEpisode: next() != 0,
                    windows: PerAgent(learner: nextVoxel(), opponent: nextVoxel())))
        }
    }

    init(
        adamSteps: UInt64, updates: UInt64, randomWords: [UInt64], iterations: Int, steps: Int,
        opponent: Opponent, games: [Game]
    ) {
        precondition(randomWords.count == 4 && !games.isEmpty, "\(randomWords), \(games.count)")
        self.adamSteps = adamSteps
        self.updates = updates
        self.randomWords = randomWords
        self.iterations = iterations
        self.steps = steps
        self.opponent = opponent
        self.games = games
    }
}
