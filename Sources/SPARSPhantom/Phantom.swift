import SPARSKernels
import SPARSNative

/// What a phantom shall be.
public struct PhantomConfiguration: Sendable, Equatable {
    public var seed: UInt64
    public var extent: Extent
    /// mm along x, y and z.
    public var spacing: SIMD3<Double>
    public var hasTumour: Bool
    /// Standard deviation of the scanner's noise in the liver, HU.
    public var noise: Double
    /// 1 to 4 tumours; nil draws the number.
    public var tumourCount: Int?
    /// HU of every tumour against the liver; nil draws one for each from -60 to -20.
    public var tumourContrast: Double?
    /// Mean radius of every tumour, mm; nil draws one for each from 6 to 26.
    public var tumourRadius: Double?
    /// Whether phase, small vessels, density and the drawn mask of the liver vary as patients' do.
    public var isVaried: Bool

    public static let countRange = 1...4
    public static let axisRange = 8...1024

    /// - Throws: `outOfRange` for a value outside its documented range.
    public init(
        seed: UInt64, extent: Extent, spacing: SIMD3<Double>, hasTumour: Bool = true,
        noise: Double = 12, tumourCount: Int? = nil, tumourContrast: Double? = nil,
        tumourRadius: Double? = nil, isVaried: Bool = false
    ) throws(SPARSError) {
        self.seed = seed
        self.extent = extent
        self.spacing = spacing
        self.hasTumour = hasTumour
        self.noise = noise
        self.tumourCount = tumourCount
        self.tumourContrast = tumourContrast
        self.tumourRadius = tumourRadius
        self.isVaried = isVaried
        for axis in 0..<3 {
            guard Self.axisRange.contains(extent[axis]) else {
                throw Self.range("shape", "three integers in the range [8, 1024]", extent)
            }
            guard spacing[axis].isFinite, spacing[axis] >= 0.1, spacing[axis] <= 50 else {
                throw Self.range("spacing", "three floats in the range [0.1, 50.0] mm", spacing)
            }
        }
        try Self.check("noise", noise, 0, 200)
        try tumourContrast.map { v throws(SPARSError) in
            try Self.check("tumour_contrast", v, -200, 200)
        }
        try tumourRadius.map { v throws(SPARSError) in
            try Self.check("tumour_radius", v, 1, 80)
        }
        if let tumourCount, !Self.countRange.contains(tumourCount) {
            throw Self.range("tumour_count", "an integer in the range [1, 4]", tumourCount)
        }
    }

    private static func check(
        _ name: String, _ value: Double, _ low: Double, _ high: Double
    ) throws(SPARSError) {
        guard value.isFinite, value >= low, value <= high else {
            throw range(name, "a float in the range [\(low), \(high)]", value)
        }
    }

    private static let subject = SPARSError.Subject("phantom")

    static func range(_ name: String, _ allowed: String, _ got: some Any) -> SPARSError {
        .range(name, of: subject, mustBe: allowed, got: got)
    }
}

/// A made-up CT scan of the upper abdomen in the portal venous phase, with what it shows.
///
/// Axes are those of scanners: x to the patient's left, y to the back, z to the head. The same
/// configuration gives the same bits for any number of threads. With and without tumour, the same
/// seed gives the same patient and the same noise.
public struct Phantom: Sendable {
    public let extent: Extent
    /// Whole HU in -1024...3071.
    public let hu: [Float]
    /// Each voxel's `Tissue`.
    public let tissue: [Tissue]
    /// 1 where the liver's mask was drawn.
    public let drawnLiver: [UInt8]
    public let tumours: [PhantomTumour]

    /// Makes the scan.
    ///
    /// - Throws: `outOfRange` where a tumour is wanted and the field of view shows too little
    ///   liver to hold it; `interrupted`.
    public init(_ configuration: PhantomConfiguration) throws(SPARSError) {
        let root = RandomSource(seed: configuration.seed)
        let variation = configuration.isVaried ? LiverVariation(root.stream(3)) : nil
        let patient = Patient(root.stream(0), variation)
        let view = FieldOfView(configuration, patient)
        var structures = patient.structures
        var tumours: [PhantomTumour] = []
        if configuration.hasTumour {
            var placer = TumourPlacer(patient, view, configuration, root.stream(1))
            let painters = try placer.place()
            structures += painters as [any Structure]
            tumours = painters.map { $0.tumour }
        }
        var hu = [Float](repeating: 0, count: configuration.extent.count)
        var tissue = [Tissue](repeating: .outside, count: configuration.extent.count)
        let painted = structures
        Parallel.forEachSlab(configuration.extent.x, of: &hu, and: &tissue) { x, hu, tissue in
            view.paint(painted, patient, x, &hu, &tissue)
        }
        var drawnLiver = tissue.map { $0.isOfLiver ? UInt8(1) : 0 }
        if let variation {
            let drawn = DrawnLiver(
                liver: patient.liver, texture: patient.noise, variation: variation)
            let shown = tissue
            Parallel.forEachSlab(configuration.extent.x, of: &drawnLiver) { x, slab in
                view.draw(drawn, patient, x, shown, &slab)
            }
        }
        try Control.check()
        var noiseSource = root.stream(2)
        if configuration.noise > 0 {
            let noise = ScannerNoise(
                seed: noiseSource.next(), spacing: SIMD3<Float>(configuration.spacing))
            let sd = Float(configuration.noise)
            try noise.add(to: &hu, configuration.extent) { x, y, value in
                sd * view.noiseShare(x, y, value)
            }
        }
        Parallel.forEachSlab(configuration.extent.x, of: &hu) { _, slab in
            for i in 0..<slab.count { slab[i] = min(max(slab[i].rounded(), -1024), 3071) }
        }
        try Control.check()
        extent = configuration.extent
        self.hu = hu
        self.tissue = tissue
        self.drawnLiver = drawnLiver
        self.tumours = tumours
    }
}

/// Where voxels lie in the standard patient.
struct FieldOfView: Sendable {
    let extent: Extent
    let spacing: Point
    let edge: Float
    private let size: Point
    /// From the trunk's middle to the middle of the field of view, mm in the patient.
    private static let centre = Point(0, -8, 0)
    /// Weights of a slice and its neighbours: the slice's profile reaches beyond its thickness.
    private static let profile: (Float, Float) = (0.78, 0.11)

    init(_ configuration: PhantomConfiguration, _ patient: Patient) {
        extent = configuration.extent
        spacing = SIMD3<Float>(configuration.spacing)
        size = patient.size
        let mean = spacing.sum() / 3
        // The scanner's point spread and the voxel's own size add in squares.
        edge = (1.1 * 1.1 + mean * mean).squareRoot()
    }

    /// mm from the middle of the field of view, in the patient's own size.
    func offset(_ x: Int, _ y: Int, _ z: Int) -> Point {
        let half = (Point(Float(extent.x), Float(extent.y), Float(extent.z)) - 1) / 2
        return (Point(Float(x), Float(y), Float(z)) - half) * spacing
    }

    /// The place in the standard patient, before warping.
    func standard(_ offset: Point) -> Point { (offset + Self.centre) / size }

    /// The offset from the middle of the field of view of a place in the standard patient.
    func offset(ofStandard p: Point) -> Point { p * size - Self.centre }

    /// Noise is greatest on the body's axis, where the fewest photons pass, and small in air.
    func noiseShare(_ x: Int, _ y: Int, _ hu: Float) -> Float {
        let p = offset(x, y, 0)
        let r = (p.x * p.x + p.y * p.y) * (1 / (80 * 80))
        let share = 0.8 + 0.32 / (1 + r)
        return hu < -400 ? share * 0.7 : share
    }

    func paint(
        _ structures: [any Structure], _ patient: Patient, _ x: Int, _ hu: inout MutableSpan<Float>,
        _ tissue: inout MutableSpan<Tissue>
    ) {
        let n = extent.z
        var row = Row(count: n, edge: edge, step: spacing.z / size.z)
        for y in 0..<extent.y {
            let start = standard(offset(x, y, 0))
            row.start = start
            for k in 0..<n {
                row.points[k] = patient.warp(start + Point(0, 0, Float(k) * row.step))
                row.hu[k] = -1000
                row.tissue[k] = .outside
            }
            patient.table.paint(&row, 0..<n)
            for structure in structures {
                let range = row.range(structure.bounds)
                if !range.isEmpty { structure.paint(&row, range) }
            }
            for k in 0..<n {
                let sides = row.hu[max(k - 1, 0)] + row.hu[min(k + 1, n - 1)]
                hu[y * n + k] = Self.profile.0 * row.hu[k] + Self.profile.1 * sides
                tissue[y * n + k] = row.tissue[k]
            }
        }
    }

    /// Writes plane x of the liver's mask.
    func draw(
        _ liver: DrawnLiver, _ patient: Patient, _ x: Int, _ tissue: [Tissue],
        _ mask: inout MutableSpan<UInt8>
    ) {
        let n = extent.z
        let step = spacing.z / size.z
        let bounds = liver.liver.bounds.expanded(SmoothWarp.reach)
        for y in 0..<extent.y {
            let start = standard(offset(x, y, 0))
            guard start.x > bounds.low.x, start.x < bounds.high.x, start.y > bounds.low.y,
                start.y < bounds.high.y
            else { continue }
            for k in 0..<n {
                let shown = tissue[(x * extent.y + y) * n + k]
                let p = patient.warp(start + Point(0, 0, Float(k) * step))
                mask[y * n + k] = liver.holds(p, shown) ? 1 : 0
            }
        }
    }
}
