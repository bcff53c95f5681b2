/// Every switch of the window-search game; docs/explanation/fidelity.md says what each changes.
///
/// Raw values are those of the C ABI. `paper` and `published` are the two sets that occur.
public struct GameConfiguration: Equatable, Sendable {
    /// D5: whose score is added at an agent's place.
    public enum CreditedScore: Int32, Sendable { case own, other }
    /// D6: whose places are written to the map.
    public enum CreditedAgents: Int32, Sendable { case both, learner }
    /// D7: `inside` keeps the window inside the grid and starts it at the centre, on the lattice
    /// of strides. `clampedCrop` lets its origin walk anywhere from `grid / 2`, clamps the crop's
    /// start to [1, grid - window - 1] and slices the map by NumPy's rules.
    public enum Border: Int32, Sendable { case inside, clampedCrop }
    /// D8: who plays the opponent: a frozen snapshot, or the learner itself.
    public enum Opponent: Int32, Sendable { case snapshot, live }
    /// D11: whether a map is read before or after the reset at an episode's end.
    public enum MapRead: Int32, Sendable { case beforeReset, afterReset }
    /// D12: how the learner's policy sees the window.
    public enum ObservationCast: Int32, Sendable { case float32, uint8 }
    /// D13: whether the opponent's policy sees the same numbers or the uncast ones.
    public enum OpponentObservation: Int32, Sendable { case same, uncast }
    /// D14: how the scores of visits to a voxel accumulate.
    public enum Accumulation: Int32, CaseIterable, Sendable { case sum, mean, max }
    /// D16: who gets +1 when scores tie.
    public enum TieReward: Int32, Sendable { case none, learner }
    /// D17: crops beyond the scan's end are moved inside, or cut short and stretched.
    public enum BorderCrops: Int32, Sendable { case full, stretched }

    /// The voxels the game is played on; where the scan is indexed as it is (D4 "corner"), they
    /// may be more or fewer than the scan's.
    public var grid: Extent
    public var window: Extent
    /// Voxels a window moves in a step.
    public var stride: Int
    /// The score above which, for either agent, an episode is terminated.
    public var terminationThreshold: Double
    /// D9: steps after which an episode is truncated; nil never truncates.
    public var maxEpisodeSteps: Int?
    public var creditedScore: CreditedScore
    public var creditedAgents: CreditedAgents
    public var border: Border
    public var accumulation: Accumulation
    public var tieReward: TieReward
    public var borderCrops: BorderCrops
    /// The part of a window, in its middle, that its score is added to; nil for all of it. Left-over
    /// voxels lie evenly around it, an odd one above.
    public var creditedPart: Extent? = nil
    // The game itself does not use these four: they are for whoever runs the policies and reads
    // the map, and stand here so that one value says what was played.
    public var opponent: Opponent
    public var mapRead: MapRead
    public var observationCast: ObservationCast
    public var opponentObservation: OpponentObservation

    /// What the paper's text describes.
    public static func paper(grid: Extent, window: Extent) -> GameConfiguration {
        GameConfiguration(
            grid: grid, window: window, stride: 4, terminationThreshold: 0.3, maxEpisodeSteps: 256,
            creditedScore: .own, creditedAgents: .both, border: .inside, accumulation: .mean,
            tieReward: .none, borderCrops: .full, opponent: .snapshot, mapRead: .beforeReset,
            observationCast: .float32, opponentObservation: .same)
    }

    /// What the released scripts compute.
    public static func published(grid: Extent, window: Extent) -> GameConfiguration {
        GameConfiguration(
            grid: grid, window: window, stride: 4, terminationThreshold: 0.3, maxEpisodeSteps: nil,
            creditedScore: .other, creditedAgents: .learner, border: .clampedCrop,
            accumulation: .sum, tieReward: .learner, borderCrops: .stretched, opponent: .live,
            mapRead: .afterReset, observationCast: .uint8, opponentObservation: .uncast)
    }

    /// The largest extent of an axis: visits are logged as 16-bit origins, and an origin as far as
    /// grid + window below zero still writes the map, by NumPy's rules for negative slices.
    public static let axisLimit = Int(Int16.max) / 2

    /// The most voxels a grid can have: a mean's sums and counts of them take 8 GiB.
    public static let voxelLimit = 1 << 30

    /// - Throws: `outOfMemory` beyond `voxelLimit`, `outOfRange` naming the first value outside its range.
    public func validate() throws(SPARSError) {
        let owner = SPARSError.Subject.game
        for axis in 0..<3 {
            guard (1...Self.axisLimit).contains(grid[axis]) else {
                throw .range(
                    "grid", of: owner, mustBe: "1 to \(Self.axisLimit) voxels in every axis",
                    got: grid)
            }
            guard (1...grid[axis]).contains(window[axis]) else {
                throw .range(
                    "window", of: owner, mustBe: "1 voxel or more and at most the grid \(grid)",
                    got: window)
            }
            if let creditedPart, !(1...window[axis]).contains(creditedPart[axis]) {
                throw .range(
                    "credited_part", of: owner,
                    mustBe: "1 voxel or more and at most the window \(window)", got: creditedPart)
            }
        }
        guard grid.count <= Self.voxelLimit else {
            throw .outOfMemory(
                message: "A grid of \(grid) has more than the \(Self.voxelLimit) voxels allowed.")
        }
        guard (1...Self.axisLimit).contains(stride) else {
            throw .range(
                "stride", of: owner, mustBe: "an integer in the range [1, \(Self.axisLimit)]",
                got: stride)
        }
        guard (0...1).contains(terminationThreshold) else {
            throw .range(
                "termination_threshold", of: owner, mustBe: "a float in the range [0.0, 1.0]",
                got: terminationThreshold)
        }
        if let maxEpisodeSteps, maxEpisodeSteps < 1 {
            throw .range(
                "max_episode_steps", of: owner, mustBe: "None or an integer of at least 1",
                got: maxEpisodeSteps)
        }
    }

    /// Where both windows stand at an episode's start.
    public var start: Voxel {
        func axis(_ i: Int) -> Int {
            switch border {
            case .clampedCrop: grid[i] / 2
            case .inside: (grid[i] - window[i]) / 2 / stride * stride
            }
        }
        return Voxel(axis(0), axis(1), axis(2))
    }

    /// Where a window stands after `action`; under `inside` a move out of the grid is not made.
    public func moved(_ origin: Voxel, by action: Action) -> Voxel {
        let next = action.moved(origin, stride: stride)
        return border == .clampedCrop || holds(next) ? next : origin
    }

    /// Whether `action` changes where a window stands.
    public func allows(_ action: Action, from origin: Voxel) -> Bool {
        border == .clampedCrop || holds(action.moved(origin, stride: stride))
    }

    /// D6: whether an agent's places are written to the map.
    @inline(__always)
    func credits(_ agent: Agent) -> Bool { agent == .learner || creditedAgents == .both }

    /// D5: what of a step's scores is added to the map at an agent's place.
    @inline(__always)
    func credited(_ scores: PerAgent<Float>, at agent: Agent) -> Float {
        (agent == .learner) == (creditedScore == .own) ? scores.learner : scores.opponent
    }

    private func holds(_ origin: Voxel) -> Bool {
        origin.x >= 0 && origin.y >= 0 && origin.z >= 0
            && origin.x <= grid.x - window.x && origin.y <= grid.y - window.y
            && origin.z <= grid.z - window.z
    }
}
