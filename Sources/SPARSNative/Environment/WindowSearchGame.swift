/// What one step of a game gave.
public struct GameStep: Equatable, Sendable {
    /// The learner's reward: +1, 0 or -1. The opponent's is its negative.
    public let reward: Float
    /// Whether either score exceeds the termination threshold.
    public let terminated: Bool
    /// Whether the step limit ended the episode before a score did.
    public let truncated: Bool
    public let scores: PerAgent<Float>
}

/// Two agents move a window each over one scan; the higher-scoring window wins the step.
///
/// A step moves both windows, scores both, compares the scores and adds them to the map as
/// D5 and D6 say. The game resets by `reset()` only: stepping on after an episode's end is
/// allowed, as in the released environment, and whoever plays decides when to reset.
public struct WindowSearchGame {
    public let field: SearchField
    /// Where each agent's window stands, as the protocol keeps it: under `clampedCrop` it may lie
    /// outside the grid.
    public private(set) var windows: PerAgent<Voxel>
    /// Steps since the last reset.
    public private(set) var steps = 0
    /// The accumulated scores since the map was last cleared.
    public var scoreMap: ScoreMap
    /// Which of the games that share a map this is, in the map's log.
    var number = 0
    /// Whether steps add to the map; long runs that never read it save its log.
    public var recordsMap = true
    /// The learner's last reward; 0 before the first step.
    public private(set) var lastReward: Float = 0

    public init(field: SearchField) {
        let configuration = field.configuration
        self.field = field
        windows = PerAgent(learner: configuration.start, opponent: configuration.start)
        scoreMap = ScoreMap(
            grid: configuration.grid, window: configuration.window,
            part: configuration.creditedPart, accumulation: configuration.accumulation)
    }

    public var configuration: GameConfiguration { field.configuration }

    /// Puts both windows back to the start.
    ///
    /// - Parameter keepingMap: whether the map goes on accumulating over the next episode.
    public mutating func reset(keepingMap: Bool = false) {
        windows = PerAgent(learner: configuration.start, opponent: configuration.start)
        steps = 0
        if !keepingMap { scoreMap.clear() }
    }

    /// Continues from a saved place, for example a checkpoint's.
    ///
    /// - Throws: `outOfRange` unless the windows are ones that the game can reach.
    public mutating func restore(
        windows: PerAgent<Voxel>, steps: Int
    ) throws(SPARSError) {
        for agent in Agent.allCases where !isReachable(windows[agent]) {
            throw .range(
                "windows", of: .game,
                mustBe: "whole strides of \(configuration.stride) from \(configuration.start)"
                    + (configuration.border == .inside ? " and inside the grid" : ""),
                got: windows[agent])
        }
        guard (0...Int(Self.farthest)).contains(steps) else {
            throw .range(
                "steps", of: .game, mustBe: "an integer in the range [0, \(Self.farthest)]",
                got: steps)
        }
        self.windows = windows
        self.steps = steps
    }

    /// Moves both windows, scores them and compares.
    ///
    /// On an error, the scorer's or an interrupt, the game is as it was before the call.
    public mutating func step(
        learner: Action, opponent: Action
    ) throws(SPARSError) -> GameStep {
        let configuration = field.configuration
        let moved = PerAgent(
            learner: configuration.moved(windows.learner, by: learner),
            opponent: configuration.moved(windows.opponent, by: opponent))
        let (first, second) = (
            field.index(ofOrigin: moved.learner), field.index(ofOrigin: moved.opponent)
        )
        if field.known(first).isNaN || field.known(second).isNaN {
            try field.score([first, second])
        }
        let scores = PerAgent(learner: field.known(first), opponent: field.known(second))
        return commit(moved, scores, configuration)
    }

    /// Makes a step whose scores are known; `configuration` is the field's.
    @inline(__always)
    mutating func commit(
        _ moved: PerAgent<Voxel>, _ scores: PerAgent<Float>, _ configuration: GameConfiguration
    ) -> GameStep {
        windows = moved
        steps += 1
        let terminated =
            Double(scores.learner) > configuration.terminationThreshold
            || Double(scores.opponent) > configuration.terminationThreshold
        let tie: Float = configuration.tieReward == .learner ? 1 : 0
        let reward: Float =
            scores.learner > scores.opponent ? 1 : scores.learner < scores.opponent ? -1 : tie
        let truncated = !terminated && steps >= configuration.maxEpisodeSteps ?? .max
        lastReward = reward
        if recordsMap { credit(moved, scores, configuration) }
        return GameStep(
            reward: reward, terminated: terminated, truncated: truncated, scores: scores)
    }

    @inline(__always)
    private mutating func credit(
        _ moved: PerAgent<Voxel>, _ scores: PerAgent<Float>, _ configuration: GameConfiguration
    ) {
        scoreMap.add(
            configuration.credited(scores, at: .learner), at: moved.learner, by: .learner,
            of: number)
        if configuration.credits(.opponent) {
            scoreMap.add(
                configuration.credited(scores, at: .opponent), at: moved.opponent, by: .opponent,
                of: number)
        }
    }

    /// The actions that change where an agent's window stands, by raw value.
    public func actionMask(of agent: Agent) -> [Bool] {
        Action.allCases.map { configuration.allows($0, from: windows[agent]) }
    }

    /// Where the crop of an agent's window starts in the field's volume.
    public func cropStart(of agent: Agent) -> Voxel { field.lattice.cropStart(windows[agent]) }

    /// What an agent sees, of the window's extent or of another.
    public func observation(
        of agent: Agent, as extent: Extent? = nil
    ) throws(SPARSError) -> [Float] {
        try field.observation(at: windows[agent], as: extent)
    }

    /// Far beyond any walk, and far below what a later step could overflow from.
    private static let farthest: UInt = 1 << 40

    func isReachable(_ origin: Voxel) -> Bool {
        (0..<3).allSatisfy { axis in
            let configuration = configuration
            guard origin[axis].magnitude <= Self.farthest else { return false }
            let onLattice = (origin[axis] - configuration.start[axis]) % configuration.stride == 0
            let room = configuration.grid[axis] - configuration.window[axis]
            return onLattice
                && (configuration.border == .clampedCrop || (0...room).contains(origin[axis]))
        }
    }
}
