import SPARSKernels

/// The crops of one training batch, asked for by index as often as they are needed.
public struct TrainingCrops {
    public typealias Fill = (Int, UnsafeMutableBufferPointer<Float>) -> Void
    public typealias Voxels = (Int) -> (values: [Float], extent: Extent)

    @safe private enum Origin {
        case grid(Fill)
        case voxels(Voxels, Extent, Interpolation)
    }
    private let origin: Origin

    /// - Parameter fill: writes a crop on the network's grid.
    public init(_ fill: @escaping Fill) { origin = unsafe .grid(fill) }

    /// - Parameters:
    ///   - interpolation: how voxels become the grid's.
    ///   - grid: the network's.
    ///   - voxels: a crop's own voxels, which `interpolation` brings to the grid.
    public init(
        resizedTo grid: Extent, by interpolation: Interpolation, voxels: @escaping Voxels
    ) {
        origin = .voxels(voxels, grid, interpolation)
    }

    /// Crop n, less `centre`, by its own voxels; nil if it is not enlarged along every axis by
    /// nearest neighbour.
    ///
    /// - Parameter centre: if nil, becomes the mean of the crop's voxels.
    func repeated(_ n: Int, centre: inout Float?) throws(SPARSError) -> RepeatedInput? {
        guard case .voxels(let voxels, let grid, .nearest) = origin else { return nil }
        let (values, extent) = voxels(n)
        func axis(_ axis: Int) -> RepeatedAxis? {
            // A crop as large as the grid repeats nothing.
            if extent[axis] >= grid[axis] { return nil }
            return RepeatedAxis(ResampleAxis.nearest(from: extent[axis], to: grid[axis]).lower)
        }
        guard let x = axis(0), let y = axis(1), let z = axis(2) else { return nil }
        let source = try centred(n, values, &centre)
        return RepeatedInput(source: source, sourceShape: extent, x: x, y: y, z: z)
    }

    /// Crop n, less `centre`, by its own voxels; nil if it is not enlarged linearly, to twice its
    /// length or more along every axis.
    ///
    /// - Parameter centre: as for `repeated`.
    func interpolated(_ n: Int, centre: inout Float?) throws(SPARSError) -> LinearInput? {
        guard case .voxels(let voxels, let grid, .linear) = origin else { return nil }
        let (values, extent) = voxels(n)
        return LinearInput(
            source: try centred(n, values, &centre), sourceShape: extent,
            x: .linear(from: extent.x, to: grid.x), y: .linear(from: extent.y, to: grid.y),
            z: .linear(from: extent.z, to: grid.z))
    }

    /// Writes crop n, less `centre`, on the network's grid.
    ///
    /// - Parameter isChecked: the crop was made before, and found finite.
    func fill(
        _ n: Int, _ crop: FloatBuffer, centre: inout Float?, isChecked: Bool
    ) throws(SPARSError) {
        switch origin {
        case .grid(let fill):
            unsafe fill(n, UnsafeMutableBufferPointer(start: crop.pointer, count: crop.count))
            if !isChecked { try checkFinite(n, crop) }
            centreValues(crop, &centre)
        case .voxels(let voxels, let grid, let interpolation):
            let (values, extent) = voxels(n)
            let source = try centred(n, values, &centre)
            // SAFETY: a crop holds `extent.count` values, and its room `grid.count`.
            withExtendedLifetime(source) {
                unsafe Resample.resample(
                    source.pointer, from: extent, into: crop.pointer, to: grid, by: interpolation)
            }
        }
    }

    private func centred(
        _ n: Int, _ values: [Float], _ centre: inout Float?
    ) throws(SPARSError) -> FloatBuffer {
        let source = FloatBuffer(values)
        try checkFinite(n, source)
        centreValues(source, &centre)
        return source
    }

    private func checkFinite(_ n: Int, _ crop: FloatBuffer) throws(SPARSError) {
        let values = unsafe UnsafeBufferPointer(start: crop.pointer, count: crop.count)
        if let i = unsafe InputKernels.firstNotFinite(values) {
            throw .notFinite(
                tensor: "crop \(n)",
                message: unsafe "Crop \(n) holds \(values[i]) at flat index \(i).")
        }
    }

    private func centreValues(_ crop: FloatBuffer, _ centre: inout Float?) {
        let mean = unsafe centre ?? Float(InputKernels.mean(crop.pointer, count: crop.count))
        centre = mean
        unsafe InputKernels.subtract(mean, from: crop.pointer, count: crop.count)
    }
}
