import SPARSKernelTable

/// conv1, batch norm, ReLU and max-pool of training, without conv1's own output in memory.
public enum FirstStageTraining {
    /// pooled[q, o] = max(0, max over q's voxels of conv + shift[o]) and which voxel it was;
    /// batch norm's scale is in `weights`.
    public static func forward(
        input: UnsafePointer<Float>, shape: Shape3, weights: ConvolutionWeights,
        shift: UnsafePointer<Float>, pooled: UnsafeMutablePointer<Float>,
        choice: UnsafeMutablePointer<UInt8>, on set: InstructionSet = .current
    ) {
        let kernels = Kernels.of(set)
        let half = shape.convolved(stride: 1).halved
        let xStride = shape.y * shape.z
        let rowLength = half.z * 16
        let ones = FloatBuffer(Array(repeating: 1, count: 8))
        Parallel.forEach(half.x) { x in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * rowLength) { rows in
                let rows = rows.baseAddress!
                for y in 0..<half.y {
                    for r in 0..<4 {
                        let start = (2 * x + r / 2) * xStride + (2 * y + r % 2) * shape.z
                        kernels.firstRow(
                            input + start, xStride, shape.z, weights.packed.pointer, 2 * half.z,
                            rows + r * rowLength)
                    }
                    let target = (x * half.y + y) * half.z * 8
                    kernels.poolChoice(
                        rows, 2 * rowLength, rowLength, 8, half.z, ones.pointer, shift,
                        pooled + target, choice + target)
                }
            }
        }
    }

    /// What the gradient behind the pool sends to each channel's taps, [8, 28]: the sum of
    /// gradient times tap over the chosen voxels of active pools, and last the sum of gradients.
    public static func tapSums(
        input: UnsafePointer<Float>, shape: Shape3, gradient: UnsafePointer<Float>,
        pooled: UnsafePointer<Float>, choice: UnsafePointer<UInt8>,
        on set: InstructionSet = .current
    ) -> [Double] {
        let kernels = Kernels.of(set)
        let half = shape.convolved(stride: 1).halved
        let xStride = shape.y * shape.z
        return orderedSums(items: half.x, width: 8 * 28) { x, sums in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 8 * 28) { row in
                for y in 0..<half.y {
                    row.update(repeating: 0)
                    let place = (x * half.y + y) * half.z * 8
                    kernels.firstWeightGradientRow(
                        input + 2 * x * xStride + 2 * y * shape.z, xStride, shape.z,
                        gradient + place, pooled + place, choice + place, half.z,
                        row.baseAddress!)
                    for i in 0..<8 * 28 { sums[i] += Double(row[i]) }
                }
            }
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
