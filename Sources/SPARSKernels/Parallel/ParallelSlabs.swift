extension Parallel {
    /// Runs `body(i, slab)` for slab i of each of two arrays cut into `count` equal slabs, in
    /// parallel. A slab is written by one item only, so the result does not depend on threads.
    ///
    /// - Precondition: both arrays' counts are multiples of `count`.
    public static func forEachSlab<First, Second>(
        _ count: Int, of first: inout [First], and second: inout [Second],
        _ body: (Int, inout MutableSpan<First>, inout MutableSpan<Second>) -> Void
    ) {
        first.withUnsafeMutableBufferPointer { first in
            forEachSlab(count, of: first, and: &second, body)
        }
    }

    /// The same for memory of the caller's and an array.
    public static func forEachSlab<First, Second>(
        _ count: Int, of first: UnsafeMutableBufferPointer<First>, and second: inout [Second],
        _ body: (Int, inout MutableSpan<First>, inout MutableSpan<Second>) -> Void
    ) {
        guard count > 0 else { return }
        precondition(
            first.count % count == 0 && second.count % count == 0,
            "\(first.count) and \(second.count) elements in \(count) slabs")
        let firstSlab = first.count / count
        let secondSlab = second.count / count
        second.withUnsafeMutableBufferPointer { second in
            // SAFETY: item i touches only slab i of each array, and slabs do not overlap.
            nonisolated(unsafe) let first = first
            nonisolated(unsafe) let second = second
            forEach(count) { i in
                let a = UnsafeMutableBufferPointer(
                    rebasing: first[i * firstSlab..<(i + 1) * firstSlab])
                let b = UnsafeMutableBufferPointer(
                    rebasing: second[i * secondSlab..<(i + 1) * secondSlab])
                var spanA = MutableSpan(_unsafeElements: a)
                var spanB = MutableSpan(_unsafeElements: b)
                body(i, &spanA, &spanB)
            }
        }
    }

    /// Runs `body(i, slab)` for slab i of an array cut into `count` equal slabs, in parallel.
    ///
    /// - Precondition: the array's count is a multiple of `count`.
    public static func forEachSlab<Element>(
        _ count: Int, of array: inout [Element], _ body: (Int, inout MutableSpan<Element>) -> Void
    ) {
        var none: [UInt8] = []
        forEachSlab(count, of: &array, and: &none) { i, slab, _ in body(i, &slab) }
    }
}
