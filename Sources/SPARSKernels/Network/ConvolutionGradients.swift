import SPARSKernelTable

/// Gradients of the stride-2 convolutions. Output gradients come in rows [Z + 2, O] whose first and
/// last z are zero, as `BatchNormKernels.gradient` writes them.
public enum ConvolutionGradients {
    /// The gradient of the weights, [27, C, O]: float32 within a plane of x, float64 over planes.
    /// Error: gamma(Y Z + 1) (see `KernelTable`) of the output's Y and Z times the sum of the products'
    /// magnitudes.
    ///
    /// - Parameter steps: which taps see equal values and get one gradient; nil if none is known to.
    public static func weights(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, steps: PooledSteps? = nil,
        on set: InstructionSet = .current
    ) -> [Double] {
        precondition(shape.stride == 2 && shape.outputChannels % 16 == 0, "\(shape)")
        let kernels = Kernels.of(set)
        let out = shape.output
        let c = shape.inputChannels
        let o = shape.outputChannels
        let inputRow = shape.input.z * c
        let taps = 3 * c * 16
        // A plane's sums of each pattern of y; without steps there is one, of taps that differ.
        let patterns = steps == nil ? 3...3 : 0...3
        let count = shape.weightCount
        let blocked = orderedSums(items: out.x, width: count) { x, sums in
            let xPattern = steps?.x[x] ?? 3
            withUnsafeTemporaryAllocation(of: Float.self, capacity: patterns.count * count) {
                plane in
                plane.update(repeating: 0)
                let plane = plane.baseAddress!
                for y in 0..<out.y {
                    let yPattern = steps?.y[y] ?? 3
                    let sums = plane + (yPattern - patterns.lowerBound) * count
                    let g = outputGradient + ((x * out.y + y) * (out.z + 2) + 1) * o
                    forEachGroup(xPattern, yPattern) { group, tap in
                        let row =
                            input + ((2 * x + tap / 3) * shape.input.y + 2 * y + tap % 3) * inputRow
                        for block in 0..<o / 16 {
                            kernels.weightGradientRow(
                                row, c, g + 16 * block, o, out.z,
                                sums + (block * 9 + group) * taps)
                        }
                    }
                }
                for yPattern in patterns {
                    let part = plane + (yPattern - patterns.lowerBound) * count
                    for block in 0..<o / 16 {
                        for tap in 0..<9 {
                            let group = RepeatedAxis.group(xPattern, of: tap / 3) * 3
                            let from =
                                (block * 9 + group + RepeatedAxis.group(yPattern, of: tap % 3))
                                * taps
                            let to = (block * 9 + tap) * taps
                            for k in 0..<taps { sums[to + k] += Double(part[from + k]) }
                        }
                    }
                }
            }
        }
        var gradient = [Double](repeating: 0, count: shape.weightCount)
        for i in 0..<27 * c {
            for out in 0..<o {
                gradient[i * o + out] = blocked[(out / 16 * 27 * c + i) * 16 + out % 16]
            }
        }
        return gradient
    }

    /// Calls `body` for the groups of taps, 3 x + y, that fall on equal values, with the first of each.
    @inline(__always) private static func forEachGroup(
        _ xPattern: Int, _ yPattern: Int, _ body: (_ group: Int, _ tap: Int) -> Void
    ) {
        for i in 0..<RepeatedAxis.groupCount(xPattern) {
            for j in 0..<RepeatedAxis.groupCount(yPattern) {
                body(
                    3 * i + j,
                    3 * RepeatedAxis.groupStart(xPattern, i)
                        + RepeatedAxis.groupStart(yPattern, j))
            }
        }
    }

    /// The gradient of the input, [X, Y, Z, C]. Error: gamma(8 O) (see `KernelTable`) times the sum of
    /// the products' magnitudes: two places of the output along each axis see a voxel at most.
    public static func input(
        _ shape: ConvolutionShape, weights: InputGradientWeights,
        outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
        on set: InstructionSet = .current
    ) {
        let plane = shape.input.y * shape.input.z * shape.inputChannels
        Parallel.forEach(shape.input.x) { x in
            inputPlane(
                x, shape, weights: weights, outputGradient: outputGradient,
                plane: gradient + x * plane, on: set)
        }
    }

    /// Plane x of the gradient of the input, [Y, Z, C].
    static func inputPlane(
        _ x: Int, _ shape: ConvolutionShape, weights: InputGradientWeights,
        outputGradient: UnsafePointer<Float>, plane: UnsafeMutablePointer<Float>,
        on set: InstructionSet
    ) {
        let kernels = Kernels.of(set)
        let size = shape.input
        let c = shape.inputChannels
        let o = shape.outputChannels
        let out = shape.output
        let pairs = (size.z + 1) / 2
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * pairs * c) { row in
            let base = row.baseAddress!
            for y in 0..<size.y {
                row.update(repeating: 0)
                for dx in taps(x, out.x) {
                    for dy in taps(y, out.y) {
                        let place = ((x - dx) / 2 * out.y + (y - dy) / 2) * (out.z + 2) + 1
                        for block in 0..<c / 8 {
                            kernels.inputGradientRow(
                                outputGradient + place * o, o,
                                weights.packed.pointer
                                    + ((dx * 3 + dy) * (c / 8) + block) * 3 * o * 8,
                                pairs, base + 8 * block, c)
                        }
                    }
                }
                (plane + y * size.z * c).update(from: base, count: size.z * c)
            }
        }
    }

    /// The taps along one axis that place q of the input is seen by: even places by 0 and 2, odd
    /// ones by 1, where the output exists.
    private static func taps(_ q: Int, _ outputs: Int) -> StrideTo<Int> {
        let odd = q % 2
        if odd == 1 { return stride(from: 1, to: (q - 1) / 2 < outputs ? 2 : 1, by: 2) }
        return stride(
            from: q / 2 < outputs ? 0 : 2, to: q >= 2 && q / 2 - 1 < outputs ? 3 : 1, by: 2)
    }
}

/// A convolution's weights as `ConvolutionGradients.input` reads them.
public struct InputGradientWeights: Sendable {
    /// [9, C / 8, 3, O, 8].
    let packed: FloatBuffer
    /// The same over each pair of `RepeatedAxis.subsets` along x and y, [36, C / 8, 3, O, 8].
    let summed: FloatBuffer?

    /// - Parameters:
    ///   - weights: [O, C, 3, 3, 3], PyTorch's layout; C a multiple of 8.
    ///   - sumsTaps: also makes the sums that inputs need whose places are known to be equal.
    public init(
        _ weights: [Float], inputChannels c: Int, outputChannels o: Int, sumsTaps: Bool = false
    ) {
        precondition(weights.count == 27 * c * o && c % 8 == 0, "\(weights.count) weights")
        packed = FloatBuffer(count: weights.count)
        for out in 0..<o {
            for channel in 0..<c {
                for tap in 0..<27 {
                    let block = (tap / 3 * (c / 8) + channel / 8) * 3 + tap % 3
                    packed.pointer[(block * o + out) * 8 + channel % 8] =
                        weights[(out * c + channel) * 27 + tap]
                }
            }
        }
        guard sumsTaps else {
            summed = nil
            return
        }
        let sums = FloatBuffer(count: 36 * 3 * c * o)
        for out in 0..<o {
            for channel in 0..<c {
                let each = RepeatedAxis.subsetSums { weights[(out * c + channel) * 27 + $0] }
                for (i, sum) in each.enumerated() {
                    let block = (i / 3 * (c / 8) + channel / 8) * 3 + i % 3
                    sums.pointer[(block * o + out) * 8 + channel % 8] = sum
                }
            }
        }
        summed = sums
    }
}
