/// A PyTorch file of named tensors: a state_dict, or a checkpoint that holds one under
/// "state_dict" or "model_state_dict".
///
/// `torch.save` writes a zip archive of one pickle, which names the tensors, and one member for each
/// tensor's storage. Before 1.6, or when asked to, it wrote pickles followed by the storages
/// (`LegacyTorchFile`).
struct TorchFile: WeightFile {
    /// What `torch.save(model.state_dict(), path)` gives, whatever the file was.
    static let plain = "a state_dict, as torch.save(model.state_dict(), path) writes it"
    /// A state_dict of this network takes 4 KB, a checkpoint with its optimiser 20 KB; a value takes
    /// up to 200 times the memory of the byte that makes it.
    static let pickleLimit = 1 << 22

    /// Where the storages' elements stand.
    private enum Storages {
        case archive(ZipArchive, folder: String)
        case legacy([String: Range<Int>])
    }

    private let bytes: [UInt8]
    private let storages: Storages
    private let isBigEndian: Bool
    private let tensors: [String: PickleTensor]
    let names: [String]
    /// What `TorchFile.write` added; none in PyTorch's own files.
    let metadata: [String: String]

    /// Whether a file that begins so is one of PyTorch's.
    static func isOne(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0x50, 0x4B]) || LegacyTorchFile.isOne(bytes)
    }

    /// - Throws: `badFormat` naming what is wrong. Nothing in the file is ever run.
    init(bytes: [UInt8]) throws(SPARSError) {
        self.bytes = bytes
        let value: PickleValue
        if LegacyTorchFile.isOne(bytes) {
            let file = try LegacyTorchFile(bytes: bytes)
            (value, isBigEndian) = (file.value, file.isBigEndian)
            storages = .legacy(file.ranges)
            metadata = [:]
        } else {
            let archive = try ZipArchive(bytes: bytes)
            guard let pickleName = archive.names.first(where: { $0.hasSuffix("/data.pkl") }),
                let pickle = try archive.range(of: pickleName), pickle.count <= Self.pickleLimit
            else {
                throw Unpickler.failure(
                    "data.pkl", mustBe: "in the archive and at most \(Self.pickleLimit) bytes",
                    got: "none, or more")
            }
            let folder = String(pickleName.dropLast("data.pkl".count))
            let order = try archive.range(of: folder + "byteorder")
            isBigEndian = order.map { Array(bytes[$0]) == Array("big".utf8) } ?? false
            value = try Unpickler.read(bytes[pickle]).value
            storages = .archive(archive, folder: folder)
            metadata =
                try archive.range(of: folder + Self.metadataMember).map {
                    range throws(SPARSError) in
                    try Self.metadata(bytes[range])
                } ?? [:]
        }
        (names, tensors) = try Self.tensors(try Self.stateDict(value))
    }

    /// The dictionary of tensors in what the file holds.
    private static func stateDict(_ value: PickleValue) throws(SPARSError) -> PickleDictionary {
        guard case .dictionary(let dictionary) = value else {
            throw Unpickler.failure("data.pkl", mustBe: plain, got: "another object")
        }
        for item in dictionary.items {
            guard case .text(let name) = item.key, case .dictionary(let inner) = item.value else {
                continue
            }
            if name == "state_dict" || name == "model_state_dict" { return inner }
        }
        return dictionary
    }

    private static func tensors(
        _ dictionary: PickleDictionary
    ) throws(SPARSError) -> ([String], [String: PickleTensor]) {
        var tensors: [String: PickleTensor] = [:]
        var names: [String] = []
        for item in dictionary.items {
            guard case .text(let name) = item.key, case .tensor(let tensor) = item.value else {
                let name = if case .text(let name) = item.key { "'\(name)'" } else { "a key" }
                throw Unpickler.failure(
                    "state_dict", mustBe: plain, got: "\(name) that is no tensor's")
            }
            // `torch.nn.DataParallel` puts "module." before every name.
            let plain = name.hasPrefix("module.") ? String(name.dropFirst(7)) : name
            guard tensors.updateValue(tensor, forKey: plain) == nil else {
                throw Unpickler.failure("state_dict", mustBe: "of different names", got: plain)
            }
            names.append(plain)
        }
        return (names, tensors)
    }

    func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    func values(of name: String) throws(SPARSError) -> [Float] {
        guard let tensor = tensors[name] else {
            throw Unpickler.failure("state_dict", mustBe: "a list with '\(name)'", got: "none")
        }
        let storage = tensor.storage
        let width = storage.type.byteCount
        guard let range = try range(of: storage.key), range.count % width == 0,
            range.count / width == storage.count
        else {
            throw Unpickler.failure(
                "data/\(storage.key)", mustBe: "\(storage.count) elements of \(width) bytes",
                got: "another size or none")
        }
        var values: [Float] = []
        var index = [Int](repeating: 0, count: tensor.shape.count)
        for _ in 0..<tensor.shape.reduce(1, *) {
            var element = tensor.offset
            for axis in index.indices { element += index[axis] * tensor.strides[axis] }
            let at = range.lowerBound + element * width
            values.append(
                storage.type.float(
                    isBigEndian ? bytes.bigEndian(at, width) : bytes.littleEndian(at, width)))
            for axis in index.indices.reversed() {
                index[axis] += 1
                if index[axis] < tensor.shape[axis] { break }
                index[axis] = 0
            }
        }
        return values
    }

    private func range(of storage: String) throws(SPARSError) -> Range<Int>? {
        switch storages {
        case .archive(let archive, let folder): try archive.range(of: folder + "data/" + storage)
        case .legacy(let ranges): ranges[storage]
        }
    }
}
