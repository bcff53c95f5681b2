import SPARSKernelTable

/// conv1, batch norm, ReLU and max-pool of training, without conv1's own output in memory.
public enum FirstStageTraining {
    /// What the gradient behind the pool sends to each channel's taps, [8, 28]: the sum of
    /// gradient times tap over the chosen voxels of active pools, and last the sum of gradients. Summed
    /// in float32 along a row of pools, in float64 from there: within gamma(Z), Z pools along z (see
    /// `KernelTable`), of the sum of the products' magnitudes.
    ///
    /// - Parameter gradient: writes plane x of the gradient, [Y, Z, 8].
    public static func tapSums(
        input: UnsafePointer<Float>, shape: Extent, pooled: UnsafePointer<Float>,
        choice: UnsafePointer<UInt8>, on set: InstructionSet = .current,
        gradient: (_ x: Int, _ plane: UnsafeMutablePointer<Float>) -> Void
    ) -> [Double] {
        let kernels = Kernels.of(set).first
        let half = shape.convolved(stride: 1).halved
        let row = half.z * 8
        let plane = half.y * row
        // Interleaved rows of four planes, and up to seven places behind each.
        let length = 4 * (shape.z + 8)
        let rows = min(rowsAtOnce, half.y)
        return orderedSums(items: half.x, width: 8 * 28) { x, sums in
            let size = plane + (2 * rows + 2) * length + 2 * row + 8 * 28
            BufferPool.shared.withBuffer(size) { buffer in
                let values = buffer.pointer
                let interleaved = values + plane
                let room = interleaved + (2 * rows + 2) * length
                let taps = room + 2 * row
                gradient(x, values)
                for y in 0..<half.y {
                    if y % rows == 0 {
                        for r in 0..<2 * min(rows, half.y - y) + 2 {
                            kernels.interleavePlanes(
                                planes(input, shape, x: 2 * x, y: 2 * y + r), shape.z,
                                interleaved + r * length)
                        }
                    }
                    taps.update(repeating: 0, count: 8 * 28)
                    kernels.weightGradient(
                        interleaved + y % rows * 2 * length, length, values + y * row,
                        pooled + x * plane + y * row, choice + x * plane + y * row, half.z, room,
                        taps)
                    for i in 0..<8 * 28 { sums[i] += Double(taps[i]) }
                }
            }
        }
    }

    /// Pooled rows whose inputs are interleaved in one go: they stay in the second-level cache.
    private static let rowsAtOnce = 8

    /// Row y of four planes from x.
    private static func planes(
        _ input: UnsafePointer<Float>, _ shape: Extent, x: Int, y: Int
    ) -> FourRows {
        let row = input + (x * shape.y + y) * shape.z
        let plane = shape.y * shape.z
        return FourRows(row, row + plane, row + 2 * plane, row + 3 * plane)
    }

    /// What the gradient of conv2's output, as `ConvolutionGradients` takes it, sends to conv1's
    /// taps: `tapSums` of conv2's input gradient, which is made plane by plane and never held whole.
    ///
    /// - Parameter weights: with sums over taps for an input that repeats.
    public static func tapSums(
        _ input: FirstInput, pooled: UnsafePointer<Float>, choice: UnsafePointer<UInt8>,
        behind second: ConvolutionShape, weights: InputGradientWeights,
        outputGradient: UnsafePointer<Float>, on set: InstructionSet = .current
    ) -> [Double] {
        switch input {
        case .dense(let buffer, let shape):
            return tapSums(
                input: buffer.pointer, shape: shape, pooled: pooled, choice: choice, on: set
            ) { x, plane in
                ConvolutionGradients.inputPlane(
                    x, second, weights: weights, outputGradient: outputGradient, plane: plane,
                    on: set)
            }
        case .repeated(let input):
            return input.tapSums(pooled: pooled, choice: choice, on: set) { x, y, sums in
                ConvolutionGradients.inputRuns(
                    x, y, second, weights: weights, outputGradient: outputGradient, sums: sums,
                    on: set)
            }
        }
    }
}

/// What conv1 is trained on: every voxel of a crop's grid, or source voxels that the grid repeats.
public enum FirstInput {
    case dense(FloatBuffer, Extent)
    case repeated(RepeatedInput)
}

/// conv1's weights, scaled by batch norm, for either kind of input.
public struct FirstWeights: Sendable {
    let dense: FirstConvolutionWeights
    let repeated: RepeatedWeights

    /// - Parameter weights: [8, 1, 3, 3, 3], PyTorch's layout.
    public init(_ weights: [Float], scale: [Float]) {
        dense = FirstConvolutionWeights(weights, scale: scale)
        repeated = RepeatedWeights(weights, scale: scale)
    }
}

extension FirstStageTraining {
    /// pooled[q, o] = max(0, max over q's voxels of conv + shift[o]) and which voxel it was;
    /// batch norm's scale is in `weights`.
    public static func forward(
        _ input: FirstInput, weights: FirstWeights, shift: UnsafePointer<Float>,
        pooled: UnsafeMutablePointer<Float>, choice: UnsafeMutablePointer<UInt8>,
        on set: InstructionSet = .current
    ) {
        switch input {
        case .dense(let buffer, let shape):
            FirstConvolution.pooled(
                input: buffer.pointer, shape: shape, seen: shape, weights: weights.dense,
                shift: shift, planes: 0..<shape.convolved(stride: 1).halved.x, pooled: pooled,
                choice: choice, on: set)
        case .repeated(let input):
            input.trainingForward(
                weights: weights.repeated, shift: shift, pooled: pooled, choice: choice, on: set)
        }
    }
}

/// Sums of `width` values over items that run in parallel, added in the order of the items.
func orderedSums(
    items: Int, width: Int, _ body: (Int, UnsafeMutablePointer<Double>) -> Void
) -> [Double] {
    var parts = [Double](repeating: 0, count: items * width)
    parts.withUnsafeMutableBufferPointer { parts in
        // SAFETY: item i writes its own `width` values only.
        nonisolated(unsafe) let parts = parts.baseAddress!
        Parallel.forEach(items) { body($0, parts + $0 * width) }
    }
    var sums = [Double](repeating: 0, count: width)
    for i in 0..<items {
        for k in 0..<width { sums[k] += parts[i * width + k] }
    }
    return sums
}
