#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// e to the power of `x`.
func exponential(_ x: Double) -> Double { exp(x) }
package func exponential(_ x: Float) -> Float { expf(x) }

/// The natural logarithm.
func logarithm(_ x: Double) -> Double { log(x) }

/// The middle value; the mean of the middle two of an even number. There is one at least.
///
/// - Throws: `interrupted`.
func median<Value: BinaryFloatingPoint>(_ values: [Value]) throws(SPARSError) -> Value {
    let sorted = try Control.sorted(values)
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
