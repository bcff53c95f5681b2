import SPARSKernels

/// A whole scan with made-up lesions in its organ, and the truth about them.
public struct LesionInsertion: Sendable {
    /// HU [x, y, z]; outside the organ as given.
    public let values: [Float]
    /// The lesions' part of each voxel, 0 to 1.
    public let part: [Float]
    /// 1 where the lesions' part is a half or more.
    public let mask: [UInt8]
    /// The lesions, those of a cluster one after the other.
    public let lesions: [Lesion]

    /// The most lesions or clusters that are inserted at once.
    public static let countRange = 1...1000
    private static let attempts = 64

    /// Inserts lesions into an organ.
    ///
    /// A lesion's centre lies in the organ, each voxel as likely as the others, clear of vessels if
    /// the lesion spares them, and of the lesions before it where a place is found in 64 draws. What
    /// reaches beyond the organ is cut off. Lesion i is drawn from stream i of the seed: one more
    /// lesion leaves those before it as they are. The same arguments give the same bits for any
    /// number of threads.
    ///
    /// - Parameters:
    ///   - law: how lesions are drawn.
    ///   - seed: of the lesions' streams.
    ///   - host: the organ prepared from these same values.
    ///   - values: HU of the whole scan.
    ///   - count: lesions to draw; a cluster counts as one.
    /// - Throws: `outOfRange` for a law or a count out of range or values of another scan;
    ///   `interrupted`.
    public init(
        into host: LesionHost, values: [Float], law: LesionLaw, count: Int, seed: UInt64
    ) throws(SPARSError) {
        let owner: SPARSError.Subject = "LesionInsertion"
        try law.check()
        guard Self.countRange.contains(count) else {
            throw .range(
                "count", of: owner, mustBe: "an integer in the range [1, 1000]", got: count)
        }
        guard values.count == host.scan.count else {
            throw .range(
                "volume", of: owner, mustBe: "the \(host.scan.count) values of the host",
                got: values.count)
        }
        let root = RandomSource(seed: seed)
        var noise = root.stream(UInt64.max)
        let texture = SmoothNoise(&noise)
        var lesions: [Lesion] = []
        for i in 0..<count {
            try Control.check()
            var random = root.stream(UInt64(i))
            lesions += Self.draw(law, host, clearOf: lesions, using: &random)
        }
        let (painted, part) = try Self.paint(lesions, into: host, texture)
        self.lesions = lesions
        let replaced = try host.replaced(values, by: painted, part)
        var mask: [UInt8] = []
        mask.reserveCapacity(replaced.part.count)
        try Control.inRuns(replaced.part.count) { run in
            for part in replaced.part[run] { mask.append(part >= 0.5 ? 1 : 0) }
        }
        (self.values, self.part, self.mask) = (replaced.values, replaced.part, mask)
    }

    private static func draw(
        _ law: LesionLaw, _ host: LesionHost, clearOf others: [Lesion],
        using random: inout RandomSource
    ) -> [Lesion] {
        var cluster = law.drawCluster(at: .zero, in: host.organ, using: &random)
        var centre = SIMD3<Float>.zero
        for _ in 0..<attempts {
            let voxel = host.drawVoxel(using: &random)
            centre = host.spacing.millimetres(voxel)
            let isVessel = cluster[0].spares(host, at: voxel)
            let isClear = others.allSatisfy {
                length($0.centre - centre) > 1.3 * ($0.radius + cluster[0].radius)
            }
            if isClear && !isVessel { break }
        }
        for i in cluster.indices { cluster[i].centre += centre }
        return cluster
    }

    /// Paints into the host's box.
    private static func paint(
        _ lesions: [Lesion], into host: LesionHost, _ texture: SmoothNoise
    ) throws(SPARSError) -> (values: [Float], part: [Float]) {
        let painters = lesions.map {
            LesionPainter($0, level: host.organ.level, texture: texture)
        }
        var values = host.values
        var part = [Float](repeating: 0, count: values.count)
        Parallel.forEachSlab(host.box.extent.x, of: &values, and: &part) { x, values, part in
            let slab = Window<Native>(
                origin: Voxel(host.box.origin.x + x, host.box.origin.y, host.box.origin.z),
                extent: Extent(1, host.box.extent.y, host.box.extent.z))
            for painter in painters {
                painter.paint(slab, host, &values, &part)
            }
        }
        try Control.check()
        return (values, part)
    }
}

extension Lesion {
    /// Whether a voxel of the organ is a vessel that this lesion spares.
    func spares(_ host: LesionHost, at voxel: Voxel) -> Bool {
        guard !isOverVessels, let place = host.offset(voxel) else { return false }
        return host.smooth[place] - Float(host.organ.level) > vesselRise
    }
}

extension LesionPainter {
    /// Paints over the values of a region of the scan, and raises the lesions' part of its voxels.
    func paint(
        _ region: Window<Native>, _ host: LesionHost, _ values: inout MutableSpan<Float>,
        _ part: inout MutableSpan<Float>
    ) {
        forEachVoxel(of: region, host) { i, p, place in
            let painted = painted(over: values[i], at: p, host, place)
            values[i] = painted.value
            part[i] = max(part[i], painted.part)
        }
    }
}

extension LesionHost {
    /// A scan with the organ's voxels replaced by those of the box, and the box's `part` beside it.
    func replaced(
        _ scan: [Float], by values: [Float], _ part: [Float]
    ) throws(SPARSError) -> (values: [Float], part: [Float]) {
        var scanValues = scan
        var scanPart = [Float](repeating: 0, count: scan.count)
        for x in 0..<box.extent.x {
            try Control.check()
            for y in 0..<box.extent.y {
                let from = box.extent.offset(x, y, 0)
                let to = scanOffset(x, y)
                for z in 0..<box.extent.z where isOrgan[from + z] != 0 {
                    scanValues[to + z] = values[from + z]
                    scanPart[to + z] = part[from + z]
                }
            }
        }
        return (scanValues, scanPart)
    }
}
