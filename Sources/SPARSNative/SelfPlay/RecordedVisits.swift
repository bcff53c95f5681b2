/// A visit that a run's records tell of.
public struct RecordedVisit: Equatable, Sendable {
    public let visit: Visit
    /// The step of the whole run, from 0; steps of several games are counted one by one.
    public let step: Int
    /// D11: whether no reset of its game has cleared it since.
    public let isKept: Bool
}

/// A run's records, as they are read to tell its visits from.
///
/// Steps are all games' first, then all games' second, and so on.
public struct StepRecords {
    /// Steps in all.
    public let count: Int
    public let games: Int
    /// Steps of each game in an iteration.
    public let stepsPerIteration: Int
    /// D10: whether every iteration began a new episode.
    public let resetsEachIteration: Bool
    /// Where both windows stood after a step.
    public let windows: (Int) -> PerAgent<Voxel>
    /// The windows' own.
    public let scores: (Int) -> PerAgent<Float>
    /// Whether an episode ended with a step.
    public let isEnd: (Int) -> Bool

    /// - Throws: `outOfRange` unless the steps are whole iterations.
    public init(
        count: Int, games: Int, stepsPerIteration: Int, resetsEachIteration: Bool,
        windows: @escaping (Int) -> PerAgent<Voxel>, scores: @escaping (Int) -> PerAgent<Float>,
        isEnd: @escaping (Int) -> Bool
    ) throws(SPARSError) {
        guard (1...SelfPlayConfiguration.gameLimit).contains(games),
            (1...SelfPlayConfiguration.stepLimit).contains(stepsPerIteration),
            count >= 0, count % (games * stepsPerIteration) == 0
        else {
            throw .range(
                "steps", of: "the records",
                mustBe: "whole iterations of \(stepsPerIteration) steps of \(games) games",
                got: count)
        }
        self.count = count
        self.games = games
        self.stepsPerIteration = stepsPerIteration
        self.resetsEachIteration = resetsEachIteration
        self.windows = windows
        self.scores = scores
        self.isEnd = isEnd
    }

    /// The visits that the map of such a run has logged, oldest first, those that a reset has cleared
    /// since among them.
    public func visits(_ configuration: GameConfiguration) -> [RecordedVisit] {
        let geometry = MapGeometry(
            grid: configuration.grid, window: configuration.window, part: configuration.creditedPart
        )
        let first = firstKept(configuration)
        var visits: [RecordedVisit] = []
        for step in 0..<count {
            let (windows, scores, game) = (windows(step), scores(step), step % games)
            for agent in Agent.allCases
            where configuration.credits(agent) && geometry.reaches(windows[agent]) {
                let score = configuration.credited(scores, at: agent)
                visits.append(
                    RecordedVisit(
                        visit: Visit(agent, windows[agent], score, of: game), step: step,
                        isKept: step >= first[game]))
            }
        }
        return visits
    }

    /// D11: each game's first step after its last reset, where that cleared what it had added.
    private func firstKept(_ configuration: GameConfiguration) -> [Int] {
        guard configuration.mapRead == .afterReset else { return Array(repeating: 0, count: games) }
        // The reset at a run's very beginning has nothing to clear.
        let lastIteration = max(0, count - games * stepsPerIteration)
        var first = Array(repeating: resetsEachIteration ? lastIteration : 0, count: games)
        for step in 0..<count where isEnd(step) {
            first[step % games] = max(first[step % games], step + 1)
        }
        return first
    }
}
