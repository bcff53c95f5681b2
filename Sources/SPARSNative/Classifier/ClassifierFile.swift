/// Classifiers on disk, under PyTorch's names: `net.load_state_dict` takes what
/// `safetensors.torch.load_file(path)` or `torch.load(path, weights_only=True)` returns, as it is.
extension Classifier {
    private enum Key {
        static let version = "spars.version"
        static let input = "spars.input_shape"
        static let intensityWindow = "spars.intensity_window"
    }

    /// Writes the classifier and its metadata to `path`: a PyTorch state_dict if it ends in `.pth` or
    /// `.pt`, else safetensors. An existing file is replaced at once and only by a whole one.
    ///
    /// - Parameters:
    ///   - path: the file; its ending says the format.
    ///   - halves: rounds parameters to float16, in safetensors alone: half the size.
    /// - Throws: `outOfRange` if float16 does not hold a parameter, or the format is PyTorch's; `io`.
    public func save(to path: String, halves: Bool = false) throws(SPARSError) {
        let isTorch = [".pth", ".pt"].contains(where: path.lowercased().hasSuffix)
        if halves && isTorch {
            throw .range("dtype", of: "save", mustBe: "'float32' for .pth and .pt", got: "float16")
        }
        let parameters = self.parameters
        try Memory.require(
            architecture.parameterCount, each: 12, for: "The file of a classifier")
        var tensors: [(name: String, shape: [Int], content: SafetensorsFile.Content)] = []
        for (name, shape) in architecture.parameterShapes {
            guard let tensor = parameters[name] else {
                preconditionFailure("a checked classifier lacks '\(name)'")
            }
            if halves, let large = tensor.values.first(where: { $0.magnitude >= 65_520 }) {
                throw .range(
                    "dtype", of: "save", mustBe: "'float32' for '\(name)', which holds \(large)",
                    got: "float16")
            }
            tensors.append((name, shape, halves ? .halves(tensor.values) : .floats(tensor.values)))
            if name.hasSuffix(".running_var") {
                let counter = "\(name.prefix(3)).num_batches_tracked"
                tensors.append((counter, [], .integer(Int64(batchesTracked))))
            }
        }
        let input = architecture.input
        var metadata: [(name: String, text: String)] = [
            ("format", "pt"), (Key.version, SPARSVersion.current),
            (Key.input, "[\(input.x), \(input.y), \(input.z)]"),
            (
                Key.intensityWindow,
                intensityWindow.map { "[\($0.level), \($0.width)]" } ?? "null"
            ),
        ]
        let written = Set(metadata.map(\.name)).union([SafetensorsFile.digestName])
        for (name, text) in self.metadata.sorted(by: { $0.key < $1.key })
        where !written.contains(name) {
            metadata.append((name, text))
        }
        if isTorch {
            try TorchFile.write(tensors, metadata: metadata, to: path)
        } else {
            try SafetensorsFile.write(tensors, metadata: metadata, to: path)
        }
    }

    /// The classifier in a safetensors file or a PyTorch state_dict (`.pth`).
    ///
    /// - Parameters:
    ///   - path: the file; its content says the format.
    ///   - input: the network's input extent; nil takes the file's, or the extent of record
    ///   for a file that does not say.
    /// - Throws: `io`; `badFormat` naming the field or tensor that is broken, missing, unknown or of
    ///   a wrong shape.
    public static func load(_ path: String, input: Extent?) throws(SPARSError) -> Classifier {
        let file = try WeightFiles.open(path)
        let named = try file.metadata[Key.input].map(Self.extent)
        let architecture = try NetworkArchitecture(
            input: input ?? named ?? NetworkArchitecture.inputOfRecord)
        let parameters = try Self.parameters(of: file, for: architecture)
        let window = try file.metadata[Key.intensityWindow].flatMap(Self.intensityWindow)
        do throws(SPARSError) {
            return try Classifier(
                architecture: architecture, parameters: parameters,
                batchesTracked: try Self.batchesTracked(file), intensityWindow: window,
                metadata: file.metadata)
        } catch .outOfRange(let value) {
            throw .badFormat(
                field: value.parameter, message: value.message(naming: value.subject.name))
        } catch .invalidArgument(let parameter, let message) {
            throw .badFormat(field: parameter, message: message)
        } catch .notFinite(let tensor, let message) {
            throw .badFormat(field: tensor, message: message)
        } catch { throw error }
    }

    private static func parameters(
        of file: any WeightFile, for architecture: NetworkArchitecture
    ) throws(SPARSError) -> Parameters {
        let shapes = architecture.parameterShapes
        let known = Set(shapes.map(\.name))
        for name in file.names where !known.contains(name) && !isCounter(name) {
            throw .badFormat(
                field: name,
                message: "The file holds '\(name)', which the classifier does not have.")
        }
        var parameters = Parameters()
        // Every shape is compared before any value is read.
        for (name, shape) in shapes {
            guard let found = file.shape(of: name) else {
                throw .badFormat(field: name, message: "The file does not hold '\(name)'.")
            }
            guard found == shape else {
                throw .badFormat(
                    field: name,
                    message:
                        "The file's '\(name)' must be of shape \(shape) for input_shape \(architecture.input). Got \(found) instead."
                )
            }
        }
        for (name, shape) in shapes {
            parameters[name] = Tensor(shape: shape, values: try file.values(of: name))
        }
        return parameters
    }

    private static func isCounter(_ name: String) -> Bool {
        (1...4).contains { name == "bn\($0).num_batches_tracked" }
    }

    private static func batchesTracked(_ file: any WeightFile) throws(SPARSError) -> Int {
        let name = "bn1.num_batches_tracked"
        guard let shape = file.shape(of: name) else { return 0 }
        guard elementCount(shape) == 1, let count = Int(exactly: try file.values(of: name)[0]),
            count >= 0
        else {
            throw .badFormat(
                field: name, message: "The file's '\(name)' must be one integer, 0 or more.")
        }
        return count
    }

    private static func extent(_ text: String) throws(SPARSError) -> Extent {
        guard case .array(let axes) = try JSON(parsing: Array(text.utf8)[...], field: Key.input),
            axes.count == 3, let x = axes[0].count, let y = axes[1].count, let z = axes[2].count
        else {
            throw .badFormat(
                field: Key.input,
                message: "The '\(Key.input)' must be three integers. Got \(text.prefix(80)).")
        }
        return Extent(x, y, z)
    }

    private static func intensityWindow(_ text: String) throws(SPARSError) -> IntensityWindow? {
        let value = try JSON(parsing: Array(text.utf8)[...], field: Key.intensityWindow)
        if value == .null { return nil }
        guard case .array(let parts) = value, parts.count == 2, case .number(let level) = parts[0],
            case .number(let width) = parts[1],
            let window = try? IntensityWindow(level: Float(level), width: Float(width))
        else {
            throw .badFormat(
                field: Key.intensityWindow,
                message:
                    "The '\(Key.intensityWindow)' must be null or a level and a positive width. Got \(text.prefix(80))."
            )
        }
        return window
    }
}
