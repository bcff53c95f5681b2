import SPARSKernels

/// conv2, conv3 or conv4 and what follows it, in training.
///
/// A crop's raw output is needed to add its moments, to normalise it, and twice on the way back.
/// It is kept between, or made again by whoever let go of it.
struct LaterStage {
    private(set) var outputs: [StageOutput] = []
    private let index: Int
    let shape: ConvolutionShape
    private let weights: ConvolutionWeights
    let backwardWeights: InputGradientWeights
    private let gamma: [Float]
    private let beta: [Float]
    private let bias: [Float]
    /// Raw outputs of the crops so far; nil for those that are made again.
    private(set) var raw: [FloatBuffer?] = []
    private var moments: [(sums: [Double], squares: [Double])] = []
    private var mean: [Double] = []
    private var inverseDeviation: [Double] = []

    private var channels: Int { shape.outputChannels }
    private var name: String { "\(index + 1)" }
    private var places: Double { Double(shape.output.count * raw.count) }

    /// - Parameter index: 1 to 3, counted as in `NetworkArchitecture.channels`.
    init(index: Int, shape: ConvolutionShape, parameters: Parameters) {
        self.index = index
        self.shape = shape
        let values = parameters.values("conv\(index + 1).weight")
        // Only conv2 sees what is known to repeat.
        weights = ConvolutionWeights(
            values, inputChannels: shape.inputChannels, outputChannels: shape.outputChannels,
            sumsTaps: index == 1)
        backwardWeights = InputGradientWeights(
            values, inputChannels: shape.inputChannels, outputChannels: shape.outputChannels,
            sumsTaps: index == 1)
        bias = parameters.values("conv\(index + 1).bias")
        gamma = parameters.values("bn\(index + 1).weight")
        beta = parameters.values("bn\(index + 1).bias")
    }

    /// Writes a crop's raw output.
    ///
    /// - Parameter steps: conv2's over an input that repeats.
    func convolve(_ input: FloatBuffer, steps: PooledSteps? = nil, to output: FloatBuffer) {
        unsafe ConvolutionKernels.raw(
            shape, input: input.pointer, weights: weights, steps: steps, output: output.pointer)
    }

    /// Adds the next crop of the batch: its moments, and its raw output if that is kept.
    mutating func include(_ output: FloatBuffer, keeps: Bool) {
        let places = Double(shape.output.count)
        let sums = unsafe BatchNormKernels.sums(
            output.pointer, shape: shape.output, channels: channels)
        let mean = sums.map { $0 / places }
        var squares = unsafe BatchNormKernels.squares(
            output.pointer, shape: shape.output, channels: channels, mean: mean)
        // The kernel takes the mean as float32.
        for c in 0..<channels {
            let rounding = mean[c] - Double(Float(mean[c]))
            squares[c] -= places * rounding * rounding
        }
        moments.append((sums, squares))
        raw.append(keeps ? output : nil)
    }

    /// Joins the crops' moments (Chan, Golub and LeVeque, 1979).
    mutating func takeStatistics() throws(SPARSError) -> BatchStatistics {
        guard places > 1 else {
            throw .range(
                "crops", of: .loss,
                mustBe: "two or more crops where bn\(name) sees one voxel of each", got: raw.count)
        }
        var sums = [Double](repeating: 0, count: channels)
        for crop in moments { add(crop.sums, to: &sums) }
        let mean = sums.map { $0 / places }
        let each = Double(shape.output.count)
        var squares = [Double](repeating: 0, count: channels)
        for crop in moments {
            for c in 0..<channels {
                let apart = crop.sums[c] / each - mean[c]
                squares[c] += crop.squares[c] + each * apart * apart
            }
        }
        moments = []
        self.mean = mean
        inverseDeviation = squares.map {
            1 / ($0 / places + NetworkArchitecture.epsilon).squareRoot()
        }
        return BatchStatistics(
            mean: zip(mean, bias).map { Float($0 + Double($1)) },
            unbiasedVariance: squares.map { Float($0 / (places - 1)) })
    }

    /// - Throws: `notFinite` if float32 does not hold what `normalise` multiplies by and adds.
    func checkAffine() throws(SPARSError) {
        let (scales, shifts) = affine()
        try checkFinite(scales, named: "scale of bn\(name)")
        try checkFinite(shifts, named: "shift of bn\(name)")
    }

    /// Batch norm of the batch as a factor and a summand for each channel.
    private func affine() -> (scales: [Float], shifts: [Float]) {
        let scale = (0..<channels).map { Double(gamma[$0]) * inverseDeviation[$0] }
        return (
            scale.map(Float.init),
            (0..<channels).map { Float(Double(beta[$0]) - mean[$0] * scale[$0]) }
        )
    }

    /// Writes the output of the next crop.
    mutating func normalise(_ raw: FloatBuffer) {
        let (scale, shift) = affine()
        let (scales, shifts) = (FloatBuffer(scale), FloatBuffer(shift))
        if index == 3 {
            let output = FloatBuffer(count: shape.outputCount)
            for v in 0..<shape.outputCount {
                let c = v % channels
                unsafe output.pointer[v] = unsafe max(
                    scales.pointer[c] * raw.pointer[v] + shifts.pointer[c], 0)
            }
            outputs.append(StageOutput(output: output, choice: nil))
            return
        }
        let size = shape.output.halved.count * channels
        let output = FloatBuffer(count: size)
        let choice = ChoiceBuffer(count: size)
        unsafe BatchNormKernels.pool(
            raw.pointer, shape: shape.output, channels: channels, scale: scales.pointer,
            shift: shifts.pointer, pooled: output.pointer, choice: choice.pointer)
        outputs.append(StageOutput(output: output, choice: choice))
    }

    /// The sums over the batch that every crop's way back needs, and where gradients gather.
    final class Pass {
        fileprivate let plain: [Double]
        fileprivate let normalised: [Double]
        fileprivate let slope: [Double]
        fileprivate let offset: [Double]
        fileprivate let gain: [Double]
        fileprivate var weightGradient: [Double]

        fileprivate init(
            plain: [Double], normalised: [Double], slope: [Double], offset: [Double],
            gain: [Double], weightCount: Int
        ) {
            self.plain = plain
            self.normalised = normalised
            self.slope = slope
            self.offset = offset
            self.gain = gain
            weightGradient = Array(repeating: 0, count: weightCount)
        }
    }

    private func pooled(_ n: Int) -> PooledStage {
        PooledStage(
            rawShape: shape.output, channels: channels, output: outputs[n].output,
            choice: outputs[n].choice)
    }

    /// Crop n's share of the sums that `prepareBackward` takes.
    func gradientSums(_ n: Int, raw: FloatBuffer, outputGradient: FloatBuffer) -> [Double] {
        unsafe BatchNormKernels.gradientSums(
            pooled(n), raw: raw.pointer, gradient: outputGradient.pointer, mean: mean)
    }

    /// Writes batch norm's gradient, gamma / sigma (dy - mean dy - z mean(dy z)) with z the
    /// normalised value, as slope raw + offset everywhere plus gain dy at the chosen voxels.
    ///
    /// - Parameter parts: of every crop, in order.
    func prepareBackward(_ parts: [[Double]]) -> Pass {
        var sums = [Double](repeating: 0, count: 2 * channels)
        for part in parts { add(part, to: &sums) }
        let plain = Array(sums[0..<channels])
        let normalised = (0..<channels).map { sums[channels + $0] * inverseDeviation[$0] }
        let gain = (0..<channels).map { Double(gamma[$0]) * inverseDeviation[$0] }
        let slope = (0..<channels).map {
            -gain[$0] * inverseDeviation[$0] * normalised[$0] / places
        }
        let offset = (0..<channels).map { -gain[$0] * plain[$0] / places - slope[$0] * mean[$0] }
        return Pass(
            plain: plain, normalised: normalised, slope: slope, offset: offset, gain: gain,
            weightCount: shape.weightCount)
    }

    /// Values of a crop's output gradient in padded rows.
    var paddedCount: Int { shape.output.x * shape.output.y * (shape.output.z + 2) * channels }

    /// Adds crop n's share of the weights' gradient to `pass`; writes the gradient of the raw output,
    /// in padded rows, to `padded`.
    func backward(
        _ n: Int, _ pass: Pass, raw: FloatBuffer, input: FloatBuffer, steps: PooledSteps? = nil,
        outputGradient: FloatBuffer, padded: FloatBuffer
    ) {
        if index == 3 {
            unsafe BatchNormKernels.gradient(
                unpooled: pooled(n), raw: raw.pointer, gradient: outputGradient.pointer,
                slope: pass.slope, offset: pass.offset, gain: pass.gain, padded: padded.pointer)
        } else {
            let slope = FloatBuffer(pass.slope.map(Float.init))
            let offset = FloatBuffer(pass.offset.map(Float.init))
            unsafe BatchNormKernels.gradient(
                pooled(n), raw: raw.pointer, gradient: outputGradient.pointer,
                slope: slope.pointer, offset: offset.pointer,
                gain: pass.gain.map(Float.init), padded: padded.pointer)
            withExtendedLifetime((slope, offset)) {}
        }
        let part = unsafe ConvolutionGradients.weights(
            shape, input: input.pointer, outputGradient: padded.pointer, steps: steps)
        add(part, to: &pass.weightGradient)
    }

    func inputGradient(_ padded: FloatBuffer) -> FloatBuffer {
        let inputGradient = FloatBuffer(count: shape.inputCount)
        unsafe ConvolutionGradients.input(
            shape, weights: backwardWeights, outputGradient: padded.pointer,
            gradient: inputGradient.pointer)
        return inputGradient
    }

    func store(_ pass: Pass, in gradients: inout Parameters) {
        gradients["conv\(name).weight"] = Tensor(
            shape: [channels, shape.inputChannels, 3, 3, 3],
            values: WeightLayout.torchMajor(
                pass.weightGradient, inputChannels: shape.inputChannels, outputChannels: channels))
        // Batch norm takes any constant away again: the bias has no effect on the loss.
        gradients["conv\(name).bias"] = Tensor(zeros: [channels])
        gradients["bn\(name).weight"] = Tensor(
            shape: [channels], values: pass.normalised.map(Float.init))
        gradients["bn\(name).bias"] = Tensor(shape: [channels], values: pass.plain.map(Float.init))
    }

    /// Lets go of the stage's memory once its gradients are stored; returns the raw outputs
    /// that were kept.
    mutating func release() -> [FloatBuffer] {
        defer {
            raw = []
            outputs = []
        }
        return raw.compactMap { $0 }
    }
}

private func add(_ part: [Double], to sums: inout [Double]) {
    for i in part.indices { sums[i] += part[i] }
}
