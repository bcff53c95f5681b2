import SPARSKernels

/// Which voxels a place is counted in. Two frames exist, and a type of one cannot be passed where
/// the other is meant; only a `Crossing` leads between them.
public protocol Frame: Sendable {}

/// The scan's own voxels.
public enum Native: Frame {}

/// The voxels the game is played on, 256 x 256 x 180 in the published configuration.
public enum ModelGrid: Frame {}

/// The moving box: `origin` is its lowest corner.
public struct Window<F: Frame>: Hashable, Sendable {
    public var origin: Voxel
    public var extent: Extent

    public init(origin: Voxel, extent: Extent) {
        self.origin = origin
        self.extent = extent
    }

    /// Whether the whole window lies inside a volume of this extent.
    public func isInside(_ volume: Extent) -> Bool {
        (0..<3).allSatisfy { origin[$0] >= 0 && origin[$0] + extent[$0] <= volume[$0] }
    }
}

extension Window where F == Native {
    /// The least window that holds every non-zero voxel of either mask; nil if there is none.
    ///
    /// - Parameter extent: of both masks.
    init?(holding first: Span<UInt8>, _ second: Span<UInt8>, in extent: Extent) {
        let counts = (extent.x, extent.y, extent.z)
        guard let bounds = MaskKernels.bounds(first, second, counts: counts) else { return nil }
        let (low, high) = (bounds.low, bounds.high)
        self.init(
            origin: Voxel(low.0, low.1, low.2),
            extent: Extent(high.0 - low.0, high.1 - low.1, high.2 - low.2))
    }

    /// Where row (x, y) of the window begins in a volume of this extent.
    func offset(_ x: Int, _ y: Int, in volume: Extent) -> Int {
        volume.offset(origin.x + x, origin.y + y, origin.z)
    }
}

/// A scan's values, HU or scaled, in one frame. Indexed [x, y, z].
public struct Volume<F: Frame>: Sendable {
    public let extent: Extent
    public var values: [Float]

    public init(extent: Extent, values: [Float]) {
        precondition(values.count == extent.count, "\(values.count) values for extent \(extent)")
        self.extent = extent
        self.values = values
    }

    /// The values inside `window`, which must lie inside the volume.
    public func crop(_ window: Window<F>) -> [Float] {
        precondition(window.isInside(extent), "window \(window) outside \(extent)")
        var crop: [Float] = []
        crop.reserveCapacity(window.extent.count)
        for x in 0..<window.extent.x {
            for y in 0..<window.extent.y {
                let start = extent.offset(
                    window.origin.x + x, window.origin.y + y, window.origin.z)
                crop += values[start..<start + window.extent.z]
            }
        }
        return crop
    }
}

/// A volume's values where they lie, lent for the duration of a call.
@safe public struct VolumeView<F: Frame> {
    public let extent: Extent
    public let values: UnsafeBufferPointer<Float>

    public init(extent: Extent, values: UnsafeBufferPointer<Float>) {
        precondition(values.count == extent.count, "\(values.count) values for extent \(extent)")
        self.extent = extent
        unsafe self.values = unsafe values
    }
}

/// Room for a volume's values, lent for the duration of a call.
@safe public struct MutableVolumeView<F: Frame> {
    public let extent: Extent
    public let values: UnsafeMutableBufferPointer<Float>

    public init(extent: Extent, values: UnsafeMutableBufferPointer<Float>) {
        precondition(values.count == extent.count, "\(values.count) values for extent \(extent)")
        self.extent = extent
        unsafe self.values = unsafe values
    }
}

extension Volume {
    /// A volume whose values `fill` writes, all of them.
    init(extent: Extent, fill: (MutableVolumeView<F>) -> Void) {
        unsafe self.init(
            extent: extent,
            values: Array(unsafeUninitializedCapacity: extent.count) { values, count in
                let room = unsafe UnsafeMutableBufferPointer(rebasing: values[..<extent.count])
                unsafe fill(MutableVolumeView(extent: extent, values: room))
                count = extent.count
            })
    }

    /// Lends the values to `body`.
    public func withView<Result>(_ body: (VolumeView<F>) -> Result) -> Result {
        unsafe values.withUnsafeBufferPointer {
            unsafe body(VolumeView(extent: extent, values: $0))
        }
    }
}

extension Volume where F == Native {
    /// The scan as the game indexes it; see `Crossing.toGrid`.
    public func crossed(by crossing: Crossing) -> Volume<ModelGrid> {
        Volume<ModelGrid>(extent: crossing.indexed) { grid in
            withView { crossing.toGrid($0, into: grid) }
        }
    }
}

extension Volume where F == ModelGrid {
    /// A map on the scan's own voxels; see `Crossing.toScan`.
    public func crossed(by crossing: Crossing) -> Volume<Native> {
        Volume<Native>(extent: crossing.scan) { scan in
            withView { crossing.toScan($0, into: scan) }
        }
    }
}

extension BoxGeometry {
    /// Where a window lies in an array of `extent`.
    init(of window: Window<some Frame>, in extent: Extent) {
        self.init(
            start: extent.offset(window.origin.x, window.origin.y, window.origin.z),
            rows: (window.extent.x, window.extent.y), length: window.extent.z,
            strides: (extent.y * extent.z, extent.z))
    }
}
