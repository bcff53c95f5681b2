import SPARSNative

/// What a voxel of a phantom shows; the raw values are the labels of `Phantom.labels`.
public enum Tissue: UInt8, CaseIterable, Sendable {
    case outside, wall, fat, muscle, bone, lung, heart, bowel, stomach, pancreas, spleen, kidney
    case gallbladder, vessel, liver, hepaticVessel, tumour

    /// Whether it is the liver, with its vessels and tumours.
    var isOfLiver: Bool { self == .liver || self == .hepaticVessel || self == .tumour }
}

/// One line of voxels along z while it is being painted.
struct Row {
    /// Each voxel's place in the standard patient, warped.
    var points: [Point]
    var hu: [Float]
    var tissue: [Tissue]
    /// Scratch: distances of the structure being painted.
    var distance: [Float]
    /// Width in mm over which an edge passes from one tissue to the next.
    let edge: Float
    /// The voxel's place before warping: x, y of the line, and z of its first voxel.
    var start: Point
    /// Steps along z in the standard patient, mm.
    let step: Float

    init(count: Int, edge: Float, step: Float) {
        points = Array(repeating: .zero, count: count)
        hu = Array(repeating: 0, count: count)
        tissue = Array(repeating: .outside, count: count)
        distance = Array(repeating: 0, count: count)
        self.edge = edge
        self.step = step
        start = .zero
    }

    /// How much of a voxel lies inside a surface at this distance: 1 well inside, 0 well outside.
    func coverage(_ distance: Float) -> Float { min(max(0.5 - distance / edge, 0), 1) }

    /// The voxels that may show something inside `box`, given how far the warp can move them.
    func range(_ box: Box) -> Range<Int> {
        let margin = SmoothWarp.reach + edge
        guard start.x > box.low.x - margin, start.x < box.high.x + margin,
            start.y > box.low.y - margin, start.y < box.high.y + margin
        else { return 0..<0 }
        let low = (box.low.z - margin - start.z) / step
        let high = (box.high.z + margin - start.z) / step
        let first = Int(min(max(low, 0), Float(points.count)))
        let last = Int(min(max(high + 1, 0), Float(points.count)))
        return first..<max(first, last)
    }
}

/// Something that paints itself over what was painted before it.
protocol Structure: Sendable {
    var bounds: Box { get }
    func paint(_ row: inout Row, _ range: Range<Int>)
}

/// A structure with one closed surface.
protocol Solid: Structure {
    var label: Tissue { get }
    func distance(_ p: Point) -> Float
    /// HU at `p`, `depth` mm inside the surface.
    func hu(_ p: Point, depth: Float) -> Float
}

extension Solid {
    func paint(_ row: inout Row, _ range: Range<Int>) {
        let reach = row.edge / 2
        for k in range {
            let p = row.points[k]
            let d = distance(p)
            if d >= reach { continue }
            row.hu[k] = mix(row.hu[k], hu(p, depth: max(-d, 0)), row.coverage(d))
            if d <= 0 { row.tissue[k] = label }
        }
    }
}

/// Displaces every place smoothly by up to `reach` mm, so that no two patients share a shape.
struct SmoothWarp: Sendable {
    static let reach: Float = 7
    private let noise: SmoothNoise

    init(_ noise: SmoothNoise) { self.noise = noise }

    func callAsFunction(_ p: Point) -> Point {
        let coarse = p * (1 / 52)
        let fine = p * (1 / 21)
        return p
            + 5.4 * Point(noise(coarse), noise(coarse + 11.37), noise(coarse + 23.71))
            + 1.6 * Point(noise(fine + 3.17), noise(fine + 14.53), noise(fine + 27.19))
    }

    /// The place that the warp takes to `p`, to about 0.1 mm: the warp's slope is below one, so
    /// the iteration contracts.
    func inverse(_ p: Point) -> Point {
        var q = p
        for _ in 0..<8 { q = p - (self(q) - q) }
        return q
    }
}
