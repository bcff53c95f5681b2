import CZlib

/// The members of a zip archive whose members are stored, not compressed, as PyTorch writes them.
///
/// Numbers of 64 bits are read where an archive has them (zip64). Source: PKWARE's APPNOTE 6.3.
/// Nothing is ever inflated, so an archive cannot grow in memory; a member's checksum is compared when
/// it is read, and a compressed member is refused then.
struct ZipArchive {
    private struct Member {
        let range: Range<Int>
        let checksum: UInt32
        /// 0 where it is stored as it is.
        let method: UInt64
    }

    /// A network's takes some KB.
    static let directoryLimit = 1 << 24

    let names: [String]
    private let source: ByteSource
    private let members: [String: Member]

    init(bytes: [UInt8]) throws(SPARSError) { try self.init(ByteSource(bytes)) }

    init(_ source: ByteSource) throws(SPARSError) {
        let place = try Self.directory(source)
        let directory = try source.bytes(place.range)
        var at = 0
        var members: [String: Member] = [:]
        var names: [String] = []
        for _ in 0..<place.count {
            let (name, member, next) = try Self.member(source, directory, at: at)
            guard members.updateValue(member, forKey: name) == nil else {
                throw Self.failure("central directory", mustBe: "of different names", got: name)
            }
            names.append(name)
            at = next
        }
        self.source = source
        self.names = names
        self.members = members
    }

    /// Where the member's bytes stand; nil if there is none of this name.
    func range(of name: String) -> Range<Int>? { members[name]?.range }

    /// How many bytes the member has; nil if there is none of this name.
    func size(of name: String) -> Int? { members[name]?.range.count }

    /// The member's bytes, to be read where they are asked for, so that its checksum is not compared;
    /// nil if there is none of this name.
    func part(of name: String) throws(SPARSError) -> ByteSource? {
        guard let member = members[name] else { return nil }
        guard member.method == 0 else {
            throw Self.failure(
                "\(name) compression", mustBe: "stored", got: "method \(member.method)")
        }
        return source.part(member.range)
    }

    /// The member's bytes; nil if there is none of this name.
    func content(of name: String) throws(SPARSError) -> [UInt8]? {
        guard let bytes = try part(of: name)?.bytes(), let member = members[name] else {
            return nil
        }
        let sum = try Self.checksum(bytes)
        guard sum == member.checksum else {
            throw Self.failure("\(name) checksum", mustBe: "\(member.checksum)", got: sum)
        }
        return bytes
    }

    /// CRC-32 of a member's bytes.
    static func checksum(_ bytes: [UInt8]) throws(SPARSError) -> UInt32 {
        var sum: UInt = 0
        try Control.inRuns(bytes.count, of: 1 << 20) { run in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                // SAFETY: zlib reads the run from the array's own memory.
                sum = unsafe UInt(
                    crc32_z(uLong(sum), bytes.baseAddress! + run.lowerBound, run.count))
            }
        }
        return UInt32(truncatingIfNeeded: sum)
    }

    private static func failure(
        _ field: String, mustBe wanted: String, got: some Any
    ) -> SPARSError {
        .badFormat(
            field: field,
            message: "The '\(field)' of a PyTorch file must be \(wanted). Got \(got) instead.")
    }

    /// Where the end-of-central-directory record starts in the archive's last bytes; a comment of up to
    /// 65,535 bytes may follow.
    private static func endRecord(_ bytes: [UInt8]) throws(SPARSError) -> Int {
        var at = bytes.count - 22
        while at >= 0 {
            if bytes.littleEndian(at, 4) == 0x0605_4B50,
                Int(bytes.littleEndian(at + 20, 2)) == bytes.count - at - 22
            {
                return at
            }
            at -= 1
        }
        throw failure("end of the zip archive", mustBe: "an end record", got: "none (truncated?)")
    }

    /// How many members the central directory lists, and where it stands.
    private static func directory(
        _ source: ByteSource
    ) throws(SPARSError) -> (count: Int, range: Range<Int>) {
        // The end record, its comment, and the locator before it.
        let tail = max(0, source.count - 22 - 65_535 - 20)
        let bytes = try source.bytes(tail..<source.count)
        let record = try endRecord(bytes)
        let end = tail + record
        var count = bytes.littleEndian(record + 10, 2)
        var size = bytes.littleEndian(record + 12, 4)
        var start = bytes.littleEndian(record + 16, 4)
        if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
            // The locator, 20 bytes, stands right before the end record.
            guard record >= 20, bytes.littleEndian(record - 20, 4) == 0x0706_4B50 else {
                throw failure("zip64 locator", mustBe: "before the end record", got: "none")
            }
            let place = bytes.littleEndian(record - 12, 8)
            guard let at = Int(exactly: place), at <= end - 20 - 56 else {
                throw failure("zip64 end record", mustBe: "inside the file", got: place)
            }
            let wide = try source.bytes(at..<at + 56)
            guard wide.littleEndian(0, 4) == 0x0606_4B50 else {
                throw failure("zip64 end record", mustBe: "inside the file", got: place)
            }
            count = wide.littleEndian(32, 8)
            size = wide.littleEndian(40, 8)
            start = wide.littleEndian(48, 8)
        }
        guard let first = Int(exactly: start), first <= end, let size = Int(exactly: size),
            size <= end - first
        else { throw failure("central directory", mustBe: "inside the file", got: start) }
        guard size <= directoryLimit else {
            throw failure(
                "central directory", mustBe: "at most \(directoryLimit) bytes", got: size)
        }
        // A member takes 46 bytes or more.
        guard count <= UInt64(size / 46) else {
            throw failure("central directory", mustBe: "a list of all members", got: "less")
        }
        return (Int(count), first..<first + size)
    }

    private static func member(
        _ source: ByteSource, _ bytes: [UInt8], at: Int
    ) throws(SPARSError) -> (String, Member, Int) {
        guard at + 46 <= bytes.count, bytes.littleEndian(at, 4) == 0x0201_4B50 else {
            throw failure("central directory", mustBe: "a list of all members", got: "less")
        }
        let flags = bytes.littleEndian(at + 8, 2)
        let method = bytes.littleEndian(at + 10, 2)
        let checksum = UInt32(bytes.littleEndian(at + 16, 4))
        let extra = at + 46 + Int(bytes.littleEndian(at + 28, 2))
        let comment = extra + Int(bytes.littleEndian(at + 30, 2))
        let next = comment + Int(bytes.littleEndian(at + 32, 2))
        guard next <= bytes.count else {
            throw failure("central directory", mustBe: "a list of all members", got: "less")
        }
        guard let name = String(validating: bytes[at + 46..<extra], as: UTF8.self)
        else { throw failure("member name", mustBe: "valid UTF-8", got: "other bytes") }
        var wide = WideNumbers(extra: bytes[extra..<comment])
        guard let size = wide.number(bytes.littleEndian(at + 24, 4)),
            let storedSize = wide.number(bytes.littleEndian(at + 20, 4)),
            let header = wide.number(bytes.littleEndian(at + 42, 4))
        else { throw failure("\(name) size", mustBe: "a number of 64 bits", got: "none") }
        guard flags & 1 == 0, method != 0 || size == storedSize else {
            throw failure("\(name) content", mustBe: "neither encrypted nor cut", got: "another")
        }
        guard header <= source.count - 30 else {
            throw failure("\(name) header", mustBe: "inside the file", got: header)
        }
        let local = try source.bytes(header..<header + 30)
        guard local.littleEndian(0, 4) == 0x0403_4B50 else {
            throw failure("\(name) header", mustBe: "inside the file", got: header)
        }
        let start = header + 30 + Int(local.littleEndian(26, 2)) + Int(local.littleEndian(28, 2))
        guard start <= source.count, storedSize <= source.count - start else {
            throw failure("\(name) size", mustBe: "inside the file", got: storedSize)
        }
        let member = Member(range: start..<start + storedSize, checksum: checksum, method: method)
        return (name, member, next)
    }
}

/// The numbers of a member that do not fit 32 bits, from the extra field of id 1 (zip64).
private struct WideNumbers {
    /// Those not yet taken, in the order of APPNOTE 4.5.3.
    private var rest: ArraySlice<UInt8> = []

    init(extra: ArraySlice<UInt8>) {
        var extra = extra
        while extra.count >= 4 {
            let header = Array(extra.prefix(4))
            let (id, size) = (header.littleEndian(0, 2), Int(header.littleEndian(2, 2)))
            extra = extra.dropFirst(4)
            if id == 1 { rest = extra.prefix(size) }
            extra = extra.dropFirst(size)
        }
    }

    /// `narrow`, or the next wide number where `narrow` says that there is one; nil if there is none
    /// or it exceeds Int.
    mutating func number(_ narrow: UInt64) -> Int? {
        guard narrow == 0xFFFF_FFFF else { return Int(narrow) }
        guard rest.count >= 8 else { return nil }
        defer { rest = rest.dropFirst(8) }
        return Int(exactly: Array(rest.prefix(8)).littleEndian(0, 8))
    }
}
