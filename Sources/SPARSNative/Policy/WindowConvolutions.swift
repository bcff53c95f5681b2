/// The convolutions of "CnnPolicy": three layers over one window, each followed by tanh, whose
/// outputs both nets of an actor-critic read. One set serves both nets, as stable-baselines3's
/// feature extractors do.
///
/// A kernel is cut to an axis that is shorter. Without padding, up to `stride` - 1 voxels at an
/// axis' end may be seen by no kernel.
public struct WindowConvolutions: Hashable, Sendable {
    /// What the first layer reads, one channel.
    public let window: Extent
    /// Numbers behind the window's in an observation, which the nets read as they are, behind the
    /// features.
    public let beside: Int

    private static let plan = [
        (channels: 8, kernel: 4, stride: 4), (channels: 16, kernel: 3, stride: 2),
        (channels: 32, kernel: 3, stride: 1),
    ]

    public init(window: Extent, beside: Int = 0) {
        self.window = window
        self.beside = beside
    }

    struct Layer: Hashable, Sendable {
        let input: Extent
        let inputChannels: Int
        let kernel: Extent
        let stride: Int
        let output: Extent
        let channels: Int

        /// Weights of one output channel.
        var columns: Int { inputChannels * kernel.count }
    }

    var layers: [Layer] {
        var (extent, channels) = (window, 1)
        return Self.plan.map { step in
            func axis(_ count: Int) -> (kernel: Int, output: Int) {
                let kernel = min(step.kernel, count)
                return (kernel, (count - kernel) / step.stride + 1)
            }
            let (x, y, z) = (axis(extent.x), axis(extent.y), axis(extent.z))
            let layer = Layer(
                input: extent, inputChannels: channels,
                kernel: Extent(x.kernel, y.kernel, z.kernel), stride: step.stride,
                output: Extent(x.output, y.output, z.output), channels: step.channels)
            (extent, channels) = (layer.output, step.channels)
            return layer
        }
    }

    /// Numbers that the last layer gives, in the order (channel, x, y, z).
    public var features: Int {
        let last = layers.last!
        return last.channels * last.output.count
    }

    /// Under the names that PyTorch gives a sequence of convolutions and tanh; weights are
    /// (channels, input channels, x, y, z).
    var parameters: [(name: String, shape: [Int])] {
        layers.enumerated().flatMap { i, layer in
            [
                (
                    "features_extractor.cnn.\(2 * i).weight",
                    [
                        layer.channels, layer.inputChannels, layer.kernel.x, layer.kernel.y,
                        layer.kernel.z,
                    ]
                ), ("features_extractor.cnn.\(2 * i).bias", [layer.channels]),
            ]
        }
    }

    var parameterCount: Int {
        layers.reduce(0) { $0 + $1.channels * ($1.columns + 1) }
    }
}

/// Where each weight of a `WindowConvolutions` reads, and the passes over it.
///
/// A layer is a narrow layer over patches: its input is (B, places, channels), and `sources` says
/// for each output place and weight which number of that input it takes.
struct Convolution: Sendable {
    let shape: WindowConvolutions
    let layers: [(sources: [Int32], inputs: Int, places: Int, dense: DenseLayer)]

    init(_ shape: WindowConvolutions) {
        self.shape = shape
        var offset = 0
        layers = shape.layers.enumerated().map { i, layer in
            let weights = layer.channels * layer.columns
            defer { offset += weights + layer.channels }
            return (
                Self.sources(layer),
                layer.inputChannels * layer.input.count + (i == 0 ? shape.beside : 0),
                layer.output.count,
                DenseLayer(
                    inputs: layer.columns, outputs: layer.channels, weight: offset,
                    bias: offset + weights)
            )
        }
    }

    private static func sources(_ layer: WindowConvolutions.Layer) -> [Int32] {
        let (output, kernel, input) = (layer.output, layer.kernel, layer.input)
        var sources: [Int32] = []
        sources.reserveCapacity(output.count * layer.columns)
        for place in 0..<output.count {
            let x = place / (output.y * output.z) * layer.stride
            let y = place / output.z % output.y * layer.stride
            let z = place % output.z * layer.stride
            for channel in 0..<layer.inputChannels {
                for i in 0..<kernel.x {
                    for j in 0..<kernel.y {
                        for k in 0..<kernel.z {
                            let voxel = input.offset(x + i, y + j, z + k)
                            sources.append(Int32(voxel * layer.inputChannels + channel))
                        }
                    }
                }
            }
        }
        return sources
    }

    /// What a forward pass leaves for the backward pass.
    struct Tape<S: Sendable>: Sendable {
        /// (B, places, weights of a channel) of each layer.
        var patches: [[S]] = []
        /// (B, `features`), after tanh, and what stands beside the window.
        var features: [S] = []
    }

    /// (B, places, columns) of a layer from its input (B, places below, channels), behind which the
    /// first one's has what stands beside the window.
    func patches<S>(_ layer: Int, of input: [S], batch: Int) -> [S] {
        let (sources, inputs) = (layers[layer].sources, layers[layer].inputs)
        return unsafe [S](unsafeUninitializedCapacity: batch * sources.count) {
            patches, initialized in
            for b in 0..<batch {
                for (i, source) in sources.enumerated() {
                    unsafe patches[b * sources.count + i] = input[b * inputs + Int(source)]
                }
            }
            initialized = batch * sources.count
        }
    }

    /// Sums what `patches` read from each number of a layer's input.
    func gathered<S: AdditiveArithmetic>(_ layer: Int, _ patches: [S], batch: Int) -> [S] {
        let (sources, inputs) = (layers[layer].sources, layers[layer].inputs)
        var input = [S](repeating: .zero, count: batch * inputs)
        for b in 0..<batch {
            for (i, source) in sources.enumerated() {
                input[b * inputs + Int(source)] += patches[b * sources.count + i]
            }
        }
        return input
    }

    /// (B, channel, place) from (B, place, channel), or back.
    func transposed<S: AdditiveArithmetic>(
        _ values: [S], batch: Int, toFeatures: Bool
    ) -> [S] {
        let (places, channels) = (layers.last!.places, layers.last!.dense.outputs)
        var result = [S](repeating: .zero, count: values.count)
        for b in 0..<batch {
            for place in 0..<places {
                for channel in 0..<channels {
                    let inner = (b * places + place) * channels + channel
                    let outer = (b * channels + channel) * places + place
                    let (source, target) = toFeatures ? (inner, outer) : (outer, inner)
                    result[target] = values[source]
                }
            }
        }
        return result
    }
}
