/// Tensors in the safetensors format: 8 bytes of header length, a JSON header, the data.
///
/// Source: huggingface/safetensors, format description and reference checks. As there, the data
/// must be covered by the tensors without gap or overlap, so that no file says two things.
struct SafetensorsFile: WeightFile {
    private struct Entry {
        let type: ElementType
        let shape: [Int]
        let range: Range<Int>
    }

    private let bytes: [UInt8]
    private let entries: [String: Entry]
    let names: [String]
    let metadata: [String: String]

    /// - Throws: `badFormat` naming what is wrong; every offset is checked before it is used, and
    ///   where the metadata holds a digest, the content must be the one that was written.
    init(bytes: [UInt8]) throws(SPARSError) {
        let (header, dataStart) = try Self.header(of: bytes)
        guard case .object(let members) = header else {
            throw Self.failure("header", mustBe: "a JSON object", got: "something else")
        }
        var entries: [String: Entry] = [:]
        var names: [String] = []
        var metadata: [String: String] = [:]
        for member in members {
            if member.name == "__metadata__" {
                metadata = try Self.metadata(member.value)
            } else {
                let entry = try Self.entry(member, dataStart: dataStart, end: bytes.count)
                entries[member.name] = entry
                names.append(member.name)
            }
        }
        var end = dataStart
        for entry in entries.values.sorted(by: {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }) {
            guard entry.range.lowerBound == end else {
                throw Self.failure(
                    "data_offsets", mustBe: "without gap or overlap",
                    got:
                        "a tensor at \(entry.range.lowerBound - dataStart) after one that ends at \(end - dataStart)"
                )
            }
            end = entry.range.upperBound
        }
        guard end == bytes.count else {
            throw Self.failure(
                "data", mustBe: "\(end - dataStart) bytes", got: "\(bytes.count - dataStart)")
        }
        self.bytes = bytes
        self.entries = entries
        self.names = names
        self.metadata = metadata
        if let written = metadata[Self.digestName] {
            let found = try Self.digest(
                of: entries.map { ($0, $1.type, $1.shape, bytes[$1.range]) },
                Array(metadata.map { ($0, $1) }))
            guard found == written else {
                throw Self.failure(
                    Self.digestName, mustBe: "its content's, \(found)", got: written.prefix(80))
            }
        }
    }

    func shape(of name: String) -> [Int]? { entries[name]?.shape }

    func values(of name: String) throws(SPARSError) -> [Float] {
        guard let entry = entries[name] else {
            throw Self.failure("header", mustBe: "a list with '\(name)'", got: "none")
        }
        return try entry.type.floats(bytes[entry.range])
    }

    private static func failure(
        _ field: String, mustBe wanted: String, got: some Any
    ) -> SPARSError {
        .badFormat(
            field: field,
            message: "The '\(field)' of a safetensors file must be \(wanted). Got \(got) instead.")
    }

    private static func header(of bytes: [UInt8]) throws(SPARSError) -> (JSON, Int) {
        guard bytes.count >= 8 else {
            throw failure("header length", mustBe: "8 bytes", got: "\(bytes.count)")
        }
        let length = bytes.littleEndian(0, 8)
        guard length <= 100_000_000, length <= bytes.count - 8 else {
            throw failure(
                "header length", mustBe: "at most the file's \(bytes.count - 8) other bytes",
                got: length)
        }
        let dataStart = 8 + Int(length)
        return (try JSON(parsing: bytes[8..<dataStart], field: "safetensors header"), dataStart)
    }

    private static func metadata(_ value: JSON) throws(SPARSError) -> [String: String] {
        guard case .object(let members) = value else {
            throw failure("__metadata__", mustBe: "a JSON object of strings", got: "something else")
        }
        var metadata: [String: String] = [:]
        for member in members {
            guard let text = member.value.text else {
                throw failure("__metadata__", mustBe: "of strings", got: "another '\(member.name)'")
            }
            metadata[member.name] = text
        }
        return metadata
    }

    private static func entry(
        _ member: JSON.Member, dataStart: Int, end: Int
    ) throws(SPARSError) -> Entry {
        let name = member.name
        guard let typeName = member.value["dtype"]?.text, let type = ElementType(rawValue: typeName)
        else {
            throw failure(
                "\(name).dtype", mustBe: "F16, BF16, F32, F64, I32 or I64",
                got: member.value["dtype"]?.text ?? "none")
        }
        guard case .array(let axes) = member.value["shape"], axes.count <= 8,
            axes.allSatisfy({ $0.count != nil }),
            let count = elementCount(
                axes.map { $0.count! }, limit: (end - dataStart) / type.byteCount)
        else {
            throw failure(
                "\(name).shape", mustBe: "at most 8 dimensions that fit into the file",
                got: "another")
        }
        guard case .array(let offsets) = member.value["data_offsets"], offsets.count == 2,
            let low = offsets[0].count, let high = offsets[1].count, low <= high,
            high <= end - dataStart
        else {
            throw failure(
                "\(name).data_offsets", mustBe: "two offsets inside the data", got: "others")
        }
        guard high - low == count * type.byteCount else {
            throw failure(
                "\(name).data_offsets", mustBe: "\(count * type.byteCount) bytes apart",
                got: high - low)
        }
        return Entry(
            type: type, shape: axes.map { $0.count! }, range: dataStart + low..<dataStart + high)
    }
}

// MARK: - Digest

extension SafetensorsFile {
    /// What the content's digest stands under in the metadata.
    static let digestName = "spars.sha256"

    /// The SHA-256 of a content: name and text of spars' own metadata, then name, type, shape and bytes
    /// of the tensors, both in the order of names. Each text ends with a zero byte. Other programs may
    /// reorder a file and add to its metadata.
    fileprivate static func digest(
        of tensors: [(name: String, type: ElementType, shape: [Int], bytes: ArraySlice<UInt8>)],
        _ metadata: [(name: String, text: String)]
    ) throws(SPARSError) -> String {
        var hash = SHA256()
        for (name, text) in metadata.sorted(by: { precedes($0.name, $1.name) })
        where name.hasPrefix("spars.") && name != digestName {
            hash.update("\(name)\0\(text)\0")
        }
        for tensor in tensors.sorted(by: { precedes($0.name, $1.name) }) {
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            hash.update("\(tensor.name)\0\(tensor.type.rawValue)\0\(shape)\0")
            try Control.inRuns(tensor.bytes.count) { run in
                let start = tensor.bytes.startIndex
                hash.update(tensor.bytes[start + run.lowerBound..<start + run.upperBound])
            }
        }
        return hash.finished()
    }

    /// Whether `name` stands before `other` by their UTF-8 bytes.
    private static func precedes(_ name: String, _ other: String) -> Bool {
        name.utf8.lexicographicallyPrecedes(other.utf8)
    }
}

// MARK: - Writing

extension SafetensorsFile {
    /// A tensor to be written: values as float32 or rounded to float16, or one int64.
    enum Content {
        case floats([Float])
        case halves([Float])
        case integer(Int64)
    }

    /// Writes tensors and int64 scalars, in the order given, atomically, and their digest.
    static func write(
        _ tensors: [(name: String, shape: [Int], content: Content)],
        metadata: [(name: String, text: String)], to path: String
    ) throws(SPARSError) {
        var listed = ""
        var data: [UInt8] = []
        var ranges: [Range<Int>] = []
        // int64 first: each tensor then starts at a multiple of its element size.
        let integersFirst =
            tensors.filter { $0.content.isInteger } + tensors.filter { !$0.content.isInteger }
        for tensor in integersFirst {
            let start = data.count
            try tensor.content.append(to: &data)
            ranges.append(start..<data.count)
            listed += ",\(JSON.quoted(tensor.name)):{\"dtype\":\"\(tensor.content.type.rawValue)\","
            listed += "\"shape\":[\(tensor.shape.map(String.init).joined(separator: ","))],"
            listed += "\"data_offsets\":[\(start),\(data.count)]}"
        }
        let digest = try digest(
            of: zip(integersFirst, ranges).map { ($0.name, $0.content.type, $0.shape, data[$1]) },
            metadata)
        let described = (metadata + [(digestName, digest)])
            .map { JSON.quoted($0.name) + ":" + JSON.quoted($0.text) }
        let header = "{\"__metadata__\":{\(described.joined(separator: ","))}\(listed)}"
        var head = Array(header.utf8)
        while head.count % 8 != 0 { head.append(0x20) }
        var length: [UInt8] = []
        length.appendLittleEndian(UInt64(head.count), 8)
        try BinaryFile.write([length, head, data], to: path)
    }
}

extension SafetensorsFile.Content {
    var isInteger: Bool { type == .int64 }

    /// Elements in all.
    var count: Int {
        switch self {
        case .floats(let values), .halves(let values): values.count
        case .integer: 1
        }
    }

    var type: ElementType {
        switch self {
        case .floats: .float32
        case .halves: .float16
        case .integer: .int64
        }
    }

    func append(to data: inout [UInt8]) throws(SPARSError) {
        switch self {
        case .floats(let values):
            data.reserveCapacity(data.count + 4 * values.count)
            try Control.inRuns(values.count) { run in
                for i in run { data.appendLittleEndian(UInt64(values[i].bitPattern), 4) }
            }
        case .halves(let values):
            data.reserveCapacity(data.count + 2 * values.count)
            try Control.inRuns(values.count) { run in
                for i in run { data.appendLittleEndian(UInt64(halfBits(values[i])), 2) }
            }
        case .integer(let value):
            data.appendLittleEndian(UInt64(bitPattern: value), 8)
        }
    }
}
