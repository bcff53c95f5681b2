import SPARSKernels

/// A tumour-free organ made ready to hold lesions: its box cut from the scan, smoothed once, with
/// its level.
public struct LesionHost: Sendable {
    /// The scan's voxels.
    public let scan: Extent
    public let spacing: Spacing
    /// The organ's level, spread, noise and grain, HU and mm.
    public let organ: OrganLevel
    /// HU from 0 that an organ's values and its level may have: differences and squares stay finite.
    public static let largestHU: Float = 100_000
    /// The least box of the scan that holds the organ.
    let box: Window<Native>
    /// HU of the box; 0 outside the organ.
    let values: [Float]
    /// The organ's smoothed HU in the box; 0 outside.
    let smooth: [Float]
    /// The organ in the box, 1 inside.
    let isOrgan: [UInt8]
    /// Where the organ's voxels stand in the box, ascending.
    let places: [Int32]

    /// Prepares an organ.
    ///
    /// - Parameters:
    ///   - extent: voxels along x, y, z.
    ///   - spacing: a voxel's edges, mm.
    ///   - values: HU [x, y, z]; outside the organ they are not read.
    ///   - organ: non-zero inside.
    ///   - level: the organ's HU where it is known; nil finds it as `OrganLevel` does.
    /// - Throws: `outOfRange` if a count is not the extent's, the organ has fewer than
    ///   `OrganLevel.leastVoxels` voxels, or HU or `level` lie beyond `largestHU`; `notFinite` for
    ///   NaN or infinity in the organ; `interrupted`.
    public init(
        values: [Float], organ: [UInt8], extent: Extent, spacing: Spacing, level: Double? = nil
    ) throws(SPARSError) {
        let owner: SPARSError.Subject = "LesionHost"
        guard values.count == extent.count else {
            throw .range(
                "volume", of: owner, mustBe: "\(extent.count) values for \(extent)",
                got: values.count)
        }
        guard organ.count == extent.count else {
            throw .range(
                "organ", of: owner, mustBe: "a mask of \(extent.count) voxels for \(extent)",
                got: organ.count)
        }
        let box = Window<Native>(holding: organ.span, organ.span, in: extent)
        let count = organ.count { $0 != 0 }
        guard let box, count >= OrganLevel.leastVoxels, count <= Int(Int32.max) else {
            throw .range(
                "organ", of: owner,
                mustBe: "a mask with at least \(OrganLevel.leastVoxels) voxels of the organ",
                got: "\(count) voxels")
        }
        if let level, !(abs(level) <= Double(Self.largestHU)) {
            throw .range(
                "level", of: owner, mustBe: "within \(Self.largestHU) HU of 0", got: level)
        }
        scan = extent
        self.spacing = spacing
        self.box = box
        var inside = [UInt8](repeating: 0, count: box.extent.count)
        var cut = [Float](repeating: 0, count: box.extent.count)
        var places: [Int32] = []
        places.reserveCapacity(count)
        for x in 0..<box.extent.x {
            try Control.check()
            for y in 0..<box.extent.y {
                let (from, to) = (box.offset(x, y, in: extent), box.extent.offset(x, y, 0))
                for z in 0..<box.extent.z where organ[from + z] != 0 {
                    let value = values[from + z]
                    guard value.isFinite else {
                        throw .notFinite(
                            tensor: "volume",
                            message: "'volume' holds \(value) in the organ, at flat index "
                                + "\(from + z).")
                    }
                    guard abs(value) <= Self.largestHU else {
                        throw .range(
                            "volume", of: owner,
                            mustBe: "within \(Self.largestHU) HU of 0 in the organ", got: value)
                    }
                    inside[to + z] = 1
                    cut[to + z] = value
                    places.append(Int32(to + z))
                }
            }
        }
        let smoothed = OrganSmoothing(
            cut, inside, box.extent, deviations: OrganLevel.smoothing / spacing.edges)
        try Control.check()
        let found = try OrganLevel(cut, inside, box.extent, spacing, smoothed)
        self.organ = OrganLevel(
            level: level ?? found.level, spread: found.spread, noise: found.noise,
            grain: found.grain, voxels: found.voxels)
        self.values = cut
        isOrgan = inside
        smooth = smoothed.mean
        self.places = places
    }

    /// The organ's HU on the scan's voxels, 0 elsewhere, and its mask: what another is made of.
    public func contents() -> (values: [Float], organ: [UInt8]) {
        var whole = [Float](repeating: 0, count: scan.count)
        var organ = [UInt8](repeating: 0, count: scan.count)
        for x in 0..<box.extent.x {
            for y in 0..<box.extent.y {
                let (from, to) = (box.extent.offset(x, y, 0), scanOffset(x, y))
                for z in 0..<box.extent.z {
                    whole[to + z] = values[from + z]
                    organ[to + z] = isOrgan[from + z]
                }
            }
        }
        return (whole, organ)
    }

    /// A voxel of the organ, each as likely as the others; a place in the scan.
    func drawVoxel(using random: inout RandomSource) -> Voxel {
        let at = Int(places[random.integer(below: places.count)])
        let (plane, row) = (box.extent.y * box.extent.z, box.extent.z)
        return Voxel(
            box.origin.x + at / plane, box.origin.y + at / row % box.extent.y,
            box.origin.z + at % row)
    }

    /// Where row (x, y) of the box begins in the scan.
    func scanOffset(_ x: Int, _ y: Int) -> Int {
        box.offset(x, y, in: scan)
    }

    /// Where a voxel of the scan stands in the box; nil outside it.
    func offset(_ voxel: Voxel) -> Int? {
        let (x, y, z) = (
            voxel.x - box.origin.x, voxel.y - box.origin.y, voxel.z - box.origin.z
        )
        guard x >= 0, y >= 0, z >= 0, x < box.extent.x, y < box.extent.y, z < box.extent.z
        else { return nil }
        return box.extent.offset(x, y, z)
    }

    /// Whether a voxel of the scan belongs to the organ.
    func holds(_ voxel: Voxel) -> Bool { offset(voxel).map { isOrgan[$0] != 0 } ?? false }

    /// The fine noise at a place of the box, HU; limited, so that a vessel's edge is not taken for
    /// noise.
    func noise(at place: Int) -> Float {
        let limit = 3 * Float(organ.noise)
        return min(max(values[place] - smooth[place], -limit), limit)
    }
}
