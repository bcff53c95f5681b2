/// The convolution stages of an evaluator: weights with batch norm folded in, repacked once.
public struct EvaluationStages: Sendable {
    private let convolutions: [ConvolutionWeights]
    private let shifts: [FloatBuffer]
    private let repeated: RepeatedWeights

    /// What a slab of conv1's pooled output may take.
    private static let slabBytes = 12 << 20

    /// One stage's folded batch norm: y = scale conv + shift.
    public struct Stage {
        public let weights: [Float]
        public let scale: [Float]
        public let shift: [Float]

        public init(weights: [Float], scale: [Float], shift: [Float]) {
            self.weights = weights
            self.scale = scale
            self.shift = shift
        }
    }

    /// - Parameter stages: conv1 to conv4 with 1, 8, 16, 32 to 64 channels.
    public init(_ stages: [Stage]) {
        let channels = [1, 8, 16, 32, 64]
        convolutions = stages.indices.map {
            ConvolutionWeights(
                stages[$0].weights, inputChannels: channels[$0], outputChannels: channels[$0 + 1],
                scale: stages[$0].scale)
        }
        shifts = stages.map { FloatBuffer($0.shift) }
        repeated = RepeatedWeights(stages[0].weights, scale: stages[0].scale)
    }

    /// What conv1 reads.
    public enum Input {
        /// Every voxel of the grid, [X, Y, Z].
        case dense(UnsafePointer<Float>, Shape3)
        /// Source voxels and how the grid repeats them.
        case repeated(RepeatedInput)

        var shape: Shape3 {
            switch self {
            case .dense(_, let shape): return shape
            case .repeated(let input): return input.shape
            }
        }
    }

    /// The shape behind conv4, for any grid that leaves every stage a voxel.
    public static func outputShape(_ grid: Shape3) -> Shape3 {
        stageShapes(grid)[3].output
    }

    /// Runs all stages; `features` receives [X, Y, Z, 64] of `outputShape`.
    ///
    /// conv1 and conv2 alternate over slabs of x that stay in the cache: conv1's pooled output is
    /// never held whole. Sums are formed voxel by voxel in one order, so a grid's values do not
    /// depend on slabs, threads, or what lies beside a voxel's own field of view. A repeated input
    /// differs from the dense one in rounding: weights of taps that share a voxel are added first.
    public func run(
        _ input: Input, features: UnsafeMutablePointer<Float>, on set: InstructionSet = .current
    ) {
        let shapes = EvaluationStages.stageShapes(input.shape)
        let second = FloatBuffer(count: shapes[1].output.halved.count * 16)
        firstTwoStages(input, shapes[1], pooled: second, on: set)
        let third = FloatBuffer(count: shapes[2].output.halved.count * 32)
        ConvolutionKernels.pooled(
            shapes[2], input: second.pointer, weights: convolutions[2], shift: shifts[2].pointer,
            pooled: third.pointer, on: set)
        ConvolutionKernels.raw(
            shapes[3], input: third.pointer, weights: convolutions[3], output: features, on: set)
        let shift = shifts[3].pointer
        for voxel in 0..<shapes[3].output.count {
            let row = features + 64 * voxel
            for c in 0..<64 { row[c] = max(row[c] + shift[c], 0) }
        }
    }

    private static func stageShapes(_ grid: Shape3) -> [ConvolutionShape] {
        var shapes: [ConvolutionShape] = []
        var input = grid
        for (i, channels) in [1, 8, 16, 32].enumerated() {
            let shape = ConvolutionShape(
                input: input, inputChannels: channels,
                outputChannels: i == 0 ? 8 : 2 * channels, stride: i == 0 ? 1 : 2)
            shapes.append(shape)
            input = shape.output.halved
        }
        return shapes
    }

    private func firstTwoStages(
        _ input: Input, _ shape: ConvolutionShape, pooled: FloatBuffer, on set: InstructionSet
    ) {
        let plane = shape.input.y * shape.input.z * 8
        let rows = shape.output.halved.x
        // A pooled row of conv2 takes five planes of conv1's pool, the last shared with the next.
        // Wide planes come in thinner slabs, for the cache's sake.
        let cached = EvaluationStages.slabBytes / (16 * plane)
        let slab = max(min(cached, 4), 1, (Parallel.threadCount + 3) / 4)
        let planes = FloatBuffer(count: (4 * slab + 1) * plane)
        let distinct = DistinctPlanes(input, plane: plane, slab: 4 * slab + 1)
        var ready = 0
        for start in stride(from: 0, to: rows, by: slab) {
            let count = min(slab, rows - start)
            let first = 4 * start
            let end = first + 4 * count + 1
            if ready > first {
                planes.pointer.update(from: planes.pointer + 4 * slab * plane, count: plane)
            }
            let from = max(ready, first)
            writePlanes(
                input, from..<end, to: planes.pointer + (from - first) * plane, plane: plane,
                distinct: distinct, on: set)
            ready = end
            ConvolutionKernels.pooledRows(
                shape, input: planes.pointer, weights: convolutions[1], shift: shifts[1].pointer,
                rows: count,
                pooled: pooled.pointer + start * shape.output.halved.y * shape.output.halved.z * 16,
                on: set)
        }
    }

    /// Room for the distinct planes under one slab, if the input is repeated.
    private struct DistinctPlanes {
        let buffer: FloatBuffer?

        init(_ input: Input, plane: Int, slab: Int) {
            guard case .repeated = input else {
                buffer = nil
                return
            }
            // Each pooled plane takes one or two distinct ones.
            buffer = FloatBuffer(count: 2 * slab * plane)
        }
    }

    private func writePlanes(
        _ input: Input, _ range: Range<Int>, to planes: UnsafeMutablePointer<Float>, plane: Int,
        distinct: DistinctPlanes, on set: InstructionSet
    ) {
        switch input {
        case .dense(let values, let shape):
            ConvolutionKernels.firstPooled(
                input: values, shape: shape, weights: convolutions[0], shift: shifts[0].pointer,
                planes: range, pooled: planes, on: set)
        case .repeated(let input):
            guard let buffer = distinct.buffer else { preconditionFailure("no distinct planes") }
            let first = input.x.pairFirst[range.lowerBound]
            let last = input.x.pairSecond[range.upperBound - 1]
            input.writePlanes(
                first..<last + 1, weights: repeated, shift: shifts[0], to: buffer, on: set)
            let kernels = Kernels.of(set)
            let zeros = FloatBuffer(zeros: 8)
            Parallel.forEach(range.count) { i in
                let a = input.x.pairFirst[range.lowerBound + i] - first
                let b = input.x.pairSecond[range.lowerBound + i] - first
                // Shift and ReLU are in the planes: both go through a maximum unchanged.
                kernels.maxOfRows(
                    buffer.pointer + a * plane, (b - a) * plane, a == b ? 1 : 2, 8, plane / 8,
                    zeros.pointer, planes + i * plane)
            }
        }
    }
}
