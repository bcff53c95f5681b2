/// A place in mm along x, y and z. In a phantom: to the patient's left, to the back, to the head.
@usableFromInline package typealias Point = SIMD3<Float>

@inlinable package func dot(_ a: Point, _ b: Point) -> Float { (a * b).sum() }

@inlinable package func length(_ a: Point) -> Float { dot(a, a).squareRoot() }

/// 0 at or below `low`, 1 at or above `high`, cubic in between.
@inlinable package func smoothStep(_ low: Float, _ high: Float, _ x: Float) -> Float {
    let t = min(max((x - low) / (high - low), 0), 1)
    return t * t * (3 - 2 * t)
}

/// a where t is 0, b where it is 1.
@inlinable package func mix(_ a: Float, _ b: Float, _ t: Float) -> Float { a + (b - a) * t }
