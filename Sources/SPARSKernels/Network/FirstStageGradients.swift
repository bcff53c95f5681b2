/// conv1's weights, times batch norm's scale, as `FirstStageGradients` reads them.
public struct FirstBackwardWeights: Sendable {
    /// [8 channels, 2 shifts along z, 9 taps (dx, dy), 4]: three taps along z and a zero, which
    /// stands behind them or, shifted, before them.
    let packed: FloatBuffer

    /// - Parameter weights: [8, 1, 3, 3, 3], PyTorch's layout.
    public init(_ weights: [Float], scale: [Float]) {
        precondition(weights.count == 27 * 8 && scale.count == 8, "\(weights.count) weights")
        packed = FloatBuffer(zeros: 8 * 2 * 9 * 4)
        for c in 0..<8 {
            for shift in 0..<2 {
                for tap in 0..<27 {
                    let row = (2 * c + shift) * 9 + tap / 3
                    packed.pointer[4 * row + tap % 3 + shift] = weights[27 * c + tap] * scale[c]
                }
            }
        }
    }
}

/// The way back through conv1, ReLU and max-pool to the input.
public enum FirstStageGradients {
    /// gradient[v] = sum over active pools q (above zero), channels c and taps t with chosen voxel
    /// plus t equal v of outputGradient[q, c] weights[c, t].
    ///
    /// A pool's eight channels meet in a block of 4 x 4 x 4 voxels before they go to memory. Planes
    /// of pools overlap with their neighbours only, so even planes run in parallel, then odd ones:
    /// every voxel's terms, 64 at most of one or two pools along each axis, are added in float32 in
    /// one order, with an error within 64 2^-24 of the sum of their magnitudes.
    ///
    /// - Parameters:
    ///   - shape: of the input.
    ///   - gradient: receives [X, Y, Z] of `shape`.
    public static func input(
        shape: Extent, weights: FirstBackwardWeights, pooled: UnsafePointer<Float>,
        choice: UnsafePointer<UInt8>, outputGradient: UnsafePointer<Float>,
        gradient: UnsafeMutablePointer<Float>
    ) {
        gradient.update(repeating: 0, count: shape.count)
        let half = shape.convolved(stride: 1).halved
        for parity in 0..<2 {
            Parallel.forEach((half.x - parity + 1) / 2) { item in
                let x = 2 * item + parity
                let plane = x * half.y * half.z * 8
                addPlane(
                    x, shape: shape, weights: weights, pooled: pooled + plane,
                    choice: choice + plane, outputGradient: outputGradient + plane,
                    gradient: gradient)
            }
        }
    }

    private static func addPlane(
        _ x: Int, shape: Extent, weights: FirstBackwardWeights, pooled: UnsafePointer<Float>,
        choice: UnsafePointer<UInt8>, outputGradient: UnsafePointer<Float>,
        gradient: UnsafeMutablePointer<Float>
    ) {
        let half = shape.convolved(stride: 1).halved
        let taps = UnsafeRawPointer(weights.packed.pointer)
        withUnsafeTemporaryAllocation(of: SIMD4<Float>.self, capacity: 16) { block in
            let block = block.baseAddress!
            for q in 0..<half.y * half.z {
                block.update(repeating: .zero, count: 16)
                var isActive = false
                for c in 8 * q..<8 * q + 8 where pooled[c] > 0 {
                    isActive = true
                    let chosen = Int(choice[c])
                    let rows = (2 * (c % 8) + chosen % 2) * 9
                    let corner = block + chosen / 4 * 4 + chosen / 2 % 2
                    for r in 0..<9 {
                        // SAFETY: rows + r is below 8 * 2 * 9; the buffer is aligned.
                        corner[r / 3 * 4 + r % 3] +=
                            outputGradient[c]
                            * taps.load(fromByteOffset: 16 * (rows + r), as: SIMD4<Float>.self)
                    }
                }
                if !isActive { continue }
                for row in 0..<16 {
                    let place =
                        ((2 * x + row / 4) * shape.y + 2 * (q / half.z) + row % 4) * shape.z
                        + 2 * (q % half.z)
                    // SAFETY: a pool's voxels and taps end at 2 half + 1, inside the input.
                    let target = UnsafeMutableRawPointer(gradient + place)
                    let sum = target.loadUnaligned(as: SIMD4<Float>.self) + block[row]
                    target.storeBytes(of: sum, as: SIMD4<Float>.self)
                }
            }
        }
    }
}
