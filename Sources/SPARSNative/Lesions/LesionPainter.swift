/// A lesion made ready to be painted into a host: what is the same for every voxel, worked out once.
struct LesionPainter {
    private let lesion: Lesion
    private let axes: (Point, Point, Point)
    private let texture: SmoothNoise
    /// Cells of the boundary's noise per mm, and the weight of each octave, mm.
    private var octaves: [(frequency: Float, weight: Float)] = []
    /// mm that the boundary can move at most.
    private let bulge: Float
    /// mm beyond which a lesion's part is below 1/3000 and counts as 0, or above and counts as 1.
    private let fade: Float
    private let level: Float

    /// Cells of the noise across the radius in the coarsest octave; each next one is 2.2 times finer.
    private static let coarsest: Float = 1.3
    /// mm: an octave with finer cells would not be seen.
    private static let finestCell: Float = 1.5
    /// Standard deviation of `SmoothNoise`.
    private static let noiseDeviation: Float = 0.31

    init(_ lesion: Lesion, level: Double, texture: SmoothNoise) {
        self.lesion = lesion
        self.texture = texture
        self.level = Float(level)
        axes = (lesion.axes[0], lesion.axes[1], lesion.axes[2])
        var frequency = Self.coarsest / lesion.radius
        var weight: Float = 1
        while octaves.isEmpty || (octaves.count < 4 && 1 / frequency >= Self.finestCell) {
            octaves.append((frequency, weight))
            frequency *= 2.2
            weight *= 0.55
        }
        let power = octaves.reduce(0) { $0 + $1.weight * $1.weight }.squareRoot()
        let scale = lesion.boundary / (Self.noiseDeviation * power)
        for i in octaves.indices { octaves[i].weight *= scale }
        bulge = octaves.reduce(0) { $0 + $1.weight }
        fade = 8 * lesion.edge
    }

    /// mm around the centre within which the lesion or its capsule can show.
    var reach: Float { lesion.radii.max() + bulge + max(fade, lesion.capsuleWidth) }

    /// Distance to the boundary in mm, negative inside, and the place in the lesion's own axes; nil
    /// where nothing of the lesion shows.
    private func distance(_ p: Point) -> (distance: Float, own: Point)? {
        let offset = p - lesion.centre
        let own = Point(dot(offset, axes.0), dot(offset, axes.1), dot(offset, axes.2))
        let q = own / lesion.radii
        let k0 = length(q)
        let k1 = length(q / lesion.radii)
        let smooth = k1 > 1e-6 ? k0 * (k0 - 1) / k1 : -lesion.radii.min()
        if smooth > bulge + max(fade, lesion.capsuleWidth) { return nil }
        var moved = smooth
        for octave in octaves {
            moved -= octave.weight * texture(own * octave.frequency + lesion.noiseOffset)
        }
        return (moved, own)
    }

    private func part(_ distance: Float) -> Float {
        if distance > fade { return 0 }
        if distance < -fade { return 1 }
        return 1 / (1 + exponential(distance / lesion.edge))
    }

    /// How much of a vessel the smoothed host shows: 0 none, 1 surely one.
    private func vessel(_ smooth: Float) -> Float {
        if lesion.isOverVessels { return 0 }
        let rise = smooth - level
        return smoothStep(0.6 * lesion.vesselRise, 1.4 * lesion.vesselRise, rise)
    }

    /// The lesion's part of a voxel, 0 to 1, where `host` shows the organ at `place` of its box.
    func part(at p: Point, _ host: LesionHost, _ place: Int) -> Float {
        guard let (distance, _) = distance(p) else { return 0 }
        return part(distance) * (1 - vessel(host.smooth[place]))
    }

    /// A voxel's HU with the lesion painted over `value`, and the lesion's part of it.
    func painted(
        over value: Float, at p: Point, _ host: LesionHost, _ place: Int
    ) -> (value: Float, part: Float) {
        guard let (distance, own) = distance(p) else { return (value, 0) }
        let spared = 1 - vessel(host.smooth[place])
        let part = part(distance) * spared
        var result = value
        if part > 0 {
            let hu = level + inside(distance, own) + lesion.noiseShare * host.noise(at: place)
            result = mix(value, hu, part)
        }
        if lesion.capsule > 0 {
            let half = lesion.capsuleWidth / 2
            result += lesion.capsule * spared * max(1 - abs(distance - half) / half, 0)
        }
        return (result, part)
    }

    /// HU of the lesion's inside against the level, without noise.
    private func inside(_ distance: Float, _ own: Point) -> Float {
        var hu = lesion.contrast
        if lesion.texture > 0 {
            let grains = texture(own * (1 / lesion.grain) + lesion.noiseOffset + 11.37)
            hu += lesion.texture * (1 / Self.noiseDeviation) * grains
        }
        if lesion.core != 0 {
            let depth = -distance / lesion.radius
            let edge = 1 - lesion.coreSize
            hu += lesion.core * smoothStep(edge - 0.12, edge + 0.12, depth)
        }
        if lesion.rim > 0 {
            let half = lesion.rimWidth / 2
            hu += lesion.rim * max(1 - abs(distance + half) / half, 0)
        }
        return hu
    }
}

extension LesionPainter {
    /// The voxels of `region`, a box of the scan, that the lesion can show in; nil if there is none.
    func touched(_ region: Window<Native>, _ spacing: Spacing) -> Window<Native>? {
        let low = (lesion.centre - reach) / spacing.edges
        let high = (lesion.centre + reach) / spacing.edges
        func range(_ axis: Int) -> (Int, Int)? {
            let first = max(Int(low[axis].rounded(.down)), region.origin[axis])
            let last = min(
                Int(high[axis].rounded(.up)), region.origin[axis] + region.extent[axis] - 1)
            return first <= last ? (first, last) : nil
        }
        guard let x = range(0), let y = range(1), let z = range(2) else { return nil }
        return Window(
            origin: Voxel(x.0, y.0, z.0),
            extent: Extent(x.1 - x.0 + 1, y.1 - y.0 + 1, z.1 - z.0 + 1))
    }

    /// Calls `body` for each voxel of the organ in `region` that the lesion can show in, with its
    /// offset in the region, its place in mm and its offset in the host's box.
    func forEachVoxel(
        of region: Window<Native>, _ host: LesionHost, _ body: (Int, Point, Int) -> Void
    ) {
        let edges = host.spacing.edges
        guard let shown = touched(region, host.spacing),
            let inBox = host.box.common(shown)
        else { return }
        for x in inBox.origin.x..<inBox.origin.x + inBox.extent.x {
            for y in inBox.origin.y..<inBox.origin.y + inBox.extent.y {
                let z = inBox.origin.z
                let inRegion = region.extent.offset(
                    x - region.origin.x, y - region.origin.y, z - region.origin.z)
                let place = host.box.extent.offset(
                    x - host.box.origin.x, y - host.box.origin.y, z - host.box.origin.z)
                for k in 0..<inBox.extent.z where host.isOrgan[place + k] != 0 {
                    let p = Point(Float(x), Float(y), Float(z + k)) * edges
                    body(inRegion + k, p, place + k)
                }
            }
        }
    }
}

extension Window {
    /// The voxels in both windows; nil if there is none.
    func common(_ other: Window) -> Window? {
        func range(_ axis: Int) -> (Int, Int)? {
            let first = max(origin[axis], other.origin[axis])
            let end = min(origin[axis] + extent[axis], other.origin[axis] + other.extent[axis])
            return first < end ? (first, end - first) : nil
        }
        guard let x = range(0), let y = range(1), let z = range(2) else { return nil }
        return Window(origin: Voxel(x.0, y.0, z.0), extent: Extent(x.1, y.1, z.1))
    }
}
