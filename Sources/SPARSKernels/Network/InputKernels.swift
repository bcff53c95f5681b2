/// Checks and shifts of whole inputs.
public enum InputKernels {
    /// The first index whose value is NaN or infinite, if any.
    public static func firstNotFinite(_ values: UnsafeBufferPointer<Float>) -> Int? {
        let block = 1 << 16
        let blocks = (values.count + block - 1) / block
        guard let base = values.baseAddress else { return nil }
        let bad = orderedSums(items: blocks, width: 1) { b, sums in
            let end = min((b + 1) * block, values.count)
            sums[0] = isFinite(base + b * block, end - b * block) ? 0 : 1
        }
        guard let first = bad[0] > 0 ? values.firstIndex(where: { !$0.isFinite }) : nil else {
            return nil
        }
        return first
    }

    private static func isFinite(_ values: UnsafePointer<Float>, _ count: Int) -> Bool {
        // Zero times a value is zero, but NaN where the value is NaN or infinite.
        var sum = SIMD16<Float>.zero
        let raw = UnsafeRawPointer(values)
        var i = 0
        while i + 16 <= count {
            sum += raw.loadUnaligned(fromByteOffset: 4 * i, as: SIMD16<Float>.self) * 0
            i += 16
        }
        var total = sum.sum()
        while i < count {
            total += values[i] * 0
            i += 1
        }
        return total == 0
    }

    /// The mean, summed in float64: within n 2^-53 of the mean magnitude, n = `count`.
    public static func mean(_ values: UnsafePointer<Float>, count: Int) -> Double {
        let block = 1 << 16
        let sums = orderedSums(items: (count + block - 1) / block, width: 1) { b, sums in
            var sum = SIMD8<Double>.zero
            var i = b * block
            let end = min(i + block, count)
            while i + 8 <= end {
                let v = UnsafeRawPointer(values + i).loadUnaligned(as: SIMD8<Float>.self)
                sum += SIMD8<Double>(v)
                i += 8
            }
            sums[0] = sum.sum()
            while i < end {
                sums[0] += Double(values[i])
                i += 1
            }
        }
        return sums[0] / Double(count)
    }

    /// values -= centre, rounded once.
    public static func subtract(
        _ centre: Float, from values: UnsafeMutablePointer<Float>, count: Int
    ) {
        let block = 1 << 16
        Parallel.forEach((count + block - 1) / block) { b in
            for i in b * block..<min((b + 1) * block, count) { values[i] -= centre }
        }
    }
}
