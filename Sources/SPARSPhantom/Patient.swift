import SPARSNative

/// One patient's anatomy, drawn from the seed: shapes, places and densities.
///
/// Lengths follow an adult of middle size in the portal venous phase; places are in mm from the
/// middle of the trunk at the height of the liver's hilum. Every number that varies is drawn here,
/// in a fixed order, and none depends on whether the patient has a tumour.
struct Patient {
    let size: Point
    let torso: TorsoShape
    let diaphragm: Diaphragm
    let liver: Liver
    let noise: SmoothNoise
    let warp: SmoothWarp
    let table: Table
    /// Everything but tumours, in the order of painting.
    private(set) var structures: [any Structure] = []
    /// What must keep clear of tumours.
    private(set) var neighbours: [any Solid] = []
    var source: RandomSource

    let fatHU: Float
    let muscleHU: Float
    let arterialHU: Float
    let venousHU: Float
    let portalHU: Float
    /// Of the vessels within the liver.
    private let hepaticPortalHU: Float
    private let hepaticVenousHU: Float

    /// - Parameter variation: of the liver; nil for an even one. Nothing else depends on it.
    init(_ source: RandomSource, _ variation: LiverVariation? = nil) {
        var source = source
        func draw(_ low: Float, _ high: Float) -> Float {
            Float(source.uniform(Double(low), Double(high)))
        }
        let build = draw(0.94, 1.05)
        size = Point(build * draw(0.98, 1.02), build * draw(0.97, 1.04), build * draw(0.96, 1.04))
        fatHU = draw(-112, -98)
        muscleHU = draw(50, 64)
        portalHU = draw(150, 182)
        venousHU = portalHU - draw(2, 22)
        arterialHU = draw(135, 172)
        let parenchymaHU = draw(94, 122)
        hepaticPortalHU = variation.map { parenchymaHU + $0.portalRise } ?? portalHU
        hepaticVenousHU = variation.map { parenchymaHU + $0.venousRise } ?? venousHU
        torso = TorsoShape(
            halfWidth: draw(144, 153), halfFront: draw(108, 121), halfBack: draw(94, 99),
            fat: draw(9, 22))
        diaphragm = Diaphragm(torso: torso, rightTop: draw(92, 106), leftTop: draw(80, 93))
        noise = SmoothNoise(&source)
        warp = SmoothWarp(SmoothNoise(&source))
        table = Table(top: torso.halfBack * size.y + draw(-3, 1))
        liver = Liver(
            torso: torso, diaphragm: diaphragm,
            rightLobe: Ellipsoid(
                Point(-72 + draw(-5, 5), -6 + draw(-5, 5), 30 + draw(-6, 6)),
                Point(76 + draw(-5, 4), 86 + draw(-6, 6), 84 + draw(-10, 10)),
                turn: draw(-0.12, 0.12)),
            leftLobe: Ellipsoid(
                Point(2 + draw(-7, 7), -52 + draw(-5, 5), 52 + draw(-6, 6)),
                Point(62 + draw(-12, 12), 36 + draw(-5, 5), 40 + draw(-6, 6)),
                turn: draw(-0.2, 0.1)),
            hollow: Ellipsoid(
                Point(20 + draw(-5, 5), 6 + draw(-5, 5), -52 + draw(-6, 6)),
                Point(76, 76, 82)),
            fissure: Ellipsoid(
                Point(3 + draw(-4, 4), -74, 26), Point(4 + draw(-1, 2), 27, 34),
                turn: draw(-0.25, 0.25)),
            hilum: Ellipsoid(
                Point(-22, -14, 16), Point(22, 9, 10), turn: draw(-0.3, 0.1)),
            texture: noise, parenchymaHU: parenchymaHU)
        self.source = source
        addWallAndBones()
        addChest()
        addBowel()
        addUpperAbdomen()
        addGreatVessels()
        addLiverVessels()
        if let variation { structures.append(VariationPainter(variation, self)) }
    }

    private mutating func draw(_ low: Float, _ high: Float) -> Float {
        Float(source.uniform(Double(low), Double(high)))
    }

    private mutating func jitter(_ p: Point, _ by: Float) -> Point {
        p + Point(draw(-by, by), draw(-by, by), draw(-by, by))
    }

    private mutating func addWallAndBones() {
        structures.append(
            BodyWall(shape: torso, texture: noise, fatHU: fatHU, muscleHU: muscleHU))
        let streaks = draw(0, 0.75)
        for side in [Float(-1), 1] {
            structures.append(
                LongMuscle(
                    shape: torso, texture: noise, muscleHU: muscleHU - 4, streaks: streaks,
                    centre: SIMD2(side * 31, 61), slope: SIMD2(side * 0.03, 0.0),
                    radii: SIMD2(26, 19), growth: 0.03, topZ: 1e4))
            structures.append(
                LongMuscle(
                    shape: torso, texture: noise, muscleHU: muscleHU + 2, streaks: streaks * 0.4,
                    centre: SIMD2(side * 24, 21), slope: SIMD2(side * 0.19, 0.02),
                    radii: SIMD2(4, 6), growth: 0.17, topZ: 22))
            // Quadratus lumborum.
            structures.append(
                LongMuscle(
                    shape: torso, texture: noise, muscleHU: muscleHU, streaks: streaks * 0.6,
                    centre: SIMD2(side * 58, 50), slope: SIMD2(side * 0.1, 0.0),
                    radii: SIMD2(12, 6), growth: 0.07, topZ: 10))
        }
        structures.append(
            Spine(
                texture: noise, pitch: draw(32, 36), phase: draw(0, 34), centreY: 29,
                radii: SIMD2(draw(21, 24), draw(15.5, 17.5)), trabecularHU: draw(140, 215),
                corticalHU: draw(420, 560)))
        structures.append(
            Ribs(
                shape: torso, texture: noise, pitch: draw(27, 30), lowest: draw(12, 24),
                corticalHU: draw(520, 720)))
    }

    private mutating func addChest() {
        structures.append(Lungs(diaphragm: diaphragm, texture: noise, lungHU: draw(-875, -835)))
        var branches: [Tube] = []
        for side in [Float(-1), 1] {
            for _ in 0..<5 {
                branches += TubeSet.tree(
                    from: Point(side * 42, draw(-20, 25), draw(125, 145)),
                    towards: unit(Point(side * draw(0.3, 1), draw(-0.8, 0.8), -1)),
                    radius: draw(2.4, 3.2), least: 0.75, away: Point(side * 40, 0, 130), &source)
            }
        }
        structures.append(
            TubeSet(branches, .even(55), texture: noise, label: .lung, within: .lung))
        let centre = jitter(Point(20, -40, 132), 3)
        structures.append(
            Heart(
                outline: Ellipsoid(centre, Point(54, 42, 40 + draw(-3, 3)), turn: 0.35),
                chamber: Ellipsoid(centre + Point(12, 4, 6), Point(30, 22, 27), turn: 0.35),
                bloodHU: venousHU))
    }

    private mutating func addBowel() {
        // Small vessels of the mesentery, then loops over them.
        var twigs: [Tube] = []
        for _ in 0..<18 {
            twigs += TubeSet.tree(
                from: jitter(Point(4, -18, -45), 18),
                towards: unit(Point(draw(-1, 1), draw(-1, 0.1), draw(-1, 0.3))),
                radius: draw(1.8, 2.8), least: 1.1, away: Point(0, 0, -30), &source)
        }
        structures.append(TubeSet(twigs, .even(venousHU), texture: noise, label: .vessel))
        let loops = 15 + source.integer(below: 6)
        for _ in 0..<loops { addSmallBowelLoop() }
        addColon(
            [Point(-96, 12, -150), Point(-100, 6, -90), Point(-92, 0, -48)], [23, 23, 20], gas: 0.1)
        addColon(
            [
                Point(-92, 0, -48), Point(-72, -52, -60), Point(-5, -74, -72), Point(60, -62, -48),
                Point(96, -8, 6),
            ],
            [19, 18, 17, 17, 16], gas: -0.05)
        addColon(
            [Point(96, -8, 6), Point(103, 26, -30), Point(104, 24, -90), Point(100, 20, -150)],
            [15, 13, 13, 14], gas: 0.25)
    }

    private mutating func addSmallBowelLoop() {
        var place = Point(draw(-66, 70), draw(-72, -12), draw(-135, -34))
        var heading = unit(Point(draw(-1, 1), draw(-0.6, 0.6), draw(-0.6, 0.6)))
        let low = Point(-74, -80, -150)
        let high = Point(78, -8, -30)
        var points = [place]
        for _ in 0..<4 + source.integer(below: 3) {
            heading = unit(heading + 0.8 * randomDirection(&source))
            place = pointwiseMin(pointwiseMax(place + heading * draw(16, 26), low), high)
            points.append(place)
        }
        let radius = draw(9, 13.5)
        let radii = points.map { _ in radius * draw(0.85, 1.1) }
        structures.append(
            TubeSet(
                TubeSet.curve(points, radii: radii, pieces: 3),
                .fluid(draw(12, 62), gas: draw(0.2, 0.9)), texture: noise, label: .bowel,
                wallHU: draw(84, 112), wall: 2.2, roughness: 1.6))
    }

    private mutating func addColon(_ points: [Point], _ radii: [Float], gas: Float) {
        let places = points.enumerated().map { $0.offset == 0 ? $0.element : jitter($0.element, 5) }
        let scale = draw(0.85, 1.12)
        structures.append(
            TubeSet(
                TubeSet.curve(places, radii: radii.map { $0 * scale }),
                .stool(draw(10, 45), gas: gas + draw(-0.15, 0.15)), texture: noise, label: .bowel,
                wallHU: draw(70, 92), wall: 2.2, roughness: 4.5))
    }

    private mutating func addUpperAbdomen() {
        let duodenum = [
            Point(-30, -34, 4), Point(-43, -18, -10), Point(-40, -8, -38), Point(-12, -13, -48),
            Point(24, -14, -44),
        ].map { jitter($0, 3) }
        structures.append(
            TubeSet(
                TubeSet.curve(duodenum, radii: [11, 12, 12, 11, 10]),
                .fluid(draw(15, 50), gas: draw(0.4, 0.9)), texture: noise, label: .bowel,
                wallHU: 95, wall: 2.4, roughness: 1.5))
        let pancreas = [
            Point(-26, -20, -16), Point(-20, -25, 0), Point(8, -27, 6), Point(38, -10, 16),
            Point(72, 14, 30),
        ].map { jitter($0, 3) }
        structures.append(
            TubeSet(
                TubeSet.curve(pancreas, radii: [14, 11, 8.5, 9.5, 8]), .lobes(draw(84, 108)),
                texture: noise, label: .pancreas, roughness: 2.5))
        let kidneys = [Float(-1), 1].map { side in
            Kidney(
                outline: Ellipsoid(
                    jitter(Point(side * 66, 36, side < 0 ? -44 : -32), 5),
                    Point(27, 30, 52) * draw(0.92, 1.06), turn: side * 0.55, tilt: draw(-0.1, 0.2)),
                side: side, texture: noise, cortexHU: draw(172, 196), medullaHU: draw(150, 172),
                pelvisHU: draw(8, 40))
        }
        let stomachParts = [
            Ellipsoid(jitter(Point(62, 4, 62), 4), Point(36, 36, 30) * draw(0.85, 1.1)),
            Ellipsoid(jitter(Point(54, -40, 32), 4), Point(32, 32, 46) * draw(0.85, 1.08)),
            Ellipsoid(
                jitter(Point(14, -54, 0), 4), Point(36, 20, 18) * draw(0.85, 1.08), turn: 0.2),
        ]
        let food = source.uniform() < 0.5 ? draw(0.4, 1) : draw(0, 0.1)
        structures.append(
            Stomach(
                torso: torso, diaphragm: diaphragm, parts: stomachParts, texture: noise,
                wallHU: draw(72, 96), contentHU: draw(5, 28), food: food,
                airLevel: draw(-58, -34)))
        structures.append(
            SoftOrgan(
                torso: torso, diaphragm: diaphragm,
                outline: Ellipsoid(
                    jitter(Point(88, 34, 36), 5), Point(35, 56, 56) * draw(0.88, 1.1), turn: 0.35),
                hollows: [
                    Ellipsoid(jitter(Point(46, 2, 36), 4), Point(34, 46, 70)), kidneys[1].outline,
                ],
                texture: noise, insideHU: draw(112, 132), wallHU: 0, wall: 0, roughness: 1.2,
                label: .spleen))
        structures.append(liver)
        let gallbladder = SoftOrgan(
            torso: nil, diaphragm: nil,
            outline: Ellipsoid(
                jitter(Point(-46, -46, -14), 4), Point(14, 15, 30) * draw(0.75, 1.15),
                turn: draw(-0.3, 0.3), tilt: -0.45),
            hollows: [], texture: noise, insideHU: draw(2, 16), wallHU: 62, wall: 1.6,
            roughness: 0.8, label: .gallbladder)
        structures.append(gallbladder)
        structures += kidneys as [any Structure]
        neighbours = [gallbladder, kidneys[0]]
    }

    private mutating func addGreatVessels() {
        func vessel(_ points: [Point], _ radii: [Float], _ hu: Float) {
            structures.append(
                TubeSet(
                    TubeSet.curve(points, radii: radii), .even(hu), texture: noise, label: .vessel))
        }
        let aorta = draw(8.5, 11)
        let aortaX = draw(6, 12)
        vessel(
            [
                Point(aortaX + 4, 10, 160), Point(aortaX + 2, 4, 60), Point(aortaX, 1, -20),
                Point(aortaX - 4, 1, -150),
            ],
            [aorta * 1.15, aorta * 1.1, aorta, aorta * 0.85], arterialHU)
        // Coeliac trunk and superior mesenteric artery, splenic and mesenteric veins.
        vessel([Point(aortaX, -4, 16), Point(aortaX - 2, -20, 18)], [3.6, 3], arterialHU)
        vessel(
            [
                Point(aortaX, -6, 4), Point(aortaX - 1, -20, -8), Point(aortaX - 2, -24, -60),
                Point(aortaX - 4, -30, -120),
            ], [3.8, 3.4, 3.2, 2.6], arterialHU)
        vessel(
            [Point(-12, -17, -2), Point(26, -8, 10), Point(58, 12, 24), Point(80, 26, 34)],
            [5.5, 4.6, 4.2, 3.6], portalHU)
        vessel(
            [Point(-12, -17, -2), Point(-9, -25, -40), Point(-6, -32, -120)], [5.6, 5, 4], portalHU)
        let cava = draw(9, 11.5)
        vessel(
            [
                Point(-20, 9, -150), Point(-20, 6, -40), Point(-22, 6, 30), Point(-24, -2, 72),
                Point(-14, -14, 112),
            ],
            [cava * 0.95, cava, cava * 1.05, cava * 1.1, cava * 1.1], venousHU)
        vessel(
            [Point(-20, 6, -32), Point(-36, 16, -36), Point(-52, 24, -40)], [5, 4.4, 4], venousHU)
        vessel(
            [Point(-18, 4, -26), Point(6, -10, -24), Point(34, 8, -28), Point(50, 20, -30)],
            [5, 4.2, 4.4, 4], venousHU)
    }

    private mutating func addLiverVessels() {
        let hilum = jitter(Point(-24, -13, 17), 2)
        var portal = TubeSet.curve(
            [Point(-12, -17, -2), Point(-18, -17, 8), hilum], radii: [6.6, 6.4, 6.2])
        let trunk = TubeSet(portal, .even(portalHU), texture: noise, label: .vessel)
        structures.append(trunk)
        let right = jitter(Point(-56, -8, 27), 4)
        let left = jitter(Point(-4, -36, 40), 4)
        portal = TubeSet.chain([hilum, right], radii: [5.6, 5])
        portal += TubeSet.chain([hilum, jitter(Point(-16, -26, 30), 3), left], radii: [5, 4.4, 4])
        for aim in [Point(-1, -0.5, 0.6), Point(-1, 0.6, 0.3), Point(-0.6, 0, -1)] {
            portal += TubeSet.tree(
                from: right, towards: unit(aim), radius: draw(3.6, 4.4), least: 0.85, away: hilum,
                &source)
        }
        for aim in [Point(0.9, -0.6, 0.3), Point(0.2, -1, 0.2)] {
            portal += TubeSet.tree(
                from: left, towards: unit(aim), radius: draw(2.8, 3.5), least: 0.85, away: hilum,
                &source)
        }
        structures.append(
            TubeSet(
                portal, .even(hepaticPortalHU), texture: noise, label: .hepaticVessel,
                within: .liver))
        // Three hepatic veins that meet at the cava under the dome.
        let mouth = jitter(Point(-24, -4, 74), 2)
        var veins: [Tube] = []
        for aim in [Point(-1, 0.25, -0.45), Point(-0.55, -0.75, -0.4), Point(0.55, -0.85, -0.25)] {
            veins += TubeSet.tree(
                from: mouth, towards: unit(aim), radius: draw(5, 6), least: 0.85, away: mouth,
                &source)
        }
        structures.append(
            TubeSet(
                veins, .even(hepaticVenousHU), texture: noise, label: .hepaticVessel, within: .liver
            ))
    }
}
