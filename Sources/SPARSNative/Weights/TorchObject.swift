/// What `torch.save` wrote: plain values and tensors, read without running anything.
///
/// It writes a zip archive of one pickle, which names the tensors, and one member for each tensor's
/// storage. Before 1.6, or when asked to, it wrote pickles followed by the storages
/// (`LegacyTorchFile`).
struct TorchObject {
    /// A state_dict of this network takes 4 KB, a checkpoint with its optimiser 20 KB; a value takes
    /// up to 200 times the memory of the byte that makes it.
    static let pickleLimit = 1 << 22

    let value: PickleValue
    let storages: TorchStorages
    /// What `TorchFile.write` added; none in PyTorch's own files.
    let metadata: [String: String]

    /// - Throws: `io`; `badFormat` naming what is wrong.
    init(_ source: ByteSource) throws(SPARSError) {
        if LegacyTorchFile.isOne(try source.bytes(0..<min(source.count, 64))) {
            guard source.count <= WeightFiles.sizeLimit else {
                throw Unpickler.failure(
                    "size", mustBe: "at most \(WeightFiles.sizeLimit) bytes", got: source.count)
            }
            let bytes = try source.bytes()
            let file = try LegacyTorchFile(bytes: bytes)
            value = file.value
            storages = TorchStorages(
                place: .legacy(bytes, file.ranges), isBigEndian: file.isBigEndian)
            metadata = [:]
            return
        }
        let archive = try ZipArchive(source)
        let pickleName = archive.names.first { $0.hasSuffix("/data.pkl") }
        guard let pickleName, let pickle = try Self.content(pickleName, archive) else {
            throw Unpickler.failure(
                "data.pkl", mustBe: "in the archive and at most \(Self.pickleLimit) bytes",
                got: "none, or more")
        }
        let folder = String(pickleName.dropLast("data.pkl".count))
        let isBigEndian = try Self.content(folder + "byteorder", archive) == Array("big".utf8)
        value = try Unpickler.read(pickle[...]).value
        storages = TorchStorages(
            place: .archive(archive, folder: folder), isBigEndian: isBigEndian)
        let text = try Self.content(folder + TorchFile.metadataMember, archive)
        metadata = if let text { try TorchFile.metadata(text[...]) } else { [:] }
    }

    /// A small member; nil if there is none, or it is large.
    private static func content(
        _ name: String, _ archive: ZipArchive
    ) throws(SPARSError) -> [UInt8]? {
        guard let size = archive.size(of: name), size <= pickleLimit else { return nil }
        return try archive.content(of: name)
    }
}

/// The elements of a PyTorch file's tensors.
struct TorchStorages: Sendable {
    enum Place: Sendable {
        case archive(ZipArchive, folder: String)
        /// A whole file, and where each storage's elements stand in it.
        case legacy([UInt8], [String: Range<Int>])
    }

    let place: Place
    let isBigEndian: Bool

    /// A tensor's values, last axis fastest.
    ///
    /// - Throws: `io`; `badFormat` where the file does not hold them.
    func values(of tensor: PickleTensor) throws(SPARSError) -> [Float] {
        let (type, key) = (tensor.storage.type, tensor.storage.key)
        let width = type.byteCount
        guard let (bytes, range) = try storage(key), range.count % width == 0,
            range.count / width == tensor.storage.count
        else {
            throw Unpickler.failure(
                "data/\(key)", mustBe: "\(tensor.storage.count) elements of \(width) bytes",
                got: "another size or none")
        }
        var values: [Float] = []
        var index = [Int](repeating: 0, count: tensor.shape.count)
        for i in 0..<tensor.shape.reduce(1, *) {
            if i & 0x3FFF == 0 { try Control.check() }
            var element = tensor.offset
            for axis in index.indices { element += index[axis] * tensor.strides[axis] }
            let at = range.lowerBound + element * width
            values.append(
                type.float(isBigEndian ? bytes.bigEndian(at, width) : bytes.littleEndian(at, width))
            )
            for axis in index.indices.reversed() {
                index[axis] += 1
                if index[axis] < tensor.shape[axis] { break }
                index[axis] = 0
            }
        }
        return values
    }

    private func storage(
        _ key: String
    ) throws(SPARSError) -> (bytes: [UInt8], range: Range<Int>)? {
        switch place {
        case .archive(let archive, let folder):
            guard let bytes = try archive.content(of: folder + "data/" + key) else { return nil }
            return (bytes, bytes.indices)
        case .legacy(let bytes, let ranges):
            guard let range = ranges[key] else { return nil }
            return (bytes, range)
        }
    }
}
