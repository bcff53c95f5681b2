#if canImport(Glibc)
    import Glibc
#endif

extension Array where Element: BitwiseCopyable {
    /// A copy of its own memory, on large pages where the system gives them to who asks.
    ///
    /// A minibatch reads and writes 170 MB of weights and moments row by row; with pages of 4 KiB a
    /// fifth of an update's time went into finding them.
    public func onLargePages() -> [Element] {
        let bytes = count * MemoryLayout<Element>.stride
        return [Element](unsafeUninitializedCapacity: count) { copy, initialized in
            if let base = copy.baseAddress, !isEmpty {
                adviseLargePages(base, bytes)
                withUnsafeBufferPointer { base.initialize(from: $0.baseAddress!, count: count) }
            }
            initialized = count
        }
    }
}

extension Array where Element: BitwiseCopyable {
    /// Becomes `other`, of as many elements, in the memory it has: 28 MB of fresh memory take as long to
    /// map as they take to read and write three times.
    public mutating func overwrite(with other: [Element]) {
        precondition(other.count == count, "\(other.count) elements for \(count)")
        let part = 1 << 16
        let total = count
        withUnsafeMutableBufferPointer { target in
            other.withUnsafeBufferPointer { source in
                // SAFETY: each item writes its own part.
                nonisolated(unsafe) let (target, source) = (target, source)
                Parallel.forEach((total + part - 1) / part) { item in
                    let range = item * part..<Swift.min((item + 1) * part, total)
                    _ = UnsafeMutableBufferPointer(rebasing: target[range]).update(
                        fromContentsOf: source[range])
                }
            }
        }
    }
}

/// Asks for large pages where memory is large enough to gain: fewer faults when it is first written,
/// fewer look-ups after. To be called before that first write.
public func adviseLargePages(_ start: UnsafeMutableRawPointer, _ bytes: Int) {
    #if os(Linux)
        let (page, least) = (4096, 4 << 20)
        guard bytes >= least else { return }
        let first = (Int(bitPattern: start) + page - 1) / page * page
        let end = (Int(bitPattern: start) + bytes) / page * page
        // Advice only: a system without large pages refuses it, and nothing depends on them.
        _ = madvise(UnsafeMutableRawPointer(bitPattern: first), end - first, MADV_HUGEPAGE)
    #endif
}
