import Synchronization

/// Large buffers kept for the next call: fresh memory costs a page fault every 4 KB, which is a
/// tenth of a window's time.
final class BufferPool: Sendable {
    static let shared = BufferPool()

    private let kept = Mutex<[FloatBuffer]>([])

    /// What is kept at most, in values, and how many buffers.
    private static let keptValues = 16 << 20
    private static let keptBuffers = 8

    /// Runs `body` with a buffer of `count` values or more, which are unspecified.
    func withBuffer<Result>(_ count: Int, _ body: (FloatBuffer) -> Result) -> Result {
        let found = kept.withLock { kept -> FloatBuffer? in
            guard let i = kept.firstIndex(where: { $0.count >= count && $0.count <= 2 * count })
            else { return nil }
            return kept.remove(at: i)
        }
        let buffer = found ?? FloatBuffer(count: count)
        defer { keep(buffer) }
        return body(buffer)
    }

    private func keep(_ buffer: FloatBuffer) {
        kept.withLock { kept in
            kept.append(buffer)
            while kept.count > BufferPool.keptBuffers
                || kept.reduce(0, { $0 + $1.count }) > BufferPool.keptValues
            {
                kept.removeFirst()
            }
        }
    }
}
