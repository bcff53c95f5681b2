import SPARSKernels

/// A network in evaluation mode: batch norm folded into the weights, weights repacked once.
///
/// Use one evaluator for many scores; it holds no state of a call and may be used from several
/// threads. Equal inputs give equal bits, whatever the thread count and whatever is evaluated
/// beside them. Logits stay within 1e-4 relative of float64 on the network of record.
public final class NetworkEvaluator: Sendable {
    public let architecture: NetworkArchitecture
    private let convolutions: [ConvolutionWeights]
    private let shifts: [FloatBuffer]
    private let dense: [DenseWeights]

    /// - Throws: `invalidArgument` or `notFinite` naming the first tensor that is missing, of a
    ///   wrong shape or not finite.
    public init(architecture: NetworkArchitecture, parameters: Parameters) throws(SPARSError) {
        try architecture.check(parameters)
        self.architecture = architecture
        var convolutions: [ConvolutionWeights] = []
        var shifts: [FloatBuffer] = []
        for i in 0..<4 {
            let folded = NetworkEvaluator.folded(parameters, stage: i + 1)
            convolutions.append(
                ConvolutionWeights(
                    parameters.values("conv\(i + 1).weight"),
                    inputChannels: NetworkArchitecture.channels[i],
                    outputChannels: NetworkArchitecture.channels[i + 1], scale: folded.scale))
            shifts.append(FloatBuffer(folded.shift))
        }
        self.convolutions = convolutions
        self.shifts = shifts
        var dense: [DenseWeights] = []
        for (i, outputs) in NetworkArchitecture.denseOutputs.enumerated() {
            var matrix = parameters.values("fc\(i + 1).weight")
            if i == 0 {
                matrix = WeightLayout.channelLastColumns(
                    matrix, outputs: outputs, channels: 64,
                    voxels: architecture.stageOutputs[3].count)
            }
            dense.append(
                DenseWeights(
                    matrix, bias: parameters.values("fc\(i + 1).bias"),
                    inputs: matrix.count / outputs))
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
            try Control.check()
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
            try Control.check()
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
        let first = FloatBuffer(count: architecture.stageOutputs[0].count * 8)
        ConvolutionKernels.firstPooled(
            input: input, shape: architecture.input.shape, weights: convolutions[0],
            shift: shifts[0].pointer, pooled: first.pointer)
        laterStages(first, features: features)
    }

    /// conv2 to conv4 on pool1's [X, Y, Z, 8].
    private func laterStages(_ first: FloatBuffer, features: UnsafeMutablePointer<Float>) {
        var current = first
        for i in 1..<3 {
            let shape = architecture.convolution(i)
            let next = FloatBuffer(count: shape.output.halved.count * shape.outputChannels)
            ConvolutionKernels.pooled(
                shape, input: current.pointer, weights: convolutions[i],
                shift: shifts[i].pointer, pooled: next.pointer)
            current = next
        }
        let shape = architecture.convolution(3)
        ConvolutionKernels.raw(
            shape, input: current.pointer, weights: convolutions[3], output: features)
        for v in 0..<shape.outputCount {
            features[v] = max(features[v] + shifts[3].pointer[v % shape.outputChannels], 0)
        }
    }

    private func denseLogits(_ features: FloatBuffer, count: Int) throws(SPARSError) -> [Float] {
        try Control.check()
        var current = features
        for (i, layer) in dense.enumerated() {
            let output = FloatBuffer(count: count * layer.paddedOutputs)
            DenseKernels.forward(
                layer, count: count, input: current.pointer, relu: i < dense.count - 1,
                output: output.pointer)
            current = output
        }
        return current.values(rows: count, columns: 2, of: dense[dense.count - 1].paddedOutputs)
    }
}

extension Parameters {
    /// The values of a tensor that `NetworkArchitecture.check` has found.
    func values(_ name: String) -> [Float] {
        guard let tensor = self[name] else { preconditionFailure("no parameter '\(name)'") }
        return tensor.values
    }
}
