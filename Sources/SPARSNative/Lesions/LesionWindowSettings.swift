/// How labelled windows are drawn from hosts and what is done to their values.
public struct LesionWindowSettings: Hashable, Sendable {
    /// Voxels of a window.
    public var window = Extent(16, 16, 16)
    /// Voxels of the window's core, in its middle: what the label is about.
    public var core = Extent(6, 6, 6)
    /// Chance that a window's core holds a lesion: label 1. 0 to 1.
    public var tumourChance = 0.5
    /// Chance that a lesion lies in the window but beside its core: label 0. 0 to 1; both chances
    /// add up to at most 1, and the rest are windows of the host as it is.
    public var besideChance = 0.125
    /// Share of the core that must be lesion, and more than that, for label 1. 0 to 1.
    public var tumourShareAbove = 0.25
    /// Share of the core below which a window is of label 0. Above 0, at most `tumourShareAbove`;
    /// draws between the two are drawn again.
    public var freeShareBelow = 0.02
    /// The HU that the organ's level is moved to; nil leaves values as they are. -1000 to 1000.
    public var levelAt: Double? = 100
    /// HU outside the organ, against its level. -2000 to 2000.
    public var outside = -200.0
    /// Whether each axis is mirrored with a chance of one half.
    public var flips = true
    /// Whether axes of the same length change places, each order as likely as the others.
    public var transposes = true
    /// Factor of the distance to the level; uniform. 0.1 to 10.
    public var gain = Interval(0.75, 1.3)
    /// HU added; uniform. -1000 to 1000.
    public var offset = Interval(-8, 8)
    /// Standard deviation of noise added to each voxel, HU; uniform. 0 to 200.
    public var noise = Interval(0, 6)
    /// Standard deviation of a Gaussian blur, mm; uniform. 0 to 5.
    public var blur = Interval(0, 0.9)

    public init() {}

    /// Values as they are: no augmentation.
    public var plain: LesionWindowSettings {
        var settings = self
        (settings.flips, settings.transposes) = (false, false)
        (settings.gain, settings.offset) = (Interval(1, 1), Interval(0, 0))
        (settings.noise, settings.blur) = (Interval(0, 0), Interval(0, 0))
        return settings
    }

    /// The core of a window.
    func core(in window: Window<Native>) -> Window<Native> {
        func corner(_ axis: Int) -> Int {
            window.origin[axis] + (self.window[axis] - core[axis]) / 2
        }
        return Window(origin: Voxel(corner(0), corner(1), corner(2)), extent: core)
    }

    /// - Throws: `outOfRange` naming the field that is out of range.
    public func check() throws(SPARSError) {
        try checkExtents()
        let chances = [
            ("tumour_chance", tumourChance, 0...1.0), ("beside_chance", besideChance, 0...1.0),
            ("tumour_share_above", tumourShareAbove, 0...1.0),
            ("free_share_below", freeShareBelow, 0...1.0), ("outside", outside, -2000...2000.0),
            ("level_at", levelAt ?? 0, -1000...1000.0),
        ]
        for (name, value, allowed) in chances where !allowed.contains(value) {
            throw Self.range(
                name, "a float in the range [\(allowed.lowerBound), \(allowed.upperBound)]", value)
        }
        guard tumourChance + besideChance <= 1 else {
            throw Self.range(
                "beside_chance", "at most 1 with tumour_chance, which is \(tumourChance)",
                besideChance)
        }
        guard tumourShareAbove < 1, freeShareBelow > 0, freeShareBelow <= tumourShareAbove else {
            throw Self.range(
                "free_share_below",
                "above 0.0 and at most tumour_share_above, which is below 1.0: "
                    + "\(tumourShareAbove)", freeShareBelow)
        }
        let intervals = [
            ("gain", gain, 0.1...10), ("offset", offset, -1000...1000.0),
            ("noise", noise, 0...200.0), ("blur", blur, 0...5.0),
        ]
        for (name, value, allowed) in intervals {
            guard value.low <= value.high, allowed.contains(value.low),
                allowed.contains(value.high)
            else {
                throw Self.range(
                    name,
                    "two ascending floats in the range "
                        + "[\(allowed.lowerBound), \(allowed.upperBound)]", value)
            }
        }
    }

    private func checkExtents() throws(SPARSError) {
        for axis in 0..<3 {
            guard (2...256).contains(window[axis]) else {
                throw Self.range("window", "three integers in the range [2, 256]", window)
            }
            // An odd difference would put the core to one side, and a flip to the other.
            guard core[axis] >= 1, core[axis] <= window[axis],
                (window[axis] - core[axis]) % 2 == 0
            else {
                throw Self.range(
                    "core",
                    "three integers from 1 to the window's \(window) and both odd or both even",
                    core)
            }
        }
    }

    private static func range(_ name: String, _ allowed: String, _ got: some Any) -> SPARSError {
        .range(name, of: "LesionWindows", mustBe: allowed, got: got)
    }
}
