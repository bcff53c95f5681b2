import SPARSNative

/// The outline of the trunk and its layers, as depths below the skin.
struct TorsoShape: Sendable {
    let halfWidth: Float
    let halfFront: Float
    let halfBack: Float
    /// Subcutaneous fat at its thinnest, mm.
    let fat: Float
    let skin: Float = 1.9

    /// Depth below the skin at `p` (negative outside), and the direction from the body's axis.
    func depth(_ p: Point) -> (depth: Float, direction: SIMD2<Float>) {
        let lower = (p.z + 42) / 62
        let upper = (p.z - 130) / 90
        let width = halfWidth * (1 - 0.045 / (1 + lower * lower) + 0.02 / (1 + upper * upper))
        let x = p.x / width
        let y = p.y / (p.y < 0 ? halfFront : halfBack)
        let squared = x * x + y * y
        let square = max(squared.squareRoot(), 1e-4)
        let quartic = (x * x * x * x + y * y * y * y).squareRoot().squareRoot()
        let norm = 0.55 * square + 0.45 * quartic
        let r = max((p.x * p.x + p.y * p.y).squareRoot(), 1e-3)
        // Along the ray from the axis the surface lies at r / norm.
        return (r / norm - r, SIMD2(p.x, p.y) / r)
    }

    /// Depth at which muscle begins.
    func muscleDepth(_ u: SIMD2<Float>) -> Float {
        skin + fat * (0.8 + 0.45 * abs(u.x) + 0.3 * max(u.y, 0))
    }

    /// Depth at which the cavity begins.
    func cavityDepth(_ p: Point, _ u: SIMD2<Float>) -> Float {
        var thickness = 9 + 5.5 * abs(u.x)
        if u.y < -0.5 {
            // The linea alba in the middle and the semilunar lines beside the rectus muscles.
            let middle = 1 - smoothStep(1.5, 7, abs(p.x))
            let side = 1 - smoothStep(2, 9, abs(abs(p.x) - 68))
            thickness *= 1 - 0.72 * max(middle, side)
        }
        return muscleDepth(u) + thickness
    }
}

/// Skin, subcutaneous fat, the muscle wall and the fat that fills the cavity.
struct BodyWall: Structure {
    let shape: TorsoShape
    let texture: SmoothNoise
    let fatHU: Float
    let muscleHU: Float
    let bounds = Box.everywhere

    func paint(_ row: inout Row, _ range: Range<Int>) {
        for k in range {
            let p = row.points[k]
            let (depth, u) = shape.depth(p)
            if depth <= -row.edge / 2 { continue }
            let muscle = shape.muscleDepth(u)
            let cavity = shape.cavityDepth(p, u)
            let inSkin = row.coverage(-depth)
            let inFat = row.coverage(shape.skin - depth)
            let inMuscle = row.coverage(muscle - depth)
            let inCavity = row.coverage(cavity - depth)
            var hu: Float = 18
            if inFat > 0 { hu = mix(hu, fat(p), inFat) }
            if inMuscle > 0 { hu = mix(hu, wall(p, depth, muscle, cavity, u), inMuscle) }
            if inCavity > 0 { hu = mix(hu, fat(p), inCavity) }
            row.hu[k] = mix(row.hu[k], hu, inSkin)
            if depth >= 0 {
                row.tissue[k] = depth >= cavity ? .fat : depth >= muscle ? .muscle : .wall
            }
        }
    }

    /// Fat with fine strands of connective tissue.
    private func fat(_ p: Point) -> Float {
        let strand = max(1 - 9 * abs(texture(p * Point(0.11, 0.11, 0.05))), 0)
        return fatHU + 5 * texture(p * 0.21) + 15 * strand * strand
    }

    /// Muscle; at the sides three sheets with thin fat between them.
    private func wall(
        _ p: Point, _ depth: Float, _ muscle: Float, _ cavity: Float, _ u: SIMD2<Float>
    ) -> Float {
        let hu = muscleHU + 12 * texture(p * Point(0.3, 0.3, 0.09))
        let t = (depth - muscle) / (cavity - muscle)
        let line = max(1 - min(abs(t - 0.36), abs(t - 0.68)) * 16, 0)
        let lateral = smoothStep(0.55, 0.85, abs(u.x)) * (1 - smoothStep(35, 60, p.z))
        return hu - 95 * line * lateral
    }
}

/// The mattress and shells of the table; they lie still while patients differ.
struct Table: Structure {
    /// y of the mattress's top in the middle.
    let top: Float
    let bounds = Box.everywhere

    func paint(_ row: inout Row, _ range: Range<Int>) {
        let x = row.start.x
        let y = row.start.y
        let mattress = top - 0.0013 * x * x
        let shell = mattress + 13
        let bottom = top + 52 - 0.0006 * x * x
        guard abs(x) < 215, y > mattress - row.edge, y < bottom + row.edge else { return }
        var hu = mix(-1000, -935, row.coverage(mattress - y))
        hu = mix(hu, -965, row.coverage(shell - y))
        hu = mix(hu, -180, row.coverage(abs(y - shell - 1.2) - 1.2))
        hu = mix(hu, -1000, row.coverage(bottom - y))
        hu = mix(hu, -240, row.coverage(abs(y - bottom + 1.5) - 1.5))
        for k in range { row.hu[k] = hu }
    }
}

/// A muscle that runs along the spine: an ellipse whose centre and size change along z.
struct LongMuscle: Solid {
    let shape: TorsoShape
    let texture: SmoothNoise
    let muscleHU: Float
    /// Share of fat streaks, 0 to 1.
    let streaks: Float
    /// Centre at z = 0 and its change for each mm downwards.
    let centre: SIMD2<Float>
    let slope: SIMD2<Float>
    let radii: SIMD2<Float>
    /// Growth of the radii for each mm downwards.
    let growth: Float
    let topZ: Float
    let label = Tissue.muscle

    var bounds: Box {
        Box(low: Point(-110, -40, -1e4), high: Point(110, 110, topZ + 6))
    }

    func distance(_ p: Point) -> Float {
        let down = -p.z
        let size = radii + growth * down
        let smallest = min(size.x, size.y)
        if smallest < 2 { return 10 }
        let q = (SIMD2(p.x, p.y) - centre - slope * down) / size
        let ellipse = ((q * q).sum().squareRoot() - 1) * smallest
        let (depth, u) = shape.depth(p)
        return max(max(ellipse, shape.muscleDepth(u) + 1 - depth), p.z - topZ)
    }

    func hu(_ p: Point, depth: Float) -> Float {
        let fibre = texture(p * Point(0.24, 0.24, 0.04))
        let streak = smoothStep(0.22, 0.6, texture(p * Point(0.13, 0.13, 0.02) + 5.1)) * streaks
        return mix(muscleHU + 13 * fibre, -75, streak)
    }
}
