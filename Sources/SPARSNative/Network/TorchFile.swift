/// A PyTorch `state_dict` as `torch.save` writes it since 1.6: a zip archive of one pickle, which
/// names the tensors, and one member for each tensor's storage.
struct TorchFile: WeightFile {
    private let archive: ZipArchive
    private let folder: String
    private let isBigEndian: Bool
    private let tensors: [String: PickleTensor]
    let names: [String]
    let metadata: [String: String] = [:]

    /// - Throws: `badFormat` naming what is wrong. Nothing in the file is ever run.
    init(bytes: [UInt8]) throws(SPARSError) {
        let archive = try ZipArchive(bytes: bytes)
        guard let pickleName = archive.names.first(where: { $0.hasSuffix("/data.pkl") }),
            let pickle = try archive.range(of: pickleName), pickle.count <= 1 << 24
        else {
            throw Unpickler.failure(
                "data.pkl", mustBe: "in the archive and at most 16 MiB", got: archive.names.count)
        }
        folder = String(pickleName.dropLast("data.pkl".count))
        var isBigEndian = false
        if let order = try archive.range(of: folder + "byteorder") {
            isBigEndian = Array(bytes[order]) == Array("big".utf8)
        }
        self.isBigEndian = isBigEndian
        let value = try Unpickler.value(of: bytes[pickle])
        guard case .dictionary(let dictionary) = value else {
            throw Unpickler.failure("data.pkl", mustBe: "a state_dict", got: "another object")
        }
        var tensors: [String: PickleTensor] = [:]
        var names: [String] = []
        for item in dictionary.items {
            guard case .text(let name) = item.key, case .tensor(let tensor) = item.value else {
                throw Unpickler.failure(
                    "state_dict", mustBe: "tensors by name", got: "something else")
            }
            // `torch.nn.DataParallel` puts "module." before every name.
            let plain = name.hasPrefix("module.") ? String(name.dropFirst(7)) : name
            guard tensors.updateValue(tensor, forKey: plain) == nil else {
                throw Unpickler.failure("state_dict", mustBe: "of different names", got: plain)
            }
            names.append(plain)
        }
        self.archive = archive
        self.tensors = tensors
        self.names = names
    }

    func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    func values(of name: String) throws(SPARSError) -> [Float] {
        guard let tensor = tensors[name] else {
            throw Unpickler.failure("state_dict", mustBe: "a list with '\(name)'", got: "none")
        }
        let storage = tensor.storage
        let width = storage.type.byteCount
        guard let range = try archive.range(of: folder + "data/" + storage.key),
            range.count % width == 0, range.count / width == storage.count
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
                    isBigEndian
                        ? archive.bytes.bigEndian(at, width) : archive.bytes.littleEndian(at, width)
                ))
            for axis in index.indices.reversed() {
                index[axis] += 1
                if index[axis] < tensor.shape[axis] { break }
                index[axis] = 0
            }
        }
        return values
    }
}
