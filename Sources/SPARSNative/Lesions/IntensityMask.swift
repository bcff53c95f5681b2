import SPARSKernels

/// What of an organ is darker than most of it: the rival of a trained search, which needs no training.
///
/// The organ is smoothed over its own voxels, those below its level are taken, away from its border,
/// where partial volume is as dark, and what is thinner than the opening is dropped.
public struct IntensityMask: Sendable {
    /// HU below the organ's level that a smoothed voxel must be.
    public var below = 20.0
    /// Standard deviation of the smoothing, mm; 0 for none.
    public var sigma = 2.0
    /// mm that a voxel must be away from the nearest one outside the organ, from centre to centre: more
    /// than this.
    public var edge = 3.0
    /// How many voxels the opening erodes and dilates by, along faces.
    public var opening = 1

    private static let owner: SPARSError.Subject = "intensity_mask"

    public init() {}

    /// - Throws: `outOfRange` naming the first value outside its range.
    public func validate() throws(SPARSError) {
        for (name, value, high) in [
            ("below", below, 1000.0), ("sigma", sigma, 20.0), ("edge", edge, 100.0),
        ] where !(0...high).contains(value) {
            throw .range(
                name, of: Self.owner, mustBe: "a float in the range [0.0, \(high)]", got: value)
        }
        guard (0...10).contains(opening) else {
            throw .range(
                "opening", of: Self.owner, mustBe: "an integer in the range [0, 10]", got: opening)
        }
    }

    /// Finds the mask.
    ///
    /// - Parameters:
    ///   - extent: voxels along x, y, z.
    ///   - spacing: a voxel's edges, mm.
    ///   - values: HU [x, y, z]; outside the organ they are not read.
    ///   - organ: non-zero inside.
    ///   - mask: room for as many voxels, 1 or 0.
    /// - Returns: the organ's level, HU, as `OrganLevel` finds it.
    /// - Throws: `outOfRange` for a setting out of its range or an organ of fewer than
    ///   `OrganLevel.leastVoxels` voxels; `notFinite` for NaN or infinity in the organ; `interrupted`.
    public func fill(
        values: [Float], organ: [UInt8], extent: Extent, spacing: Spacing,
        mask: UnsafeMutableBufferPointer<UInt8>
    ) throws(SPARSError) -> Double {
        try validate()
        let count = organ.count { $0 != 0 }
        guard count >= OrganLevel.leastVoxels else {
            throw .range(
                "organ", of: Self.owner,
                mustBe: "a mask with at least \(OrganLevel.leastVoxels) voxels of the working grid",
                got: "\(count) voxels")
        }
        let host = try LesionHost(values: values, organ: organ, extent: extent, spacing: spacing)
        let smooth = smoothed(host)
        try Control.check()
        let limit = Float(host.organ.level - below)
        // A border of one voxel around the organ's box stands for all that is outside it.
        let box = host.box.extent
        let wide = Extent(box.x + 2, box.y + 2, box.z + 2)
        var outside = try Control.filled(wide.count, with: UInt8(1))
        var dark = try Control.filled(wide.count, with: UInt8(0))
        for x in 0..<box.x {
            try Control.check()
            for y in 0..<box.y {
                let (from, to) = (box.offset(x, y, 0), wide.offset(x + 1, y + 1, 1))
                for z in 0..<box.z where host.isOrgan[from + z] != 0 {
                    outside[to + z] = 0
                    dark[to + z] = smooth[from + z] < limit ? 1 : 0
                }
            }
        }
        let counts = (wide.x, wide.y, wide.z)
        let squared = DistanceTransform.squared(
            to: outside, at: dark, counts: counts, edges: (spacing.x, spacing.y, spacing.z))
        try Control.check()
        try Control.inRuns(dark.count) { run in
            for i in run where squared[i].squareRoot() <= edge { dark[i] = 0 }
        }
        let opened = try Self.opened(dark, counts, by: opening)
        try Control.inRuns(mask.count, of: 1 << 20) { unsafe mask[$0].update(repeating: 0) }
        for x in 0..<box.x {
            try Control.check()
            for y in 0..<box.y {
                let from = wide.offset(x + 1, y + 1, 1)
                let to = host.scanOffset(x, y)
                for z in 0..<box.z { unsafe mask[to + z] = opened[from + z] }
            }
        }
        return host.organ.level
    }

    private func smoothed(_ host: LesionHost) -> [Float] {
        if sigma == 0 { return host.values }
        // The host is smoothed already, for its level.
        if Float(sigma) == OrganLevel.smoothing { return host.smooth }
        return OrganSmoothing(
            host.values, host.isOrgan, host.box.extent,
            deviations: Float(sigma) / host.spacing.edges
        ).mean
    }

    /// Erodes, then dilates; voxels that share a face are neighbours.
    static func opened(
        _ mask: [UInt8], _ counts: (Int, Int, Int), by times: Int
    ) throws(SPARSError) -> [UInt8] {
        var mask = mask
        for _ in 0..<times {
            let surface = MaskKernels.surface(mask, counts: counts)
            try Control.inRuns(mask.count) { run in
                for i in run where surface[i] != 0 { mask[i] = 0 }
            }
        }
        for _ in 0..<times {
            try Control.check()
            mask = MaskKernels.dilated(mask, counts: counts)
        }
        return mask
    }
}
