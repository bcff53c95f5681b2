/// A NIfTI header of either version, held as a little-endian NIfTI-2 header, into which that of
/// NIfTI-1 fits without loss.
public struct NIfTIHeader: Hashable, Sendable {
    public enum Version: Int, Sendable {
        case one = 1
        case two = 2

        /// Bytes of the header, the value of `sizeof_hdr`.
        var size: Int { self == .one ? 348 : 540 }

        var placeOfMagic: (offset: Int, count: Int) { self == .one ? (344, 4) : (4, 8) }

        /// "n+1" or "ni1" with a zero; "n+2" or "ni2" with bytes that a text transfer breaks.
        func magic(isPair: Bool) -> [UInt8] {
            let text = Array((isPair ? "ni\(rawValue)" : "n+\(rawValue)").utf8)
            return text + (self == .one ? [0] : [0, 13, 10, 26, 10])
        }
    }

    /// Bytes of the held form.
    public static let byteCount = 540

    /// The version of the file it came from, or is written as.
    public private(set) var version: Version
    /// Whether the voxels stand in a file of their own (`.hdr` and `.img`).
    public private(set) var isPair: Bool
    /// The held form, 540 bytes.
    public private(set) var bytes: [UInt8]

    /// A header without content.
    init(version: Version, isPair: Bool = false) {
        self.version = version
        self.isPair = isPair
        bytes = Array(repeating: 0, count: NIfTIHeader.byteCount)
        finish()
    }

    /// Reads a header of either version and byte order.
    ///
    /// - Parameter raw: the file's first bytes: 348, or 540 where the first four say so.
    /// - Returns: the header, and whether the file's byte order is big-endian.
    /// - Throws: `badFormat` naming `sizeof_hdr`, `magic` or `vox_offset`; other fields are taken as
    ///   they are, see `layout()`.
    public static func decode(
        _ raw: [UInt8]
    ) throws(SPARSError) -> (header: NIfTIHeader, isBigEndian: Bool) {
        let (version, isBigEndian) = try versionAndOrder(of: raw)
        let place = version.placeOfMagic
        let magic = Array(raw[place.offset..<place.offset + place.count])
        guard [true, false].contains(where: { version.magic(isPair: $0) == magic }) else {
            throw .field(
                "magic", magic.map(printable).joined(), "must be that of NIfTI-\(version.rawValue)")
        }
        var header = NIfTIHeader(version: version, isPair: magic[1] == UInt8(ascii: "i"))
        let view = FieldView(bytes: raw, version: version, isBigEndian: isBigEndian)
        if version == .one {
            let offset = view.real(.voxelOffset)
            guard offset.isFinite, offset >= 0, offset == offset.rounded(), offset < 0x1p62 else {
                throw .field("vox_offset", offset, "must be a whole number of bytes")
            }
        }
        for field in NIfTIField.allCases { header.copy(field, from: view) }
        return (header, isBigEndian)
    }

    private static func versionAndOrder(
        of raw: [UInt8]
    ) throws(SPARSError) -> (Version, isBigEndian: Bool) {
        guard raw.count >= 4 else {
            throw .field("sizeof_hdr", "missing", "the file has \(raw.count) bytes")
        }
        for version in [Version.one, .two] {
            for isBigEndian in [false, true] {
                let size = Bytes.integer(raw, 0, .int32, isBigEndian: isBigEndian)
                guard size == version.size else { continue }
                guard raw.count >= version.size else {
                    throw .field(
                        "sizeof_hdr", size, "but the file ends after \(raw.count) bytes of header")
                }
                return (version, isBigEndian)
            }
        }
        throw .field(
            "sizeof_hdr", Bytes.integer(raw, 0, .int32, isBigEndian: false),
            "must be 348 (NIfTI-1) or 540 (NIfTI-2) in either byte order; this is no NIfTI file")
    }

    /// The header as it stands in a little-endian file of `version`.
    func encoded() -> [UInt8] {
        if version == .two { return bytes }
        var raw = [UInt8](repeating: 0, count: Version.one.size)
        Bytes.store(Int64(Version.one.size), .int32, at: 0, in: &raw)
        raw[38] = UInt8(ascii: "r")
        let place = Version.one.placeOfMagic
        raw.replaceSubrange(
            place.offset..<place.offset + place.count, with: Version.one.magic(isPair: isPair))
        for field in NIfTIField.allCases {
            let (from, to) = (field.place(in: .two), field.place(in: .one))
            for i in 0..<to.count {
                Bytes.copy(
                    bytes, from.offset + i * from.kind.size, from.kind, isBigEndian: false,
                    to: &raw, to.offset + i * to.kind.size, to.kind)
            }
        }
        return raw
    }

    /// The same content, its voxels announced in the same file.
    func asSingleFile() -> NIfTIHeader {
        var header = self
        header.isPair = false
        header.finish()
        return header
    }

    /// The same content, to be written as `version`.
    public func written(as version: Version) -> NIfTIHeader {
        var header = self
        header.version = version
        return header
    }

    /// Writes `sizeof_hdr` and `magic`.
    private mutating func finish() {
        Bytes.store(Int64(Version.two.size), .int32, at: 0, in: &bytes)
        let place = Version.two.placeOfMagic
        bytes.replaceSubrange(
            place.offset..<place.offset + place.count, with: Version.two.magic(isPair: isPair))
    }

    private mutating func copy(_ field: NIfTIField, from view: FieldView) {
        let (from, to) = (field.place(in: view.version), field.place(in: .two))
        for i in 0..<to.count {
            Bytes.copy(
                view.bytes, from.offset + i * from.kind.size, from.kind,
                isBigEndian: view.isBigEndian, to: &bytes, to.offset + i * to.kind.size, to.kind)
        }
    }
}

// MARK: - Fields

extension NIfTIHeader {
    private var view: FieldView { FieldView(bytes: bytes, version: .two, isBigEndian: false) }

    func integer(_ field: NIfTIField, _ index: Int = 0) -> Int64 { view.integer(field, index) }
    func real(_ field: NIfTIField, _ index: Int = 0) -> Double { view.real(field, index) }

    mutating func set(_ field: NIfTIField, _ index: Int = 0, integer value: Int64) {
        let place = field.place(in: .two)
        Bytes.store(value, place.kind, at: place.offset + index * place.kind.size, in: &bytes)
    }

    mutating func set(_ field: NIfTIField, _ index: Int = 0, real value: Double) {
        let place = field.place(in: .two)
        Bytes.store(
            Int64(bitPattern: value.bitPattern), .int64,
            at: place.offset + index * place.kind.size, in: &bytes)
    }

    /// Raises the version to 2 where a dimension does not fit NIfTI-1's int16.
    mutating func fitVersion(to extent: Extent) {
        if (0..<3).contains(where: { extent[$0] > Int(Int16.max) }) { version = .two }
    }
}

/// The fields of a header as a file holds it.
private struct FieldView {
    let bytes: [UInt8]
    let version: NIfTIHeader.Version
    let isBigEndian: Bool

    func integer(_ field: NIfTIField, _ index: Int = 0) -> Int64 {
        let place = field.place(in: version)
        return Bytes.integer(
            bytes, place.offset + index * place.kind.size, place.kind, isBigEndian: isBigEndian)
    }

    func real(_ field: NIfTIField, _ index: Int = 0) -> Double {
        let place = field.place(in: version)
        return Bytes.real(
            bytes, place.offset + index * place.kind.size, place.kind, isBigEndian: isBigEndian)
    }
}

extension SPARSError {
    /// A field of a file's header and what is wrong with it.
    static func field(_ name: String, _ value: some Any, _ why: String) -> SPARSError {
        .badFormat(field: name, message: "\(name) is \(value): \(why).")
    }
}

/// A byte as text, or as its number where it is no printable ASCII.
private func printable(_ byte: UInt8) -> String {
    (32..<127).contains(byte) ? String(UnicodeScalar(byte)) : "\\\(byte)"
}
