import SPARSNative

/// Draws tumours and finds places for them in the liver.
struct TumourPlacer {
    private let patient: Patient
    private let view: FieldOfView
    private let configuration: PhantomConfiguration
    private var source: RandomSource
    private static let attempts = 4000

    init(
        _ patient: Patient, _ view: FieldOfView, _ configuration: PhantomConfiguration,
        _ source: RandomSource
    ) {
        self.patient = patient
        self.view = view
        self.configuration = configuration
        self.source = source
    }

    mutating func place() throws(SPARSError) -> [TumourPainter] {
        // One tumour is as likely as two to four together.
        let drawn = 1 + max(0, source.integer(below: 6) - 2)
        let count = configuration.tumourCount ?? drawn
        var painters: [TumourPainter] = []
        for _ in 0..<count {
            let radius = drawRadius()
            guard let (centre, fitted) = freePlace(radius, painters) else {
                throw PhantomConfiguration.range(
                    "shape", "a field of view whose liver holds \(count) tumours",
                    "\(configuration.extent) at \(configuration.spacing) mm")
            }
            painters.append(painter(centre, fitted))
        }
        return painters
    }

    /// Radii from 6 to 26 mm, small ones more often.
    private mutating func drawRadius() -> Float {
        let u = source.uniform()
        let drawn = 6 + 20 * u * u.squareRoot()
        // Below this a tumour could fall between the voxels' centres.
        let least = 1.3 * configuration.spacing.max()
        return Float(max(configuration.tumourRadius ?? drawn, least))
    }

    /// A place inside the liver and the field of view, clear of neighbours and other tumours. A
    /// drawn radius shrinks to 60 % where nothing larger fits.
    private mutating func freePlace(_ radius: Float, _ others: [TumourPainter]) -> (Point, Float)? {
        let box = patient.liver.bounds
        var size = radius
        for attempt in 1...Self.attempts {
            let p = Point(
                Float(source.uniform(Double(box.low.x), Double(box.high.x))),
                Float(source.uniform(Double(box.low.y), Double(box.high.y))),
                Float(source.uniform(Double(box.low.z), Double(box.high.z))))
            if configuration.tumourRadius == nil && attempt % 400 == 0 {
                size = max(size * 0.95, radius * 0.6)
            }
            if isFree(p, size, others) { return (p, size) }
        }
        return nil
    }

    private func isFree(_ p: Point, _ radius: Float, _ others: [TumourPainter]) -> Bool {
        guard patient.liver.distance(p) < -max(0.7 * radius, 3) else { return false }
        for neighbour in patient.neighbours where neighbour.distance(p) < 0.8 * radius {
            return false
        }
        for other in others
        where length(other.centre - p) < 1.25 * (other.tumour.radius + radius) + 4 {
            return false
        }
        let offset = view.offset(ofStandard: patient.warp.inverse(p))
        let reach = view.offset(view.extent.x - 1, view.extent.y - 1, view.extent.z - 1)
        let margin = 0.5 * radius
        return (0..<3).allSatisfy { abs(offset[$0]) <= max(reach[$0] - margin, 0.5 * reach[$0]) }
    }

    private mutating func painter(_ centre: Point, _ radius: Float) -> TumourPainter {
        func draw(_ low: Float, _ high: Float) -> Float {
            Float(source.uniform(Double(low), Double(high)))
        }
        let contrast = configuration.tumourContrast.map { Float($0) } ?? draw(-60, -20)
        let hasNecrosis = source.uniform() < 0.5 && radius > 11
        let hasRim = source.uniform() < 0.4 && radius > 8
        let tumour = PhantomTumour(
            centre: view.offset(ofStandard: patient.warp.inverse(centre)), radius: radius,
            contrast: contrast,
            irregularity: draw(0.08, 0.24), necrosis: hasNecrosis ? draw(-28, -12) : 0,
            rim: hasRim ? draw(10, 24) : 0, softness: draw(1.5, 4))
        let stretch = Point(draw(0.88, 1.14), draw(0.88, 1.14), draw(0.88, 1.14))
        return TumourPainter(
            tumour: tumour, centre: centre, stretch: stretch, noiseOffset: draw(0, 500),
            texture: patient.noise, liverHU: patient.liver.parenchymaHU)
    }
}
