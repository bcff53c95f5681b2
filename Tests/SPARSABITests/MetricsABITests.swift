import CSPARS
import SPARSABI
import Testing

/// What is outside its range comes back as a status that names it, never as a trap.
@Suite struct MetricsABITests {
    private let mask = [UInt8](repeating: 1, count: 8)
    private let extent: [Int64] = [2, 2, 2]
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)

    private func parameter(_ error: spars_error) -> String {
        withUnsafeBytes(of: error.parameter) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    @Test func nullPointersAreErrors() {
        var error = spars_error()
        var counts = spars_overlap()
        #expect(spars_metrics_overlap(nil, mask, extent, nil, &counts, &error) == invalid)
        #expect(parameter(error) == "prediction")
        #expect(spars_metrics_overlap(mask, nil, extent, nil, &counts, &error) == invalid)
        #expect(spars_metrics_overlap(mask, mask, nil, nil, &counts, &error) == invalid)
        #expect(spars_metrics_overlap(mask, mask, extent, nil, nil, nil) == invalid)
        #expect(spars_metrics_overlap(mask, mask, extent, nil, &counts, &error) == 0)
        #expect(counts.true_positives == 8 && counts.false_positives == 0)
        #expect(counts.false_negatives == 0 && counts.true_negatives == 0)
    }

    @Test(arguments: [[0, 2, 2], [-1, 2, 2], [Int64.max, Int64.max, 2], [Int64.min, 1, 1]])
    func extentsThatAreNoCountsAreErrors(extent: [Int64]) {
        var error = spars_error()
        var counts = spars_overlap()
        #expect(spars_metrics_overlap(mask, mask, extent, nil, &counts, &error) == invalid)
        #expect(parameter(error) == "extent")
    }

    private func surface(
        spacing: [Double] = [1, 1, 1], percentiles: [Double] = [95], count: Int64 = 1,
        tolerances: [Double] = [2]
    ) -> (Int32, String) {
        var error = spars_error()
        var hausdorff = [0.0]
        var dice = [0.0]
        var average = 0.0
        let status = percentiles.withUnsafeBufferPointer { percentiles in
            tolerances.withUnsafeBufferPointer { tolerances in
                hausdorff.withUnsafeMutableBufferPointer { hausdorff in
                    dice.withUnsafeMutableBufferPointer { dice in
                        var measures = spars_surface_measures(
                            percentiles: percentiles.baseAddress, percentile_count: count,
                            tolerances: tolerances.baseAddress, tolerance_count: 1,
                            hausdorff: hausdorff.baseAddress, surface_dice: dice.baseAddress)
                        return spars_metrics_surface(
                            mask, mask, extent, spacing, &measures, nil, &average, &error)
                    }
                }
            }
        }
        return (status, parameter(error))
    }

    @Test func numbersOutsideTheirRangesAreErrors() {
        #expect(surface() == (0, ""))
        for bad in [0, -1, .nan, .infinity, 1e300] as [Double] {
            #expect(surface(spacing: [1, bad, 1]) == (invalid, "spacing"))
        }
        for bad in [-0.1, 100.1, .nan, .infinity] as [Double] {
            #expect(surface(percentiles: [bad]) == (invalid, "percentile"))
        }
        for bad in [-1, .nan, .infinity] as [Double] {
            #expect(surface(tolerances: [bad]) == (invalid, "tolerance"))
        }
        for bad in [-1, 1001, Int64.max, Int64.min] as [Int64] {
            #expect(surface(count: bad) == (invalid, "percentile"))
        }
    }

    @Test(arguments: [0, 7, 27, -6, Int64.max, Int64.min]) func unknownConnectivity(value: Int64) {
        var error = spars_error()
        var labels = [Int32](repeating: 0, count: 8)
        var count: Int64 = 0
        let status = spars_metrics_components(mask, extent, value, &labels, nil, &count, &error)
        #expect(status == invalid && parameter(error) == "connectivity")
    }

    @Test func bootstrapArgumentsOutsideTheirRanges() {
        var error = spars_error()
        var interval = [0.0, 0.0]
        func status(
            _ values: [Double] = [1, 2], count: Int64 = 2, confidence: Double = 0.95,
            resamples: Int64 = 1000
        ) -> Int32 {
            spars_metrics_bootstrap(
                values, count, confidence, resamples, 1, nil, &interval, &error)
        }
        #expect(status() == 0)
        #expect(interval[0] >= 1 && interval[0] <= interval[1] && interval[1] <= 2)
        #expect(status(count: 0) == invalid)
        #expect(status(count: -1) == invalid)
        #expect(status([1, .nan]) == Int32(SPARS_NOT_FINITE.rawValue))
        for bad in [0, 1, -1, .nan] as [Double] { #expect(status(confidence: bad) == invalid) }
        for bad in [0, 99, 10_000_001, .max] as [Int64] {
            #expect(status(resamples: bad) == invalid)
        }
    }

    @Test func classificationChecksItsNumbers() {
        var (found, error) = (spars_classification(), spars_error())
        #expect(spars_classification_measures([0.9, 0.1], [1, 0], 2, &found, &error) == 0)
        #expect(found.true_positives == 1 && found.true_negatives == 1)
        #expect(found.false_positives == 0 && found.false_negatives == 0)
        #expect(found.accuracy == 1 && found.precision == 1 && found.roc_auc == 1)
        #expect(found.sensitivity == 1 && found.specificity == 1)
        #expect(spars_classification_measures([0.9], [2], 1, &found, &error) == invalid)
        #expect(parameter(error) == "has_tumour")
        #expect(
            spars_classification_measures([.nan], [1], 1, &found, &error)
                == Int32(SPARS_NOT_FINITE.rawValue))
        for count in [0, -1, Int64.max] {
            #expect(spars_classification_measures([0.9], [1], count, &found, &error) == invalid)
        }
        #expect(spars_classification_measures(nil, [1], 1, &found, &error) == invalid)
        #expect(spars_classification_measures([0.9], nil, 1, &found, &error) == invalid)
        #expect(spars_classification_measures([0.9], [1], 1, nil, &error) == invalid)
    }
}
