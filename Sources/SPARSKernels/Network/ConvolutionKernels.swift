import SPARSKernelTable

/// Weights of conv2, conv3 or conv4 as the kernels read them, repacked once.
public struct ConvolutionWeights: Sendable {
    public let inputChannels: Int
    public let outputChannels: Int
    /// [O / 16, 27, C, 16].
    let packed: FloatBuffer
    /// The same over each pair of `RepeatedAxis.subsets` along x and y, [O / 16, 36, 3, C, 16].
    let summed: FloatBuffer?

    /// - Parameters:
    ///   - weights: [O, C, 3, 3, 3], PyTorch's layout; O a multiple of 16, C of 8.
    ///   - scale: each output's weights are multiplied by this, if given.
    ///   - sumsTaps: also makes the sums that inputs need whose places are known to be equal.
    public init(
        _ weights: [Float], inputChannels: Int, outputChannels: Int, scale: [Float]? = nil,
        sumsTaps: Bool = false
    ) {
        precondition(
            weights.count == 27 * inputChannels * outputChannels, "\(weights.count) weights")
        precondition(outputChannels % 16 == 0, "\(outputChannels) output channels")
        precondition(inputChannels % 8 == 0, "\(inputChannels) input channels")
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        packed = FloatBuffer(count: weights.count)
        for o in 0..<outputChannels {
            for c in 0..<inputChannels {
                for tap in 0..<27 {
                    let row = (o / 16 * 27 + tap) * inputChannels + c
                    packed.pointer[row * 16 + o % 16] =
                        weights[(o * inputChannels + c) * 27 + tap] * (scale?[o] ?? 1)
                }
            }
        }
        guard sumsTaps else {
            summed = nil
            return
        }
        let sums = FloatBuffer(count: 36 * 3 * inputChannels * outputChannels)
        for o in 0..<outputChannels {
            for c in 0..<inputChannels {
                let each = RepeatedAxis.subsetSums {
                    weights[(o * inputChannels + c) * 27 + $0] * (scale?[o] ?? 1)
                }
                for (i, sum) in each.enumerated() {
                    let row = (o / 16 * 36 * 3 + i) * inputChannels + c
                    sums.pointer[row * 16 + o % 16] = sum
                }
            }
        }
        summed = sums
    }
}

/// conv2 to conv4 over activations [X, Y, Z, C]. Each voxel's terms are added in float32 in one fixed
/// order, so results do not depend on threads or tiles; with n = 27 C terms the error is within
/// gamma(n) (see `KernelTable`) times the sum of their magnitudes. Shift, ReLU and maximum behind it
/// have the bits of the same value by value.
public enum ConvolutionKernels {
    /// A convolution with shift, ReLU and max-pool.
    public static func pooled(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, weights: ConvolutionWeights,
        shift: UnsafePointer<Float>, pooled: UnsafeMutablePointer<Float>,
        on set: InstructionSet = .current
    ) {
        pooledRows(
            shape, input: input, weights: weights, shift: shift, rows: shape.output.halved.x,
            pooled: pooled, on: set)
    }

    /// The first `rows` pooled planes of x only, of each of `copies` inputs; an input need not reach
    /// further than they see.
    static func pooledRows(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, weights: ConvolutionWeights,
        shift: UnsafePointer<Float>, rows: Int, pooled: UnsafeMutablePointer<Float>,
        copies: Int = 1, inputStride: Int = 0, pooledStride: Int = 0, on set: InstructionSet
    ) {
        let kernels = Kernels.of(set)
        let half = shape.output.halved
        let channels = shape.outputChannels
        let rowLength = half.z * 2 * channels
        let items = rows * half.y
        Parallel.forEach(copies * items) { index in
            let item = index % items
            let x = item / half.y
            let y = item % half.y
            let input = input + index / items * inputStride
            let pooled = pooled + index / items * pooledStride
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * rowLength) { rows in
                let rows = rows.baseAddress!
                for r in 0..<4 {
                    rawRow(
                        shape, kernels, input, weights, x: 2 * x + r / 2, y: 2 * y + r % 2,
                        zStride: shape.stride, count: 2 * half.z, output: rows + r * rowLength)
                }
                kernels.poolMax(
                    rows, 2 * rowLength, rowLength, channels, channels, half.z, shift,
                    pooled + item * half.z * channels)
            }
        }
    }

    /// A convolution's own output, [X, Y, Z, O].
    ///
    /// - Parameter steps: which taps see equal values and act through their sums, which `weights` must
    ///   hold; nil if none is known to. With steps the sums are rounded first: n is 27 C + 1.
    public static func raw(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, weights: ConvolutionWeights,
        steps: PooledSteps? = nil, output: UnsafeMutablePointer<Float>,
        on set: InstructionSet = .current
    ) {
        let kernels = Kernels.of(set)
        let out = shape.output
        Parallel.forEach(out.x * out.y) { item in
            rawRow(
                shape, kernels, input, weights, x: item / out.y, y: item % out.y,
                zStride: shape.stride, count: out.z, steps: steps,
                output: output + item * out.z * shape.outputChannels)
        }
    }

    /// A row of outputs whose inputs are `zStride` places apart along z.
    static func rawRow(
        _ shape: ConvolutionShape, _ kernels: KernelTable, _ input: UnsafePointer<Float>,
        _ weights: ConvolutionWeights, x: Int, y: Int, zStride: Int, count: Int,
        steps: PooledSteps? = nil, output: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.inputChannels
        let yStride = shape.input.z * channels
        let xStride = shape.input.y * yStride
        let start = input + shape.stride * (x * xStride + y * yStride)
        let (xPattern, yPattern) = (steps?.x[x] ?? 3, steps?.y[y] ?? 3)
        guard let packed = steps == nil ? weights.packed : weights.summed else {
            preconditionFailure("weights without sums")
        }
        let row = 3 * channels * 16
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 18) { offsets in
            var rows = 0
            for i in 0..<RepeatedAxis.groupCount(xPattern) {
                for j in 0..<RepeatedAxis.groupCount(yPattern) {
                    offsets[2 * rows] =
                        RepeatedAxis.groupStart(xPattern, i) * xStride
                        + RepeatedAxis.groupStart(yPattern, j) * yStride
                    offsets[2 * rows + 1] =
                        steps == nil
                        ? (3 * i + j) * row
                        : (6 * RepeatedAxis.groupSubset(xPattern, i)
                            + RepeatedAxis.groupSubset(yPattern, j)) * row
                    rows += 1
                }
            }
            for block in 0..<shape.outputChannels / 16 {
                kernels.row(
                    start, UnsafePointer(offsets.baseAddress!), rows, channels,
                    zStride * channels, packed.pointer + block * (steps == nil ? 9 : 36) * row,
                    count, output + 16 * block, shape.outputChannels)
            }
        }
    }
}

extension Kernels {
    /// The table of a set the machine can run.
    static func of(_ set: InstructionSet) -> KernelTable {
        set == .current ? current : set.kernels
    }
}
