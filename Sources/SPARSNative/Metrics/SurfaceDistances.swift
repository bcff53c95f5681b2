import SPARSKernels

/// Distances between the surfaces of two masks, both ways, in mm.
///
/// Definitions are those of MONAI 1.6.1: a surface is the voxels of a mask with a face neighbour
/// outside it; a distance runs between voxels' centres and is rounded to float32.
public struct SurfaceDistances: Sendable {
    /// From each surface voxel of the prediction to the reference's surface, ascending.
    public let fromPrediction: [Float]
    /// From each surface voxel of the reference to the prediction's surface, ascending.
    public let fromReference: [Float]

    /// Works on the box around both masks only.
    ///
    /// - Parameters:
    ///   - prediction: non-zero inside.
    ///   - reference: non-zero inside.
    ///   - extent: voxels of both along x, y, z.
    ///   - spacing: mm along x, y, z; positive and finite.
    /// - Throws: `interrupted`.
    public init(
        prediction: Span<UInt8>, reference: Span<UInt8>,
        _ extent: Extent, spacing: SIMD3<Double>
    ) throws(SPARSError) {
        guard let box = Window<Native>(holding: prediction, reference, in: extent) else {
            fromPrediction = []
            fromReference = []
            return
        }
        let (low, inner) = (box.origin, box.extent)
        let size = (inner.x, inner.y, inner.z)
        // Beyond the box both masks are empty, so a voxel on its side is a surface voxel with or
        // without the crop.
        let predicted = MaskKernels.surface(
            try Self.crop(prediction, extent, low, inner), counts: size)
        let wanted = MaskKernels.surface(
            try Self.crop(reference, extent, low, inner), counts: size)
        let edges = (spacing.x, spacing.y, spacing.z)
        try Control.report(done: 0, planned: 2)
        fromPrediction = try Self.distances(at: predicted, to: wanted, size, edges)
        try Control.report(done: 1, planned: 2)
        fromReference = try Self.distances(at: wanted, to: predicted, size, edges)
        try Control.report(done: 2, planned: 2)
    }

    private static func crop(
        _ mask: Span<UInt8>, _ extent: Extent, _ low: Voxel, _ inner: Extent
    ) throws(SPARSError) -> [UInt8] {
        var crop: [UInt8] = []
        crop.reserveCapacity(inner.count)
        for x in low.x..<low.x + inner.x {
            try Control.check()
            for y in low.y..<low.y + inner.y {
                let start = extent.offset(x, y, low.z)
                for i in start..<start + inner.z { crop.append(mask[i]) }
            }
        }
        return crop
    }

    private static func distances(
        at places: [UInt8], to sites: [UInt8], _ size: (Int, Int, Int),
        _ edges: (Double, Double, Double)
    ) throws(SPARSError) -> [Float] {
        let squared = DistanceTransform.squared(to: sites, at: places, counts: size, edges: edges)
        var found: [Float] = []
        try Control.inRuns(places.count) { run in
            for i in run where places[i] != 0 { found.append(Float(squared[i].squareRoot())) }
        }
        return try Control.sorted(found)
    }

    /// The larger of the two directed percentiles; the 100th is the Hausdorff distance.
    ///
    /// Between order statistics a percentile is linear, NumPy's default. NaN where both masks are
    /// empty, infinity where one is.
    ///
    /// - Parameter percentile: 0 to 100.
    public func hausdorff(percentile: Double) -> Double {
        precondition(percentile >= 0 && percentile <= 100, "percentile \(percentile)")
        if fromPrediction.isEmpty && fromReference.isEmpty { return .nan }
        if fromPrediction.isEmpty || fromReference.isEmpty { return .infinity }
        return max(
            Self.percentile(fromPrediction, percentile), Self.percentile(fromReference, percentile))
    }

    private static func percentile(_ ascending: [Float], _ percentile: Double) -> Double {
        let place = percentile / 100 * Double(ascending.count - 1)
        let below = Int(place)
        let above = min(below + 1, ascending.count - 1)
        let low = Double(ascending[below])
        return low + (Double(ascending[above]) - low) * (place - Double(below))
    }

    /// The mean of all distances, both ways together.
    ///
    /// NaN where both masks are empty, infinity where one is.
    public var average: Double {
        let count = fromPrediction.count + fromReference.count
        if count == 0 { return .nan }
        let sum =
            fromPrediction.reduce(0) { $0 + Double($1) }
            + fromReference.reduce(0) { $0 + Double($1) }
        return sum / Double(count)
    }

    /// The share of both surfaces that lies within `tolerance` mm of the other.
    ///
    /// A distance equal to the tolerance, both in float32, lies within. NaN where both masks are
    /// empty, 0 where one is.
    public func surfaceDice(tolerance: Double) -> Double {
        if fromPrediction.isEmpty && fromReference.isEmpty { return .nan }
        if fromPrediction.isEmpty || fromReference.isEmpty { return 0 }
        let count = fromPrediction.count + fromReference.count
        let limit = Float(tolerance)
        let near = fromPrediction.count { $0 <= limit } + fromReference.count { $0 <= limit }
        return Double(near) / Double(count)
    }
}
