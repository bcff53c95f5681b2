import SPARSKernels

/// A grid of one spacing along all axes around an organ, and the way between it and the scan.
///
/// The grid begins at the lower edge of the organ's box widened by a margin, and holds as many voxels
/// of its exact spacing as reach the upper edge: the last ones may end beyond it. Working voxel i
/// along an axis has its centre at (i + 0.5) step / spacing - 0.5 of the widened box, in voxels.
public struct WorkingGrid: Sendable, Hashable {
    /// Voxels of the organ's box, all that is read of the scan.
    public let box: Extent
    /// Of the scan.
    public let spacing: Spacing
    /// Edge of a working voxel, mm.
    public let step: Double
    /// The scan's voxels that lie between the grid's lower edge and the box's; as many follow it. They
    /// need not exist in the scan.
    public let before: Extent
    /// Working voxels.
    public let extent: Extent
    /// The scan's voxels with their centre in the grid, counted from its lower edge.
    public let covered: Extent

    /// mm that a margin may have.
    public static let margins = 0.0...500.0
    /// The most voxels of the grid, of what it covers, and of what stands between the two.
    public static let greatestCount = 1 << 30

    static let owner: SPARSError.Subject = "working_scan"
    /// What lengths are counted up with: a length that is whole but for rounding is whole.
    private static let slack = 1e-6

    /// - Parameters:
    ///   - spacing: of the scan's voxels, mm.
    ///   - box: of the organ.
    ///   - margin: mm around the box at the least; whole voxels of the scan are taken.
    ///   - step: edge of a working voxel, mm.
    /// - Throws: `outOfRange` if a length or count is beyond what is allowed.
    public init(box: Extent, spacing: Spacing, margin: Double, step: Double) throws(SPARSError) {
        guard Spacing.allowed.contains(step) else {
            throw .range(
                "spacing", of: Self.owner, mustBe: "a float in the range [0.1, 50.0] mm", got: step)
        }
        guard Self.margins.contains(margin) else {
            throw .range(
                "margin", of: Self.owner, mustBe: "a float in the range [0.0, 500.0] mm",
                got: margin)
        }
        guard (0..<3).allSatisfy({ (1...Resample.greatestLength).contains(box[$0]) }) else {
            throw .range(
                "organ", of: Self.owner,
                mustBe: "in a box of 1 to \(Resample.greatestLength) voxels an axis", got: box)
        }
        func extent(_ length: (Int) -> Int) -> Extent { Extent(length(0), length(1), length(2)) }
        let before = extent { Int((margin / spacing[$0] - Self.slack).rounded(.up)) }
        let counts = extent { axis in
            let length = Double(box[axis] + 2 * before[axis]) * spacing[axis]
            return max(1, Int((length / step - Self.slack).rounded(.up)))
        }
        // A voxel's centre lies half a voxel above its edge.
        let covered = extent { axis in
            let length = Double(counts[axis]) * step / spacing[axis]
            return Int((length - 0.5 + Self.slack).rounded(.down)) + 1
        }
        for size in [
            counts, covered, Extent(box.x, counts.y, counts.z),
            Extent(counts.x, covered.y, covered.z),
        ] where !Self.isAllowed(size) {
            throw .range(
                "spacing", of: Self.owner,
                mustBe: "one that makes a grid of at most \(Self.greatestCount) voxels",
                got: "\(step) mm, which makes one of \(counts)")
        }
        self.box = box
        self.spacing = spacing
        self.step = step
        self.before = before
        self.extent = counts
        self.covered = covered
    }

    private static func isAllowed(_ size: Extent) -> Bool {
        // Lengths are below 2^20 voxels of 50 mm in steps of 0.1 mm, so two of them can be multiplied.
        let plane = size.x * size.y
        return plane <= greatestCount && size.z <= greatestCount && plane * size.z <= greatestCount
    }

    /// The organ on the grid: the mean of its HU, and where it is.
    ///
    /// Weights are those of a triangle of half-width max(1, step / spacing) voxels along each axis. A
    /// working voxel is the organ's where more than half of the kernel's weight meets the organ; what
    /// lies beyond the box is outside. It can be interrupted under a `Control`.
    ///
    /// - Parameters:
    ///   - values: HU of the box [x, y, z]; outside the organ they are not used.
    ///   - organ: the box's mask, non-zero inside.
    ///   - outside: HU of working voxels that are not the organ's.
    ///   - working: room for `extent.count` values.
    ///   - mask: room for as many voxels, 1 or 0.
    /// - Throws: `notFinite` for NaN or infinity in the organ, naming its first voxel in the box.
    public func fill(
        values: UnsafeBufferPointer<Float>, organ: UnsafeBufferPointer<UInt8>, outside: Float,
        working: UnsafeMutableBufferPointer<Float>, mask: UnsafeMutableBufferPointer<UInt8>
    ) throws(SPARSError) {
        precondition(
            values.count == box.count && organ.count == box.count,
            "\(values.count) values and \(organ.count) voxels for \(box)")
        precondition(
            working.count == extent.count && mask.count == extent.count,
            "room for \(working.count) values and \(mask.count) voxels of \(extent)")
        func axis(_ i: Int) -> TriangleAxis {
            TriangleAxis(
                from: box[i], before: before[i], step: step / spacing[i], count: extent[i])
        }
        let isFinite = unsafe MaskedMeans.fill(
            values: values.baseAddress!, mask: organ.baseAddress!, from: box, x: axis(0),
            y: axis(1), z: axis(2), outside: outside, means: working.baseAddress!,
            inside: mask.baseAddress!)
        if isFinite { return }
        for i in values.indices where unsafe organ[i] != 0 && !values[i].isFinite {
            let place = Voxel(i / (box.y * box.z), i / box.z % box.y, i % box.z)
            let value = unsafe values[i]
            throw .notFinite(
                tensor: "scan",
                message: "The 'scan' parameter of working_scan must be finite in the organ. "
                    + "Got \(value) at \(place) of its box instead.")
        }
    }

    /// A map of the grid at the centres of the scan's voxels that it covers, linear between working
    /// voxels; the outermost ones hold for the half voxel beyond their centres.
    ///
    /// - Parameters:
    ///   - map: `extent.count` values.
    ///   - scan: room for `covered.count` values.
    public func toScan(
        _ map: UnsafeBufferPointer<Float>, into scan: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(
            map.count == extent.count && scan.count == covered.count,
            "\(map.count) values of \(extent) into \(scan.count) of \(covered)")
        func axis(_ i: Int) -> ResampleAxis {
            let ratio = spacing[i] / step
            return .linear(
                from: extent[i], at: (0..<covered[i]).map { (Double($0) + 0.5) * ratio - 0.5 })
        }
        unsafe ResampleKernels.linear(
            source: map.baseAddress!, from: extent, target: scan.baseAddress!, x: axis(0),
            y: axis(1), z: axis(2))
    }
}
