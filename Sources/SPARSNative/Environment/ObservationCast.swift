extension GameConfiguration {
    /// A voxel as an agent's policy network receives it.
    ///
    /// With D12 `uint8` the learner's values are cast and divided by 255; the opponent's are
    /// divided alone where D13 says `uncast`.
    public func seen(_ value: Float, by agent: Agent) -> Float {
        switch observationCast {
        case .float32: return value
        case .uint8:
            let uncast = agent == .opponent && opponentObservation == .uncast
            return (uncast ? value : Float(wrappedUInt8(value))) / 255
        }
    }
}

/// A float32 as x86 casts it to an unsigned byte, and NumPy's `astype(uint8)` with it: truncated
/// towards zero to 32 bits, of which the lowest 8 stay. HU of -1000 becomes 24.
///
/// NaN, infinities and values beyond 32 bits become 0, as the processor's cvttss2si followed by
/// the narrowing gives; the C standard leaves those open.
public func wrappedUInt8(_ value: Float) -> UInt8 {
    guard value > -2_147_483_904, value < 2_147_483_648 else { return 0 }
    return UInt8(truncatingIfNeeded: Int32(value))
}
