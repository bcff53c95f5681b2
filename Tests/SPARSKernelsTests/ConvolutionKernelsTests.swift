import SPARSTestSupport
import Testing

@testable import SPARSKernels

/// Every instruction set of this machine against the plain twins, over odd shapes and seeds.
@Suite struct ConvolutionKernelsTests {
    static let layers: [ConvolutionShape] = [
        ConvolutionShape(
            input: Shape3(9, 7, 11), inputChannels: 8, outputChannels: 16, stride: 2),
        ConvolutionShape(
            input: Shape3(7, 8, 31), inputChannels: 8, outputChannels: 16, stride: 2),
        ConvolutionShape(
            input: Shape3(7, 9, 16), inputChannels: 16, outputChannels: 32, stride: 2),
        ConvolutionShape(
            input: Shape3(3, 3, 3), inputChannels: 32, outputChannels: 64, stride: 2),
        ConvolutionShape(
            input: Shape3(7, 8, 5), inputChannels: 32, outputChannels: 64, stride: 2),
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
            tapMajor = WeightLayout.tapMajor(
                torchWeights, inputChannels: shape.inputChannels,
                outputChannels: shape.outputChannels,
                scale: Array(repeating: 1, count: shape.outputChannels))
        }

        var packed: ConvolutionWeights {
            ConvolutionWeights(
                torchWeights, inputChannels: shape.inputChannels,
                outputChannels: shape.outputChannels)
        }

        func referenceOutput() -> FloatBuffer {
            let output = FloatBuffer(count: shape.outputCount)
            ConvolutionReference.forward(
                shape, input: input.pointer, weights: tapMajor.pointer, output: output.pointer)
            return output
        }
    }

    @Test(arguments: layers, Seeds.few) func rawOutput(shape: ConvolutionShape, seed: UInt64) {
        let layer = Layer(shape, seed: seed)
        let expected = layer.referenceOutput()
        for set in InstructionSet.available {
            let output = FloatBuffer(count: shape.outputCount)
            ConvolutionKernels.raw(
                shape, input: layer.input.pointer, weights: layer.packed, output: output.pointer,
                on: set)
            let error = distance(output, expected)
            #expect(error < bound(terms: 27 * shape.inputChannels), "\(set)")
        }
    }

    @Test(arguments: layers.filter { min($0.output.x, $0.output.y, $0.output.z) > 1 }, Seeds.few)
    func pooledOutput(shape: ConvolutionShape, seed: UInt64) {
        let layer = Layer(shape, seed: seed)
        let raw = layer.referenceOutput()
        let channels = shape.outputChannels
        let shift = randomBuffer(channels, seed: seed + 7)
        let size = shape.output.halved.count * channels
        let expected = FloatBuffer(count: size)
        let choice = ChoiceBuffer(count: size)
        PoolReference.forward(
            shape.output, channels: channels, raw: raw.pointer,
            scale: Array(repeating: 1, count: channels), shift: shift.pointer,
            pooled: expected.pointer, choice: choice.pointer)
        for set in InstructionSet.available {
            let output = FloatBuffer(count: size)
            ConvolutionKernels.pooled(
                shape, input: layer.input.pointer, weights: layer.packed,
                shift: shift.pointer, pooled: output.pointer, on: set)
            let error = distance(output, expected)
            #expect(error < bound(terms: 27 * shape.inputChannels), "\(set)")
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
        var weights = [Double](repeating: 0, count: shape.weightCount)
        ConvolutionReference.weightGradient(
            shape, input: layer.input.pointer, outputGradient: gradient.pointer,
            gradient: &weights)
        let input = FloatBuffer(count: shape.inputCount)
        ConvolutionReference.inputGradient(
            shape, weights: layer.tapMajor.pointer, outputGradient: gradient.pointer,
            gradient: input.pointer)
        for set in InstructionSet.available {
            let ours = ConvolutionGradients.weights(
                shape, input: layer.input.pointer, outputGradient: padded.pointer, on: set)
            let worst = zip(ours, weights).map { abs($0 - $1) }.max()!
            #expect(worst < Double(bound(terms: out.count)), "\(set)")
            let back = FloatBuffer(count: shape.inputCount)
            ConvolutionGradients.input(
                shape,
                weights: InputGradientWeights(
                    layer.torchWeights, inputChannels: shape.inputChannels, outputChannels: o),
                outputGradient: padded.pointer, gradient: back.pointer, on: set)
            #expect(distance(back, input) < bound(terms: 27 * o), "\(set)")
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
            for set in InstructionSet.available {
                let all = FloatBuffer(count: count * packed.paddedOutputs)
                DenseKernels.forward(
                    packed, count: count, input: input.pointer, relu: relu, output: all.pointer,
                    on: set)
                let values = all.values(rows: count, columns: outputs, of: packed.paddedOutputs)
                #expect(
                    distance(FloatBuffer(values), expected) < bound(terms: inputs), "\(set)")
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
