import SPARSKernels

/// A confidence interval of a mean by resampling (Efron, 1979): the percentile method.
public enum BootstrapInterval {
    public static let resampleRange = 100...10_000_000

    /// The interval of the mean of `values`.
    ///
    /// - Parameters:
    ///   - values: one for each patient; finite, at least one.
    ///   - confidence: share of resampled means inside the interval, above 0 and below 1.
    ///   - resamples: how many times as many patients are drawn with replacement.
    ///   - seed: of the draws; the same seed gives the same interval for any number of threads.
    /// - Throws: `interrupted`.
    public static func ofMean(
        _ values: [Double], confidence: Double, resamples: Int, seed: UInt64
    ) throws(SPARSError) -> ClosedRange<Double> {
        precondition(
            !values.isEmpty && confidence > 0 && confidence < 1 && resamples > 0,
            "\(values.count) values, confidence \(confidence), \(resamples) resamples")
        let source = RandomSource(seed: seed)
        var means = [Double](repeating: 0, count: resamples)
        Parallel.forEachSlab(resamples, of: &means) { i, mean in
            var draws = source.stream(UInt64(i))
            var sum = 0.0
            for _ in values.indices { sum += values[draws.integer(below: values.count)] }
            mean[0] = sum / Double(values.count)
        }
        try Control.check()
        means.sort()
        let tail = (1 - confidence) / 2
        let low = quantile(means, tail)
        return low...max(quantile(means, 1 - tail), low)
    }

    private static func quantile(_ ascending: [Double], _ share: Double) -> Double {
        let place = share * Double(ascending.count - 1)
        let below = Int(place)
        let above = min(below + 1, ascending.count - 1)
        return ascending[below] + (ascending[above] - ascending[below]) * (place - Double(below))
    }
}
