/// A range to draw from, both ends included.
public struct Interval: Hashable, Sendable {
    public var low: Double
    public var high: Double

    public init(_ low: Double, _ high: Double) {
        self.low = low
        self.high = high
    }

    /// Evenly over the range.
    func uniform(using random: inout RandomSource) -> Double { random.uniform(low, high) }

    /// Evenly over the logarithm, so that each doubling is as likely as the next; `low` must be
    /// above 0.
    func logUniform(using random: inout RandomSource) -> Double {
        low * exponential(random.uniform(0, logarithm(high / low)))
    }
}

extension Interval: CustomStringConvertible {
    public var description: String { "(\(low), \(high))" }
}

/// How made-up lesions are drawn: every number of it, with its unit, default and range.
///
/// Lengths are mm, intensities HU against the organ's level. What is called a share of the radius
/// grows with the lesion.
public struct LesionLaw: Hashable, Sendable {
    /// Mean radius, mm; log-uniform. 0.5 to 80.
    public var radius = Interval(3, 21)
    /// Factor of the radius along each of three axes of random direction; uniform. 0.3 to 3.
    public var axes = Interval(0.7, 1.35)
    /// Standard deviation of the boundary's displacement, a share of the radius; uniform. 0 to 0.4.
    public var boundary = Interval(0.03, 0.13)
    /// Width of the logistic edge, mm: the lesion's part falls from 0.73 to 0.27 over twice that.
    /// Uniform, but never sharper than the host's own grain. 0.05 to 10.
    public var edge = Interval(0.4, 1.2)
    /// HU that a dark lesion lies below the level; log-uniform. 1 to 300.
    public var dark = Interval(12, 100)
    /// HU that a bright lesion lies above the level; log-uniform. 1 to 300.
    public var bright = Interval(12, 60)
    /// Chance that a lesion is bright. 0 to 1.
    public var brightChance = 0.1
    /// HU that no lesion's own level falls below, water; a dark lesion stays at least `dark.low`
    /// below the organ all the same. -1000 to 1000.
    public var darkestHU = 0.0
    /// Standard deviation of the lesion's own texture, HU; uniform. 0 to 100.
    public var texture = Interval(2, 9)
    /// Size of the texture's grains, mm; uniform. 0.5 to 50.
    public var grain = Interval(1.5, 5)
    /// Share of the host's fine noise that the lesion keeps; uniform. 0 to 1.
    public var noiseShare = Interval(0.6, 1)
    /// Chance of a darker core. 0 to 1.
    public var coreChance = 0.25
    /// HU that the core lies below the rest of the lesion; uniform. 0 to 300.
    public var core = Interval(8, 30)
    /// Radius of the core, a share of the lesion's; uniform. 0.05 to 0.95.
    public var coreSize = Interval(0.35, 0.75)
    /// Chance of a brighter rim. 0 to 1.
    public var rimChance = 0.2
    /// HU that the rim lies above the rest of the lesion; uniform. 0 to 300.
    public var rim = Interval(10, 40)
    /// Width of the rim, inside the boundary, mm; uniform. 0.2 to 20.
    public var rimWidth = Interval(1.5, 4)
    /// Chance of a capsule. 0 to 1.
    public var capsuleChance = 0.05
    /// HU that the capsule lies above its surroundings; uniform. 0 to 300.
    public var capsule = Interval(10, 35)
    /// Width of the capsule, outside the boundary, mm; uniform. 0.2 to 20.
    public var capsuleWidth = Interval(1, 2)
    /// Chance that a lesion has others around it. 0 to 1.
    public var clusterChance = 0.15
    /// Most lesions of a cluster, the first included. 2 to 20.
    public var clusterCount = 5
    /// Radius of the others, a share of the first one's; uniform. 0.1 to 1.
    public var clusterRadius = Interval(0.35, 0.8)
    /// Chance that a lesion lies over the vessels it meets and hides them; otherwise it spares them.
    /// 0 to 1.
    public var overVesselsChance = 0.7
    /// HU above the level from which the smoothed host counts as a vessel. 1 to 500.
    public var vesselRise = 25.0

    public init() {}

    /// - Throws: `outOfRange` naming the field, in Python's spelling, that is out of range.
    public func check() throws(SPARSError) {
        for (name, field, allowed) in Self.intervals {
            let value = self[keyPath: field]
            guard value.low <= value.high, allowed.contains(value.low),
                allowed.contains(value.high)
            else {
                throw .range(
                    name, of: "LesionLaw",
                    mustBe: "two ascending floats in the range "
                        + "[\(allowed.lowerBound), \(allowed.upperBound)]",
                    got: value)
            }
        }
        for (name, field, allowed) in Self.numbers {
            guard allowed.contains(self[keyPath: field]) else {
                throw .range(
                    name, of: "LesionLaw",
                    mustBe: "a float in the range "
                        + "[\(allowed.lowerBound), \(allowed.upperBound)]",
                    got: self[keyPath: field])
            }
        }
        guard Self.clusterCounts.contains(clusterCount) else {
            throw .range(
                "cluster_count", of: "LesionLaw", mustBe: "an integer in the range [2, 20]",
                got: clusterCount)
        }
    }

    private static let clusterCounts = 2...20
    private typealias Field<Value> = KeyPath<LesionLaw, Value> & Sendable

    private static let intervals: [(String, Field<Interval>, ClosedRange<Double>)] = [
        ("radius", \.radius, 0.5...80), ("axes", \.axes, 0.3...3),
        ("boundary", \.boundary, 0...0.4), ("edge", \.edge, 0.05...10),
        ("dark", \.dark, 1...300), ("bright", \.bright, 1...300),
        ("texture", \.texture, 0...100), ("grain", \.grain, 0.5...50),
        ("noise_share", \.noiseShare, 0...1), ("core", \.core, 0...300),
        ("core_size", \.coreSize, 0.05...0.95), ("rim", \.rim, 0...300),
        ("rim_width", \.rimWidth, 0.2...20), ("capsule", \.capsule, 0...300),
        ("capsule_width", \.capsuleWidth, 0.2...20),
        ("cluster_radius", \.clusterRadius, 0.1...1),
    ]
    private static let numbers: [(String, Field<Double>, ClosedRange<Double>)] = [
        ("bright_chance", \.brightChance, 0...1), ("darkest_hu", \.darkestHU, -1000...1000),
        ("core_chance", \.coreChance, 0...1), ("rim_chance", \.rimChance, 0...1),
        ("capsule_chance", \.capsuleChance, 0...1), ("cluster_chance", \.clusterChance, 0...1),
        ("over_vessels_chance", \.overVesselsChance, 0...1),
        ("vessel_rise", \.vesselRise, 1...500),
    ]
}
