import SPARSKernelTable

/// Batch norm of training over a stage's raw output [X, Y, Z, C] and what lies behind it.
public enum BatchNormKernels {
    /// The sum of each channel; rows along z are summed in float32, rows in float64. Error: gamma(Z)
    /// (see `KernelTable`) times the sum of magnitudes.
    public static func sums(
        _ raw: UnsafePointer<Float>, shape: Extent, channels: Int, on set: InstructionSet = .current
    ) -> [Double] {
        let kernels = Kernels.of(set)
        let row = shape.z * channels
        return orderedSums(items: shape.x, width: channels) { x, sums in
            for y in 0..<shape.y {
                kernels.channelSums(raw + (x * shape.y + y) * row, channels, shape.z, sums)
            }
        }
    }

    /// The sum of each channel's squared distance from `mean`, rounded to float32. Error: gamma(Z + 3)
    /// (see `KernelTable`) times the sum.
    public static func squares(
        _ raw: UnsafePointer<Float>, shape: Extent, channels: Int, mean: [Double],
        on set: InstructionSet = .current
    ) -> [Double] {
        let kernels = Kernels.of(set)
        let row = shape.z * channels
        let centre = FloatBuffer(mean.map(Float.init))
        return orderedSums(items: shape.x, width: channels) { x, sums in
            for y in 0..<shape.y {
                kernels.channelSquares(
                    raw + (x * shape.y + y) * row, channels, shape.z, centre.pointer, sums)
            }
        }
    }

    /// pooled = max(0, max over 2 x 2 x 2 voxels of scale raw + shift) and which voxel it was. Error:
    /// gamma(2) (see `KernelTable`) (|scale raw| + |shift|).
    public static func pool(
        _ raw: UnsafePointer<Float>, shape: Extent, channels: Int, scale: UnsafePointer<Float>,
        shift: UnsafePointer<Float>, pooled: UnsafeMutablePointer<Float>,
        choice: UnsafeMutablePointer<UInt8>, on set: InstructionSet = .current
    ) {
        let kernels = Kernels.of(set)
        let half = shape.halved
        let yStride = shape.z * channels
        Parallel.forEach(half.x) { x in
            for y in 0..<half.y {
                let target = (x * half.y + y) * half.z * channels
                kernels.poolChoice(
                    raw + (2 * x * shape.y + 2 * y) * yStride, shape.y * yStride, yStride, channels,
                    half.z, scale, shift, pooled + target, choice + target)
            }
        }
    }

    /// Sums over active outputs (above zero) of the gradient g, [C], and of g times the raw value
    /// behind it less `mean`, [C].
    public static func gradientSums(
        _ stage: PooledStage, raw: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
        mean: [Double]
    ) -> [Double] {
        let channels = stage.channels
        return orderedSums(items: stage.outputShape.x, width: 2 * channels) { x, sums in
            stage.forEachActive(x) { voxel, c, i in
                let g = Double(gradient[i])
                sums[c] += g
                sums[channels + c] += g * (Double(raw[voxel * channels + c]) - mean[c])
            }
        }
    }

    /// The gradient in front of batch norm, in rows [Z + 2, C] whose first and last z are zero:
    /// slope[c] raw + offset[c] everywhere, plus gain[c] g where an active output came from. Error:
    /// gamma(3) (see `KernelTable`) times the sum of the three magnitudes.
    public static func gradient(
        _ stage: PooledStage, raw: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
        slope: UnsafePointer<Float>, offset: UnsafePointer<Float>, gain: [Float],
        padded: UnsafeMutablePointer<Float>, on set: InstructionSet = .current
    ) {
        let kernels = Kernels.of(set)
        let shape = stage.rawShape
        let channels = stage.channels
        let row = (shape.z + 2) * channels
        Parallel.forEach(shape.x) { x in
            for y in 0..<shape.y {
                let target = padded + (x * shape.y + y) * row
                target.update(repeating: 0, count: channels)
                (target + row - channels).update(repeating: 0, count: channels)
                kernels.affineRow(
                    raw + (x * shape.y + y) * shape.z * channels, channels, shape.z, slope, offset,
                    target + channels)
            }
        }
        Parallel.forEach(stage.outputShape.x) { x in
            stage.forEachActive(x) { voxel, c, i in
                // Rows are two voxels longer than in `raw`, and begin one voxel later.
                let place = (voxel + 2 * (voxel / shape.z) + 1) * channels + c
                padded[place] += gain[c] * gradient[i]
            }
        }
    }
}

extension BatchNormKernels {
    /// As `gradient(_:raw:gradient:slope:offset:gain:padded:on:)` for a stage without a pool, each
    /// value formed in float64: where batch norm sees few voxels its terms nearly cancel.
    public static func gradient(
        unpooled stage: PooledStage, raw: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
        slope: [Double], offset: [Double], gain: [Double], padded: UnsafeMutablePointer<Float>
    ) {
        let shape = stage.rawShape
        let channels = stage.channels
        padded.update(repeating: 0, count: shape.x * shape.y * (shape.z + 2) * channels)
        for voxel in 0..<shape.count {
            let target = padded + (voxel + 2 * (voxel / shape.z) + 1) * channels
            for c in 0..<channels {
                let i = voxel * channels + c
                let g = stage.output.pointer[i] > 0 ? Double(gradient[i]) : 0
                target[c] = Float(slope[c] * Double(raw[i]) + offset[c] + gain[c] * g)
            }
        }
    }
}

/// A stage's output behind batch norm and ReLU, pooled or not, and where each value came from.
public struct PooledStage {
    public let rawShape: Extent
    public let outputShape: Extent
    public let channels: Int
    let output: FloatBuffer
    let choice: ChoiceBuffer?

    /// - Parameter choice: nil if the stage has no pool.
    public init(rawShape: Extent, channels: Int, output: FloatBuffer, choice: ChoiceBuffer?) {
        self.rawShape = rawShape
        outputShape = choice == nil ? rawShape : rawShape.halved
        self.channels = channels
        self.output = output
        self.choice = choice
    }

    /// Calls `body(voxel in raw, channel, index in output)` for each active output of plane x.
    @inline(__always)
    func forEachActive(_ x: Int, _ body: (Int, Int, Int) -> Void) {
        let size = outputShape
        for y in 0..<size.y {
            for z in 0..<size.z {
                let first = ((x * size.y + y) * size.z + z) * channels
                for c in 0..<channels where output.pointer[first + c] > 0 {
                    guard let choice else {
                        body((x * rawShape.y + y) * rawShape.z + z, c, first + c)
                        continue
                    }
                    let k = Int(choice.pointer[first + c])
                    let voxel =
                        ((2 * x + k / 4) * rawShape.y + 2 * y + k / 2 % 2) * rawShape.z + 2 * z
                        + k % 2
                    body(voxel, c, first + c)
                }
            }
        }
    }
}
