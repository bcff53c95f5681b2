import SPARSKernels

/// The object presence classifier's layers on one input extent: four unpadded 3 x 3 x 3
/// convolutions (1-8 stride 1; 8-16, 16-32, 32-64 stride 2), batch norm and ReLU after each, a
/// max-pool of 2 after the first three, then fully connected features-1600-800-400-128-2.
public struct NetworkArchitecture: Hashable, Sendable {
    /// The extent of record.
    public static let inputOfRecord = Extent(256, 256, 180)

    /// Channels before conv1 and after each convolution.
    public static let channels = [1, 8, 16, 32, 64]
    /// Stride of each convolution.
    public static let strides = [1, 2, 2, 2]
    /// Outputs of fc1 to fc5.
    public static let denseOutputs = [1600, 800, 400, 128, 2]
    /// Batch norm's constant beside the variance.
    public static let epsilon = 1e-5

    public let input: Extent
    /// The extent after each convolution.
    public let convolved: [Extent]
    /// The extent after each stage: max-pooled after the first three, as convolved after the last.
    public let stageOutputs: [Extent]

    /// - Throws: `outOfRange` naming the first stage that is left without a voxel, or an
    ///   extent above 2^31 voxels.
    public init(input: Extent = inputOfRecord) throws(SPARSError) {
        let owner = SPARSError.Subject.classifier
        let parameter = "input_shape"
        guard (0..<3).allSatisfy({ (1...65_536).contains(input[$0]) }),
            input.count <= Int(Int32.max)
        else {
            throw .range(
                parameter, of: owner,
                mustBe: "three lengths from 1 to 65536 with at most \(Int32.max) voxels in all",
                got: input)
        }
        func refuse(_ stage: String, _ before: Extent) -> SPARSError {
            .range(
                parameter, of: owner,
                mustBe: "large enough for every stage (108 along each axis or more); "
                    + "\(stage) has no voxel left of \(before)", got: input)
        }
        var extent = input
        var convolved: [Extent] = []
        var outputs: [Extent] = []
        for (i, stride) in NetworkArchitecture.strides.enumerated() {
            guard (0..<3).allSatisfy({ extent[$0] >= 3 }) else {
                throw refuse("conv\(i + 1)", extent)
            }
            let next = extent.convolved(stride: stride)
            convolved.append(next)
            extent = next
            if i < 3 {
                let half = next.halved
                guard half.x > 0, half.y > 0, half.z > 0 else {
                    throw refuse("the max-pool after conv\(i + 1)", extent)
                }
                extent = half
            }
            outputs.append(extent)
        }
        self.input = input
        self.convolved = convolved
        stageOutputs = outputs
    }

    /// Inputs of fc1: 1152 for the extent of record.
    public var featureCount: Int { 64 * stageOutputs[3].count }

    /// Names and shapes in the order of PyTorch's `state_dict`, running statistics included,
    /// `num_batches_tracked` not.
    public var parameterShapes: [(name: String, shape: [Int])] {
        var shapes: [(name: String, shape: [Int])] = []
        for i in 1...4 {
            let outputs = NetworkArchitecture.channels[i]
            shapes.append(
                ("conv\(i).weight", [outputs, NetworkArchitecture.channels[i - 1], 3, 3, 3]))
            shapes.append(("conv\(i).bias", [outputs]))
            for field in ["weight", "bias", "running_mean", "running_var"] {
                shapes.append(("bn\(i).\(field)", [outputs]))
            }
        }
        var inputs = featureCount
        for (i, outputs) in NetworkArchitecture.denseOutputs.enumerated() {
            shapes.append(("fc\(i + 1).weight", [outputs, inputs]))
            shapes.append(("fc\(i + 1).bias", [outputs]))
            inputs = outputs
        }
        return shapes
    }

    /// Values of all parameters, running statistics included.
    public var parameterCount: Int { parameterShapes.reduce(0) { $0 + $1.shape.reduce(1, *) } }

    /// The names that training moves: all but the running statistics.
    public var trainableNames: [String] {
        parameterShapes.map(\.name).filter { !$0.contains("running_") }
    }

    /// - Throws: `invalidArgument` for a missing tensor, `outOfRange` for a wrong shape or a negative
    ///   running variance, `notFinite` for NaN or infinity; each names the tensor.
    public func check(_ parameters: Parameters) throws(SPARSError) {
        for (name, shape) in parameterShapes {
            guard let tensor = parameters[name] else {
                throw .invalidArgument(
                    parameter: name,
                    message: "The parameters hold no '\(name)'; shape \(shape) is needed.")
            }
            guard tensor.shape == shape else {
                throw .range(
                    name, of: .classifier, mustBe: "of shape \(shape) for input \(input)",
                    got: tensor.shape)
            }
            try checkFinite(tensor.values, named: name)
            if name.hasSuffix("running_var"), let low = tensor.values.min(), low < 0 {
                throw .range(name, of: .classifier, mustBe: "0.0 or above", got: low)
            }
        }
    }

    /// Convolution `index` (0 to 3) as kernels take it.
    func convolution(_ index: Int) -> ConvolutionShape {
        ConvolutionShape(
            input: index == 0 ? input : stageOutputs[index - 1],
            inputChannels: NetworkArchitecture.channels[index],
            outputChannels: NetworkArchitecture.channels[index + 1],
            stride: NetworkArchitecture.strides[index])
    }
}

/// - Throws: `notFinite` naming the tensor and the first place.
func checkFinite(_ values: some Collection<Float>, named name: String) throws(SPARSError) {
    var i = 0
    for value in values {
        if i & 0xFFFF == 0 { try Control.check() }
        if !value.isFinite {
            throw .notFinite(
                tensor: name, message: "'\(name)' holds \(value) at flat index \(i).")
        }
        i += 1
    }
}
