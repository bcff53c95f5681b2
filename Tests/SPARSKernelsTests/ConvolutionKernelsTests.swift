import SPARSTestSupport
import Testing

@testable import SPARSKernels

/// Every instruction set of this machine against the plain twins, over odd shapes and seeds.
@Suite struct ConvolutionKernelsTests {
    static let layers: [ConvolutionShape] = [
        ConvolutionShape(
            input: Extent(9, 7, 11), inputChannels: 8, outputChannels: 16, stride: 2),
        ConvolutionShape(
            input: Extent(7, 8, 31), inputChannels: 8, outputChannels: 16, stride: 2),
        ConvolutionShape(
            input: Extent(7, 9, 16), inputChannels: 16, outputChannels: 32, stride: 2),
        ConvolutionShape(
            input: Extent(3, 3, 3), inputChannels: 32, outputChannels: 64, stride: 2),
        ConvolutionShape(
            input: Extent(7, 8, 5), inputChannels: 32, outputChannels: 64, stride: 2),
    ]

    private struct Layer {
        let shape: ConvolutionShape
        let input: FloatBuffer
        let torchWeights: [Float]
        let tapMajor: FloatBuffer

        init(_ shape: ConvolutionShape, seed: UInt64) {
            self.shape = shape
            input = randomBuffer(shape.inputCount, seed: seed)
            torchWeights = randomBuffer(shape.weightCount, seed: seed + 100).values
            tapMajor = ConvolutionReference.tapMajor(
                torchWeights, inputChannels: shape.inputChannels,
                outputChannels: shape.outputChannels,
                scale: Array(repeating: 1, count: shape.outputChannels))
        }

        var packed: ConvolutionWeights {
            ConvolutionWeights(
                torchWeights, inputChannels: shape.inputChannels,
                outputChannels: shape.outputChannels)
        }

        func referenceOutput() -> FloatBuffer { reference(input, tapMajor) }

        /// The sums of the products' magnitudes.
        func outputMagnitudes() -> [Double] {
            reference(input.magnitudes, tapMajor.magnitudes).doubles
        }

        private func reference(_ input: FloatBuffer, _ weights: FloatBuffer) -> FloatBuffer {
            let output = FloatBuffer(count: shape.outputCount)
            ConvolutionReference.forward(
                shape, input: input.pointer, weights: weights.pointer, output: output.pointer)
            return output
        }
    }

    @Test(arguments: layers, Seeds.few) func rawOutput(shape: ConvolutionShape, seed: UInt64) {
        let layer = Layer(shape, seed: seed)
        let expected = layer.referenceOutput().doubles
        let magnitudes = layer.outputMagnitudes()
        for set in InstructionSet.available {
            let output = FloatBuffer(count: shape.outputCount)
            ConvolutionKernels.raw(
                shape, input: layer.input.pointer, weights: layer.packed, output: output.pointer,
                on: set)
            // One more rounding is the twin's, and one that of its magnitudes.
            let worst = worstError(
                output.values, expected, magnitudes: magnitudes,
                roundings: 27 * shape.inputChannels + 2)
            #expect(worst <= 1, "\(set), seed \(seed)")
        }
    }

    /// Bit by bit: a maximum is exact, and rounding never reverses an order.
    @Test(arguments: layers.filter { min($0.output.x, $0.output.y, $0.output.z) > 1 }, Seeds.few)
    func pooledOutput(shape: ConvolutionShape, seed: UInt64) {
        let layer = Layer(shape, seed: seed)
        let channels = shape.outputChannels
        let shift = randomBuffer(channels, seed: seed + 7)
        let size = shape.output.halved.count * channels
        for set in InstructionSet.available {
            let raw = FloatBuffer(count: shape.outputCount)
            ConvolutionKernels.raw(
                shape, input: layer.input.pointer, weights: layer.packed, output: raw.pointer,
                on: set)
            let expected = FloatBuffer(count: size)
            let choice = ChoiceBuffer(count: size)
            PoolReference.forward(
                shape.output, channels: channels, raw: raw.pointer,
                scale: Array(repeating: 1, count: channels), shift: shift.pointer,
                pooled: expected.pointer, choice: choice.pointer)
            let output = FloatBuffer(count: size)
            ConvolutionKernels.pooled(
                shape, input: layer.input.pointer, weights: layer.packed,
                shift: shift.pointer, pooled: output.pointer, on: set)
            #expect(output.values == expected.values, "\(set), seed \(seed)")
        }
    }

    @Test(arguments: layers, Seeds.few)
    func gradients(shape: ConvolutionShape, seed: UInt64) {
        let layer = Layer(shape, seed: seed)
        let out = shape.output
        let o = shape.outputChannels
        let gradient = randomBuffer(shape.outputCount, seed: seed + 55)
        let padded = FloatBuffer(zeros: out.x * out.y * (out.z + 2) * o)
        for v in 0..<out.count {
            let target = padded.pointer + (v + 2 * (v / out.z) + 1) * o
            target.update(from: gradient.pointer + v * o, count: o)
        }
        func reference(
            _ input: FloatBuffer, _ weights: FloatBuffer, _ gradient: FloatBuffer
        ) -> (weights: [Double], input: [Double]) {
            var sums = [Double](repeating: 0, count: shape.weightCount)
            ConvolutionReference.weightGradient(
                shape, input: input.pointer, outputGradient: gradient.pointer, gradient: &sums)
            let back = FloatBuffer(count: shape.inputCount)
            ConvolutionReference.inputGradient(
                shape, weights: weights.pointer, outputGradient: gradient.pointer,
                gradient: back.pointer)
            return (sums, back.doubles)
        }
        let exact = reference(layer.input, layer.tapMajor, gradient)
        let magnitudes = reference(
            layer.input.magnitudes, layer.tapMajor.magnitudes, gradient.magnitudes)
        for set in InstructionSet.available {
            let ours = ConvolutionGradients.weights(
                shape, input: layer.input.pointer, outputGradient: padded.pointer, on: set)
            // float32 within a plane of x; one more rounding covers float64 over planes.
            let unit = gamma(out.y * out.z + 1)
            for (i, value) in ours.enumerated() {
                #expect(
                    abs(value - exact.weights[i]) <= unit * magnitudes.weights[i], "\(set), \(i)")
            }
            let back = FloatBuffer(count: shape.inputCount)
            ConvolutionGradients.input(
                shape,
                weights: InputGradientWeights(
                    layer.torchWeights, inputChannels: shape.inputChannels, outputChannels: o),
                outputGradient: padded.pointer, gradient: back.pointer, on: set)
            // Two places of the output along each axis see a voxel at most.
            let worst = worstError(
                back.values, exact.input, magnitudes: magnitudes.input, roundings: 8 * o + 2)
            #expect(worst <= 1, "\(set), seed \(seed)")
        }
    }

    @Test(arguments: [(1, 5, 2), (2, 16, 16), (7, 33, 40), (13, 100, 17)], Seeds.few)
    func dense(sizes: (Int, Int, Int), seed: UInt64) {
        let (count, inputs, outputs) = sizes
        let input = randomBuffer(count * inputs, seed: seed)
        let weights = randomBuffer(inputs * outputs, seed: seed + 1).values
        let bias = randomBuffer(outputs, seed: seed + 2).values
        let packed = DenseWeights(weights, bias: bias, inputs: inputs)
        for relu in [false, true] {
            let expected = FloatBuffer(count: count * outputs)
            DenseReference.forward(
                count: count, inputs: inputs, outputs: outputs, input: input.pointer,
                weights: weights, bias: bias, relu: relu, output: expected.pointer)
            let magnitudes = FloatBuffer(count: count * outputs)
            let inputMagnitudes = input.magnitudes
            DenseReference.forward(
                count: count, inputs: inputs, outputs: outputs, input: inputMagnitudes.pointer,
                weights: weights.map(abs), bias: bias.map(abs), relu: false,
                output: magnitudes.pointer)
            for set in InstructionSet.available {
                let all = FloatBuffer(count: count * packed.paddedOutputs)
                DenseKernels.forward(
                    packed, count: count, input: input.pointer, relu: relu, output: all.pointer,
                    on: set)
                let values = all.values(rows: count, columns: outputs, of: packed.paddedOutputs)
                let worst = worstError(
                    values, expected.doubles, magnitudes: magnitudes.doubles,
                    roundings: inputs + 3)
                #expect(worst <= 1, "\(set), seed \(seed)")
                // Alone or among others, an input gives the same bits.
                let one = FloatBuffer(count: packed.paddedOutputs)
                DenseKernels.forward(
                    packed, count: 1, input: input.pointer + (count - 1) * inputs, relu: relu,
                    output: one.pointer, on: set)
                #expect(
                    Array(one.values.prefix(outputs)) == Array(values.suffix(outputs)), "\(set)")
            }
        }
    }
}
