import SPARSNative

/// Vertebral bodies, discs, the canal with its arch, and the processes, repeated along z.
struct Spine: Structure {
    let texture: SmoothNoise
    let pitch: Float
    let phase: Float
    let centreY: Float
    /// Half width and half depth of a vertebral body.
    let radii: SIMD2<Float>
    let trabecularHU: Float
    let corticalHU: Float

    var bounds: Box {
        Box(low: Point(-48, centreY - 26, -1e4), high: Point(48, centreY + 70, 1e4))
    }

    func paint(_ row: inout Row, _ range: Range<Int>) {
        for k in range {
            let p = row.points[k]
            let q = Point(p.x, p.y - centreY, p.z)
            // Height within the segment: 0 in the middle of a vertebral body.
            let turns = (p.z - phase) / pitch
            let w = (turns - turns.rounded()) * pitch
            paintBody(&row, k, p, q, w)
            paintArch(&row, k, p, q, w)
        }
    }

    private func paintBody(_ row: inout Row, _ k: Int, _ p: Point, _ q: Point, _ w: Float) {
        // The waist of a vertebral body is narrower than its end plates.
        let half = pitch * 0.385
        let rim = w / half
        let narrowing = 1 - 0.09 * max(1 - rim * rim, 0)
        let x = q.x / (radii.x * narrowing)
        // The back of the body is flat to hollow.
        let y = q.y / (radii.y * narrowing) + (q.y > 0 ? 0.16 * x * x : 0)
        let side = ((x * x + y * y).squareRoot() - 1) * radii.y
        if side > row.edge { return }
        let body = smoothMaximum(side, abs(w) - half, 3)
        let disc = max(side + 0.5, half - abs(w) - 1)
        row.hu[k] = mix(row.hu[k], 92 + 14 * texture(p * 0.2), row.coverage(disc))
        if disc <= 0 { row.tissue[k] = .muscle }
        let depth = -body
        let shell = 1 - smoothStep(1.0, 2.6, depth)
        let marrow = trabecularHU + 55 * texture(p * Point(0.4, 0.4, 0.25)) + 30 * texture(p * 0.1)
        row.hu[k] = mix(row.hu[k], mix(marrow, corticalHU, shell), row.coverage(body))
        if body <= 0 { row.tissue[k] = .bone }
    }

    private func paintArch(_ row: inout Row, _ k: Int, _ p: Point, _ q: Point, _ w: Float) {
        let canal = Point(q.x, q.y - radii.y - 8.5, 0)
        let radial = length(canal * Point(1, 1.1, 0))
        let inCanal = radial - 8.6
        // Pedicles join the upper half of the body; below them is the nerve's foramen.
        let lamina = max(abs(radial - 11.4) - 2.9, abs(w + 3) - pitch * 0.36)
        let pedicle = max(max(abs(abs(q.x) - 12.5) - 4, abs(w - 5) - 6.5), abs(canal.y + 5) - 8)
        let foot = max(max(abs(q.x) - 20, abs(w + 9) - 10), abs(canal.y - 4) - 5)
        let tip = canal.y - 12
        let spinous = max(
            max(abs(q.x) - 2.6 - 0.06 * tip, abs(w + 7 + 0.25 * tip) - 8.5), abs(tip - 8) - 12)
        let droop = abs(q.x) - 16
        let transverse = max(
            max(abs(w - 2) - 4.5, abs(canal.y - 1 - 0.2 * droop) - 3.2), abs(abs(q.x) - 27) - 15)
        var bone = min(smoothMinimum(lamina, pedicle, 3), smoothMinimum(spinous, transverse, 2))
        bone = smoothMinimum(bone, max(foot, 9 - radial), 3)
        bone = smoothMaximum(bone, -inCanal, 2)
        if bone < row.edge / 2 && canal.y > -14 {
            let shell = 1 - smoothStep(0.8, 2.4, -bone)
            let marrow = trabecularHU + 90 + 50 * texture(p * 0.33)
            row.hu[k] = mix(row.hu[k], mix(marrow, corticalHU + 40, shell), row.coverage(bone))
            if bone <= 0 { row.tissue[k] = .bone }
        }
        if inCanal < row.edge / 2 {
            row.hu[k] = mix(
                row.hu[k], 24 + 16 * smoothStep(2.5, 4.5, -inCanal), row.coverage(inCanal))
            if inCanal <= 0 { row.tissue[k] = .muscle }
        }
    }
}

/// Ribs in the wall, sloping down from the spine to the front, and the cartilage that ends them.
struct Ribs: Structure {
    let shape: TorsoShape
    let texture: SmoothNoise
    let pitch: Float
    /// z of the lowest rib at the spine.
    let lowest: Float
    let corticalHU: Float

    var bounds: Box {
        Box(low: Point(-1e4, -1e4, lowest - 75), high: Point(1e4, 1e4, 1e4))
    }

    func paint(_ row: inout Row, _ range: Range<Int>) {
        for k in range {
            let p = row.points[k]
            let (depth, u) = shape.depth(p)
            let middle = shape.cavityDepth(p, u) - 4.5
            let across = depth - middle
            if abs(across) > 5 + row.edge { continue }
            let angle = arcTangent(abs(p.x), p.y)
            // Height at which the rib that passes here left the spine.
            let origin = p.z + 40 * angle + 5 * angle * angle - lowest
            let index = (origin / pitch).rounded()
            if index < 0 || angle < 0.25 { continue }
            let reach: Float = index < 1 ? 0.85 : index < 2 ? 1.35 : 2.0 + 0.05 * min(index, 8)
            let along = (angle - reach) * 105
            // The slope makes a section across z taller than the rib is.
            let height = (origin - index * pitch) * 0.88
            let half: Float = 5.4
            let oval = (height * height / (half * half) + across * across / (3.1 * 3.1))
                .squareRoot()
            let section = (oval - 1) * 3.1
            let bone = max(section, along)
            if bone < row.edge / 2 {
                let shell = 1 - smoothStep(0.9, 1.9, -bone)
                let marrow = 150 + 60 * texture(p * 0.3)
                row.hu[k] = mix(row.hu[k], mix(marrow, corticalHU, shell), row.coverage(bone))
                if bone <= 0 { row.tissue[k] = .bone }
            } else if index >= 2 {
                let cartilage = max(section - 0.8, max(-along, along - 75))
                if cartilage < row.edge / 2 {
                    let hu = 105 + 30 * texture(p * 0.15)
                    row.hu[k] = mix(row.hu[k], hu, row.coverage(cartilage))
                    if cartilage <= 0 { row.tissue[k] = .bone }
                }
            }
        }
    }
}
