import SPARSKernels

/// How windows of one size are brought to the network's grid along one axis, and by how much two
/// windows may be apart so that one pass of the convolutions serves both.
///
/// Enlarged by nearest neighbour, windows S source voxels apart see the same grid P places apart,
/// where the index rule repeats itself: source(i + P) = source(i) + S. If P is a multiple of 64, the
/// product of all strides, every layer's values move by whole places, and nothing is padded. So a
/// row of such windows is one longer grid.
struct SharedAxis {
    /// The source voxel of each place of one window's grid.
    let source: [Int]
    /// P and S, if there are such.
    let period: (grid: Int, source: Int)?

    private static let totalStride = 64

    init(window: Int, grid: Int) {
        let source = ResampleAxis.nearest(from: window, to: grid).lower
        self.source = source
        period = stride(from: SharedAxis.totalStride, to: grid, by: SharedAxis.totalStride)
            .lazy.map { (grid: $0, source: source[$0] - source[0]) }
            .first { period in
                period.source > 0
                    && (0..<grid - period.grid).allSatisfy {
                        source[$0 + period.grid] == source[$0] + period.source
                    }
            }
    }

    /// Windows may be shared if their origins leave this remainder; without a period only equal
    /// origins may.
    func phase(_ origin: Int) -> Int { period.map { origin % $0.source } ?? origin }

    /// How many periods an origin is from the first of its phase.
    func step(_ origin: Int) -> Int { period.map { origin / $0.source } ?? 0 }

    /// The places of `count` windows one period apart.
    func gridLength(_ count: Int) -> Int {
        source.count + (period?.grid ?? 0) * (count - 1)
    }

    /// The axis of `count` windows one period apart; nil if the window is reduced, not enlarged.
    func axis(_ count: Int) -> RepeatedAxis? {
        guard let period else { return RepeatedAxis(source) }
        return RepeatedAxis(
            (0..<gridLength(count)).map {
                source[$0 % period.grid] + $0 / period.grid * period.source
            })
    }

    /// Places behind conv4 from one window to the next.
    var outputStep: Int { (period?.grid ?? 0) / SharedAxis.totalStride }
}

/// Windows that one pass of the convolutions serves: a block of `steps` periods in x and y.
struct WindowGroup {
    /// The lowest corner of the block.
    let origin: Voxel
    let stepsX: Int
    let stepsY: Int
    /// For each window, its index among the origins asked for and its place in the block.
    let members: [(index: Int, x: Int, y: Int)]

    /// Blocks of more periods cost more memory and gain little.
    private static let longest = 24

    /// Divides windows into groups, each worth sharing or of one window, in a fixed order.
    static func groups(_ origins: [Voxel], x: SharedAxis, y: SharedAxis) -> [WindowGroup] {
        struct Key: Hashable {
            let x: Int
            let y: Int
            let z: Int
            let blockX: Int
            let blockY: Int
        }
        var order: [Key] = []
        var members: [Key: [Int]] = [:]
        for (i, origin) in origins.enumerated() {
            let key = Key(
                x: x.phase(origin.x), y: y.phase(origin.y), z: origin.z,
                blockX: x.step(origin.x) / longest, blockY: y.step(origin.y) / longest)
            if members[key] == nil { order.append(key) }
            members[key, default: []].append(i)
        }
        return order.flatMap { key in
            let indices = members[key]!
            let group = WindowGroup(indices, origins, x: x, y: y)
            let one = x.gridLength(1) * y.gridLength(1)
            let all = x.gridLength(group.stepsX) * y.gridLength(group.stepsY)
            if all < one * indices.count { return [group] }
            return indices.map { WindowGroup([$0], origins, x: x, y: y) }
        }
    }

    /// A group for each window of this one alone.
    func singles(_ origins: [Voxel], x: SharedAxis, y: SharedAxis) -> [WindowGroup] {
        members.map { WindowGroup([$0.index], origins, x: x, y: y) }
    }

    private init(_ indices: [Int], _ origins: [Voxel], x: SharedAxis, y: SharedAxis) {
        let stepsX = indices.map { x.step(origins[$0].x) }
        let stepsY = indices.map { y.step(origins[$0].y) }
        let firstX = stepsX.min()!
        let firstY = stepsY.min()!
        origin = Voxel(
            indices.map { origins[$0].x }.min()!, indices.map { origins[$0].y }.min()!,
            origins[indices[0]].z)
        self.stepsX = stepsX.max()! - firstX + 1
        self.stepsY = stepsY.max()! - firstY + 1
        members = indices.indices.map {
            (index: indices[$0], x: stepsX[$0] - firstX, y: stepsY[$0] - firstY)
        }
    }

    /// The source voxels the whole block sees.
    func extent(window: Extent, x: SharedAxis, y: SharedAxis) -> Extent {
        Extent(
            window.x + (stepsX - 1) * (x.period?.source ?? 0),
            window.y + (stepsY - 1) * (y.period?.source ?? 0), window.z)
    }
}
