import SPARSKernels

/// A network in evaluation mode: batch norm folded into the weights, weights repacked once.
///
/// Use one evaluator for many scores; it holds no state of a call and may be used from several
/// threads. Equal inputs give equal bits, whatever the thread count and whatever is evaluated
/// beside them. Logits stay within 1e-4 relative of float64 on the network of record.
public final class NetworkEvaluator: Sendable {
    public let architecture: NetworkArchitecture
    private let weights: [FloatBuffer]
    private let ones: [[Float]]
    private let shifts: [[Float]]
    private let dense: [DenseWeights]

    private struct DenseWeights: Sendable {
        let inputs: Int
        let outputs: Int
        let weights: FloatBuffer
        let bias: FloatBuffer
    }

    /// - Throws: `invalidArgument` or `notFinite` naming the first tensor that is missing, of a
    ///   wrong shape or not finite.
    public init(architecture: NetworkArchitecture, parameters: Parameters) throws(SPARSError) {
        try architecture.check(parameters)
        self.architecture = architecture
        var weights: [FloatBuffer] = []
        var shifts: [[Float]] = []
        for i in 0..<4 {
            let folded = NetworkEvaluator.folded(parameters, stage: i + 1)
            let shape = architecture.convolution(i)
            weights.append(
                WeightLayout.tapMajor(
                    parameters.values("conv\(i + 1).weight"), inputChannels: shape.inputChannels,
                    outputChannels: shape.outputChannels, scale: folded.scale))
            shifts.append(folded.shift)
        }
        self.weights = weights
        self.shifts = shifts
        ones = shifts.map { Array(repeating: 1, count: $0.count) }
        var dense: [DenseWeights] = []
        var inputs = architecture.featureCount
        for (i, outputs) in NetworkArchitecture.denseOutputs.enumerated() {
            var matrix = parameters.values("fc\(i + 1).weight")
            if i == 0 {
                matrix = WeightLayout.channelLastColumns(
                    matrix, outputs: outputs, channels: 64,
                    voxels: architecture.stageOutputs[3].count)
            }
            dense.append(
                DenseWeights(
                    inputs: inputs, outputs: outputs, weights: FloatBuffer(matrix),
                    bias: FloatBuffer(parameters.values("fc\(i + 1).bias"))))
            inputs = outputs
        }
        self.dense = dense
    }

    /// Batch norm of a stage as y = scale conv + shift, conv without its bias.
    static func folded(
        _ parameters: Parameters, stage: Int
    ) -> (scale: [Float], shift: [Float]) {
        let gamma = parameters.values("bn\(stage).weight")
        let beta = parameters.values("bn\(stage).bias")
        let mean = parameters.values("bn\(stage).running_mean")
        let variance = parameters.values("bn\(stage).running_var")
        let bias = parameters.values("conv\(stage).bias")
        var scale: [Float] = []
        var shift: [Float] = []
        for c in gamma.indices {
            let s =
                Double(gamma[c])
                / (Double(variance[c]) + NetworkArchitecture.epsilon).squareRoot()
            scale.append(Float(s))
            shift.append(Float(Double(beta[c]) + (Double(bias[c]) - Double(mean[c])) * s))
        }
        return (scale, shift)
    }

    /// Logits [count, 2] of `count` inputs on the network's grid, one after the other, each
    /// [x, y, z]; values are taken as they are.
    ///
    /// - Throws: `invalidArgument` if `inputs` does not hold `count` inputs, `notFinite` for NaN or
    ///   infinity, `interrupted`.
    public func logits(
        _ inputs: UnsafeBufferPointer<Float>, count: Int
    ) throws(SPARSError) -> [Float] {
        let voxels = architecture.input.count
        let (wanted, overflow) = voxels.multipliedReportingOverflow(by: count)
        guard count >= 0, !overflow, inputs.count == wanted else {
            throw .range(
                "x", of: "logits", mustBe: "\(count) arrays of shape \(architecture.input)",
                got: "\(inputs.count) values")
        }
        let features = FloatBuffer(count: count * architecture.featureCount)
        for n in 0..<count {
            try Control.report(done: n, planned: count)
            let input = UnsafeBufferPointer(rebasing: inputs[n * voxels..<(n + 1) * voxels])
            try checkFinite(input, named: "x")
            stages(input.baseAddress!, features: features.pointer + n * architecture.featureCount)
        }
        return try denseLogits(features, count: count)
    }

    /// Logits [origins.count, 2] of windows cut from a volume, their values scaled by
    /// `intensityWindow` if given, and brought to the network's grid by nearest neighbour.
    ///
    /// - Parameter volume: [x, y, z] values of `extent`.
    /// - Throws: `invalidArgument` for a window that has no voxel or does not lie inside,
    ///   `notFinite` for NaN or infinity inside a window, `interrupted`.
    public func windowLogits(
        volume: UnsafeBufferPointer<Float>, extent: Extent, origins: [Voxel], window: Extent,
        intensityWindow: IntensityWindow?
    ) throws(SPARSError) -> [Float] {
        try checkWindows(volume.count, extent: extent, origins: origins, window: window)
        let features = FloatBuffer(count: origins.count * architecture.featureCount)
        let input = FloatBuffer(count: architecture.input.count)
        for (n, origin) in origins.enumerated() {
            try Control.report(done: n, planned: origins.count)
            var crop = cropped(volume, extent: extent, origin: origin, window: window)
            try checkFinite(crop, named: "volume")
            if let intensityWindow { crop = crop.map(intensityWindow.scaled) }
            crop.withUnsafeBufferPointer {
                Resample.nearest(
                    $0.baseAddress!, from: window, into: input.pointer, to: architecture.input)
            }
            stages(input.pointer, features: features.pointer + n * architecture.featureCount)
        }
        return try denseLogits(features, count: origins.count)
    }

    private func checkWindows(
        _ count: Int, extent: Extent, origins: [Voxel], window: Extent
    ) throws(SPARSError) {
        precondition(count == extent.count, "\(count) values for extent \(extent)")
        guard (0..<3).allSatisfy({ (1...extent[$0]).contains(window[$0]) }) else {
            throw .range(
                "window", of: "score", mustBe: "from (1, 1, 1) to the volume's \(extent)",
                got: window)
        }
        for origin in origins {
            guard (0..<3).allSatisfy({ (0...extent[$0] - window[$0]).contains(origin[$0]) }) else {
                throw .range(
                    "origins", of: "score",
                    mustBe: "lowest corners of windows \(window) inside the volume \(extent)",
                    got: origin)
            }
        }
    }

    private func cropped(
        _ volume: UnsafeBufferPointer<Float>, extent: Extent, origin: Voxel, window: Extent
    ) -> [Float] {
        var crop: [Float] = []
        crop.reserveCapacity(window.count)
        for x in 0..<window.x {
            for y in 0..<window.y {
                let start = extent.offset(origin.x + x, origin.y + y, origin.z)
                crop += volume[start..<start + window.z]
            }
        }
        return crop
    }

    /// All convolution stages of one input; `features` receives [voxels, 64].
    private func stages(_ input: UnsafePointer<Float>, features: UnsafeMutablePointer<Float>) {
        var current = input
        var kept: FloatBuffer?
        for i in 0..<4 {
            let shape = architecture.convolution(i)
            let raw = FloatBuffer(count: shape.outputCount)
            ConvolutionReference.forward(
                shape, input: current, weights: weights[i].pointer, output: raw.pointer)
            let channels = shape.outputChannels
            if i < 3 {
                let half = shape.output.halved
                let pooled = FloatBuffer(count: half.count * channels)
                let choice = UnsafeMutablePointer<UInt8>.allocate(capacity: half.count * channels)
                PoolReference.forward(
                    shape.output, channels: channels, raw: raw.pointer, scale: ones[i],
                    shift: shifts[i], pooled: pooled.pointer, choice: choice)
                choice.deallocate()
                kept = pooled
                current = UnsafePointer(pooled.pointer)
            } else {
                for v in 0..<shape.outputCount {
                    features[v] = max(raw.pointer[v] + shifts[i][v % channels], 0)
                }
            }
        }
        withExtendedLifetime(kept) {}
    }

    private func denseLogits(_ features: FloatBuffer, count: Int) throws(SPARSError) -> [Float] {
        try Control.check()
        var current = features
        for (i, layer) in dense.enumerated() {
            let output = FloatBuffer(count: count * layer.outputs)
            DenseReference.forward(
                count: count, inputs: layer.inputs, outputs: layer.outputs,
                input: current.pointer, weights: layer.weights.pointer, bias: layer.bias.pointer,
                relu: i < dense.count - 1, output: output.pointer)
            current = output
        }
        return current.values
    }
}

extension Parameters {
    /// The values of a tensor that `NetworkArchitecture.check` has found.
    func values(_ name: String) -> [Float] {
        guard let tensor = self[name] else { preconditionFailure("no parameter '\(name)'") }
        return tensor.values
    }
}
