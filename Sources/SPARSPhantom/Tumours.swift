import SPARSNative

/// One liver tumour.
public struct PhantomTumour: Sendable, Equatable {
    /// Centre in mm from the middle of the field of view: to the left, to the back, to the head.
    public internal(set) var centre: SIMD3<Float>
    /// Mean radius, mm.
    public let radius: Float
    /// HU against the liver around it; negative is darker.
    public let contrast: Float
    /// Size of the edge's irregularity as a share of the radius.
    public let irregularity: Float
    /// HU of the core against the rest of the tumour; 0 without necrosis.
    public let necrosis: Float
    /// HU of the rim against the rest of the tumour; 0 without a rim.
    public let rim: Float
    /// Width over which the edge fades, mm.
    public let softness: Float
}

/// Paints the tumours into the liver.
struct TumourPainter: Structure {
    let tumour: PhantomTumour
    /// Centre in the standard patient.
    let centre: Point
    let stretch: Point
    let noiseOffset: Float
    let texture: SmoothNoise
    let liverHU: Float

    var bounds: Box {
        let reach = tumour.radius * 1.6 + tumour.softness
        return Box(low: centre - reach, high: centre + reach)
    }

    func paint(_ row: inout Row, _ range: Range<Int>) {
        let r = tumour.radius
        let grain = 2.1 / r
        let fade = max(tumour.softness, row.edge)
        for k in range {
            guard row.tissue[k] == .liver || row.tissue[k] == .hepaticVessel else { continue }
            let p = row.points[k]
            let q = (p - centre) * stretch
            let far = length(q)
            if far > r * 1.6 + fade { continue }
            let bumps = texture.twoOctaves(q * grain + noiseOffset)
            let d = far - r * (1 + tumour.irregularity * bumps)
            let share = min(max(0.5 - d / fade, 0), 1)
            if share == 0 { continue }
            var hu = liverHU + tumour.contrast + 7 * texture(p * 0.22 + noiseOffset)
            let core = smoothStep(-0.35 * r, -0.6 * r, d + 0.25 * r * bumps)
            hu += tumour.necrosis * core
            let ring = max(1 - abs(d + 2) / 2.2, 0)
            hu += tumour.rim * ring
            row.hu[k] = mix(row.hu[k], hu, share)
            if d <= 0 { row.tissue[k] = .tumour }
        }
    }
}
