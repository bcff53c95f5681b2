/// Memory that lives as long as this object, for structs that point to several arrays.
final class Memory {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit { for block in blocks { block.deallocate() } }

    /// A copy of `values` at a place of its own.
    func of<Element: BitwiseCopyable>(_ values: [Element]) -> UnsafeMutablePointer<Element> {
        let place = UnsafeMutablePointer<Element>.allocate(capacity: max(values.count, 1))
        place.initialize(from: values, count: values.count)
        blocks.append(place)
        return place
    }

    /// Room for `count` elements of a value.
    func of<Element: BitwiseCopyable>(
        _ value: Element, count: Int
    ) -> UnsafeMutablePointer<Element> {
        of([Element](repeating: value, count: count))
    }
}
