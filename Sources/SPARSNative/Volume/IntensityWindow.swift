/// The range of HU that a network sees: values are clamped to it and scaled to [0, 1].
public struct IntensityWindow: Hashable, Sendable {
    /// Centre of the range, HU.
    public let level: Float
    /// Width of the range, HU; positive.
    public let width: Float

    /// - Throws: `outOfRange` unless both are finite and `width` is positive.
    public init(level: Float, width: Float) throws(SPARSError) {
        guard level.isFinite else {
            throw .range("level", of: .intensityWindow, mustBe: "a finite float", got: level)
        }
        guard width.isFinite, width > 0 else {
            throw .range("width", of: .intensityWindow, mustBe: "a float above 0.0", got: width)
        }
        self.level = level
        self.width = width
    }

    /// 0 at or below the range, 1 at or above it, linear inside.
    public func scaled(_ hu: Float) -> Float {
        let low = level - width / 2
        return min(max((hu - low) / width, 0), 1)
    }

    /// Writes `scaled` of every value; NaN stays NaN.
    public func scale(
        _ values: UnsafeBufferPointer<Float>, into scaled: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(values.count == scaled.count, "\(values.count) values, \(scaled.count)")
        for i in values.indices { unsafe scaled[i] = unsafe self.scaled(values[i]) }
    }
}
