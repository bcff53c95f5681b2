/// One made-up lesion: its shape in millimetres and its HU against the organ's level.
public struct Lesion: Sendable, Hashable {
    /// mm from the centre of the volume's first voxel.
    public var centre: SIMD3<Float>
    /// Mean radius before the axes' factors, mm.
    public var radius: Float
    /// Radii along its own axes, mm.
    public var radii: SIMD3<Float>
    /// Directions of its own axes, orthonormal.
    public var axes: [SIMD3<Float>]
    /// Standard deviation of the boundary's displacement, mm.
    public var boundary: Float
    /// Width of the logistic edge, mm.
    public var edge: Float
    /// HU against the organ's level, negative where darker.
    public var contrast: Float
    /// Standard deviation of its own texture, HU.
    public var texture: Float
    /// Size of the texture's grains, mm.
    public var grain: Float
    /// Share of the host's fine noise that shows in it.
    public var noiseShare: Float
    /// HU of the core against the rest, at most 0; 0 without one.
    public var core: Float
    /// Radius of the core, a share of the lesion's.
    public var coreSize: Float
    /// HU of the rim against the rest; 0 without one.
    public var rim: Float
    /// Width of the rim, mm.
    public var rimWidth: Float
    /// HU of the capsule against its surroundings; 0 without one.
    public var capsule: Float
    /// Width of the capsule, mm.
    public var capsuleWidth: Float
    /// Whether it hides the vessels it meets; otherwise it spares them.
    public var isOverVessels: Bool
    /// HU above the level from which the smoothed host counts as a vessel.
    public var vesselRise: Float
    /// Where its boundary and texture begin in the noise.
    public var noiseOffset: SIMD3<Float>
}

extension LesionLaw {
    /// Draws a lesion centred at the origin.
    ///
    /// - Parameters:
    ///   - random: where the draws come from.
    ///   - organ: what the lesion is to lie in: its level bounds how dark, and its grain how
    ///   sharp a lesion can be.
    public func draw(in organ: OrganLevel, using random: inout RandomSource) -> Lesion {
        let size = radius.logUniform(using: &random)
        let factors = (0..<3).map { _ in Float(size * axes.uniform(using: &random)) }
        let directions = Self.directions(using: &random)
        let deviation = boundary.uniform(using: &random) * size
        // A Gaussian's blur and a logistic edge of this width have the same standard deviation.
        let sharpest = organ.grain * 3.0.squareRoot() / Double.pi
        let width = max(edge.uniform(using: &random), sharpest)
        let isBright = random.uniform() < brightChance
        let drawn = isBright ? bright.logUniform(using: &random) : -dark.logUniform(using: &random)
        let lowest = min(darkestHU - organ.level, -dark.low)
        let level = max(drawn, lowest)
        let ownTexture = texture.uniform(using: &random)
        let ownGrain = grain.uniform(using: &random)
        let noise = noiseShare.uniform(using: &random)
        let coreDrop = Self.part(coreChance, core, using: &random)
        let ownCoreSize = coreSize.uniform(using: &random)
        let rimRise = Self.part(rimChance, rim, using: &random)
        let ownRimWidth = rimWidth.uniform(using: &random)
        let capsuleRise = Self.part(capsuleChance, capsule, using: &random)
        let ownCapsuleWidth = capsuleWidth.uniform(using: &random)
        let isOver = random.uniform() < overVesselsChance
        let offset = (0..<3).map { _ in Float(random.uniform(0, 32)) }
        return Lesion(
            centre: .zero, radius: Float(size), radii: SIMD3(factors), axes: directions,
            boundary: Float(deviation), edge: Float(width), contrast: Float(level),
            texture: Float(ownTexture), grain: Float(ownGrain), noiseShare: Float(noise),
            core: Float(max(level - coreDrop, min(lowest, level)) - level),
            coreSize: Float(ownCoreSize), rim: Float(rimRise), rimWidth: Float(ownRimWidth),
            capsule: Float(capsuleRise), capsuleWidth: Float(ownCapsuleWidth),
            isOverVessels: isOver, vesselRise: Float(vesselRise), noiseOffset: SIMD3(offset))
    }

    /// Draws a lesion at `centre` (mm), and by `clusterChance` others around it that look like it.
    func drawCluster(
        at centre: SIMD3<Float>, in organ: OrganLevel, using random: inout RandomSource
    ) -> [Lesion] {
        var first = draw(in: organ, using: &random)
        first.centre = centre
        guard random.uniform() < clusterChance else { return [first] }
        var lesions = [first]
        for _ in 0..<1 + random.integer(below: clusterCount - 1) {
            var other = draw(in: organ, using: &random)
            let size = max(
                Float(clusterRadius.uniform(using: &random)) * first.radius, Float(radius.low))
            let share = size / other.radius
            let towards = Self.directions(using: &random)[0]
            // From half merged to well apart.
            let apart = Float(random.uniform(0.8, 1.6)) * (first.radius + size)
            other.centre = centre + towards * apart
            other.scale(by: share)
            other.takeLook(of: first)
            lesions.append(other)
        }
        return lesions
    }

    private static func part(
        _ chance: Double, _ size: Interval, using random: inout RandomSource
    ) -> Double {
        let isThere = random.uniform() < chance
        let drawn = size.uniform(using: &random)
        return isThere ? drawn : 0
    }

    /// The axes of a rotation drawn evenly over all: those of a unit quaternion of four normal
    /// numbers.
    static func directions(using random: inout RandomSource) -> [SIMD3<Float>] {
        let drawn = (0..<4).map { _ in random.normal() }
        let norm = drawn.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let (w, x, y, z) = (drawn[0] / norm, drawn[1] / norm, drawn[2] / norm, drawn[3] / norm)
        func axis(_ a: Double, _ b: Double, _ c: Double) -> SIMD3<Float> {
            SIMD3(Float(a), Float(b), Float(c))
        }
        return [
            axis(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            axis(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            axis(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
        ]
    }
}

extension Lesion {
    fileprivate mutating func scale(by share: Float) {
        radius *= share
        radii *= share
        boundary *= share
    }

    fileprivate mutating func takeLook(of other: Lesion) {
        (contrast, texture, grain, noiseShare) =
            (other.contrast, other.texture, other.grain, other.noiseShare)
        (core, coreSize, rim, capsule) = (other.core, other.coreSize, other.rim, other.capsule)
        isOverVessels = other.isOverVessels
    }
}
