import SPARSKernels

/// conv1 and what follows it, in training. Its raw output (367 MB for a crop of record) never
/// exists: batch statistics come from the moments of the 27 taps, and the gradient of batch norm
/// splits into a sparse part at the chosen voxels and a dense part that is linear in the taps:
///
///     dW = gamma / sigma (S - G m - T / sigma W C),  T = 1 / sigma sum over taps of W (S - G m)
///
/// with S and G the sums of gradient times tap and of the gradient over chosen voxels, m and C the
/// taps' mean and covariance. (Insert dz = gamma / sigma (dy - mean dy - z mean(dy z)) into
/// dW = sum dz x and use that z is linear in x; sums over all places become m and C.)
struct FirstStage {
    var moments: TapMoments
    private let shape: Extent
    private let weights: [Float]
    private let gamma: [Float]
    private let beta: [Float]
    private let bias: [Float]
    private var tapMean: [Double] = []
    private var tapCovariance: [Double] = []
    private var inverseDeviation: [Double] = []
    private var scale: [Float] = []
    private var folded: FirstWeights?
    private var shift = FloatBuffer(count: 8)
    private var tapSums = [Double](repeating: 0, count: 8 * 28)

    init(shape: Extent, parameters: Parameters) {
        self.shape = shape
        moments = TapMoments(shape: shape)
        weights = parameters.values("conv1.weight")
        bias = parameters.values("conv1.bias")
        gamma = parameters.values("bn1.weight")
        beta = parameters.values("bn1.bias")
    }

    private func weight(_ channel: Int, _ tap: Int) -> Double {
        Double(weights[27 * channel + tap])
    }

    /// Statistics of conv1's output over the batch, from the moments of all crops; `centre` was
    /// taken from every value before.
    mutating func takeStatistics(centre: Double) -> BatchStatistics {
        tapMean = moments.mean
        tapCovariance = moments.covariance
        var mean: [Float] = []
        var unbiased: [Float] = []
        let places = Double(moments.count)
        for c in 0..<8 {
            var centredMean = 0.0
            var variance = 0.0
            var weightSum = 0.0
            for i in 0..<27 {
                centredMean += weight(c, i) * tapMean[i]
                weightSum += weight(c, i)
                for j in 0..<27 {
                    variance += weight(c, i) * weight(c, j) * tapCovariance[27 * i + j]
                }
            }
            // Rounding may take a constant's variance below zero.
            variance = max(variance, 0)
            mean.append(Float(centredMean + centre * weightSum + Double(bias[c])))
            unbiased.append(Float(variance * places / (places - 1)))
            let inverse = 1 / (variance + NetworkArchitecture.epsilon).squareRoot()
            inverseDeviation.append(inverse)
            scale.append(Float(Double(gamma[c]) * inverse))
            unsafe shift.pointer[c] = Float(
                Double(beta[c]) - centredMean * Double(gamma[c]) * inverse)
        }
        folded = FirstWeights(weights, scale: scale)
        return BatchStatistics(mean: mean, unbiasedVariance: unbiased)
    }

    /// - Throws: `notFinite` if float32 does not hold what batch norm multiplies by and adds.
    func checkAffine() throws(SPARSError) {
        try checkFinite(scale, named: "scale of bn1")
        try checkFinite(shift.values, named: "shift of bn1")
    }

    mutating func addMoments(_ input: FirstInput) {
        switch input {
        case .dense(let crop, _): unsafe moments.add(crop.pointer)
        case .repeated(let input): moments.add(input)
        }
    }

    /// Values and choices of a crop's pooled output.
    var outputCount: Int { shape.convolved(stride: 1).halved.count * 8 }

    func forward(_ input: FirstInput, to output: StageOutput) {
        guard let folded, let choice = output.choice else {
            preconditionFailure("forward before the statistics")
        }
        unsafe FirstStageTraining.forward(
            input, weights: folded, shift: shift.pointer, pooled: output.output.pointer,
            choice: choice.pointer)
    }

    /// Takes the gradient of conv2's output, in padded rows.
    mutating func backward(
        _ input: FirstInput, output: StageOutput, second: LaterStage, outputGradient: FloatBuffer
    ) {
        let sums = unsafe FirstStageTraining.tapSums(
            input, pooled: output.output.pointer, choice: output.choice!.pointer,
            behind: second.shape, weights: second.backwardWeights,
            outputGradient: outputGradient.pointer)
        for i in sums.indices { tapSums[i] += sums[i] }
    }

    func store(in gradients: inout Parameters) {
        var weightGradient: [Float] = []
        var gammaGradient: [Float] = []
        var betaGradient: [Float] = []
        for c in 0..<8 {
            let total = tapSums[28 * c + 27]
            var normalised = 0.0
            let sparse = (0..<27).map { tapSums[28 * c + $0] - total * tapMean[$0] }
            for i in 0..<27 { normalised += weight(c, i) * sparse[i] }
            normalised *= inverseDeviation[c]
            for i in 0..<27 {
                var projected = 0.0
                for j in 0..<27 { projected += weight(c, j) * tapCovariance[27 * i + j] }
                weightGradient.append(
                    Float(
                        Double(gamma[c]) * inverseDeviation[c]
                            * (sparse[i] - normalised * inverseDeviation[c] * projected)))
            }
            gammaGradient.append(Float(normalised))
            betaGradient.append(Float(total))
        }
        gradients["conv1.weight"] = Tensor(shape: [8, 1, 3, 3, 3], values: weightGradient)
        // Batch norm takes any constant away again: the bias has no effect on the loss.
        gradients["conv1.bias"] = Tensor(zeros: [8])
        gradients["bn1.weight"] = Tensor(shape: [8], values: gammaGradient)
        gradients["bn1.bias"] = Tensor(shape: [8], values: betaGradient)
    }
}
