/// Sums over rows of numbers.
public enum Rows {
    /// sum += weight * row, two roundings for each element: over n rows within n + 1 units of 2^-24 of
    /// the sum of magnitudes, to first order.
    public static func add(_ weight: Float, _ row: Span<Float>, to sum: inout [Float]) {
        precondition(row.count == sum.count, "\(row.count) elements for \(sum.count)")
        row.withUnsafeBufferPointer { row in
            sum.withUnsafeMutableBufferPointer { sum in
                // SAFETY: the counts are equal.
                add(weight, row.baseAddress, to: sum.baseAddress, count: row.count)
            }
        }
    }

    /// sum[start + i] += weight * row[i].
    public static func add(
        _ weight: Float, _ row: Span<Float>, to sum: inout MutableSpan<Float>, at start: Int
    ) {
        precondition(
            start >= 0 && start + row.count <= sum.count,
            "\(row.count) elements at \(start) of \(sum.count)")
        row.withUnsafeBufferPointer { row in
            sum.withUnsafeMutableBufferPointer { sum in
                // SAFETY: start + row.count is within `sum`.
                add(
                    weight, row.baseAddress, to: sum.baseAddress.map { $0 + start },
                    count: row.count)
            }
        }
    }

    private static func add(
        _ weight: Float, _ row: UnsafePointer<Float>?, to sum: UnsafeMutablePointer<Float>?,
        count: Int
    ) {
        guard let row, let sum else { return }
        for i in 0..<count { sum[i] += weight * row[i] }
    }
}
