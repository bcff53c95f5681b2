/// The part of an axis that NumPy's `a[start:stop]` names in an array of `count` elements.
public func numpySlice(_ start: Int, _ stop: Int, count: Int) -> Range<Int> {
    func resolved(_ index: Int) -> Int { min(max(index < 0 ? index + count : index, 0), count) }
    let first = resolved(start)
    return first..<max(first, resolved(stop))
}

/// Where the crops of a game can start: a finite lattice, whatever walk the windows take.
///
/// A score depends on where its crop starts and on nothing else, so a table over this lattice
/// holds every score that a game can ask for.
public struct SearchLattice: Equatable, Sendable {
    /// The starts that occur along x, y and z, ascending.
    public let axes: [[Int]]

    private let low: Voxel
    private let high: Voxel
    private let last: Voxel
    private let first: Voxel
    private let countY: Int
    private let countZ: Int
    private let indexX: [Int32]
    private let indexY: [Int32]
    private let indexZ: [Int32]

    /// - Parameters:
    ///   - configuration: a valid one.
    ///   - extent: the scan's extent, in the frame that the game indexes.
    ///   - coversEdge: whether, under `inside`, a start whose window ends at the far border is there
    ///     where strides do not lead to it. No game comes to it; it is for whoever scores all.
    /// - Throws: `outOfRange` when full crops are wanted of a scan smaller than the window.
    public init(
        _ configuration: GameConfiguration, scan extent: Extent, coversEdge: Bool = false
    ) throws(SPARSError) {
        let (grid, window) = (configuration.grid, configuration.window)
        var bounds: [(low: Int, high: Int, last: Int)] = []
        for axis in 0..<3 {
            let room = grid[axis] - window[axis]
            let inside = configuration.border == .inside
            var last = Int.max
            if configuration.borderCrops == .full {
                guard extent[axis] >= window[axis] else {
                    throw .range(
                        "window", of: .game, mustBe: "at most the scan's extent \(extent)",
                        got: window)
                }
                last = extent[axis] - window[axis]
            }
            bounds.append((inside ? 0 : 1, inside ? room : room - 1, last))
        }
        func voxel(_ value: (Int) -> Int) -> Voxel { Voxel(value(0), value(1), value(2)) }
        low = voxel { bounds[$0].low }
        high = voxel { bounds[$0].high }
        last = voxel { bounds[$0].last }
        axes = (0..<3).map { axis in
            var origins = Self.starts(
                configuration, axis, low: bounds[axis].low, high: bounds[axis].high)
            if coversEdge && configuration.border == .inside { origins.append(bounds[axis].high) }
            return origins.map { Self.kept($0, last: bounds[axis].last) }
                .reduce(into: []) { if $0.last != $1 { $0.append($1) } }
        }
        let axes = axes
        first = voxel { axes[$0][0] }
        (countY, countZ) = (axes[1].count, axes[2].count)
        (indexX, indexY, indexZ) = (Self.index(axes[0]), Self.index(axes[1]), Self.index(axes[2]))
    }

    /// Places in all.
    public var count: Int { axes[0].count * axes[1].count * axes[2].count }

    /// Where the crop of a window at `origin` starts.
    public func cropStart(_ origin: Voxel) -> Voxel {
        Voxel(
            Self.kept(min(max(origin.x, low.x), high.x), last: last.x),
            Self.kept(min(max(origin.y, low.y), high.y), last: last.y),
            Self.kept(min(max(origin.z, low.z), high.z), last: last.z))
    }

    /// The number of this start, which must be one of the lattice's.
    @inline(__always)
    func index(ofStart start: Voxel) -> Int {
        let x = Int(indexX[start.x - first.x])
        let y = Int(indexY[start.y - first.y])
        let z = Int(indexZ[start.z - first.z])
        return (x * countY + y) * countZ + z
    }

    /// The number of this start, or nil where no crop of the game starts.
    public func index(of start: Voxel) -> Int? {
        for axis in 0..<3 where !axes[axis].contains(start[axis]) { return nil }
        return index(ofStart: start)
    }

    /// The start with this number.
    public func start(_ index: Int) -> Voxel {
        let z = index % axes[2].count
        let y = index / axes[2].count % axes[1].count
        return Voxel(axes[0][index / axes[2].count / axes[1].count], axes[1][y], axes[2][z])
    }

    private static func kept(_ start: Int, last: Int) -> Int {
        // Only full crops have a last start; then a start below 0 is no slice from the end either.
        last == .max ? start : min(max(start, 0), last)
    }

    /// Starts along one axis for every origin that a walk from the game's start can reach.
    private static func starts(
        _ configuration: GameConfiguration, _ axis: Int, low: Int, high: Int
    ) -> [Int] {
        let (stride, start) = (configuration.stride, configuration.start[axis])
        // Beyond these two origins the clamp gives the same start for ever.
        let down = (max(start - min(low, high), 0) + stride - 1) / stride
        let up = (max(max(low, high) - start, 0) + stride - 1) / stride
        let origins = (-down...up).map { start + $0 * stride }
        if configuration.border == .inside { return origins.filter { (low...high).contains($0) } }
        return origins.map { min(max($0, low), high) }
    }

    private static func index(_ starts: [Int]) -> [Int32] {
        var index = [Int32](repeating: -1, count: starts.last! - starts[0] + 1)
        for (i, start) in starts.enumerated() { index[start - starts[0]] = Int32(i) }
        return index
    }
}
