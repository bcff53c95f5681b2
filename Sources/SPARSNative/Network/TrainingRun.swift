import SPARSKernels

/// The convolution stages of one batch: keeps what the way back needs.
final class TrainingRun {
    private let architecture: NetworkArchitecture
    private let parameters: Parameters
    private let count: Int
    private var stages: [Stage]
    private(set) var statistics: [BatchStatistics] = []
    private(set) var features: [Float] = []
    var gradients = Parameters()

    /// One stage's buffers, by crop.
    private struct Stage {
        var raw: [FloatBuffer] = []
        var outputs: [FloatBuffer] = []
        var choices: [ChoiceBuffer] = []
        var outputGradients: [FloatBuffer] = []
        var mean: [Double] = []
        var inverseDeviation: [Double] = []
    }

    init(architecture: NetworkArchitecture, parameters: Parameters, count: Int) {
        self.architecture = architecture
        self.parameters = parameters
        self.count = count
        stages = Array(repeating: Stage(), count: 4)
    }

    typealias Fill = (Int, UnsafeMutableBufferPointer<Float>) throws(SPARSError) -> Void

    func forward(_ fill: Fill) throws(SPARSError) {
        for i in 0..<4 {
            let shape = architecture.convolution(i)
            let weights = WeightLayout.tapMajor(
                parameters.values("conv\(i + 1).weight"), inputChannels: shape.inputChannels,
                outputChannels: shape.outputChannels,
                scale: Array(repeating: 1, count: shape.outputChannels))
            for n in 0..<count {
                try Control.check()
                let input = try i == 0 ? crop(n, fill) : stages[i - 1].outputs[n]
                let raw = FloatBuffer(count: shape.outputCount)
                ConvolutionReference.forward(
                    shape, input: input.pointer, weights: weights.pointer, output: raw.pointer)
                stages[i].raw.append(raw)
            }
            try takeStatistics(i)
            normalise(i)
        }
        takeFeatures()
    }

    private func crop(_ n: Int, _ fill: Fill) throws(SPARSError) -> FloatBuffer {
        let input = FloatBuffer(count: architecture.input.count)
        let values = UnsafeMutableBufferPointer(start: input.pointer, count: input.count)
        try fill(n, values)
        try checkFinite(UnsafeBufferPointer(values), named: "crop \(n)")
        return input
    }

    private func takeStatistics(_ i: Int) throws(SPARSError) {
        let shape = architecture.convolution(i)
        let channels = shape.outputChannels
        let voxels = shape.output.count
        let total = Double(voxels * count)
        guard total > 1 else {
            throw .range(
                "crops", of: "loss_and_gradients",
                mustBe: "two or more crops where bn\(i + 1) sees one voxel of each", got: count)
        }
        var sums = [Double](repeating: 0, count: channels)
        for raw in stages[i].raw {
            BatchNormReference.addSums(
                raw.pointer, voxels: voxels, channels: channels, to: &sums)
        }
        let mean = sums.map { $0 / total }
        var squares = [Double](repeating: 0, count: channels)
        for raw in stages[i].raw {
            BatchNormReference.addSquares(
                raw.pointer, voxels: voxels, channels: channels, mean: mean, to: &squares)
        }
        stages[i].mean = mean
        stages[i].inverseDeviation = squares.map {
            1 / ($0 / total + NetworkArchitecture.epsilon).squareRoot()
        }
        let bias = parameters.values("conv\(i + 1).bias")
        statistics.append(
            BatchStatistics(
                mean: zip(mean, bias).map { Float($0 + Double($1)) },
                unbiasedVariance: squares.map { Float($0 / (total - 1)) }))
    }

    private func normalise(_ i: Int) {
        let shape = architecture.convolution(i)
        let channels = shape.outputChannels
        let gamma = parameters.values("bn\(i + 1).weight")
        let beta = parameters.values("bn\(i + 1).bias")
        let scale = (0..<channels).map { Double(gamma[$0]) * stages[i].inverseDeviation[$0] }
        let shift = (0..<channels).map { Double(beta[$0]) - stages[i].mean[$0] * scale[$0] }
        for n in 0..<count {
            if i == 3 {
                let output = FloatBuffer(count: shape.outputCount)
                for v in 0..<shape.outputCount {
                    let c = v % channels
                    let value = Float(scale[c]) * stages[i].raw[n].pointer[v] + Float(shift[c])
                    output.pointer[v] = max(value, 0)
                }
                stages[i].outputs.append(output)
                continue
            }
            let half = shape.output.halved.count * channels
            let output = FloatBuffer(count: half)
            let choice = ChoiceBuffer(count: half)
            PoolReference.forward(
                shape.output, channels: channels, raw: stages[i].raw[n].pointer,
                scale: scale.map(Float.init), shift: shift.map(Float.init),
                pooled: output.pointer, choice: choice.pointer)
            stages[i].outputs.append(output)
            stages[i].choices.append(choice)
        }
    }

    private func takeFeatures() {
        let voxels = architecture.stageOutputs[3].count
        let size = architecture.featureCount
        features = [Float](repeating: 0, count: count * size)
        for n in 0..<count {
            for i in 0..<size {
                features[n * size + i] =
                    stages[3].outputs[n].pointer[
                        WeightLayout.channelLastIndex(i, channels: 64, voxels: voxels)]
            }
        }
    }

    func takeFeatureGradient(_ gradient: [Float]) {
        let voxels = architecture.stageOutputs[3].count
        let size = architecture.featureCount
        for n in 0..<count {
            let buffer = FloatBuffer(count: size)
            for i in 0..<size {
                buffer.pointer[WeightLayout.channelLastIndex(i, channels: 64, voxels: voxels)] =
                    gradient[n * size + i]
            }
            stages[3].outputGradients.append(buffer)
        }
    }

    func backward(_ fill: Fill) throws(SPARSError) {
        for i in (0..<4).reversed() {
            let shape = architecture.convolution(i)
            let channels = shape.outputChannels
            let sums = batchNormSums(i)
            let weights = WeightLayout.tapMajor(
                parameters.values("conv\(i + 1).weight"), inputChannels: shape.inputChannels,
                outputChannels: channels, scale: Array(repeating: 1, count: channels))
            var weightGradient = [Double](repeating: 0, count: shape.weightCount)
            for n in 0..<count {
                try Control.check()
                let gradient = rawGradient(i, n, sums: sums)
                let input = try i == 0 ? crop(n, fill) : stages[i - 1].outputs[n]
                var part = [Double](repeating: 0, count: shape.weightCount)
                ConvolutionReference.weightGradient(
                    shape, input: input.pointer, outputGradient: gradient.pointer,
                    gradient: &part)
                for k in part.indices { weightGradient[k] += part[k] }
                if i > 0 {
                    let inputGradient = FloatBuffer(count: shape.inputCount)
                    ConvolutionReference.inputGradient(
                        shape, weights: weights.pointer, outputGradient: gradient.pointer,
                        gradient: inputGradient.pointer)
                    stages[i - 1].outputGradients.append(inputGradient)
                }
            }
            let name = "\(i + 1)"
            gradients["conv\(name).weight"] = Tensor(
                shape: [channels, shape.inputChannels, 3, 3, 3],
                values: WeightLayout.torchMajor(
                    weightGradient, inputChannels: shape.inputChannels, outputChannels: channels))
            // Batch norm takes any constant away again: the bias has no effect on the loss.
            gradients["conv\(name).bias"] = Tensor(zeros: [channels])
            gradients["bn\(name).weight"] = Tensor(
                shape: [channels], values: sums.normalised.map(Float.init))
            gradients["bn\(name).bias"] = Tensor(
                shape: [channels], values: sums.plain.map(Float.init))
        }
    }

    private struct BatchNormSums {
        /// Sum of the gradient dy behind batch norm, the gradient of beta.
        var plain: [Double]
        /// Sum of dy times the normalised value, the gradient of gamma.
        var normalised: [Double]
    }

    /// Calls `body(voxel index in raw, channel, gradient)` wherever ReLU and pool let one through.
    private func forEachActive(_ i: Int, _ n: Int, _ body: (Int, Int, Float) -> Void) {
        let shape = architecture.convolution(i)
        let channels = shape.outputChannels
        let output = stages[i].outputs[n]
        let gradient = stages[i].outputGradients[n]
        let half = architecture.stageOutputs[i]
        for v in 0..<half.count {
            for c in 0..<channels where output.pointer[v * channels + c] > 0 {
                var voxel = v
                if i < 3 {
                    let chosen = Int(stages[i].choices[n].pointer[v * channels + c])
                    let x = v / (half.y * half.z) * 2 + chosen / 4
                    let y = v / half.z % half.y * 2 + chosen / 2 % 2
                    let z = v % half.z * 2 + chosen % 2
                    voxel = (x * shape.output.y + y) * shape.output.z + z
                }
                body(voxel, c, gradient.pointer[v * channels + c])
            }
        }
    }

    private func batchNormSums(_ i: Int) -> BatchNormSums {
        let channels = architecture.convolution(i).outputChannels
        let stage = stages[i]
        var sums = BatchNormSums(
            plain: Array(repeating: 0, count: channels),
            normalised: Array(repeating: 0, count: channels))
        for n in 0..<count {
            forEachActive(i, n) { voxel, c, g in
                let raw = Double(stage.raw[n].pointer[voxel * channels + c])
                sums.plain[c] += Double(g)
                sums.normalised[c] += Double(g) * (raw - stage.mean[c]) * stage.inverseDeviation[c]
            }
        }
        return sums
    }

    /// The gradient in front of batch norm:
    /// gamma / sigma (dy - mean(dy) - z mean(dy z)), z the normalised value.
    private func rawGradient(_ i: Int, _ n: Int, sums: BatchNormSums) -> FloatBuffer {
        let shape = architecture.convolution(i)
        let channels = shape.outputChannels
        let gamma = parameters.values("bn\(i + 1).weight")
        let stage = stages[i]
        let total = Double(shape.output.count * count)
        let gradient = FloatBuffer(count: shape.outputCount)
        for v in 0..<shape.outputCount {
            let c = v % channels
            let z = (Double(stage.raw[n].pointer[v]) - stage.mean[c]) * stage.inverseDeviation[c]
            gradient.pointer[v] = Float(
                -Double(gamma[c]) * stage.inverseDeviation[c]
                    * (sums.plain[c] + z * sums.normalised[c]) / total)
        }
        forEachActive(i, n) { voxel, c, g in
            gradient.pointer[voxel * channels + c] +=
                Float(Double(gamma[c]) * stage.inverseDeviation[c]) * g
        }
        return gradient
    }

    /// The gradients in the order of `state_dict`.
    func orderedGradients() -> Parameters {
        var ordered = Parameters()
        for name in architecture.trainableNames { ordered[name] = gradients[name] }
        return ordered
    }
}
