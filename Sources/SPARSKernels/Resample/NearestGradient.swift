extension ResampleKernels {
    /// Adds to each source voxel the gradients of the target voxels that `nearest` takes from it:
    /// the way back through `nearest`, summed in float64: within n 2^-53 of the sum of magnitudes, n
    /// the copies of a voxel.
    ///
    /// - Parameters:
    ///   - gradient: [x, y, z] of the target.
    ///   - x: with indices that ascend, as `ResampleAxis.nearest` makes them; y and z alike.
    ///   - sums: [x, y, z] of the source's shape `from`.
    public static func addNearestGradient(
        _ gradient: UnsafePointer<Float>, from: Extent, x: ResampleAxis, y: ResampleAxis,
        z: ResampleAxis, to sums: UnsafeMutablePointer<Double>
    ) {
        let ny = y.lower.count
        let nz = z.lower.count
        // Source plane i receives from target planes first[i]..<first[i + 1].
        var first = [Int](repeating: 0, count: from.x + 1)
        for i in x.lower { first[i + 1] += 1 }
        for i in 0..<from.x { first[i + 1] += first[i] }
        let planes = first
        z.lower.withUnsafeBufferPointer { zIndex in
            Parallel.forEach(from.x) { i in
                for plane in planes[i]..<planes[i + 1] {
                    for j in 0..<ny {
                        let row = gradient + (plane * ny + j) * nz
                        let target = sums + (i * from.y + y.lower[j]) * from.z
                        for k in 0..<nz { target[zIndex[k]] += Double(row[k]) }
                    }
                }
            }
        }
    }
}
