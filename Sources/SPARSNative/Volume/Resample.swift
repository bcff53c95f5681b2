import SPARSKernels

/// Brings arrays [x, y, z] to another extent by PyTorch's index rules
/// (`torch.nn.functional.interpolate`).
public enum Resample {
    /// The longest axis: indices are computed in float32, which tells a million apart.
    public static let greatestLength = 1 << 20

    /// Nearest neighbour: source index floor(target * from / to), computed in float32 as there.
    ///
    /// - Throws: `outOfRange` if an extent has no voxel or `values` does not fill `from`.
    public static func nearest(
        _ values: [Float], from: Extent, to: Extent
    ) throws(SPARSError) -> [Float] {
        try check(values.count, from: from, to: to)
        return unsafe filled(values, to) { source, target in
            unsafe nearest(source, from: from, into: target, to: to)
        }
    }

    /// How many voxels of `to` each voxel of `from` becomes by `nearest`, [x, y, z]; 0 for one that is
    /// left out. Their sum is `to.count`.
    ///
    /// - Throws: `outOfRange` if an extent has no voxel or too many.
    public static func replicas(from: Extent, to: Extent) throws(SPARSError) -> [Int] {
        try check(from: from, to: to)
        let axes = (0..<3).map { ResampleAxis.replicas(from: from[$0], to: to[$0]) }
        var product: [Int] = []
        product.reserveCapacity(from.count)
        for x in axes[0] { for y in axes[1] { for z in axes[2] { product.append(x * y * z) } } }
        return product
    }

    /// Trilinear with `align_corners=False`, values beyond the border repeated.
    ///
    /// - Throws: `outOfRange` if an extent has no voxel or `values` does not fill `from`.
    public static func linear(
        _ values: [Float], from: Extent, to: Extent
    ) throws(SPARSError) -> [Float] {
        try check(values.count, from: from, to: to)
        return unsafe filled(values, to) { source, target in
            unsafe linear(source, from: from, into: target, to: to)
        }
    }

    /// `nearest` into memory of the caller's: `source` holds `from.count` values, `target` has
    /// room for `to.count`; both extents have a voxel.
    public static func nearest(
        _ source: UnsafePointer<Float>, from: Extent, into target: UnsafeMutablePointer<Float>,
        to: Extent
    ) {
        unsafe ResampleKernels.nearest(
            source: source, from: from, target: target,
            x: .nearest(from: from.x, to: to.x), y: .nearest(from: from.y, to: to.y),
            z: .nearest(from: from.z, to: to.z))
    }

    /// `nearest` for elements of 1, 2, 4 or 8 bytes of any type, aligned to their size.
    public static func nearest(
        elementSize: Int, _ source: UnsafeRawPointer, from: Extent,
        into target: UnsafeMutableRawPointer, to: Extent
    ) {
        unsafe ResampleKernels.nearest(
            elementSize: elementSize, source: source, from: from, target: target,
            x: .nearest(from: from.x, to: to.x), y: .nearest(from: from.y, to: to.y),
            z: .nearest(from: from.z, to: to.z))
    }

    /// `linear` into memory of the caller's, as `nearest(_:from:into:to:)`.
    public static func linear(
        _ source: UnsafePointer<Float>, from: Extent, into target: UnsafeMutablePointer<Float>,
        to: Extent
    ) {
        unsafe ResampleKernels.linear(
            source: source, from: from, target: target,
            x: .linear(from: from.x, to: to.x), y: .linear(from: from.y, to: to.y),
            z: .linear(from: from.z, to: to.z))
    }

    /// `nearest` or `linear` into memory of the caller's.
    public static func resample(
        _ source: UnsafePointer<Float>, from: Extent, into target: UnsafeMutablePointer<Float>,
        to: Extent, by interpolation: Interpolation
    ) {
        switch interpolation {
        case .nearest: unsafe nearest(source, from: from, into: target, to: to)
        case .linear: unsafe linear(source, from: from, into: target, to: to)
        }
    }

    private static func check(_ count: Int, from: Extent, to: Extent) throws(SPARSError) {
        try check(from: from, to: to)
        guard count == from.count else {
            throw .range(
                "values", of: .resampling, mustBe: "\(from.count) floats for extent \(from)",
                got: count)
        }
    }

    static func check(from: Extent, to: Extent) throws(SPARSError) {
        for (name, extent) in [("from", from), ("to", to)] {
            let lengths = (0..<3).map { extent[$0] }
            guard lengths.allSatisfy({ (1...greatestLength).contains($0) }),
                extent.count <= 1 << 40
            else {
                throw .range(
                    name, of: .resampling, mustBe: "three lengths from 1 to \(greatestLength)",
                    got: extent)
            }
        }
    }

    private static func filled(
        _ values: [Float], _ to: Extent,
        _ fill: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
        unsafe Array(unsafeUninitializedCapacity: to.count) { target, count in
            unsafe values.withUnsafeBufferPointer {
                unsafe fill($0.baseAddress!, target.baseAddress!)
            }
            count = to.count
        }
    }
}

/// How values between voxels are found.
public enum Interpolation: Int32, Sendable, CaseIterable {
    case nearest, linear
}
