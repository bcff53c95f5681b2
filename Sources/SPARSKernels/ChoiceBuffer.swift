/// Owned bytes, one for each pooled value: which of its eight voxels held the maximum.
public final class ChoiceBuffer: @unchecked Sendable {
    // SAFETY: as `FloatBuffer`.
    public let pointer: UnsafeMutablePointer<UInt8>
    public let count: Int

    /// Values are unspecified until written.
    public init(count: Int) {
        precondition(count >= 0, "buffer of \(count) bytes")
        self.count = count
        pointer = UnsafeMutablePointer<UInt8>.allocate(capacity: count + FloatBuffer.slack)
    }

    deinit { pointer.deallocate() }
}
