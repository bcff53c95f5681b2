import SPARSNative

/// Tubes painted as one: vessels, or one loop of bowel.
struct TubeSet: Structure {
    enum Content: Sendable {
        /// Blood, or any even tissue.
        case even(Float)
        /// Lobules of tissue between fat (pancreas).
        case lobes(Float)
        /// Bowel: wall, fluid of this HU and gas in front of `gasLevel` mm above the axis.
        case fluid(Float, gas: Float)
        /// Colon: wall, stool with bubbles, gas in a share of the loop.
        case stool(Float, gas: Float)
    }

    let tubes: [Tube]
    let content: Content
    let texture: SmoothNoise
    let label: Tissue
    /// Where only voxels of one tissue may be painted.
    let within: Tissue?
    let wallHU: Float
    let wall: Float
    /// Unevenness of the surface, mm.
    let roughness: Float
    private let boxes: [Box]
    let bounds: Box

    init(
        _ tubes: [Tube], _ content: Content, texture: SmoothNoise, label: Tissue,
        within: Tissue? = nil, wallHU: Float = 0, wall: Float = 0, roughness: Float = 0
    ) {
        self.tubes = tubes
        self.content = content
        self.texture = texture
        self.label = label
        self.within = within
        self.wallHU = wallHU
        self.wall = wall
        self.roughness = roughness
        boxes = tubes.map { $0.bounds.expanded(roughness) }
        bounds = boxes.dropFirst().reduce(boxes[0]) { $0.union($1) }
    }

    func paint(_ row: inout Row, _ range: Range<Int>) {
        for k in range { row.distance[k] = 1e4 }
        for (tube, box) in zip(tubes, boxes) {
            for k in row.range(box) {
                row.distance[k] = min(row.distance[k], tube.distance(row.points[k]))
            }
        }
        for k in range where row.distance[k] < row.edge + roughness {
            if let within, row.tissue[k] != within, row.tissue[k] != label { continue }
            let p = row.points[k]
            var d = row.distance[k]
            if roughness > 0 { d += roughness * texture(p * 0.085) }
            if d >= row.edge / 2 { continue }
            row.hu[k] = mix(row.hu[k], hu(p, max(-d, 0)), row.coverage(d))
            if d <= 0 { row.tissue[k] = label }
        }
    }

    private func hu(_ p: Point, _ depth: Float) -> Float {
        switch content {
        case .even(let hu):
            return hu
        case .lobes(let hu):
            let cleft = smoothStep(0.22, 0.5, texture(p * 0.17))
            return mix(hu + 8 * texture(p * 0.3), -40, cleft * 0.7)
        case .fluid(let hu, let gas):
            let grain = texture.twoOctaves(p * 0.11)
            // Fluid mixed with folds of mucosa, as in collapsed jejunum.
            let inside = hu + 34 * grain
            let gasShare = smoothStep(gas, gas + 0.03, texture(p * Point(0.012, 0.05, 0.012) + 9.7))
            return walled(mix(inside, -960, gasShare), depth)
        case .stool(let hu, let gas):
            let grain = texture.twoOctaves(p * 0.2)
            let inside = hu + 40 * grain - 620 * smoothStep(0.28, 0.62, grain)
            let gasShare = smoothStep(gas, gas + 0.03, texture(p * Point(0.01, 0.025, 0.01) + 4.3))
            return walled(mix(inside, -970, gasShare), depth)
        }
    }

    private func walled(_ inside: Float, _ depth: Float) -> Float {
        mix(wallHU, inside, smoothStep(wall - 0.7, wall + 0.7, depth))
    }
}

extension TubeSet {
    /// Tubes through `points`, each joined to the next.
    static func chain(_ points: [Point], radii: [Float]) -> [Tube] {
        (0..<points.count - 1).map {
            Tube(
                start: points[$0], end: points[$0 + 1], startRadius: radii[$0],
                endRadius: radii[$0 + 1])
        }
    }

    /// A smooth curve through `points` (Catmull and Rom, 1974), `pieces` tubes between neighbours.
    static func curve(_ points: [Point], radii: [Float], pieces: Int = 5) -> [Tube] {
        var places: [Point] = []
        var sizes: [Float] = []
        for i in 0..<points.count - 1 {
            let before = points[max(i - 1, 0)]
            let after = points[min(i + 2, points.count - 1)]
            for piece in 0..<pieces {
                let t = Float(piece) / Float(pieces)
                let m0 = (points[i + 1] - before) * 0.5
                let m1 = (after - points[i]) * 0.5
                let t2 = t * t
                let t3 = t2 * t
                places.append(
                    (2 * t3 - 3 * t2 + 1) * points[i] + (t3 - 2 * t2 + t) * m0
                        + (3 * t2 - 2 * t3) * points[i + 1] + (t3 - t2) * m1)
                sizes.append(mix(radii[i], radii[i + 1], t))
            }
        }
        places.append(points[points.count - 1])
        sizes.append(radii[radii.count - 1])
        return chain(places, radii: sizes)
    }

    /// A tree of vessels. Radii shrink by Murray's law (1926) for two equal branches, r^3 = 2 s^3.
    static func tree(
        from start: Point, towards direction: Point, radius: Float, least: Float,
        away centre: Point, _ source: inout RandomSource
    ) -> [Tube] {
        var tubes: [Tube] = []
        var open: [(place: Point, direction: Point, radius: Float)] = [(start, direction, radius)]
        while let branch = open.popLast() {
            var place = branch.place
            var heading = branch.direction
            let steps = 3
            let pace = (5 + 3.6 * branch.radius) * Float(source.uniform(0.8, 1.25)) / Float(steps)
            let end = branch.radius * 0.86
            for step in 0..<steps {
                heading = unit(heading + 0.22 * randomDirection(&source))
                let next = place + heading * pace
                tubes.append(
                    Tube(
                        start: place, end: next,
                        startRadius: mix(branch.radius, end, Float(step) / Float(steps)),
                        endRadius: mix(branch.radius, end, Float(step + 1) / Float(steps))))
                place = next
            }
            let child = end * 0.9
            if child < least { continue }
            let outward = unit(place - centre)
            let turn = unit(cross(heading, randomDirection(&source)))
            let spread = Float(source.uniform(0.45, 0.8))
            for sign in [Float(1), -1] {
                let aim = unit(heading + sign * spread * turn + 0.3 * outward)
                open.append((place, aim, child * Float(source.uniform(0.85, 1.05))))
            }
        }
        return tubes
    }
}

func unit(_ p: Point) -> Point { p / max(length(p), 1e-6) }

func cross(_ a: Point, _ b: Point) -> Point {
    Point(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

func randomDirection(_ source: inout RandomSource) -> Point {
    unit(Point(Float(source.normal()), Float(source.normal()), Float(source.normal())))
}
