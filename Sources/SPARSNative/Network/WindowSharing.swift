import SPARSKernels

/// How windows of one size are brought to the network's grid along one axis, and how far apart two
/// windows may be so that one pass of the convolutions serves both.
///
/// Enlarged by nearest neighbour, windows S source voxels apart see one grid P places apart if the
/// index rule repeats itself: source(i + P) = source(i) + S. Layers move whole places if P is a
/// multiple of their strides' product, and nothing is padded. So a row of such windows is one longer
/// grid.
struct SharedAxis {
    /// The source voxel of each place of one window's grid.
    let source: [Int]
    /// P and S of windows that share, if any do.
    fileprivate(set) var period: (grid: Int, source: Int)?

    /// - Parameters:
    ///   - spacing: of the windows, in voxels; S is a multiple of it.
    ///   - stride: P is a multiple of it.
    init(window: Int, grid: Int, spacing: Int, stride: Int) {
        let source = ResampleAxis.nearest(from: window, to: grid).lower
        self.source = source
        period = SharedAxis.smallestPeriod(source).flatMap { period in
            (1...).lazy.map { (grid: $0 * period.grid, source: $0 * period.source) }
                .prefix { $0.grid < grid }
                .first { $0.grid % stride == 0 && $0.source % spacing == 0 }
        }
    }

    private static func smallestPeriod(_ source: [Int]) -> (grid: Int, source: Int)? {
        (1..<source.count).lazy.map { (grid: $0, source: source[$0] - source[0]) }
            .first { period in
                period.source > 0
                    && (0..<source.count - period.grid).allSatisfy {
                        source[$0 + period.grid] == source[$0] + period.source
                    }
            }
    }

    /// Whether places step by one voxel at most; a reduced window's leave voxels out.
    var isEnlarged: Bool { RepeatedAxis(source) != nil }

    var equalPlaces: Int { RepeatedAxis(source)?.equalPlaces ?? 1 }

    /// Windows may be shared if their origins leave this remainder; without a period only equal
    /// origins may.
    func phase(_ origin: Int) -> Int { period.map { origin % $0.source } ?? origin }

    /// How many periods an origin is from the first of its phase.
    func step(_ origin: Int) -> Int { period.map { origin / $0.source } ?? 0 }

    /// The places of `count` windows one period apart.
    func gridLength(_ count: Int) -> Int {
        source.count + (period?.grid ?? 0) * (count - 1)
    }

    /// The voxels of `count` windows one period apart.
    func sourceLength(_ count: Int, window: Int) -> Int {
        window + (period?.source ?? 0) * (count - 1)
    }

    /// `count` windows one period apart, `stride` grid places to each place that is shared.
    func row(_ count: Int, stride: Int) -> WindowRow {
        WindowRow(count: count, shift: (period?.grid ?? 0) / stride)
    }

    /// The axis of `count` windows one period apart; nil if the window is reduced, not enlarged.
    func axis(_ count: Int) -> RepeatedAxis? {
        guard let period else { return RepeatedAxis(source) }
        return RepeatedAxis(
            (0..<gridLength(count)).map {
                source[$0 % period.grid] + $0 / period.grid * period.source
            })
    }
}

/// The three axes of windows of one size on one network's grid.
struct WindowSharing {
    let window: Extent
    let grid: Extent
    let x: SharedAxis
    let y: SharedAxis
    let z: SharedAxis
    /// Whether windows are enlarged along every axis. If not, each stands alone: only a
    /// `RepeatedInput`, which leaves no voxel out, serves several windows in one pass.
    let isEnlarged: Bool
    private let equalPlaces: Int

    /// - Parameter origins: of the windows to be scored; they say how far apart windows are.
    init(window: Extent, grid: Extent, origins: [Voxel]) {
        func axis(_ axis: Int, stride: Int = WindowLayout.rowStride) -> SharedAxis {
            SharedAxis(
                window: window[axis], grid: grid[axis],
                spacing: WindowSharing.spacing(origins.map { $0[axis] }), stride: stride)
        }
        self.window = window
        self.grid = grid
        // Along z windows share conv1 and conv2 where they cannot share conv3.
        var axes = [axis(0), axis(1), axis(2, stride: WindowLayout.columnStride)]
        isEnlarged = axes.allSatisfy(\.isEnlarged)
        if !isEnlarged {
            for i in axes.indices { axes[i].period = nil }
        }
        (x, y, z) = (axes[0], axes[1], axes[2])
        equalPlaces = isEnlarged ? max(x.equalPlaces, y.equalPlaces) : 1
    }

    /// The smallest distance between two different coordinates; 1 if all are equal.
    private static func spacing(_ coordinates: [Int]) -> Int {
        let sorted = Set(coordinates).sorted()
        return zip(sorted, sorted.dropFirst()).map { $1 - $0 }.min() ?? 1
    }

    /// Whether windows share conv3 along z, too.
    private var hasRowsAlongZ: Bool { (z.period?.grid ?? 0) % WindowLayout.rowStride == 0 }

    func layout(_ steps: Extent) -> WindowLayout {
        let stride = WindowLayout.rowStride
        let (rowX, rowY) = (x.row(steps.x, stride: stride), y.row(steps.y, stride: stride))
        if hasRowsAlongZ {
            return WindowLayout(x: rowX, y: rowY, z: z.row(steps.z, stride: stride))
        }
        return WindowLayout(
            x: rowX, y: rowY, column: z.row(steps.z, stride: WindowLayout.columnStride))
    }

    /// The grid of a block of windows.
    func shape(_ steps: Extent) -> Extent {
        Extent(x.gridLength(steps.x), y.gridLength(steps.y), z.gridLength(steps.z))
    }

    /// The source voxels of a block of windows.
    func extent(_ steps: Extent) -> Extent {
        Extent(
            x.sourceLength(steps.x, window: window.x), y.sourceLength(steps.y, window: window.y),
            z.sourceLength(steps.z, window: window.z))
    }

    /// What the convolutions of a block take.
    func cost(_ steps: Extent) -> EvaluationCost {
        EvaluationCost(shape(steps), layout: layout(steps), equalPlaces: equalPlaces)
    }

    /// Divides windows into blocks that one pass serves each, so that all passes together are
    /// short and each is within `WindowBlock.largestBytes`; in a fixed order.
    func blocks(_ origins: [Voxel]) -> [WindowBlock] {
        var order: [Voxel] = []
        var members: [Voxel: [WindowBlock.Member]] = [:]
        for (index, origin) in origins.enumerated() {
            let phase = Voxel(x.phase(origin.x), y.phase(origin.y), z.phase(origin.z))
            if members[phase] == nil { order.append(phase) }
            let step = Voxel(x.step(origin.x), y.step(origin.y), z.step(origin.z))
            members[phase, default: []].append(.init(index: index, origin: origin, step: step))
        }
        return order.flatMap { WindowBlock(members[$0]!).divided(self).blocks }
    }
}
