/// Plain twins of the batch-norm kernels of training; rows [V, C], statistics in float64.
public enum BatchNormReference {
    /// Adds the sum of each channel over `voxels` rows to `sums`.
    public static func addSums(
        _ raw: UnsafePointer<Float>, voxels: Int, channels: Int,
        to sums: UnsafeMutablePointer<Double>
    ) {
        for v in 0..<voxels {
            for c in 0..<channels { sums[c] += Double(raw[v * channels + c]) }
        }
    }

    /// Adds the squared distances from `mean` of each channel to `squares`.
    public static func addSquares(
        _ raw: UnsafePointer<Float>, voxels: Int, channels: Int, mean: UnsafePointer<Double>,
        to squares: UnsafeMutablePointer<Double>
    ) {
        for v in 0..<voxels {
            for c in 0..<channels {
                let d = Double(raw[v * channels + c]) - mean[c]
                squares[c] += d * d
            }
        }
    }
}
