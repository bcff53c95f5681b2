/// Lends the address of `values`, nil for nil, to fill a struct that C gets.
func withBuffer<Element, Result>(
    _ values: [Element]?, _ body: (UnsafePointer<Element>?) -> Result
) -> Result {
    guard let values else { return body(nil) }
    return values.withUnsafeBufferPointer { body($0.baseAddress) }
}
