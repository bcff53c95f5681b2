/// One unpadded 3 x 3 x 3 convolution. C input channels, O output channels, S the stride.
public struct ConvolutionShape: Hashable, Sendable {
    public let input: Extent
    public let inputChannels: Int
    public let outputChannels: Int
    public let stride: Int

    public init(input: Extent, inputChannels: Int, outputChannels: Int, stride: Int) {
        self.input = input
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.stride = stride
    }

    public var output: Extent { input.convolved(stride: stride) }
    public var inputCount: Int { input.count * inputChannels }
    public var outputCount: Int { output.count * outputChannels }
    public var weightCount: Int { 27 * inputChannels * outputChannels }
}
