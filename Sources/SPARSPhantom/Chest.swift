import SPARSNative

/// The two domes of the diaphragm: lungs above, liver, stomach and spleen below.
struct Diaphragm: Sendable {
    let torso: TorsoShape
    let rightTop: Float
    let leftTop: Float

    /// Height above the dome's surface at `p`, and the depth into the chest's cavity.
    func height(_ p: Point) -> (above: Float, inside: Float) {
        let (depth, u) = torso.depth(p)
        let inside = depth - torso.cavityDepth(p, u)
        let right = SIMD2(p.x + 66, p.y + 6)
        let left = SIMD2(p.x - 70, p.y - 2)
        let weights = SIMD2<Float>(1, 0.8)
        let domeR = rightTop - 0.0052 * (right * right * weights).sum()
        let domeL = leftTop - 0.0055 * (left * left * weights).sum()
        // Near the wall the lung's edge dips into the recess between ribs and diaphragm.
        let recess = max(1 - max(inside, 0) / 17, 0)
        let back = 1 + 0.9 * max(u.y, 0)
        let surface = smoothMaximum(domeR, domeL, 14) - 34 * recess * recess * back
        return (p.z - surface, inside)
    }
}

/// Lungs with the thin muscle of the diaphragm and the pleura around them.
struct Lungs: Structure {
    let diaphragm: Diaphragm
    let texture: SmoothNoise
    let lungHU: Float

    var bounds: Box {
        let lowest = min(diaphragm.leftTop, diaphragm.rightTop) - 130
        return Box(low: Point(-1e4, -1e4, lowest), high: Point(1e4, 1e4, 1e4))
    }

    func paint(_ row: inout Row, _ range: Range<Int>) {
        for k in range {
            let p = row.points[k]
            let (above, inside) = diaphragm.height(p)
            if inside < -2 || above < -6 { continue }
            // The mediastinum and the spine stay between the lungs.
            let middle = Ellipsoid.planar(p, centre: SIMD2(8, -22), radii: SIMD2(40, 74))
            let spine = Ellipsoid.planar(p, centre: SIMD2(0, 34), radii: SIMD2(27, 34))
            let side = max(-middle, -spine)
            let d = smoothMaximum(smoothMaximum(-above, side, 6), 1.5 - inside, 4)
            if d >= 3 + row.edge { continue }
            if side < 2 {
                let sheet = abs(d - 1.3) - 1.3
                row.hu[k] = mix(row.hu[k], 45, row.coverage(sheet))
                if sheet <= 0 { row.tissue[k] = .muscle }
            }
            let gravity = 0.35 * (p.y + 20)
            let hu = lungHU + gravity + 45 * texture(p * 0.12) + 60 * max(texture(p * 0.33), 0)
            row.hu[k] = mix(row.hu[k], hu, row.coverage(d))
            if d <= 0 { row.tissue[k] = .lung }
        }
    }
}

extension Ellipsoid {
    /// Distance to an ellipse in the xy plane, first order.
    static func planar(_ p: Point, centre: SIMD2<Float>, radii: SIMD2<Float>) -> Float {
        let q = (SIMD2(p.x, p.y) - centre) / radii
        let scaled = q / radii
        let k0 = (q * q).sum().squareRoot()
        let k1 = (scaled * scaled).sum().squareRoot()
        return k1 > 1e-6 ? k0 * (k0 - 1) / k1 : -min(radii.x, radii.y)
    }
}

/// The heart's lowest part: muscle around two chambers of blood.
struct Heart: Solid {
    let outline: Ellipsoid
    let chamber: Ellipsoid
    let bloodHU: Float
    let label = Tissue.heart

    var bounds: Box { outline.bounds }

    func distance(_ p: Point) -> Float { outline.distance(p) }

    func hu(_ p: Point, depth: Float) -> Float {
        // Epicardial fat, then muscle, then blood.
        let muscle = mix(-85, 102, smoothStep(1.5, 4.5, depth))
        return mix(muscle, bloodHU, smoothStep(1, -1, chamber.distance(p)))
    }
}
