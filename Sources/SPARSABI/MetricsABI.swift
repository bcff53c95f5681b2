import CSPARS
import SPARSKernels
import SPARSNative

@_cdecl("spars_metrics_overlap")
public func sparsMetricsOverlap(
    _ prediction: UnsafePointer<UInt8>?, _ reference: UnsafePointer<UInt8>?,
    _ extent: UnsafePointer<Int64>?, _ counts: UnsafeMutablePointer<Int64>?,
    _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let extent = try checkedExtent(extent)
        let prediction = try checkedInput(prediction, extent.count, "prediction", of: owner)
        let reference = try checkedInput(reference, extent.count, "reference", of: owner)
        let counts = try checkedOutput(counts, 4, "counts", of: owner)
        let overlap = Overlap(prediction: prediction.span, reference: reference.span)
        counts[0] = Int64(overlap.truePositives)
        counts[1] = Int64(overlap.falsePositives)
        counts[2] = Int64(overlap.falseNegatives)
        counts[3] = Int64(overlap.trueNegatives)
    }
}

@_cdecl("spars_metrics_surface")
public func sparsMetricsSurface(
    _ prediction: UnsafePointer<UInt8>?, _ reference: UnsafePointer<UInt8>?,
    _ extent: UnsafePointer<Int64>?, _ spacing: UnsafePointer<Double>?,
    _ percentiles: UnsafePointer<Double>?, _ percentileCount: Int64,
    _ tolerances: UnsafePointer<Double>?, _ toleranceCount: Int64,
    _ hausdorff: UnsafeMutablePointer<Double>?, _ surfaceDice: UnsafeMutablePointer<Double>?,
    _ average: UnsafeMutablePointer<Double>?, _ control: UnsafePointer<spars_control>?,
    _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let extent = try checkedExtent(extent)
        let prediction = try checkedInput(prediction, extent.count, "prediction", of: owner)
        let reference = try checkedInput(reference, extent.count, "reference", of: owner)
        let spacing = try checkedSpacing(spacing)
        let percentiles = try checkedNumbers(percentiles, percentileCount, "percentile", 100)
        let tolerances = try checkedNumbers(tolerances, toleranceCount, "tolerance", .infinity)
        let hausdorff = try checkedOutput(hausdorff, percentiles.count, "hausdorff", of: owner)
        let dice = try checkedOutput(surfaceDice, tolerances.count, "surface_dice", of: owner)
        let average = try checkedOutput(average, 1, "average", of: owner)
        let distances = try SurfaceDistances(
            prediction: prediction.span, reference: reference.span, extent, spacing: spacing)
        for (i, percentile) in percentiles.enumerated() {
            hausdorff[i] = distances.hausdorff(percentile: percentile)
        }
        for (i, tolerance) in tolerances.enumerated() {
            dice[i] = distances.surfaceDice(tolerance: tolerance)
        }
        average[0] = distances.average
    }
}

@_cdecl("spars_metrics_distance_map")
public func sparsMetricsDistanceMap(
    _ mask: UnsafePointer<UInt8>?, _ extent: UnsafePointer<Int64>?,
    _ spacing: UnsafePointer<Double>?, _ distances: UnsafeMutablePointer<Float>?,
    _ control: UnsafePointer<spars_control>?, _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let extent = try checkedExtent(extent)
        let mask = Array(try checkedInput(mask, extent.count, "mask", of: owner))
        let spacing = try checkedSpacing(spacing)
        let distances = try checkedOutput(distances, extent.count, "distances", of: owner)
        let squared = DistanceTransform.squared(
            to: mask, at: Array(repeating: 1, count: mask.count),
            counts: (extent.x, extent.y, extent.z), edges: (spacing.x, spacing.y, spacing.z))
        try Control.check()
        for i in 0..<extent.count { distances[i] = Float(squared[i].squareRoot()) }
    }
}

@_cdecl("spars_metrics_components")
public func sparsMetricsComponents(
    _ mask: UnsafePointer<UInt8>?, _ extent: UnsafePointer<Int64>?, _ connectivity: Int64,
    _ labels: UnsafeMutablePointer<Int32>?, _ count: UnsafeMutablePointer<Int64>?,
    _ control: UnsafePointer<spars_control>?, _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let extent = try checkedExtent(extent)
        let mask = Array(try checkedInput(mask, extent.count, "mask", of: owner))
        let labels = try checkedOutput(labels, extent.count, "labels", of: owner)
        let count = try checkedOutput(count, 1, "count", of: owner)
        guard let value = Int(exactly: connectivity), let touching = Connectivity(rawValue: value)
        else {
            throw .range("connectivity", of: owner, mustBe: "6, 18 or 26", got: connectivity)
        }
        let components = ConnectedComponents(mask, extent, touching)
        _ = labels.update(fromContentsOf: components.labels)
        count[0] = Int64(components.sizes.count)
    }
}

@_cdecl("spars_metrics_bootstrap")
public func sparsMetricsBootstrap(
    _ values: UnsafePointer<Double>?, _ count: Int64, _ confidence: Double, _ resamples: Int64,
    _ seed: UInt64, _ interval: UnsafeMutablePointer<Double>?,
    _ control: UnsafePointer<spars_control>?, _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
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
        let interval = try checkedOutput(interval, 2, "interval", of: owner)
        let ends = try BootstrapInterval.ofMean(
            values, confidence: confidence, resamples: resamples, seed: seed)
        interval[0] = ends.lowerBound
        interval[1] = ends.upperBound
    }
}

private let owner = "metrics"

private func checkedExtent(_ extent: UnsafePointer<Int64>?) throws(SPARSError) -> Extent {
    let axes = Array(try checkedInput(extent, 3, "extent", of: owner))
    _ = try checkedCount(axes, "extent", of: owner)
    return Extent(Int(axes[0]), Int(axes[1]), Int(axes[2]))
}

private func checkedSpacing(
    _ spacing: UnsafePointer<Double>?
) throws(SPARSError) -> SIMD3<Double> {
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
    _ numbers: UnsafePointer<Double>?, _ count: Int64, _ parameter: String, _ high: Double
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
