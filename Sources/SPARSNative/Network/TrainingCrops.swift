import SPARSKernels

/// The crops of one training batch, asked for by index as often as they are needed.
public struct TrainingCrops {
    public typealias Fill = (Int, UnsafeMutableBufferPointer<Float>) -> Void
    public typealias Voxels = (Int) -> (values: [Float], extent: Extent)

    private let fill: Fill
    private let voxels: Voxels?
    private let grid: Extent

    /// - Parameter fill: writes a crop on the network's grid.
    public init(_ fill: @escaping Fill) {
        self.fill = fill
        voxels = nil
        grid = Extent(0, 0, 0)
    }

    /// - Parameters:
    ///   - fill: writes a crop brought to the network's grid by nearest neighbour.
    ///   - grid: the network's.
    ///   - voxels: a crop's own voxels.
    public init(
        _ fill: @escaping Fill, enlargedTo grid: Extent, voxels: @escaping Voxels
    ) {
        self.fill = fill
        self.voxels = voxels
        self.grid = grid
    }

    /// Crop n, less `centre`, by its own voxels; nil if the crop is not enlarged along every axis.
    ///
    /// - Parameter centre: if nil, becomes the crop's mean.
    func repeated(_ n: Int, centre: inout Float?) throws(SPARSError) -> RepeatedInput? {
        guard let (values, extent) = voxels?(n) else { return nil }
        func axis(_ axis: Int) -> RepeatedAxis? {
            // A crop as large as the grid repeats nothing.
            if extent[axis] >= grid[axis] { return nil }
            return RepeatedAxis(ResampleAxis.nearest(from: extent[axis], to: grid[axis]).lower)
        }
        guard let x = axis(0), let y = axis(1), let z = axis(2) else { return nil }
        let source = FloatBuffer(values)
        try checkFinite(n, source)
        centreValues(source, &centre)
        return RepeatedInput(source: source, sourceShape: extent.shape, x: x, y: y, z: z)
    }

    /// Writes crop n, less `centre`, on the network's grid.
    ///
    /// - Parameter isChecked: the crop was made before, and found finite.
    func fill(
        _ n: Int, _ crop: FloatBuffer, centre: inout Float?, isChecked: Bool
    ) throws(SPARSError) {
        fill(n, UnsafeMutableBufferPointer(start: crop.pointer, count: crop.count))
        if !isChecked { try checkFinite(n, crop) }
        centreValues(crop, &centre)
    }

    private func checkFinite(_ n: Int, _ crop: FloatBuffer) throws(SPARSError) {
        let values = UnsafeBufferPointer(start: crop.pointer, count: crop.count)
        if let i = InputKernels.firstNotFinite(values) {
            throw .notFinite(
                tensor: "crop \(n)", message: "Crop \(n) holds \(values[i]) at flat index \(i).")
        }
    }

    private func centreValues(_ crop: FloatBuffer, _ centre: inout Float?) {
        let mean = centre ?? Float(InputKernels.mean(crop.pointer, count: crop.count))
        centre = mean
        InputKernels.subtract(mean, from: crop.pointer, count: crop.count)
    }
}
