import SPARSNative

/// The liver: two lobes under the diaphragm, hollowed from below, with fissure and hilum.
struct Liver: Solid {
    let torso: TorsoShape
    let diaphragm: Diaphragm
    let rightLobe: Ellipsoid
    let leftLobe: Ellipsoid
    /// What presses in from below: bowel, kidney and stomach.
    let hollow: Ellipsoid
    let fissure: Ellipsoid
    let hilum: Ellipsoid
    let texture: SmoothNoise
    let parenchymaHU: Float
    let label = Tissue.liver

    var bounds: Box { rightLobe.bounds.union(leftLobe.bounds) }

    func distance(_ p: Point) -> Float {
        let lobes = smoothMinimum(rightLobe.distance(p), leftLobe.distance(p), 22)
        if lobes > 6 { return lobes }
        let (above, inside) = diaphragm.height(p)
        var d = smoothMaximum(lobes, above + 3.5, 8)
        d = smoothMaximum(d, 2.5 - inside, 6)
        d = smoothMaximum(d, -hollow.distance(p), 12)
        d = smoothMaximum(d, -fissure.distance(p), 3)
        return smoothMaximum(d, -hilum.distance(p), 6) + 1.2 * texture(p * 0.06)
    }

    func hu(_ p: Point, depth: Float) -> Float {
        parenchymaHU + 5 * texture(p * 0.16) + 4 * texture(p * 0.035)
    }
}

/// An ellipsoid of even tissue, hollowed by others and kept inside the cavity.
struct SoftOrgan: Solid {
    let torso: TorsoShape?
    let diaphragm: Diaphragm?
    let outline: Ellipsoid
    let hollows: [Ellipsoid]
    let texture: SmoothNoise
    let insideHU: Float
    /// A wall of this HU and thickness; thickness 0 has none.
    let wallHU: Float
    let wall: Float
    let roughness: Float
    let label: Tissue

    var bounds: Box { outline.bounds.expanded(roughness) }

    func distance(_ p: Point) -> Float {
        var d = outline.distance(p)
        if d > 8 { return d }
        for hollow in hollows { d = smoothMaximum(d, -hollow.distance(p), 8) }
        if let torso {
            let (depth, u) = torso.depth(p)
            d = smoothMaximum(d, 3 - (depth - torso.cavityDepth(p, u)), 5)
        }
        if let diaphragm { d = smoothMaximum(d, diaphragm.height(p).above + 4, 5) }
        return d + roughness * texture(p * 0.09)
    }

    func hu(_ p: Point, depth: Float) -> Float {
        let inside = insideHU + 6 * texture(p * 0.15)
        return wall > 0 ? mix(wallHU, inside, smoothStep(wall - 0.8, wall + 0.8, depth)) : inside
    }
}

/// A kidney: cortex, medullary pyramids, and the sinus with fat and the renal pelvis.
struct Kidney: Solid {
    let outline: Ellipsoid
    /// +1 for the left kidney, -1 for the right: the hilum looks to the middle.
    let side: Float
    let texture: SmoothNoise
    let cortexHU: Float
    let medullaHU: Float
    let pelvisHU: Float
    let label = Tissue.kidney

    var bounds: Box { outline.bounds }

    /// Distance to the sinus, which opens at the hilum; `q` is local to the outline.
    private func sinus(_ q: Point) -> Float {
        let r = Point(q.x * side + 0.5, q.y + 0.22, q.z) / Point(0.62, 0.42, 0.52)
        return (length(r) - 1) * 12
    }

    func distance(_ p: Point) -> Float {
        let d = outline.distance(p)
        if d > 4 { return d }
        let q = outline.local(p)
        let notch = Point(q.x * side + 1.08, q.y + 0.4, q.z) / Point(0.5, 0.3, 0.42)
        return smoothMaximum(d, -(length(notch) - 1) * 10, 5) + 0.9 * texture(p * 0.07)
    }

    func hu(_ p: Point, depth: Float) -> Float {
        let q = outline.local(p)
        let inSinus = sinus(q)
        // Pyramids: a ring of cones between cortex and sinus.
        let angle = arcTangent(q.y, q.x * side)
        let cone = cosine(angle * 5) * cosine(q.z * 9 + 1.3)
        let pyramid = smoothStep(-0.25, 0.25, cone) * smoothStep(5, 8, depth)
        var hu = mix(cortexHU, medullaHU, pyramid) + 6 * texture(p * 0.2)
        hu = mix(hu, -82, smoothStep(0.8, -0.8, inSinus))
        let pelvis = length(Point(q.x * side + 0.55, q.y + 0.25, q.z) / Point(0.4, 0.16, 0.26)) - 1
        return mix(hu, pelvisHU, smoothStep(0.15, -0.15, pelvis))
    }
}

/// The stomach: three joined ellipsoids with a wall, fluid or food, and air on top.
struct Stomach: Solid {
    let torso: TorsoShape
    let diaphragm: Diaphragm
    let parts: [Ellipsoid]
    let texture: SmoothNoise
    let wallHU: Float
    let contentHU: Float
    /// Share of food that mottles the content, 0 to 1.
    let food: Float
    /// y above (in front of) which there is air: the patient lies on the back.
    let airLevel: Float
    let label = Tissue.stomach

    var bounds: Box { parts.dropFirst().reduce(parts[0].bounds) { $0.union($1.bounds) } }

    func distance(_ p: Point) -> Float {
        var d = parts[0].distance(p)
        for part in parts.dropFirst() { d = smoothMinimum(d, part.distance(p), 22) }
        if d > 8 { return d }
        let (above, inside) = diaphragm.height(p)
        d = smoothMaximum(d, above + 4, 6)
        return smoothMaximum(d, 4 - inside, 6) + 1.5 * texture(p * 0.07)
    }

    func hu(_ p: Point, depth: Float) -> Float {
        // Folds make the wall's inner side uneven.
        let wall = 4.2 + 2.4 * texture(p * 0.12)
        let grain = texture.twoOctaves(p * 0.13)
        let content =
            contentHU + food * (45 * grain + 25) - food * 260 * smoothStep(0.55, 0.9, grain)
        let filled = mix(content, -985, smoothStep(0.7, -0.7, p.y - airLevel))
        return mix(wallHU, filled, smoothStep(wall - 1, wall + 1, depth))
    }
}
