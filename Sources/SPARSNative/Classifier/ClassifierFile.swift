/// Classifiers on disk, under PyTorch's names: `net.load_state_dict` takes what
/// `safetensors.torch.load_file(path)` or `torch.load(path, weights_only=True)` returns, as it is.
extension Classifier {
    private enum Key {
        static let version = "spars.version"
        static let input = "spars.input_shape"
        static let intensityWindow = "spars.intensity_window"
    }

    /// Writes classifiers to `path`: a PyTorch state_dict if it ends in `.pth` or `.pt`, else
    /// safetensors. An existing file is replaced at once and only by a whole one.
    ///
    /// Several are the members of an ensemble, of one shape and one range of HU: their tensors' names
    /// begin with "0.", "1." and so on, as those of a `torch.nn.ModuleList`.
    ///
    /// - Parameters:
    ///   - classifiers: one or more.
    ///   - metadata: the file's texts; nil takes the first one's.
    ///   - path: the file; its ending says the format.
    ///   - halves: rounds parameters to float16, in safetensors alone: half the size.
    /// - Throws: `outOfRange` if float16 does not hold a parameter, or the format is PyTorch's; `io`.
    public static func save(
        _ classifiers: [Classifier], metadata: [String: String]? = nil, to path: String,
        halves: Bool = false
    ) throws(SPARSError) {
        let first = classifiers[0]
        let isTorch = [".pth", ".pt"].contains(where: path.lowercased().hasSuffix)
        if halves && isTorch {
            throw .range("dtype", of: "save", mustBe: "'float32' for .pth and .pt", got: "float16")
        }
        try Memory.require(
            classifiers.count * first.architecture.parameterCount, each: 12,
            for: "The file of a classifier")
        var tensors: [Named] = []
        for (prefix, classifier) in zip(prefixes(classifiers.count), classifiers) {
            tensors += try classifier.tensors(prefix: prefix, halves: halves)
        }
        let (input, intensityWindow) = (first.architecture.input, first.intensityWindow)
        var texts: [(name: String, text: String)] = [
            ("format", "pt"), (Key.version, SPARSVersion.current),
            (Key.input, "[\(input.x), \(input.y), \(input.z)]"),
            (
                Key.intensityWindow,
                intensityWindow.map { "[\($0.level), \($0.width)]" } ?? "null"
            ),
        ]
        let written = Set(texts.map(\.name)).union([SafetensorsFile.digestName])
        for (name, text) in (metadata ?? first.metadata).sorted(by: { $0.key < $1.key })
        where !written.contains(name) {
            texts.append((name, text))
        }
        if isTorch {
            try TorchFile.write(tensors, metadata: texts, to: path)
        } else {
            try SafetensorsFile.write(tensors, metadata: texts, to: path)
        }
    }

    private typealias Named = (name: String, shape: [Int], content: SafetensorsFile.Content)

    /// What the names of each classifier's tensors begin with: nothing where there is one.
    private static func prefixes(_ count: Int) -> [String] {
        count == 1 ? [""] : (0..<count).map { "\($0)." }
    }

    private func tensors(prefix: String, halves: Bool) throws(SPARSError) -> [Named] {
        let parameters = self.parameters
        var tensors: [Named] = []
        for (name, shape) in architecture.parameterShapes {
            guard let tensor = parameters[name] else {
                preconditionFailure("a checked classifier lacks '\(name)'")
            }
            if halves, let large = tensor.values.first(where: { $0.magnitude >= 65_520 }) {
                throw .range(
                    "dtype", of: "save", mustBe: "'float32' for '\(name)', which holds \(large)",
                    got: "float16")
            }
            let content: SafetensorsFile.Content =
                halves ? .halves(tensor.values) : .floats(tensor.values)
            tensors.append((prefix + name, shape, content))
            if name.hasSuffix(".running_var") {
                let counter = "\(prefix)\(name.prefix(3)).num_batches_tracked"
                tensors.append((counter, [], .integer(Int64(batchesTracked))))
            }
        }
        return tensors
    }

    /// The classifier, or the members of an ensemble, in a safetensors file or a PyTorch state_dict
    /// (`.pth`).
    ///
    /// - Parameters:
    ///   - path: the file; its content says the format.
    ///   - input: the network's input extent; nil takes the file's, or the extent of record
    ///   for a file that does not say.
    /// - Throws: `io`; `badFormat` naming the field or tensor that is broken, missing, unknown or of
    ///   a wrong shape.
    public static func load(_ path: String, input: Extent?) throws(SPARSError) -> [Classifier] {
        let file = try WeightFiles.open(path)
        let named = try file.metadata[Key.input].map(Self.extent)
        let architecture = try NetworkArchitecture(
            input: input ?? named ?? NetworkArchitecture.inputOfRecord)
        let count = (0...).first { !file.names.contains("\($0).conv1.weight") } ?? 0
        let prefixes = prefixes(max(count, 1))
        try checkNames(of: file, architecture, prefixes)
        let window = try file.metadata[Key.intensityWindow].flatMap(Self.intensityWindow)
        do throws(SPARSError) {
            return try prefixes.map { (prefix) throws(SPARSError) in
                try Classifier(
                    architecture: architecture,
                    parameters: try parameters(of: file, architecture, prefix),
                    batchesTracked: try batchesTracked(file, prefix), intensityWindow: window,
                    metadata: file.metadata)
            }
        } catch .outOfRange(let value) {
            throw .badFormat(
                field: value.parameter, message: value.message(naming: value.subject.name))
        } catch .invalidArgument(let parameter, let message) {
            throw .badFormat(field: parameter, message: message)
        } catch .notFinite(let tensor, let message) {
            throw .badFormat(field: tensor, message: message)
        } catch { throw error }
    }

    private static func checkNames(
        of file: any WeightFile, _ architecture: NetworkArchitecture, _ prefixes: [String]
    ) throws(SPARSError) {
        let counters = (1...4).map { "bn\($0).num_batches_tracked" }
        let names = architecture.parameterShapes.map(\.name) + counters
        let known = Set(prefixes.flatMap { prefix in names.map { prefix + $0 } })
        for name in file.names where !known.contains(name) {
            throw .badFormat(
                field: name,
                message: "The file holds '\(name)', which the classifier does not have.")
        }
    }

    private static func parameters(
        of file: any WeightFile, _ architecture: NetworkArchitecture, _ prefix: String
    ) throws(SPARSError) -> Parameters {
        let shapes = architecture.parameterShapes
        var parameters = Parameters()
        // Every shape is compared before any value is read.
        for (plain, shape) in shapes {
            let name = prefix + plain
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
            let values = try file.values(of: prefix + name)
            parameters[name] = Tensor(shape: shape, values: values)
        }
        return parameters
    }

    private static func batchesTracked(
        _ file: any WeightFile, _ prefix: String
    ) throws(SPARSError) -> Int {
        let name = prefix + "bn1.num_batches_tracked"
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
