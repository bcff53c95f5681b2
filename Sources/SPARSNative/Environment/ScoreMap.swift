import SPARSKernels

/// A window visited by an agent, and what was added to the map at its place.
public struct Visit: Equatable, Sendable {
    private let x: Int16
    private let y: Int16
    private let z: Int16
    /// 2 game + agent.
    let who: Int16
    /// The credited score.
    public let score: Float

    init(_ agent: Agent, _ origin: Voxel, _ score: Float, of game: Int = 0) {
        (x, y, z) = (Int16(origin.x), Int16(origin.y), Int16(origin.z))
        who = Int16(2 * game + agent.rawValue)
        self.score = score
    }

    public var agent: Agent { who % 2 == 0 ? .learner : .opponent }
    /// Which of the games that share the map.
    public var game: Int { Int(who / 2) }
    /// As the protocol keeps it: it may lie outside the grid.
    public var origin: Voxel { Voxel(Int(x), Int(y), Int(z)) }
}

/// Which voxels of a map a window writes: what NumPy's `map[x:x+cx, y:y+cy, z:z+cz]` names, where a
/// negative start counts from the end, x, y and z being where its credited part begins.
public struct MapGeometry: Equatable, Sendable {
    public let grid: Extent
    /// The part of a window that is written, in its middle: the whole of it unless the protocol says
    /// otherwise.
    public let part: Extent
    /// Where the part begins in the window: half of what is left over, rounded down.
    let lead: Voxel

    /// - Parameters:
    ///   - grid: the map's extent.
    ///   - window: the windows' extent.
    ///   - part: at most the window; nil for all of it.
    public init(grid: Extent, window: Extent, part: Extent? = nil) {
        let part = part ?? window
        precondition(
            (0..<3).allSatisfy { part[$0] <= window[$0] }, "a part of \(part) in \(window)")
        self.grid = grid
        self.part = part
        lead = Voxel(
            (window.x - part.x) / 2, (window.y - part.y) / 2, (window.z - part.z) / 2)
    }

    /// Whether a window at `origin` may write a voxel; one wholly outside the grid writes none.
    @inline(__always)
    public func reaches(_ origin: Voxel) -> Bool {
        // a[s:s+w] of n elements is empty for s <= -(n + w) and for s >= n.
        let (x, y, z) = (origin.x + lead.x, origin.y + lead.y, origin.z + lead.z)
        return -(grid.x + part.x) < x && x < grid.x
            && -(grid.y + part.y) < y && y < grid.y
            && -(grid.z + part.z) < z && z < grid.z
    }

    /// The voxels that a window at `origin` writes. Nil if none.
    public func box(at origin: Voxel) -> Window<ModelGrid>? {
        let low = Voxel(origin.x + lead.x, origin.y + lead.y, origin.z + lead.z)
        let x = numpySlice(low.x, low.x + part.x, count: grid.x)
        let y = numpySlice(low.y, low.y + part.y, count: grid.y)
        let z = numpySlice(low.z, low.z + part.z, count: grid.z)
        if x.isEmpty || y.isEmpty || z.isEmpty { return nil }
        return Window(
            origin: Voxel(x.lowerBound, y.lowerBound, z.lowerBound),
            extent: Extent(x.count, y.count, z.count))
    }

    /// Whether a window at `origin` writes this voxel.
    public func covers(_ voxel: Voxel, from origin: Voxel) -> Bool {
        guard let box = box(at: origin) else { return false }
        return (0..<3).allSatisfy {
            box.origin[$0] <= voxel[$0] && voxel[$0] < box.origin[$0] + box.extent[$0]
        }
    }
}

/// The scores of visited windows, accumulated voxel by voxel.
///
/// Visits are logged at once (12 bytes each) and reach the voxels when the map is read, always in
/// order, so that float32 sums have the bits of adding them one by one. The log answers which
/// windows raised a voxel.
public struct ScoreMap: Sendable {
    public let geometry: MapGeometry
    public let accumulation: GameConfiguration.Accumulation

    /// Every visit that may touch a voxel, oldest first.
    public private(set) var visits: [Visit] = []
    /// How many of `visits` have reached the voxels.
    public private(set) var settled = 0
    /// The map of the visits settled so far, [x, y, z]; empty before the first.
    public private(set) var values: [Float] = []
    private var counts: [Int32] = []

    /// - Parameters:
    ///   - grid: the map's extent.
    ///   - window: the windows' extent.
    ///   - accumulation: how the scores of a voxel's windows become one value.
    ///   - part: the part of a window that its score is credited to; nil for all of it.
    public init(
        grid: Extent, window: Extent, part: Extent? = nil,
        accumulation: GameConfiguration.Accumulation
    ) {
        geometry = MapGeometry(grid: grid, window: window, part: part)
        self.accumulation = accumulation
    }

    public var grid: Extent { geometry.grid }

    /// Forgets every visit.
    public mutating func clear() {
        visits.removeAll(keepingCapacity: true)
        settled = 0
        values = []
        counts = []
    }

    /// Forgets one game's visits; what the others' make of the voxels is counted anew when the map is
    /// next read.
    public mutating func clear(of game: Int) {
        let rest = visits.filter { $0.game != game }
        if rest.count == visits.count { return }
        clear()
        visits = rest
    }

    /// Logs a visit. Windows wholly outside the grid write nothing and are not kept.
    @inline(__always)
    public mutating func add(
        _ score: Float, at origin: Voxel, by agent: Agent, of game: Int = 0
    ) {
        guard geometry.reaches(origin) else { return }
        visits.append(Visit(agent, origin, score, of: game))
    }

    /// The voxels that a window at `origin` writes. Nil if none.
    public func box(at origin: Voxel) -> Window<ModelGrid>? { geometry.box(at: origin) }

    /// Brings the oldest visit that has not reached the voxels to them.
    ///
    /// For whoever follows a quantity of the map visit by visit: look at `box(at:)` of
    /// `visits[settled]` before and after.
    public mutating func settleNext() {
        allocateIfNeeded()
        let visit = visits[settled]
        settled += 1
        guard let box = box(at: visit.origin) else { return }
        let geometry = BoxGeometry(of: box, in: grid)
        unsafe values.withUnsafeMutableBufferPointer { values in
            switch accumulation {
            case .sum: unsafe addToBox(values, geometry, visit.score)
            case .max: unsafe raiseBox(values, geometry, visit.score)
            case .mean:
                unsafe counts.withUnsafeMutableBufferPointer { counts in
                    unsafe averageIntoBox(values, counts, geometry, visit.score)
                }
            }
        }
    }

    /// Brings every logged visit to the voxels; a long call that can be interrupted between visits.
    public mutating func settle() throws(SPARSError) {
        allocateIfNeeded()
        while settled < visits.count {
            try Control.report(done: settled, planned: visits.count)
            settleNext()
        }
    }

    /// The map, [x, y, z]; 0 where no window was.
    ///
    /// A mean is a running one, m += (s - m) / n: n equal scores give that score exactly, and n
    /// scores their mean within n half-units in the last place.
    public mutating func settledValues() throws(SPARSError) -> [Float] {
        try settle()
        return values
    }

    /// The visits that wrote voxel (x, y, z), oldest first, as indices of `visits`.
    public func visits(touching voxel: Voxel) -> [Int] {
        visits.indices.filter { geometry.covers(voxel, from: visits[$0].origin) }
    }

    private mutating func allocateIfNeeded() {
        if values.isEmpty { values = Array(repeating: 0, count: grid.count) }
        if accumulation == .mean && counts.isEmpty {
            counts = Array(repeating: 0, count: grid.count)
        }
    }
}
