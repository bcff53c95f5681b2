import SPARSKernels

/// The convolution stages of one batch, forward and backward.
///
/// Crops and conv1's pooled output are large and can be had again: they are kept only as long as
/// they fit a budget, and otherwise made anew for the way back, with the same bits.
final class TrainingRun {
    typealias Fill = (Int, UnsafeMutableBufferPointer<Float>) throws(SPARSError) -> Void

    private let architecture: NetworkArchitecture
    private let parameters: Parameters
    private let count: Int
    private let fill: Fill
    private var first: FirstStage
    private var stages: [LaterStage]
    private var keptCrops: [Int: FloatBuffer] = [:]
    private var centre: Float = 0
    private var budget: Int

    private(set) var statistics: [BatchStatistics] = []
    var gradients = Parameters()

    /// What the crops and pooled outputs of a batch may take, bytes.
    private static let keptBytes = 1 << 30

    init(
        architecture: NetworkArchitecture, parameters: Parameters, count: Int,
        fill: @escaping Fill
    ) {
        self.architecture = architecture
        self.parameters = parameters
        self.count = count
        self.fill = fill
        budget = TrainingRun.keptBytes
        first = FirstStage(shape: architecture.input.shape, parameters: parameters)
        stages = (1..<4).map {
            LaterStage(index: $0, shape: architecture.convolution($0), parameters: parameters)
        }
    }

    /// Returns the features, [count, features] in PyTorch's channel-major order.
    func forward() throws(SPARSError) -> [Float] {
        for n in 0..<count {
            let crop = try crop(n)
            first.moments.add(crop.pointer)
            try Control.check()
        }
        statistics.append(first.takeStatistics(centre: Double(centre)))
        for n in 0..<count {
            try stages[0].convolve(firstOutput(n).output)
            try Control.check()
        }
        for i in stages.indices {
            if i > 0 {
                for n in 0..<count { stages[i].convolve(stages[i - 1].outputs[n].output) }
            }
            statistics.append(try stages[i].takeStatistics())
            stages[i].normalise()
            try Control.check()
        }
        return features()
    }

    /// Crop n less the centre of the batch's first crop: training mode cannot tell the difference,
    /// and moments of centred values lose nothing.
    private func crop(_ n: Int) throws(SPARSError) -> FloatBuffer {
        if let kept = keptCrops[n] { return kept }
        let crop = FloatBuffer(count: architecture.input.count)
        let values = UnsafeMutableBufferPointer(start: crop.pointer, count: crop.count)
        try fill(n, values)
        if let i = InputKernels.firstNotFinite(UnsafeBufferPointer(values)) {
            throw .notFinite(
                tensor: "crop \(n)", message: "Crop \(n) holds \(values[i]) at flat index \(i).")
        }
        if n == 0 && first.moments.count == 0 {
            centre = Float(InputKernels.mean(crop.pointer, count: crop.count))
        }
        InputKernels.subtract(centre, from: crop.pointer, count: crop.count)
        let bytes = 4 * crop.count
        if bytes <= budget {
            budget -= bytes
            keptCrops[n] = crop
        }
        return crop
    }

    private func firstOutput(_ n: Int) throws(SPARSError) -> StageOutput {
        if let kept = first.kept[n] { return kept }
        let output = first.forward(try crop(n))
        let bytes = 4 * output.output.count + output.choice!.count
        if bytes <= budget {
            budget -= bytes
            first.kept[n] = output
        }
        return output
    }

    private func features() -> [Float] {
        let voxels = architecture.stageOutputs[3].count
        let size = architecture.featureCount
        var features = [Float](repeating: 0, count: count * size)
        for n in 0..<count {
            let output = stages[2].outputs[n].output
            for i in 0..<size {
                features[n * size + i] =
                    output.pointer[
                        WeightLayout.channelLastIndex(i, channels: 64, voxels: voxels)]
            }
        }
        return features
    }

    /// Takes the loss's gradient for what `forward` returned.
    func backward(_ featureGradient: [Float]) throws(SPARSError) {
        var outputGradients = channelLast(featureGradient)
        for i in (1..<stages.count).reversed() {
            let pass = stages[i].prepareBackward(outputGradients)
            var inputGradients: [FloatBuffer] = []
            for n in 0..<count {
                inputGradients.append(
                    stages[i].backward(
                        n, pass, input: stages[i - 1].outputs[n].output,
                        outputGradient: outputGradients[n]))
                try Control.check()
            }
            stages[i].store(pass, in: &gradients)
            stages[i].release()
            outputGradients = inputGradients
        }
        let pass = stages[0].prepareBackward(outputGradients)
        for n in 0..<count {
            let output = try firstOutput(n)
            let gradient = stages[0].backward(
                n, pass, input: output.output, outputGradient: outputGradients[n])
            try first.backward(crop(n), output: output, gradient: gradient)
            first.kept[n] = nil
            keptCrops[n] = nil
            try Control.check()
        }
        stages[0].store(pass, in: &gradients)
        first.store(in: &gradients)
    }

    private func channelLast(_ gradient: [Float]) -> [FloatBuffer] {
        let voxels = architecture.stageOutputs[3].count
        let size = architecture.featureCount
        return (0..<count).map { n in
            let buffer = FloatBuffer(count: size)
            for i in 0..<size {
                buffer.pointer[WeightLayout.channelLastIndex(i, channels: 64, voxels: voxels)] =
                    gradient[n * size + i]
            }
            return buffer
        }
    }

    /// The gradients in the order of `state_dict`.
    func orderedGradients() -> Parameters {
        var ordered = Parameters()
        for name in architecture.trainableNames { ordered[name] = gradients[name] }
        return ordered
    }
}

/// One crop's values behind a stage's batch norm and ReLU, and where each came from if pooled.
struct StageOutput {
    let output: FloatBuffer
    let choice: ChoiceBuffer?
}
