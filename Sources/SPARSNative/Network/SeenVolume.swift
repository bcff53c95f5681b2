import SPARSKernels

/// A volume as a network sees it: finite values, scaled by its intensity window.
@safe struct SeenVolume {
    /// [x, y, z] of `extent`.
    let values: UnsafeBufferPointer<Float>
    let extent: Extent
    /// nil takes values as they are.
    let intensityWindow: IntensityWindow?

    /// The values of the box of extent `box` whose lowest corner is `origin`; it lies inside.
    ///
    /// - Throws: `notFinite`, naming the first voxel of the box that is NaN or infinite.
    func box(_ box: Extent, at origin: Voxel) throws(SPARSError) -> FloatBuffer {
        let crop = FloatBuffer(count: box.count)
        var target = unsafe crop.pointer
        for x in origin.x..<origin.x + box.x {
            for y in origin.y..<origin.y + box.y {
                let start = extent.offset(x, y, origin.z)
                for z in 0..<box.z {
                    let value = unsafe values[start + z]
                    guard value.isFinite else {
                        throw .notFinite(
                            tensor: "volume",
                            message: "'volume' holds \(value) at voxel "
                                + "(\(x), \(y), \(origin.z + z)).")
                    }
                    unsafe target[z] = intensityWindow?.scaled(value) ?? value
                }
                unsafe target += box.z
            }
        }
        return crop
    }
}
