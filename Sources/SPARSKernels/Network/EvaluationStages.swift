/// The convolution stages of an evaluator: weights with batch norm folded in, repacked once.
public struct EvaluationStages: Sendable {
    let first: FirstConvolutionWeights
    /// Those of conv2 to conv4.
    let convolutions: [ConvolutionWeights]
    let shifts: [FloatBuffer]
    let repeated: RepeatedWeights

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
        first = FirstConvolutionWeights(stages[0].weights, scale: stages[0].scale)
        convolutions = stages.indices.dropFirst().map {
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
        case dense(UnsafePointer<Float>, Extent)
        /// Source voxels and how the grid repeats them.
        case repeated(RepeatedInput)

        var shape: Extent {
            switch self {
            case .dense(_, let shape): return shape
            case .repeated(let input): return input.shape
            }
        }
    }

    /// The shape behind conv4, for any grid that leaves every stage a voxel.
    public static func outputShape(_ grid: Extent) -> Extent {
        var shape = grid
        for stage in 0..<4 {
            shape = shape.convolved(stride: stage == 0 ? 1 : 2)
            if stage < 3 { shape = shape.halved }
        }
        return shape
    }

    /// The part of a grid, from its first voxel, that conv4's output depends on: strides and pools
    /// drop what is left over at the far border, 236 x 236 x 172 of 256 x 256 x 180.
    public static func seen(_ grid: Extent) -> Extent {
        let output = outputShape(grid)
        func seen(_ places: Int) -> Int {
            // Back through conv4, three times pool and convolution, of which conv1 has stride 1.
            var places = 2 * places + 1
            for _ in 0..<2 { places = 4 * places + 1 }
            return 2 * places + 2
        }
        return Extent(seen(output.x), seen(output.y), seen(output.z))
    }

    /// What all windows of a pass see of its grid, from the first place; the stages' shapes for each
    /// window of the column; and conv4's places for it.
    struct Pass {
        let seen: Extent
        let shapes: [ConvolutionShape]
        let output: Extent

        init(_ grid: Extent, _ layout: WindowLayout) {
            let window = layout.window(grid)
            let (one, added) = (EvaluationStages.seen(window), layout.addedByRows)
            let rows = Extent(one.x + added.x, one.y + added.y, one.z + added.z)
            seen = Extent(rows.x, rows.y, rows.z + layout.addedByColumn)
            shapes = EvaluationStages.stageShapes(rows)
            output = layout.output(EvaluationStages.outputShape(window))
        }
    }

    /// Runs all stages; `features` receives [X, Y, Z, 64] of `layout.output` for each window of the
    /// column, all windows of which are in `input`.
    ///
    /// The first three stages alternate over slabs of x that stay in the cache: the pooled outputs
    /// of conv1 and conv2 are never held whole. Sums are formed voxel by voxel in one order, so a
    /// grid's values do not depend on slabs, threads, or what lies beside a voxel's own field of
    /// view. A repeated input differs from the dense one in rounding: weights of taps that share a
    /// voxel are added first.
    ///
    /// - Parameter progress: called on the calling thread with the part done so far.
    public func run(
        _ input: Input, layout: WindowLayout = .single, features: UnsafeMutablePointer<Float>,
        on set: InstructionSet = .current, progress: (Double) -> Void = { _ in }
    ) {
        let pass = Pass(input.shape, layout)
        let last = pass.shapes[3]
        let third = FloatBuffer(count: layout.column.count * last.inputCount)
        SlabPass(
            input: input, seen: pass.seen, column: layout.column, shapes: pass.shapes, stages: self,
            pooled: third, set: set
        ).run(progress)
        let shift = shifts[3].pointer
        for k in 0..<layout.column.count {
            let output = features + k * pass.output.count * 64
            ConvolutionKernels.rawRows(
                layout, places: pass.output, from: last.input,
                input: third.pointer + k * last.inputCount, weights: convolutions[2],
                output: output, on: set)
            for voxel in 0..<pass.output.count {
                let row = output + 64 * voxel
                for c in 0..<64 { row[c] = max(row[c] + shift[c], 0) }
            }
        }
    }

    static func stageShapes(_ grid: Extent) -> [ConvolutionShape] {
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
}
