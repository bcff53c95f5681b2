/// What one step of the exhaustion game gave.
public struct ExhaustionStep: Equatable, Sendable {
    /// What each agent earns its own reward by; the two do not sum to zero.
    public let rewardTerms: PerAgent<RewardTerms>
    /// What each agent's place was worth: its score, or 0 where it had been shown before.
    public let worths: PerAgent<Float>
    /// Whether an agent called the end.
    public let terminated: Bool
    /// Whether the step limit ended the episode without.
    public let truncated: Bool
}

/// What an episode of the exhaustion game has shown, and what that makes of a step.
///
/// Windows, scores and the map are those of a `WindowSearchGame`, whose own reward and end have no
/// meaning here.
public struct Exhaustion: Sendable {
    public let rule: ExhaustionRule
    /// Places shown in this episode, in their order.
    public private(set) var places: [Voxel] = []
    private var shown: Set<Voxel> = []

    public init(_ rule: ExhaustionRule) { self.rule = rule }

    /// Begins an episode: nothing is shown yet, the start included.
    public mutating func reset() {
        places.removeAll(keepingCapacity: true)
        shown.removeAll(keepingCapacity: true)
    }

    /// Goes on from an episode's places, in their order.
    mutating func restore(_ places: [Voxel]) {
        self.places = places
        shown = Set(places)
    }

    public func hasShown(_ place: Voxel) -> Bool { shown.contains(place) }

    /// What a place is worth: its score, or 0 where it has been shown.
    public func worth(_ score: Float, at place: Voxel) -> Float { hasShown(place) ? 0 : score }

    /// Which of the six places that moves from `origin` lead to have been shown: bit a for action a.
    public func shown(
        around origin: Voxel, _ configuration: GameConfiguration
    ) -> UInt8 {
        if shown.isEmpty { return 0 }
        var flags: UInt8 = 0
        for action in Action.allCases
        where shown.contains(configuration.moved(origin, by: action)) {
            flags |= 1 << UInt8(action.rawValue)
        }
        return flags
    }

    /// Judges a step that a game has just made, and counts its places as shown.
    ///
    /// - Parameters:
    ///   - configuration: the game's.
    ///   - step: what the game said of it; only its scores are read.
    ///   - windows: where it led.
    ///   - callsEnd: whether an agent called the end with it.
    ///   - steps: the episode's so far, this one included.
    public mutating func judge(
        _ step: GameStep, _ windows: PerAgent<Voxel>, callsEnd: Bool, steps: Int,
        _ configuration: GameConfiguration
    ) -> ExhaustionStep {
        let repeated = PerAgent(
            learner: hasShown(windows.learner), opponent: hasShown(windows.opponent))
        let worths = PerAgent(
            learner: worth(step.scores.learner, at: windows.learner),
            opponent: worth(step.scores.opponent, at: windows.opponent))
        for agent in Agent.allCases where shown.insert(windows[agent]).inserted {
            places.append(windows[agent])
        }
        let comparison = compared(worths, configuration.tieReward)
        func terms(_ agent: Agent) -> RewardTerms {
            RewardTerms(
                comparison: agent == .learner ? comparison : -comparison, isFinal: callsEnd,
                isEarly: callsEnd && steps - 1 < rule.minSteps, isRepeat: repeated[agent])
        }
        return ExhaustionStep(
            rewardTerms: PerAgent(learner: terms(.learner), opponent: terms(.opponent)),
            worths: worths, terminated: callsEnd,
            truncated: !callsEnd && steps >= configuration.maxEpisodeSteps ?? .max)
    }

    /// The learner's comparison with its opponent.
    private func compared(
        _ worths: PerAgent<Float>, _ tieReward: GameConfiguration.TieReward
    ) -> Int {
        if worths.learner > worths.opponent { return 1 }
        if worths.learner < worths.opponent { return -1 }
        return tieReward == .learner ? 1 : 0
    }
}

/// An agent's state: its window's place, and what the game has shown around it.
///
/// This is all that an observation depends on, besides whose it is.
struct AgentState: Hashable, Sendable {
    let origin: Voxel
    /// As `Exhaustion.shown(around:_:)`; 0 in the search game.
    let shown: UInt8

    init(_ origin: Voxel, shown: UInt8 = 0) {
        self.origin = origin
        self.shown = shown
    }

    /// Each of the six flags, 1 where that place has been shown.
    var flags: [Float] {
        Action.allCases.map { shown >> UInt8($0.rawValue) & 1 == 1 ? 1 : 0 }
    }
}
