import SPARSKernels

/// What is known of one drawn window.
public struct LesionWindow: Hashable, Sendable {
    /// 1 where the core holds a lesion, 0 where it holds none.
    public let label: UInt8
    /// The share of the core's voxels that are lesion.
    public let coreShare: Float
    /// The host it was drawn from, from 0.
    public let host: Int
    /// Its lowest corner in the host's scan, before mirroring; the window may reach beyond the scan.
    public let origin: Voxel
    /// The lesions inserted for it, the first with its cluster; empty where the host is as it was.
    public let lesions: [Lesion]
}

/// Windows with labels that are true by construction, drawn from tumour-free organs as often as
/// training wants them.
///
/// Window i depends on the seed, the hosts, the law, the settings and i alone: any range can be
/// asked for at any time, in any order and on any number of threads, with the same bits, so a
/// training resumes by its count of windows. Streams of an item: 0 host, place and kind; 1 lesions;
/// 2 augmentation.
public struct LesionWindows: Sendable {
    public let hosts: [LesionHost]
    public let law: LesionLaw
    public let settings: LesionWindowSettings
    public let seed: UInt64
    private let texture: SmoothNoise

    /// Draws of place and lesion before a window is given up.
    private static let attempts = 512
    /// Draws of a lesion's place at one place of the window, and with one lesion.
    private static let (drawsAtPlace, drawsOfLesion) = (32, 8)

    private enum Kind { case tumour, beside, free }

    /// - Parameters:
    ///   - law: how lesions are drawn.
    ///   - settings: how windows are drawn and changed.
    ///   - seed: of the windows' streams.
    ///   - hosts: at least one; their voxels have the same size to 1 %.
    /// - Throws: `outOfRange` for hosts, a law or settings out of range.
    public init(
        hosts: [LesionHost], law: LesionLaw, settings: LesionWindowSettings, seed: UInt64
    ) throws(SPARSError) {
        try law.check()
        try settings.check()
        guard let first = hosts.first else {
            throw .range("hosts", of: "LesionWindows", mustBe: "at least one host", got: "none")
        }
        for host in hosts {
            let isAlike = (0..<3).allSatisfy {
                abs(host.spacing[$0] - first.spacing[$0]) <= 0.01 * first.spacing[$0]
            }
            guard isAlike else {
                throw .range(
                    "hosts", of: "LesionWindows", mustBe: "of one spacing, \(first.spacing)",
                    got: host.spacing)
            }
        }
        self.hosts = hosts
        self.law = law
        self.settings = settings
        self.seed = seed
        var noise = RandomSource(seed: seed).stream(UInt64.max)
        texture = SmoothNoise(&noise)
    }

    /// Draws windows `items` one after the other into `values` [n, x, y, z].
    ///
    /// - Throws: `outOfRange` if `values` has not n times the window's voxels, or the hosts are
    ///   too small to hold the lesions of the law in a window's core; `interrupted`, and `values` is
    ///   then unfinished.
    public func draw(
        _ items: Range<Int>, into values: UnsafeMutableBufferPointer<Float>
    ) throws(SPARSError) -> [LesionWindow] {
        guard items.lowerBound >= 0 else {
            throw .range(
                "first", of: "LesionWindows", mustBe: "0 or above", got: items.lowerBound)
        }
        let size = settings.window.count
        guard values.count % size == 0, values.count / size == items.count else {
            throw .range(
                "values", of: "LesionWindows",
                mustBe: "\(items.count) windows of \(size) values",
                got: values.count)
        }
        var drawn = [LesionWindow?](repeating: nil, count: items.count)
        unsafe Parallel.forEachSlab(items.count, of: values, and: &drawn) { i, window, drawn in
            drawn[0] = draw(UInt64(items.lowerBound + i), into: &window)
        }
        try Control.check()
        var known: [LesionWindow] = []
        known.reserveCapacity(items.count)
        for (i, window) in drawn.enumerated() {
            guard let window else {
                throw .range(
                    "hosts", of: "LesionWindows",
                    mustBe: "organs whose windows' cores can hold the law's lesions",
                    got: "none in \(Self.attempts) draws of window \(items.lowerBound + i)")
            }
            known.append(window)
        }
        return known
    }

    private func draw(_ item: UInt64, into values: inout MutableSpan<Float>) -> LesionWindow? {
        let root = RandomSource(seed: seed).stream(item)
        var places = root.stream(0)
        let index = places.integer(below: hosts.count)
        let host = hosts[index]
        let kind = drawKind(using: &places)
        guard let placed = place(kind, in: host, using: &places, lesions: root.stream(1)) else {
            return nil
        }
        let (region, lesions, share) = placed
        fill(&values, region, host)
        for painter in painters(lesions, host) {
            painter.forEachVoxel(of: region, host) { i, p, at in
                values[i] = painter.painted(over: values[i], at: p, host, at).value
            }
        }
        var random = root.stream(2)
        WindowAugmentation(settings, host, using: &random)
            .apply(to: &values, region, host, using: &random)
        return LesionWindow(
            label: kind == .tumour ? 1 : 0, coreShare: Float(share), host: index,
            origin: region.origin, lesions: lesions)
    }

    private func drawKind(using random: inout RandomSource) -> Kind {
        let u = random.uniform()
        if u < settings.tumourChance { return .tumour }
        return u < settings.tumourChance + settings.besideChance ? .beside : .free
    }

    /// Finds a place for a window of this kind and lesions that make it one; nil if there is none in
    /// all attempts.
    private func place(
        _ kind: Kind, in host: LesionHost, using places: inout RandomSource, lesions: RandomSource
    ) -> (region: Window<Native>, lesions: [Lesion], coreShare: Double)? {
        var random = lesions
        var region = drawRegion(host, using: &places)
        if kind == .free { return (region, [], 0) }
        var cluster: [Lesion] = []
        for attempt in 0..<Self.attempts {
            if attempt > 0 && attempt % Self.drawsAtPlace == 0 {
                region = drawRegion(host, using: &places)
            }
            if attempt % Self.drawsOfLesion == 0 {
                cluster = law.drawCluster(at: .zero, in: host.organ, using: &random)
            }
            guard let moved = move(cluster, kind, region, host, using: &random) else { continue }
            let painters = painters(moved, host)
            let share = share(of: settings.core(in: region), painters, host)
            let isWanted =
                kind == .tumour
                ? share > settings.tumourShareAbove
                : share < settings.freeShareBelow && self.share(of: region, painters, host) > 0
            if isWanted { return (region, moved, share) }
        }
        return nil
    }

    private func painters(_ lesions: [Lesion], _ host: LesionHost) -> [LesionPainter] {
        lesions.map { LesionPainter($0, level: host.organ.level, texture: texture) }
    }

    /// A window whose middle is a voxel of the organ.
    private func drawRegion(
        _ host: LesionHost, using random: inout RandomSource
    ) -> Window<Native> {
        let middle = host.drawVoxel(using: &random)
        let size = settings.window
        return Window(
            origin: Voxel(middle.x - size.x / 2, middle.y - size.y / 2, middle.z - size.z / 2),
            extent: size)
    }

    /// Moves a cluster to where its first lesion meets the core, or lies beside it; nil if that is
    /// outside the organ, or on a vessel that it spares.
    private func move(
        _ cluster: [Lesion], _ kind: Kind, _ region: Window<Native>, _ host: LesionHost,
        using random: inout RandomSource
    ) -> [Lesion]? {
        let edges = host.spacing.edges
        let size = settings.window
        let middle =
            host.spacing.millimetres(region.origin)
            + Point(Float(size.x - 1), Float(size.y - 1), Float(size.z - 1)) / 2 * edges
        let core = settings.core
        let half = (Point(Float(core.x), Float(core.y), Float(core.z)) * edges).max() / 2
        let radius = cluster[0].radius
        let towards = LesionLaw.directions(using: &random)[0]
        let u = random.uniform()
        let away: Float
        if kind == .tumour {
            // Evenly over a ball: the core meets any part of the lesion alike.
            away = max(radius, half) * Float(exponential(logarithm(max(u, 1e-9)) / 3))
        } else {
            let reach = (Point(Float(size.x), Float(size.y), Float(size.z)) * edges).max() / 2
            away = radius + half + Float(u) * max(reach - half, 0)
        }
        let centre = middle + towards * away
        let voxel = host.spacing.voxel(centre)
        guard host.holds(voxel), !cluster[0].spares(host, at: voxel) else { return nil }
        return cluster.map {
            var moved = $0
            moved.centre += centre
            return moved
        }
    }

    /// The share of a box's voxels that are at least half lesion.
    private func share(
        of box: Window<Native>, _ painters: [LesionPainter], _ host: LesionHost
    ) -> Double {
        var isLesion = [Bool](repeating: false, count: box.extent.count)
        for painter in painters {
            painter.forEachVoxel(of: box, host) { i, p, place in
                if !isLesion[i] { isLesion[i] = painter.part(at: p, host, place) >= 0.5 }
            }
        }
        return Double(isLesion.count { $0 }) / Double(box.extent.count)
    }

    /// The host's own HU, and those of `outside` where the organ is not.
    private func fill(
        _ values: inout MutableSpan<Float>, _ region: Window<Native>, _ host: LesionHost
    ) {
        let outside = Float(host.organ.level + settings.outside)
        for i in 0..<values.count { values[i] = outside }
        host.forEachVoxel(of: region) { i, place in values[i] = host.values[place] }
    }
}

extension LesionHost {
    /// Calls `body` for each voxel of the organ in a region of the scan, with its offset in the
    /// region and in the box.
    func forEachVoxel(of region: Window<Native>, _ body: (Int, Int) -> Void) {
        guard let shown = box.common(region) else { return }
        for x in shown.origin.x..<shown.origin.x + shown.extent.x {
            for y in shown.origin.y..<shown.origin.y + shown.extent.y {
                let z = shown.origin.z
                let inRegion = region.extent.offset(
                    x - region.origin.x, y - region.origin.y, z - region.origin.z)
                let place = box.extent.offset(
                    x - box.origin.x, y - box.origin.y, z - box.origin.z)
                for k in 0..<shown.extent.z where isOrgan[place + k] != 0 {
                    body(inRegion + k, place + k)
                }
            }
        }
    }
}
