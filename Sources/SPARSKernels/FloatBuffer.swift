/// Owned float32 memory, aligned to a cache line, freed with its last reference.
///
/// The scratch of passes over a network: arrays would be zeroed first, and copied on a write that
/// the compiler cannot prove unique.
public final class FloatBuffer: @unchecked Sendable {
    // SAFETY: the memory is this object's alone; who shares the object over threads writes
    // disjoint parts, as every `Parallel.forEach` does.
    public let pointer: UnsafeMutablePointer<Float>
    public let count: Int

    /// Values are unspecified until written.
    public init(count: Int) {
        precondition(count >= 0, "buffer of \(count) values")
        self.count = count
        // Loads of whole vectors may reach past the last value, never past this slack.
        let bytes = (count + FloatBuffer.slack) * MemoryLayout<Float>.stride
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        adviseLargePages(raw, bytes)
        pointer = raw.bindMemory(to: Float.self, capacity: count + FloatBuffer.slack)
        (pointer + count).update(repeating: 0, count: FloatBuffer.slack)
    }

    public convenience init(zeros count: Int) {
        self.init(count: count)
        pointer.update(repeating: 0, count: count)
    }

    public convenience init(_ values: [Float]) {
        self.init(count: values.count)
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { pointer.update(from: base, count: count) }
        }
    }

    deinit { UnsafeMutableRawPointer(pointer).deallocate() }

    public var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    /// The first `columns` values of each of `rows` rows, each `stride` after the last.
    public func values(rows: Int, columns: Int, of stride: Int) -> [Float] {
        precondition(rows * stride <= count && columns <= stride, "\(rows) rows of \(stride)")
        var values: [Float] = []
        values.reserveCapacity(rows * columns)
        for r in 0..<rows {
            values += UnsafeBufferPointer(start: pointer + r * stride, count: columns)
        }
        return values
    }

    static let slack = 64
}
