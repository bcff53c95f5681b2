import SPARSKernels

/// Plain twins of the fused batch-norm, ReLU and max-pool kernels; [X, Y, Z, C].
public enum PoolReference {
    /// pooled[q, c] = max(0, max over the 8 voxels v of q of scale[c] raw[v, c] + shift[c]).
    ///
    /// `choice[q, c]` is the first voxel, x slowest, that reaches the maximum: 4 dx + 2 dy + dz.
    public static func forward(
        _ shape: Extent, channels: Int, raw: UnsafePointer<Float>, scale: UnsafePointer<Float>,
        shift: UnsafePointer<Float>, pooled: UnsafeMutablePointer<Float>,
        choice: UnsafeMutablePointer<UInt8>
    ) {
        let half = shape.halved
        Parallel.forEach(half.x) { x in
            for y in 0..<half.y {
                for z in 0..<half.z {
                    let target = ((x * half.y + y) * half.z + z) * channels
                    for c in 0..<channels {
                        var best = -Float.infinity
                        var chosen = 0
                        for corner in 0..<8 {
                            let voxel =
                                ((2 * x + corner / 4) * shape.y + 2 * y + corner / 2 % 2) * shape.z
                                + 2 * z + corner % 2
                            let value = scale[c] * raw[voxel * channels + c] + shift[c]
                            if value > best {
                                best = value
                                chosen = corner
                            }
                        }
                        pooled[target + c] = max(best, 0)
                        choice[target + c] = UInt8(chosen)
                    }
                }
            }
        }
    }
}
