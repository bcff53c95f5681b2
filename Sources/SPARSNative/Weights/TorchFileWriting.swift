import CZlib

/// Writing PyTorch files: a state_dict as `torch.save` keeps it since 1.6, a zip archive of stored
/// members, which `torch.load(path, weights_only=True)` reads.
///
/// Source: PyTorch, torch/serialization.py and caffe2/serialize/inline_container.cc (members and
/// their alignment); CPython, Lib/pickletools.py (instructions, protocol 2).
extension TorchFile {
    /// The member that carries metadata, as a JSON object of strings; PyTorch passes over it.
    static let metadataMember = "spars.json"
    private static let folder = "archive/"

    /// Writes float32 tensors and int64 scalars, in the order given, atomically.
    ///
    /// - Throws: `outOfRange` beyond 4 GB, `io`.
    static func write(
        _ tensors: [(name: String, shape: [Int], content: SafetensorsFile.Content)],
        metadata: [(name: String, text: String)], to path: String
    ) throws(SPARSError) {
        let size = tensors.reduce(0) { $0 + $1.content.count * $1.content.type.byteCount }
        guard size < Int(UInt32.max) - WeightFiles.sizeLimit / 16 else {
            throw .range(
                "path", of: .file, mustBe: "a .safetensors file beyond 4 GB", got: path)
        }
        var archive = ZipWriter()
        try archive.add(folder + "data.pkl", pickle(tensors))
        try archive.add(folder + "byteorder", Array("little".utf8))
        for (key, tensor) in tensors.enumerated() {
            var data: [UInt8] = []
            try tensor.content.append(to: &data)
            try archive.add(folder + "data/\(key)", data)
        }
        try archive.add(folder + "version", Array("3\n".utf8))
        let members = metadata.map { JSON.quoted($0.name) + ":" + JSON.quoted($0.text) }
        let json = "{" + members.joined(separator: ",") + "}"
        try archive.add(folder + metadataMember, Array(json.utf8))
        try BinaryFile.write(archive.finished(), to: path)
    }

    /// An OrderedDict of name to tensor i over storage "i".
    private static func pickle(
        _ tensors: [(name: String, shape: [Int], content: SafetensorsFile.Content)]
    ) -> [UInt8] {
        var pickle = PickleWriter()
        pickle.emptyOrderedDictionary()
        pickle.mark()
        for (key, tensor) in tensors.enumerated() {
            pickle.text(tensor.name)
            pickle.global("torch._utils", "_rebuild_tensor_v2")
            pickle.mark()
            pickle.mark()
            pickle.text("storage")
            pickle.global(
                "torch", tensor.content.type == .int64 ? "LongStorage" : "FloatStorage")
            pickle.text("\(key)")
            pickle.text("cpu")
            pickle.integer(tensor.content.count)
            pickle.tuple()
            pickle.persistent()
            pickle.integer(0)
            pickle.mark()
            for length in tensor.shape { pickle.integer(length) }
            pickle.tuple()
            pickle.mark()
            for axis in tensor.shape.indices {
                pickle.integer(tensor.shape[(axis + 1)...].reduce(1, *))
            }
            pickle.tuple()
            pickle.no()
            pickle.emptyOrderedDictionary()
            pickle.tuple()
            pickle.call()
        }
        pickle.setItems()
        return pickle.finished()
    }

    /// The texts of the metadata member.
    static func metadata(_ bytes: ArraySlice<UInt8>) throws(SPARSError) -> [String: String] {
        guard case .object(let members) = try JSON(parsing: bytes, field: metadataMember) else {
            throw Unpickler.failure(metadataMember, mustBe: "an object of texts", got: "another")
        }
        var metadata: [String: String] = [:]
        for member in members {
            guard let text = member.value.text else {
                throw Unpickler.failure(
                    metadataMember, mustBe: "an object of texts",
                    got: "'\(member.name)' that is none")
            }
            metadata[member.name] = text
        }
        return metadata
    }
}

/// Instructions of a pickle, protocol 2.
private struct PickleWriter {
    private var bytes: [UInt8] = [0x80, 2]

    mutating func mark() { bytes.append(UInt8(ascii: "(")) }
    mutating func tuple() { bytes.append(UInt8(ascii: "t")) }
    mutating func call() { bytes.append(UInt8(ascii: "R")) }
    mutating func persistent() { bytes.append(UInt8(ascii: "Q")) }
    mutating func setItems() { bytes.append(UInt8(ascii: "u")) }
    mutating func no() { bytes.append(0x89) }

    mutating func text(_ text: String) {
        bytes.append(UInt8(ascii: "X"))
        bytes.appendLittleEndian(UInt64(text.utf8.count), 4)
        bytes += Array(text.utf8)
    }

    /// 0 to 2^31 - 1, which a tensor's lengths stay below.
    mutating func integer(_ value: Int) {
        bytes.append(UInt8(ascii: "J"))
        bytes.appendLittleEndian(UInt64(value), 4)
    }

    mutating func global(_ module: String, _ name: String) {
        bytes += Array("c\(module)\n\(name)\n".utf8)
    }

    mutating func emptyOrderedDictionary() {
        global("collections", "OrderedDict")
        bytes.append(UInt8(ascii: ")"))
        call()
    }

    func finished() -> [UInt8] { bytes + [UInt8(ascii: ".")] }
}

/// A zip archive of stored members below 4 GB, each content at a multiple of 64 bytes, as PyTorch
/// wants it for mapped files. Source: PKWARE's APPNOTE 6.3.
private struct ZipWriter {
    private var parts: [[UInt8]] = []
    private var size = 0
    private var directory: [UInt8] = []
    private var count = 0

    mutating func add(_ name: String, _ content: [UInt8]) throws(SPARSError) {
        let sum = try ZipArchive.checksum(content)
        func fields(extra: Int) -> [UInt8] {
            var fields: [UInt8] = []
            fields.appendLittleEndian(20, 2)  // version 2.0
            fields.appendLittleEndian(0x800, 2)  // names are UTF-8
            fields.appendLittleEndian(0, 2)  // stored
            fields.appendLittleEndian(0, 2)  // midnight,
            fields.appendLittleEndian(0x21, 2)  // 1 January 1980: equal content makes equal files
            fields.appendLittleEndian(UInt64(sum), 4)
            fields.appendLittleEndian(UInt64(content.count), 4)
            fields.appendLittleEndian(UInt64(content.count), 4)
            fields.appendLittleEndian(UInt64(name.utf8.count), 2)
            fields.appendLittleEndian(UInt64(extra), 2)
            return fields
        }
        // The extra field "FB" holds blanks up to the next multiple of 64.
        let start = size + 30 + name.utf8.count + 4
        let blanks = (64 - start % 64) % 64
        var header: [UInt8] = []
        header.appendLittleEndian(0x0403_4B50, 4)
        header += fields(extra: 4 + blanks) + Array(name.utf8)
        header += Array("FB".utf8)
        header.appendLittleEndian(UInt64(blanks), 2)
        header += [UInt8](repeating: UInt8(ascii: "Z"), count: blanks)

        directory.appendLittleEndian(0x0201_4B50, 4)
        directory.appendLittleEndian(20, 2)
        directory += fields(extra: 0)
        directory += [UInt8](repeating: 0, count: 10)  // no comment, disk 0, no attributes
        directory.appendLittleEndian(UInt64(size), 4)
        directory += Array(name.utf8)

        parts += [header, content]
        size += header.count + content.count
        count += 1
    }

    func finished() -> [[UInt8]] {
        var end: [UInt8] = []
        end.appendLittleEndian(0x0605_4B50, 4)
        end.appendLittleEndian(0, 4)
        end.appendLittleEndian(UInt64(count), 2)
        end.appendLittleEndian(UInt64(count), 2)
        end.appendLittleEndian(UInt64(directory.count), 4)
        end.appendLittleEndian(UInt64(size), 4)
        end.appendLittleEndian(0, 2)
        return parts + [directory, end]
    }
}
