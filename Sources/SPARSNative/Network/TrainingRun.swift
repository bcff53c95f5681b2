import SPARSKernels

/// The convolution stages of one batch, forward and backward.
///
/// Crops on the network's grid, conv1's pooled outputs and conv2's raw outputs are large and can be
/// had again: crops are made anew each time, outputs are kept only as long as they fit a budget.
/// With one or the other, results have the same bits.
final class TrainingRun {
    private let architecture: NetworkArchitecture
    private let count: Int
    private let crops: TrainingCrops
    private let workspace: TrainingWorkspace
    private var first: FirstStage
    private var stages: [LaterStage]
    private var keptOutputs: [Int: StageOutput] = [:]
    private var centre: Float?
    private var checked: Set<Int> = []
    /// What may still be kept, bytes.
    private var firstBudget: Int
    private var rawBudget: Int

    private(set) var statistics: [BatchStatistics] = []
    var gradients = Parameters()

    init(
        architecture: NetworkArchitecture, parameters: Parameters, count: Int,
        crops: TrainingCrops, workspace: TrainingWorkspace
    ) {
        self.architecture = architecture
        self.count = count
        self.crops = crops
        self.workspace = workspace
        firstBudget = workspace.firstOutputBytes
        rawBudget = workspace.rawOutputBytes
        first = FirstStage(shape: architecture.input, parameters: parameters)
        stages = (1..<4).map {
            LaterStage(index: $0, shape: architecture.convolution($0), parameters: parameters)
        }
    }

    /// Returns the features, [count, features] in PyTorch's channel-major order.
    func forward() throws(SPARSError) -> [Float] {
        for n in 0..<count { try addMoments(n) }
        try append(first.takeStatistics(centre: Double(centre ?? 0)))
        try first.checkAffine()
        for n in 0..<count {
            try withCrop(n) { crop in
                let output = firstOutput(n, crop)
                addSecond(output, steps: steps(crop))
                giveBack(n, output)
            }
        }
        try append(stages[0].takeStatistics())
        try stages[0].checkAffine()
        for n in 0..<count { try withSecondRaw(n) { stages[0].normalise($0) } }
        for i in 1..<stages.count {
            for n in 0..<count {
                let raw = FloatBuffer(count: stages[i].shape.outputCount)
                stages[i].convolve(stages[i - 1].outputs[n].output, to: raw)
                stages[i].include(raw, keeps: true)
            }
            try append(stages[i].takeStatistics())
            try stages[i].checkAffine()
            for raw in stages[i].raw { stages[i].normalise(raw!) }
            try Control.check()
        }
        let features = features()
        try checkFinite(features, named: "output of bn4")
        return features
    }

    /// Keeps the statistics of the next batch norm, which are not finite if anything of its input is
    /// not: only then is that looked through, and named if it is to blame.
    private func append(_ batch: BatchStatistics) throws(SPARSError) {
        let index = statistics.count
        statistics.append(batch)
        do throws(SPARSError) {
            try checkFinite(batch.mean, named: "batch mean of bn\(index + 1)")
            try checkFinite(batch.unbiasedVariance, named: "batch variance of bn\(index + 1)")
        } catch {
            if index > 0 { try checkOutputs(ofStage: index - 1) }
            throw error
        }
    }

    private func checkOutputs(ofStage index: Int) throws(SPARSError) {
        for n in 0..<count {
            if index > 0 {
                let output = stages[index - 1].outputs[n].output
                try checkFinite(output.values, named: "output of bn\(index + 1)")
            } else {
                var values: [Float] = []
                try withCrop(n) { crop in
                    let output = firstOutput(n, crop)
                    values = output.output.values
                    giveBack(n, output)
                }
                try checkFinite(values, named: "output of bn1")
            }
        }
    }

    private func addMoments(_ n: Int) throws(SPARSError) {
        if let input = try crops.interpolated(n, centre: &centre) {
            first.moments.add(input)
            try Control.check()
        } else {
            try withCrop(n) { first.addMoments($0) }
        }
    }

    /// Lends crop n, less the centre of the batch's first crop: training mode cannot tell the
    /// difference, and moments of centred values lose nothing.
    private func withCrop(_ n: Int, _ body: (FirstInput) -> Void) throws(SPARSError) {
        if let input = try crops.repeated(n, centre: &centre) {
            body(.repeated(input))
        } else {
            let crop = workspace.take(architecture.input.count)
            defer { workspace.give(crop) }
            try crops.fill(n, crop, centre: &centre, isChecked: checked.contains(n))
            checked.insert(n)
            body(.dense(crop, architecture.input))
        }
        try Control.check()
    }

    /// Adds a crop to conv2, whose raw output is kept if it fits the budget.
    private func addSecond(_ input: StageOutput, steps: PooledSteps?) {
        let raw = workspace.take(stages[0].shape.outputCount)
        stages[0].convolve(input.output, steps: steps, to: raw)
        let bytes = 4 * raw.count
        let keeps = bytes <= rawBudget
        stages[0].include(raw, keeps: keeps)
        if keeps { rawBudget -= bytes } else { workspace.give(raw) }
    }

    /// Lends conv2's raw output of crop n: kept, or made now.
    private func withSecondRaw(_ n: Int, _ body: (FloatBuffer) -> Void) throws(SPARSError) {
        if let raw = stages[0].raw[n] {
            body(raw)
            return try Control.check()
        }
        try withCrop(n) { crop in
            let output = firstOutput(n, crop)
            withSecondRaw(n, input: output, steps: steps(crop), body)
            giveBack(n, output)
        }
    }

    private func withSecondRaw(
        _ n: Int, input: StageOutput, steps: PooledSteps?, _ body: (FloatBuffer) -> Void
    ) {
        if let raw = stages[0].raw[n] { return body(raw) }
        let raw = workspace.take(stages[0].shape.outputCount)
        defer { workspace.give(raw) }
        stages[0].convolve(input.output, steps: steps, to: raw)
        body(raw)
    }

    /// How conv2 sees the pooled output of a crop.
    private func steps(_ crop: FirstInput) -> PooledSteps? {
        crop.pooledSteps(stages[0].shape.output)
    }

    /// conv1's pooled output: kept, or made now.
    private func firstOutput(_ n: Int, _ crop: FirstInput) -> StageOutput {
        if let kept = keptOutputs[n] { return kept }
        let output = workspace.takeOutput(first.outputCount)
        first.forward(crop, to: output)
        return output
    }

    private func giveBack(_ n: Int, _ output: StageOutput) {
        if keptOutputs[n] != nil { return }
        let bytes = 5 * output.output.count
        if bytes <= firstBudget {
            firstBudget -= bytes
            keptOutputs[n] = output
        } else {
            workspace.giveOutput(output)
        }
    }

    private func features() -> [Float] {
        let voxels = architecture.stageOutputs[3].count
        let size = architecture.featureCount
        var features = [Float](repeating: 0, count: count * size)
        for n in 0..<count {
            let output = stages[2].outputs[n].output
            for i in 0..<size {
                features[n * size + i] =
                    unsafe output.pointer[
                        WeightLayout.channelLastIndex(i, channels: 64, voxels: voxels)]
            }
        }
        return features
    }

    /// Takes the loss's gradient for what `forward` returned.
    func backward(_ featureGradient: [Float]) throws(SPARSError) {
        var outputGradients = channelLast(featureGradient)
        for i in (1..<stages.count).reversed() {
            let pass = stages[i].prepareBackward(
                (0..<count).map {
                    stages[i].gradientSums(
                        $0, raw: stages[i].raw[$0]!, outputGradient: outputGradients[$0])
                })
            let padded = FloatBuffer(count: stages[i].paddedCount)
            for n in 0..<count {
                stages[i].backward(
                    n, pass, raw: stages[i].raw[n]!, input: stages[i - 1].outputs[n].output,
                    outputGradient: outputGradients[n], padded: padded)
                outputGradients[n] = stages[i].inputGradient(padded)
                try Control.check()
            }
            stages[i].store(pass, in: &gradients)
            _ = stages[i].release()
        }
        var parts: [[Double]] = []
        for n in 0..<count {
            try withSecondRaw(n) { raw in
                parts.append(
                    stages[0].gradientSums(n, raw: raw, outputGradient: outputGradients[n]))
            }
        }
        let pass = stages[0].prepareBackward(parts)
        let padded = workspace.take(stages[0].paddedCount)
        for n in 0..<count {
            try withCrop(n) { crop in
                let output = firstOutput(n, crop)
                let steps = steps(crop)
                withSecondRaw(n, input: output, steps: steps) { raw in
                    stages[0].backward(
                        n, pass, raw: raw, input: output.output, steps: steps,
                        outputGradient: outputGradients[n], padded: padded)
                }
                first.backward(crop, output: output, second: stages[0], outputGradient: padded)
                workspace.giveOutput(output)
                keptOutputs[n] = nil
            }
        }
        workspace.give(padded)
        stages[0].store(pass, in: &gradients)
        for raw in stages[0].release() { workspace.give(raw) }
        first.store(in: &gradients)
    }

    private func channelLast(_ gradient: [Float]) -> [FloatBuffer] {
        let voxels = architecture.stageOutputs[3].count
        let size = architecture.featureCount
        return (0..<count).map { n in
            let buffer = FloatBuffer(count: size)
            for i in 0..<size {
                unsafe buffer.pointer[
                    WeightLayout.channelLastIndex(i, channels: 64, voxels: voxels)] =
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
