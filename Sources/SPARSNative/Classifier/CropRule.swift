/// How training crops are cut from a scan; the switches D1, D2 and D17 of `docs/explanation/fidelity.md`.
public struct CropRule: Equatable, Sendable {
    /// D1: whose label a crop carries.
    public enum Label: Int32, Sendable {
        /// The scan's, on every crop. Voxel masks are not read.
        case image
        /// Cut from the voxel mask: half of the crops start at a tumour voxel.
        case voxel
    }

    /// D17: what becomes of a crop that reaches beyond the border.
    public enum Border: Int32, Sendable {
        /// Crops start where they fit.
        case full
        /// Cut short at the border, and stretched when resized.
        case stretched
    }

    public var label: Label
    public var extent: Extent
    public var interpolation: Interpolation
    public var border: Border
    /// For image labels: HU that the voxel at a crop's centre must exceed; nil takes any crop.
    public var foregroundThreshold: Float?

    public init(
        label: Label, extent: Extent, interpolation: Interpolation, border: Border,
        foregroundThreshold: Float?
    ) {
        self.label = label
        self.extent = extent
        self.interpolation = interpolation
        self.border = border
        self.foregroundThreshold = foregroundThreshold
    }
}

/// A crop as cut, before it is resized. Values are HU, or scaled where an intensity window is set.
struct Crop: Equatable, Sendable {
    let origin: Voxel
    let extent: Extent
    let values: [Float]
    let hasTumour: Int
}

/// A scan to draw crops from; the buffers are the caller's.
@safe public struct TrainingScan {
    public let values: UnsafeBufferPointer<Float>
    public let extent: Extent
    /// 0 or 1.
    public let hasTumour: Int
    /// Voxels of the reference: 0 background, 1 liver, 2 tumour.
    public let mask: UnsafeBufferPointer<UInt8>?

    public init(
        values: UnsafeBufferPointer<Float>, extent: Extent, hasTumour: Int,
        mask: UnsafeBufferPointer<UInt8>?
    ) {
        unsafe self.values = unsafe values
        self.extent = extent
        self.hasTumour = hasTumour
        unsafe self.mask = unsafe mask
    }
}

extension CropRule {
    /// Draws `count` crops of a scan.
    ///
    /// Image labels: the origin is uniform over all places where the crop fits (`.full`) or over all
    /// voxels (`.stretched`), given that the centre voxel exceeds `foregroundThreshold` if there is
    /// one. Voxel labels: see `drawLabelled`.
    ///
    /// - Parameter shifts: moves each crop's origin, no farther than it may lie; empty moves none.
    /// - Throws: `outOfRange` if the crop is larger than the scan, no voxel is foreground, or a
    ///   mask is missing or of another size; `notFinite` for NaN or infinity inside a crop.
    func draw(
        _ count: Int, from scan: TrainingScan, using random: inout RandomSource,
        shifts: [Voxel] = []
    ) throws(SPARSError) -> [Crop] {
        precondition(
            shifts.isEmpty || shifts.count == count, "\(shifts.count) shifts of \(count) crops")
        if border == .full, !(0..<3).allSatisfy({ extent[$0] <= scan.extent[$0] }) {
            throw .range(
                "window", of: .training, mustBe: "at most the scan's shape \(scan.extent)",
                got: extent)
        }
        switch label {
        case .voxel: return try drawLabelled(count, from: scan, using: &random, shifts: shifts)
        case .image:
            var crops: [Crop] = []
            for i in 0..<count {
                let origin = shifted(
                    try drawOrigin(scan, using: &random), shifts.isEmpty ? nil : shifts[i],
                    in: scan.extent)
                crops.append(try cut(scan, at: origin, hasTumour: scan.hasTumour))
            }
            return crops
        }
    }

    /// How many origins there are along each axis.
    private func origins(in scan: Extent) -> Extent {
        if border == .stretched { return scan }
        return Extent(scan.x - extent.x + 1, scan.y - extent.y + 1, scan.z - extent.z + 1)
    }

    private func shifted(_ origin: Voxel, _ shift: Voxel?, in scan: Extent) -> Voxel {
        guard let shift else { return origin }
        let places = origins(in: scan)
        func axis(_ axis: Int) -> Int {
            min(max(origin[axis] + shift[axis], 0), places[axis] - 1)
        }
        return Voxel(axis(0), axis(1), axis(2))
    }

    /// The extent of the crop at `origin`, cut short at the border.
    private func extent(at origin: Voxel, in scan: Extent) -> Extent {
        Extent(
            min(extent.x, scan.x - origin.x), min(extent.y, scan.y - origin.y),
            min(extent.z, scan.z - origin.z))
    }

    private func isForeground(_ origin: Voxel, _ scan: TrainingScan, _ threshold: Float) -> Bool {
        let size = extent(at: origin, in: scan.extent)
        let centre = scan.extent.offset(
            origin.x + size.x / 2, origin.y + size.y / 2, origin.z + size.z / 2)
        return unsafe scan.values[centre] > threshold
    }

    private func drawOrigin(
        _ scan: TrainingScan, using random: inout RandomSource
    ) throws(SPARSError) -> Voxel {
        let places = origins(in: scan.extent)
        func drawn(_ random: inout RandomSource) -> Voxel {
            Voxel(
                random.integer(below: places.x), random.integer(below: places.y),
                random.integer(below: places.z))
        }
        guard let threshold = foregroundThreshold else { return drawn(&random) }
        // Rejection first, then by counting: both are uniform over the foreground, and counting
        // also finds that there is none.
        for _ in 0..<64 {
            let origin = drawn(&random)
            if isForeground(origin, scan, threshold) { return origin }
        }
        var foreground: [Int] = []
        for index in 0..<places.count
        where isForeground(voxel(index, in: places), scan, threshold) {
            foreground.append(index)
        }
        guard !foreground.isEmpty else {
            throw .range(
                "foreground_threshold", of: .training,
                mustBe: "below the HU at the centre of some crop", got: threshold)
        }
        return voxel(foreground[random.integer(below: foreground.count)], in: places)
    }

    private func voxel(_ index: Int, in extent: Extent) -> Voxel {
        Voxel(index / (extent.y * extent.z), index / extent.z % extent.y, index % extent.z)
    }

    private func cut(
        _ scan: TrainingScan, at origin: Voxel, hasTumour: Int
    ) throws(SPARSError) -> Crop {
        let size = extent(at: origin, in: scan.extent)
        var values: [Float] = []
        values.reserveCapacity(size.count)
        for x in origin.x..<origin.x + size.x {
            for y in origin.y..<origin.y + size.y {
                let start = scan.extent.offset(x, y, origin.z)
                unsafe values += scan.values[start..<start + size.z]
            }
        }
        try checkFinite(values, named: "volume")
        return Crop(origin: origin, extent: size, values: values, hasTumour: hasTumour)
    }
}

// MARK: - Crops labelled by voxels

extension CropRule {
    /// The released scripts' crops: the mask keeps tumour alone and is dilated once (6 neighbours);
    /// half of the crops start at a random voxel of it, the others at a random voxel outside. A
    /// crop's label is 1 if its mask holds any voxel. A scan without tumour gives only negatives.
    ///
    /// With `.full` borders a start is moved in until the crop fits. The scripts also clip three
    /// rows of their list of background voxels, meaning its columns; it changes nothing but the
    /// chance of three voxels among millions, and is left out. They resize the mask with the crop
    /// and truncate it to integers, which can lose a tumour one voxel thick; it is not resized here.
    private func drawLabelled(
        _ count: Int, from scan: TrainingScan, using random: inout RandomSource, shifts: [Voxel]
    ) throws(SPARSError) -> [Crop] {
        guard let mask = unsafe scan.mask, mask.count == scan.extent.count else {
            throw .range(
                "mask", of: .training, mustBe: "of the scan's shape \(scan.extent)",
                got: unsafe scan.mask == nil ? "none" : unsafe "\(scan.mask!.count) voxels")
        }
        let tumour = unsafe DilatedTumour(mask: mask, extent: scan.extent)
        guard tumour.voxels.count < scan.extent.count else {
            throw .range(
                "mask", of: .training, mustBe: "partly without tumour", got: "tumour everywhere")
        }
        let positives = tumour.voxels.isEmpty ? 0 : count / 2
        var crops: [Crop] = []
        for i in 0..<count {
            let start =
                i < positives
                ? tumour.voxels[random.integer(below: tumour.voxels.count)]
                : drawOutside(tumour, scan.extent.count, using: &random)
            let origin = shifted(
                moved(voxel(start, in: scan.extent), in: scan.extent),
                shifts.isEmpty ? nil : shifts[i], in: scan.extent)
            let size = extent(at: origin, in: scan.extent)
            let label = tumour.isAny(from: origin, size: size) ? 1 : 0
            crops.append(try cut(scan, at: origin, hasTumour: label))
        }
        return crops
    }

    private func drawOutside(
        _ tumour: DilatedTumour, _ count: Int, using random: inout RandomSource
    ) -> Int {
        for _ in 0..<64 {
            let start = random.integer(below: count)
            if !tumour.holds(start) { return start }
        }
        let outside = (0..<count).filter { !tumour.holds($0) }
        return outside[random.integer(below: outside.count)]
    }

    private func moved(_ origin: Voxel, in scan: Extent) -> Voxel {
        if border == .stretched { return origin }
        return Voxel(
            min(origin.x, scan.x - extent.x), min(origin.y, scan.y - extent.y),
            min(origin.z, scan.z - extent.z))
    }
}

/// The tumour of a mask (value 2), grown by one voxel along each axis.
struct DilatedTumour {
    /// Offsets into the mask, ascending.
    let voxels: [Int]
    private let isTumour: [Bool]
    private let extent: Extent

    init(mask: UnsafeBufferPointer<UInt8>, extent: Extent) {
        var isTumour = [Bool](repeating: false, count: mask.count)
        for x in 0..<extent.x {
            for y in 0..<extent.y {
                let row = extent.offset(x, y, 0)
                for z in 0..<extent.z where unsafe mask[row + z] == 2 {
                    let at = row + z
                    isTumour[at] = true
                    if x > 0 { isTumour[at - extent.y * extent.z] = true }
                    if x + 1 < extent.x { isTumour[at + extent.y * extent.z] = true }
                    if y > 0 { isTumour[at - extent.z] = true }
                    if y + 1 < extent.y { isTumour[at + extent.z] = true }
                    if z > 0 { isTumour[at - 1] = true }
                    if z + 1 < extent.z { isTumour[at + 1] = true }
                }
            }
        }
        voxels = isTumour.indices.filter { isTumour[$0] }
        self.isTumour = isTumour
        self.extent = extent
    }

    func holds(_ offset: Int) -> Bool { isTumour[offset] }

    func isAny(from origin: Voxel, size: Extent) -> Bool {
        for x in origin.x..<origin.x + size.x {
            for y in origin.y..<origin.y + size.y {
                let row = extent.offset(x, y, origin.z)
                if isTumour[row..<row + size.z].contains(true) { return true }
            }
        }
        return false
    }
}
