import CSPARS
import SPARSKernels
import SPARSNative

@_cdecl("spars_metrics_overlap")
public func sparsMetricsOverlap(
    _ prediction: In<UInt8>, _ reference: In<UInt8>, _ extent: In<Int64>,
    _ signals: In<spars_control>, _ overlap: Out<spars_overlap>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let extent = try checkedExtent(extent, "extent", of: owner)
        let prediction = try checkedInput(prediction, extent.count, "prediction", of: owner)
        let reference = try checkedInput(reference, extent.count, "reference", of: owner)
        let found = Overlap(prediction: prediction.span, reference: reference.span)
        let counts = spars_overlap(
            true_positives: Int64(found.truePositives),
            false_positives: Int64(found.falsePositives),
            false_negatives: Int64(found.falseNegatives),
            true_negatives: Int64(found.trueNegatives))
        try write(counts, to: overlap, "overlap", of: owner)
    }
}

@_cdecl("spars_classification_measures")
public func sparsClassificationMeasures(
    _ scores: In<Float>, _ hasTumour: In<Int64>, _ count: Int64, _ found: Out<spars_classification>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "classification_measures"
        let total = try checkedCount([count], "scores", of: owner)
        let scores = try checkedInput(scores, total, "scores", of: owner)
        let labels = try checkedInput(hasTumour, total, "has_tumour", of: owner)
        guard scores.allSatisfy(\.isFinite) else {
            throw .notFinite(tensor: "scores", message: "The 'scores' must be finite.")
        }
        guard labels.allSatisfy({ $0 == 0 || $0 == 1 }) else {
            throw .range("has_tumour", of: owner, mustBe: "0 or 1 for each score", got: "another")
        }
        let metrics = ClassificationMetrics(
            scores: Array(scores), hasTumour: labels.map { Int($0) })
        let measures = spars_classification(
            true_positives: Int64(metrics.truePositives),
            false_positives: Int64(metrics.falsePositives),
            true_negatives: Int64(metrics.trueNegatives),
            false_negatives: Int64(metrics.falseNegatives), accuracy: metrics.accuracy,
            precision: metrics.precision, sensitivity: metrics.sensitivity,
            specificity: metrics.specificity, roc_auc: metrics.rocAUC)
        try write(measures, to: found, "found", of: owner)
    }
}

@_cdecl("spars_metrics_surface")
public func sparsMetricsSurface(
    _ prediction: In<UInt8>, _ reference: In<UInt8>, _ extent: In<Int64>, _ spacing: In<Double>,
    _ measures: In<spars_surface_measures>, _ progress: In<spars_control>, _ average: Out<Double>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let extent = try checkedExtent(extent, "extent", of: owner)
        let prediction = try checkedInput(prediction, extent.count, "prediction", of: owner)
        let reference = try checkedInput(reference, extent.count, "reference", of: owner)
        let spacing = try checkedSpacing(spacing)
        let wanted = try checkedStruct(measures, "measures", of: owner)
        let percentiles = try checkedNumbers(
            wanted.percentiles, wanted.percentile_count, "percentile", 100)
        let tolerances = try checkedNumbers(
            wanted.tolerances, wanted.tolerance_count, "tolerance", .infinity)
        let average = try checkedOutput(average, 1, "average", of: owner)
        try Memory.require(extent.count, each: 24, for: "The distances of two surfaces")
        let distances = try SurfaceDistances(
            prediction: prediction.span, reference: reference.span, extent, spacing: spacing)
        try write(
            contentsOf: percentiles.map { distances.hausdorff(percentile: $0) },
            to: wanted.hausdorff, "hausdorff", of: owner)
        try write(
            contentsOf: tolerances.map { distances.surfaceDice(tolerance: $0) },
            to: wanted.surface_dice, "surface_dice", of: owner)
        average[0] = distances.average
    }
}

@_cdecl("spars_metrics_distance_map")
public func sparsMetricsDistanceMap(
    _ mask: In<UInt8>, _ extent: In<Int64>, _ spacing: In<Double>, _ distances: Out<Float>,
    _ progress: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let extent = try checkedExtent(extent, "extent", of: owner)
        try Memory.require(extent.count, each: 20, for: "A distance map")
        let mask = try Control.copy(checkedInput(mask, extent.count, "mask", of: owner))
        let spacing = try checkedSpacing(spacing)
        let distances = try checkedOutput(distances, extent.count, "distances", of: owner)
        let squared = DistanceTransform.squared(
            to: mask, at: nil,
            counts: (extent.x, extent.y, extent.z), edges: (spacing.x, spacing.y, spacing.z))
        try Control.check()
        try Control.inRuns(extent.count) { run in
            for i in run { distances[i] = Float(squared[i].squareRoot()) }
        }
    }
}

@_cdecl("spars_metrics_components")
public func sparsMetricsComponents(
    _ mask: In<UInt8>, _ extent: In<Int64>, _ connectivity: Int64, _ labels: Out<Int32>,
    _ progress: In<spars_control>, _ count: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let extent = try checkedExtent(extent, "extent", of: owner)
        try Memory.require(extent.count, each: 5, for: "The parts of a mask")
        let mask = try Control.copy(checkedInput(mask, extent.count, "mask", of: owner))
        guard let value = Int(exactly: connectivity), let touching = Connectivity(rawValue: value)
        else {
            throw .range("connectivity", of: owner, mustBe: "6, 18 or 26", got: connectivity)
        }
        let count = try checkedOutput(count, 1, "count", of: owner)
        let components = try ConnectedComponents(mask, extent, touching)
        try write(contentsOf: components.labels, to: labels, "labels", of: owner)
        count[0] = Int64(components.sizes.count)
    }
}

@_cdecl("spars_metrics_bootstrap")
public func sparsMetricsBootstrap(
    _ values: In<Double>, _ count: Int64, _ confidence: Double, _ resamples: Int64, _ seed: UInt64,
    _ progress: In<spars_control>, _ interval: Out<Double>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let count = try checkedCount([count], "values", of: owner)
        let values = Array(try checkedInput(values, count, "values", of: owner))
        guard values.allSatisfy({ $0.isFinite }) else {
            throw .notFinite(tensor: "values", message: "The 'values' parameter must be finite.")
        }
        guard confidence > 0, confidence < 1 else {
            throw .range(
                "confidence", of: owner, mustBe: "a float in the range (0.0, 1.0)", got: confidence)
        }
        guard let resamples = Int(exactly: resamples),
            BootstrapInterval.resampleRange.contains(resamples)
        else {
            throw .range(
                "n_resamples", of: owner, mustBe: "an integer in the range [100, 10000000]",
                got: resamples)
        }
        let ends = try BootstrapInterval.ofMean(
            values, confidence: confidence, resamples: resamples, seed: seed)
        try write(
            contentsOf: [ends.lowerBound, ends.upperBound], to: interval, "interval", of: owner)
    }
}

private let owner = "metrics"

private func checkedSpacing(_ spacing: In<Double>) throws(SPARSError) -> SIMD3<Double> {
    let edges = try checkedInput(spacing, 3, "spacing", of: owner)
    guard edges.allSatisfy({ $0 >= 1e-6 && $0 <= 1e6 }) else {
        throw .range(
            "spacing", of: owner, mustBe: "three floats in the range [1e-06, 1000000.0] mm",
            got: Array(edges))
    }
    return SIMD3(edges[0], edges[1], edges[2])
}

/// Finite numbers from 0 to `high`; at most 1000, none allowed.
private func checkedNumbers(
    _ numbers: In<Double>, _ count: Int64, _ parameter: String, _ high: Double
) throws(SPARSError) -> [Double] {
    guard count >= 0, count <= 1000 else {
        throw .range(parameter, of: owner, mustBe: "at most 1000 numbers", got: count)
    }
    let values = Array(try checkedInput(numbers, Int(count), parameter, of: owner))
    guard values.allSatisfy({ $0.isFinite && $0 >= 0 && $0 <= high }) else {
        throw .range(parameter, of: owner, mustBe: "from 0.0 to \(high)", got: values)
    }
    return values
}
