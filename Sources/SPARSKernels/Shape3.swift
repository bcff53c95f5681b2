/// Lengths along x, y and z of an array that kernels loop over; z fastest, channels inside z.
public struct Shape3: Hashable, Sendable {
    public var x: Int
    public var y: Int
    public var z: Int

    public init(_ x: Int, _ y: Int, _ z: Int) {
        self.x = x
        self.y = y
        self.z = z
    }

    public var count: Int { x * y * z }

    /// After a max-pool of 2 with stride 2, odd ends dropped.
    public var halved: Shape3 { Shape3(x / 2, y / 2, z / 2) }

    /// After an unpadded 3 x 3 x 3 convolution of this stride.
    public func convolved(stride: Int) -> Shape3 {
        Shape3((x - 3) / stride + 1, (y - 3) / stride + 1, (z - 3) / stride + 1)
    }
}

/// One unpadded 3 x 3 x 3 convolution. C input channels, O output channels, S the stride.
public struct ConvolutionShape: Hashable, Sendable {
    public let input: Shape3
    public let inputChannels: Int
    public let outputChannels: Int
    public let stride: Int

    public init(input: Shape3, inputChannels: Int, outputChannels: Int, stride: Int) {
        self.input = input
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.stride = stride
    }

    public var output: Shape3 { input.convolved(stride: stride) }
    public var inputCount: Int { input.count * inputChannels }
    public var outputCount: Int { output.count * outputChannels }
    public var weightCount: Int { 27 * inputChannels * outputChannels }
}
