/// An organ's usual HU, robustly: what intensities are measured from, since patients differ by phase
/// and fat more than lesions do from their organ.
public struct OrganLevel: Sendable, Hashable {
    /// HU of most of the organ: the mode of its core, smoothed.
    public let level: Double
    /// How far the smoothed core lies from the level, HU: 1.4826 times the median distance, which is
    /// the standard deviation of a normal distribution.
    public let spread: Double
    /// Standard deviation of the fine noise, HU, found in the same robust way: what smoothing takes
    /// away.
    public let noise: Double
    /// Standard deviation of the blur that makes white noise as alike between neighbours as the
    /// organ's fine noise is, mm; 0 where neighbours are independent.
    public let grain: Double
    /// Voxels of the organ.
    public let voxels: Int

    /// The least voxels that a level is found from.
    public static let leastVoxels = 64
    /// Standard deviation of the smoothing, mm.
    static let smoothing: Float = 2
    /// Share of the smoothing kernel that must lie in the organ for a voxel to be of its core,
    /// about 4 mm deep.
    static let coreShare: Float = 0.97

    /// A level that is known, for values without noise.
    public init(
        level: Double, spread: Double = 0, noise: Double = 0, grain: Double = 0, voxels: Int
    ) {
        self.level = level
        self.spread = spread
        self.noise = noise
        self.grain = grain
        self.voxels = voxels
    }

    /// Finds the level of an organ in a scan.
    ///
    /// Voxels outside the organ are not read. Where the organ is too thin to have a core, all of it
    /// counts.
    ///
    /// - Parameters:
    ///   - extent: voxels along x, y, z.
    ///   - spacing: a voxel's edges, mm.
    ///   - values: HU [x, y, z].
    ///   - organ: non-zero inside.
    /// - Throws: `outOfRange` if a count is not the extent's or the organ has fewer than
    ///   `leastVoxels` voxels; `notFinite` for NaN or infinity in the organ.
    public init(
        of values: [Float], organ: [UInt8], extent: Extent, spacing: Spacing
    ) throws(SPARSError) {
        self = try LesionHost(values: values, organ: organ, extent: extent, spacing: spacing).organ
    }

    /// - Parameter values: of the organ's box, finite inside the organ.
    init(
        _ values: [Float], _ organ: [UInt8], _ extent: Extent, _ spacing: Spacing,
        _ smoothed: OrganSmoothing
    ) throws(SPARSError) {
        var core: [Int] = []
        var all = 0
        try Control.inRuns(organ.count) { run in
            for i in run where organ[i] != 0 {
                all += 1
                if smoothed.inside[i] >= Self.coreShare { core.append(i) }
            }
        }
        if core.count < Self.leastVoxels { core = organ.indices.filter { organ[$0] != 0 } }
        let level = Self.mode(core.map { smoothed.mean[$0] })
        let toNormal = 1.4826
        self.level = level
        try Control.check()
        spread = toNormal * (try median(core.map { abs(Double(smoothed.mean[$0]) - level) }))
        try Control.check()
        noise = toNormal * (try median(core.map { abs(Double(values[$0] - smoothed.mean[$0])) }))
        grain = try Self.grain(values, organ, extent, spacing, smoothed.mean)
        voxels = all
    }

    /// The place of the highest point of a histogram of 1 HU, itself smoothed by a Gaussian of 3 HU;
    /// to parts of an HU by the parabola through the three highest bins.
    static func mode(_ values: [Float]) -> Double {
        let limit: Float = 16_000
        let clamped = values.map { min(max($0, -limit), limit) }
        let reach = 9
        let first = Int(clamped.min()!.rounded(.down)) - 2 * reach
        let last = Int(clamped.max()!.rounded(.up)) + 2 * reach
        var counts = [Double](repeating: 0, count: last - first + 1)
        for value in clamped { counts[Int(value.rounded()) - first] += 1 }
        let kernel = OrganSmoothing.kernel(3).map(Double.init)
        var best = (height: -1.0, at: 0)
        var smooth = counts
        for i in reach..<counts.count - reach {
            smooth[i] = (0..<kernel.count).reduce(0) { $0 + kernel[$1] * counts[i + $1 - reach] }
            if smooth[i] > best.height { best = (smooth[i], i) }
        }
        let (a, b, c) = (smooth[best.at - 1], best.height, smooth[best.at + 1])
        let curvature = a - 2 * b + c
        let shift = curvature < 0 ? (a - c) / (2 * curvature) : 0
        return Double(best.at + first) + min(max(shift, -0.5), 0.5)
    }

    /// White noise blurred by s has a correlation of exp(-(d / 2s)^2) at a distance of d; the mean of
    /// s over the three axes.
    private static func grain(
        _ values: [Float], _ organ: [UInt8], _ extent: Extent, _ spacing: Spacing, _ mean: [Float]
    ) throws(SPARSError) -> Double {
        let steps = [extent.y * extent.z, extent.z, 1]
        var products = [0.0, 0.0, 0.0]
        var squares = [0.0, 0.0, 0.0]
        for x in 0..<extent.x {
            try Control.check()
            for y in 0..<extent.y {
                for z in 0..<extent.z {
                    let i = extent.offset(x, y, z)
                    if organ[i] == 0 { continue }
                    let here = Double(values[i] - mean[i])
                    for (axis, place) in [x, y, z].enumerated() where place + 1 < extent[axis] {
                        let j = i + steps[axis]
                        if organ[j] == 0 { continue }
                        let there = Double(values[j] - mean[j])
                        products[axis] += here * there
                        squares[axis] += (here * here + there * there) / 2
                    }
                }
            }
        }
        let blurs = (0..<3).map { axis -> Double in
            guard squares[axis] > 0 else { return 0 }
            let correlation = min(products[axis] / squares[axis], 0.95)
            // Below this the blur is less than a quarter of a voxel.
            if correlation < 0.02 { return 0 }
            return spacing[axis] / (2 * (-logarithm(correlation)).squareRoot())
        }
        return blurs.reduce(0, +) / 3
    }
}
