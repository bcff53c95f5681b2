/// Conversions between PyTorch's weight layouts and the kernels'.
public enum WeightLayout {
    /// A gradient in [27, C, O] to [O, C, 3, 3, 3].
    public static func torchMajor(
        _ gradient: [Double], inputChannels c: Int, outputChannels o: Int
    ) -> [Float] {
        var weights = [Float](repeating: 0, count: 27 * c * o)
        for out in 0..<o {
            for channel in 0..<c {
                for tap in 0..<27 {
                    weights[(out * c + channel) * 27 + tap] =
                        Float(gradient[(tap * c + channel) * o + out])
                }
            }
        }
        return weights
    }

    /// Where feature i of PyTorch's channel-major flatten of [C, V] stands in [V, C].
    public static func channelLastIndex(_ i: Int, channels: Int, voxels: Int) -> Int {
        i % voxels * channels + i / voxels
    }

    /// fc1's columns [O, C V], channel-major, reordered for features [V, C].
    public static func channelLastColumns(
        _ weights: [Float], outputs: Int, channels: Int, voxels: Int
    ) -> [Float] {
        let inputs = channels * voxels
        var reordered = [Float](repeating: 0, count: weights.count)
        Parallel.forEachSlab(outputs, of: &reordered) { o, row in
            for i in 0..<inputs {
                row[channelLastIndex(i, channels: channels, voxels: voxels)] =
                    weights[o * inputs + i]
            }
        }
        return reordered
    }
}
