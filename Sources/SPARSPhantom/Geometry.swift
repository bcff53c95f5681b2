import SPARSNative

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

func sine(_ angle: Float) -> Float { sinf(angle) }
func cosine(_ angle: Float) -> Float { cosf(angle) }
func arcTangent(_ y: Float, _ x: Float) -> Float { atan2f(y, x) }

/// The lesser of a and b, rounded where they differ by less than `k`
/// (Quilez, "Smooth minimum": quadratic polynomial, within k/4 of the true minimum).
func smoothMinimum(_ a: Float, _ b: Float, _ k: Float) -> Float {
    let h = max(k - abs(a - b), 0) / k
    return min(a, b) - h * h * k * 0.25
}

func smoothMaximum(_ a: Float, _ b: Float, _ k: Float) -> Float { -smoothMinimum(-a, -b, k) }

/// A box that holds a shape.
struct Box {
    var low: Point
    var high: Point

    static let everywhere = Box(low: Point(repeating: -1e4), high: Point(repeating: 1e4))

    func union(_ other: Box) -> Box {
        Box(low: pointwiseMin(low, other.low), high: pointwiseMax(high, other.high))
    }

    func expanded(_ margin: Float) -> Box { Box(low: low - margin, high: high + margin) }
}

/// An ellipsoid with axes of any direction.
struct Ellipsoid {
    var centre: Point
    var radii: Point
    /// Rows are the directions of the three axes; orthonormal.
    private var axes: (Point, Point, Point)

    /// - Parameters:
    ///   - turn: rotation about z, from x towards y, radians.
    ///   - tilt: rotation about the turned x axis, from y towards z, radians.
    init(_ centre: Point, _ radii: Point, turn: Float = 0, tilt: Float = 0) {
        self.centre = centre
        self.radii = radii
        let (c, s) = (cosine(turn), sine(turn))
        let (ct, st) = (cosine(tilt), sine(tilt))
        axes = (Point(c, s, 0), Point(-s * ct, c * ct, st), Point(s * st, -c * st, ct))
    }

    /// `p` in units of the radii along the axes.
    func local(_ p: Point) -> Point {
        let q = p - centre
        return Point(dot(q, axes.0), dot(q, axes.1), dot(q, axes.2)) / radii
    }

    /// Distance to the surface, negative inside; first order in the distance (exact on a sphere).
    func distance(_ p: Point) -> Float {
        let q = local(p)
        let scaled = q / radii
        let k0 = length(q)
        let k1 = length(scaled)
        return k1 > 1e-6 ? k0 * (k0 - 1) / k1 : -radii.min()
    }

    var bounds: Box {
        let x = axes.0 * radii.x
        let y = axes.1 * radii.y
        let z = axes.2 * radii.z
        let squared = x * x + y * y + z * z
        let reach = squared.squareRoot()
        return Box(low: centre - reach, high: centre + reach)
    }
}

/// A segment with a radius at each end, rounded.
struct Tube {
    var start: Point
    var end: Point
    var startRadius: Float
    var endRadius: Float

    func distance(_ p: Point) -> Float {
        let along = end - start
        let t = min(max(dot(p - start, along) / max(dot(along, along), 1e-6), 0), 1)
        return length(p - start - along * t) - mix(startRadius, endRadius, t)
    }

    var bounds: Box {
        let reach = max(startRadius, endRadius)
        return Box(low: pointwiseMin(start, end) - reach, high: pointwiseMax(start, end) + reach)
    }
}
