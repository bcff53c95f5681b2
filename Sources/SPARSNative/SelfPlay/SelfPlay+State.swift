import SPARSKernels

/// A run's state after a whole iteration, to go on from to the bit.
public struct SelfPlayState: Equatable, Sendable {
    /// The learner's parameters in the order of `PolicyShape.parameters`.
    public var parameters: [Float]
    /// Adam's means, then squares, in the same order.
    public var moments: [Float]
    /// A frozen opponent's parameters where they differ from the learner's, else empty.
    public var opponent: [Float]
    /// `SelfPlayCounters`, encoded.
    public var counters: [Int64]
    /// The map's visits, oldest first: x, y, z and 2 game + agent (0 learner, 1 opponent) of each.
    public var visits: [Int64]
    /// What each added.
    public var visitScores: [Float]
    /// The places that each game's episode has shown, in their order: x, y, z and the game of each;
    /// empty but in the exhaustion game.
    public var shown: [Int64]

    /// How many counters a run of so many games has.
    public static func counterCount(games: Int) -> Int { SelfPlayCounters.count(games: games) }

    public init(
        parameters: [Float], moments: [Float], opponent: [Float], counters: [Int64],
        visits: [Int64], visitScores: [Float], shown: [Int64] = []
    ) {
        self.parameters = parameters
        self.moments = moments
        self.opponent = opponent
        self.counters = counters
        self.visits = visits
        self.visitScores = visitScores
        self.shown = shown
    }
}

extension SelfPlay {
    /// Everything that `restore` goes on from.
    ///
    /// - Throws: `interrupted` between the copies of a large policy.
    public var state: SelfPlayState {
        get throws(SPARSError) {
            var frozen: [Float] = []
            if case .frozen(let network) = opponent { frozen = network.parameters }
            let parameters = optimizer.network.parameters
            try Control.check()
            let moments = optimizer.moments
            try Control.check()
            return SelfPlayState(
                parameters: parameters, moments: moments, opponent: frozen,
                counters: counters.encoded,
                visits: scoreMap.visits.flatMap { visit in
                    (0..<3).map { Int64(visit.origin[$0]) } + [Int64(visit.who)]
                }, visitScores: scoreMap.visits.map(\.score),
                shown: exhaustions.enumerated().flatMap { game, exhaustion in
                    exhaustion.places.flatMap { place in
                        (0..<3).map { Int64(place[$0]) } + [Int64(game)]
                    }
                })
        }
    }

    private var counters: SelfPlayCounters {
        let code: SelfPlayCounters.Opponent =
            switch opponent {
            case .still: .still
            case .current: .current
            case .frozen: .frozen
            }
        return SelfPlayCounters(
            adamSteps: UInt64(optimizer.stepCount), updates: UInt64(optimizer.updateCount),
            randomWords: random.words, iterations: iterationCount, steps: stepCount, opponent: code,
            games: zip(games, startsEpisode).map { game, starts in
                SelfPlayCounters.Game(
                    steps: game.steps, startsEpisode: starts, windows: game.windows)
            })
    }

    /// Goes on from a saved state; what was played here before is forgotten.
    ///
    /// - Throws: `outOfRange` or `notFinite` for a state that no run of this configuration can
    ///   have, and then changes nothing; `interrupted` while the map is rebuilt.
    public func restore(_ state: SelfPlayState) throws(SPARSError) {
        guard let counters = SelfPlayCounters(decoding: state.counters, games: games.count) else {
            throw .range(
                "counters", of: .selfPlay, mustBe: "the counters of a saved run",
                got: state.counters)
        }
        var optimizer = optimizer
        optimizer.network = try ActorCritic(
            shape: optimizer.network.shape, parameters: state.parameters)
        try optimizer.restore(
            moments: state.moments, stepCount: counters.adamSteps,
            updateCount: counters.updates)
        let random = try restoredSource(counters.randomWords)
        let opponent = try restoredOpponent(counters.opponent, state.opponent)
        var games = try restoredGames(counters.games)
        let exhaustions = try restoredExhaustions(state.shown, games)
        try addVisits(of: state, to: &games[0].scoreMap)
        var overlap = overlap
        overlap?.clear()
        if overlap != nil && !state.visits.isEmpty {
            try games[0].scoreMap.settle()
            overlap!.recount(games[0].scoreMap)
        }
        self.optimizer = optimizer
        self.random = random
        self.opponent = opponent
        self.games = games
        self.exhaustions = exhaustions
        self.overlap = overlap
        startsEpisode = counters.games.map(\.startsEpisode)
        iterationCount = counters.iterations
        stepCount = counters.steps
        forgetPlayed()
        policy.forget()
    }

    private func restoredGames(
        _ saved: [SelfPlayCounters.Game]
    ) throws(SPARSError) -> [WindowSearchGame] {
        var games: [WindowSearchGame] = []
        for (index, saved) in saved.enumerated() {
            var game = WindowSearchGame(field: field)
            game.number = index
            try game.restore(windows: saved.windows, steps: saved.steps)
            games.append(game)
        }
        return games
    }

    /// Every place must be one that a window can reach, is shown once in an episode, and takes half a
    /// step of it.
    private func restoredExhaustions(
        _ shown: [Int64], _ games: [WindowSearchGame]
    ) throws(SPARSError) -> [Exhaustion] {
        var places: [[Voxel]] = Array(repeating: [], count: exhaustions.count)
        for first in stride(from: 0, to: shown.count, by: 4) {
            let numbers = shown[first..<min(first + 4, shown.count)].map { Int(clamping: $0) }
            guard numbers.count == 4, places.indices.contains(numbers[3]),
                games[numbers[3]].isReachable(Voxel(numbers[0], numbers[1], numbers[2]))
            else {
                throw .range(
                    "shown", of: .selfPlay,
                    mustBe: "places of one of \(exhaustions.count) games, four numbers each",
                    got: numbers)
            }
            places[numbers[3]].append(Voxel(numbers[0], numbers[1], numbers[2]))
        }
        for (game, places) in zip(games, places)
        where places.count > 2 * game.steps || Set(places).count < places.count {
            throw .range(
                "shown", of: .selfPlay,
                mustBe: "different places, two at most for each step of the episode",
                got: places.count)
        }
        var restored = exhaustions
        for index in restored.indices { restored[index].restore(places[index]) }
        return restored
    }

    private func addVisits(
        of state: SelfPlayState, to map: inout ScoreMap
    ) throws(SPARSError) {
        guard state.visits.count == 4 * state.visitScores.count,
            state.visitScores.allSatisfy({ (0...1).contains($0) })
        else {
            throw .range(
                "visits", of: .selfPlay, mustBe: "four numbers each and a score in [0, 1]",
                got: "\(state.visits.count) and \(state.visitScores.count) numbers")
        }
        for (i, score) in state.visitScores.enumerated() {
            let who = state.visits[4 * i + 3]
            guard (0..<Int64(2 * games.count)).contains(who) else {
                throw .range(
                    "visits", of: .selfPlay,
                    mustBe: "by agent 0 or 1 of one of \(games.count) games", got: who)
            }
            let place = (0..<3).map { Int(clamping: state.visits[4 * i + $0]) }
            map.add(
                score, at: Voxel(place[0], place[1], place[2]),
                by: who % 2 == 0 ? .learner : .opponent, of: Int(who / 2))
        }
    }

    private func restoredOpponent(
        _ code: SelfPlayCounters.Opponent, _ parameters: [Float]
    ) throws(SPARSError) -> Opponent {
        switch code {
        case .still: return .still
        case .current: return .current
        case .frozen:
            return .frozen(
                try ActorCritic(shape: optimizer.network.shape, parameters: parameters))
        }
    }
}
