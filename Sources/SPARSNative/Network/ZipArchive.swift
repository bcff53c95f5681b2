import CZlib

/// The members of a zip archive whose members are stored, not compressed, as PyTorch writes them.
///
/// Source: PKWARE's APPNOTE 6.3. Nothing is ever inflated, so an archive cannot grow in memory; a
/// member's checksum is compared when it is read.
struct ZipArchive {
    private struct Member {
        let range: Range<Int>
        let checksum: UInt32
    }

    let bytes: [UInt8]
    let names: [String]
    private let members: [String: Member]

    init(bytes: [UInt8]) throws(SPARSError) {
        let end = try Self.endRecord(bytes)
        let count = Int(bytes.littleEndian(end + 10, 2))
        let directorySize = Int(bytes.littleEndian(end + 12, 4))
        var at = Int(bytes.littleEndian(end + 16, 4))
        guard at <= end, directorySize <= end - at else {
            throw Self.failure("central directory", mustBe: "inside the file", got: at)
        }
        let directoryEnd = at + directorySize
        var members: [String: Member] = [:]
        var names: [String] = []
        for _ in 0..<count {
            let (name, member, next) = try Self.member(bytes, at: at, directoryEnd: directoryEnd)
            guard members.updateValue(member, forKey: name) == nil else {
                throw Self.failure("central directory", mustBe: "of different names", got: name)
            }
            names.append(name)
            at = next
        }
        self.bytes = bytes
        self.names = names
        self.members = members
    }

    /// Where the member's bytes stand; nil if there is none of this name.
    func range(of name: String) throws(SPARSError) -> Range<Int>? {
        guard let member = members[name] else { return nil }
        let sum = bytes.withUnsafeBytes { all in
            // SAFETY: the member's range was checked against the file in `init`.
            let member = UnsafeRawBufferPointer(rebasing: all[member.range])
            return member.isEmpty
                ? 0 : crc32_z(0, member.bindMemory(to: UInt8.self).baseAddress!, member.count)
        }
        guard UInt32(truncatingIfNeeded: sum) == member.checksum else {
            throw Self.failure("\(name) checksum", mustBe: "\(member.checksum)", got: sum)
        }
        return member.range
    }

    private static func failure(
        _ field: String, mustBe wanted: String, got: some Any
    ) -> SPARSError {
        .badFormat(
            field: field,
            message: "The '\(field)' of a PyTorch file must be \(wanted). Got \(got) instead.")
    }

    /// Where the end-of-central-directory record starts; a comment of up to 65,535 bytes may follow.
    private static func endRecord(_ bytes: [UInt8]) throws(SPARSError) -> Int {
        var at = bytes.count - 22
        let lowest = max(at - 65_535, 0)
        while at >= lowest {
            if bytes.littleEndian(at, 4) == 0x0605_4B50,
                Int(bytes.littleEndian(at + 20, 2)) == bytes.count - at - 22
            {
                return at
            }
            at -= 1
        }
        throw failure("end of the zip archive", mustBe: "an end record", got: "none (truncated?)")
    }

    private static func member(
        _ bytes: [UInt8], at: Int, directoryEnd: Int
    ) throws(SPARSError) -> (String, Member, Int) {
        guard at + 46 <= directoryEnd, bytes.littleEndian(at, 4) == 0x0201_4B50 else {
            throw failure("central directory", mustBe: "a list of all members", got: "less")
        }
        let flags = bytes.littleEndian(at + 8, 2)
        let method = bytes.littleEndian(at + 10, 2)
        let checksum = UInt32(bytes.littleEndian(at + 16, 4))
        let storedSize = Int(bytes.littleEndian(at + 20, 4))
        let size = Int(bytes.littleEndian(at + 24, 4))
        let nameLength = Int(bytes.littleEndian(at + 28, 2))
        let next =
            at + 46 + nameLength + Int(bytes.littleEndian(at + 30, 2))
            + Int(bytes.littleEndian(at + 32, 2))
        let header = Int(bytes.littleEndian(at + 42, 4))
        guard next <= directoryEnd else {
            throw failure("central directory", mustBe: "a list of all members", got: "less")
        }
        guard let name = String(validating: bytes[at + 46..<at + 46 + nameLength], as: UTF8.self)
        else { throw failure("member name", mustBe: "valid UTF-8", got: "other bytes") }
        guard method == 0, flags & 1 == 0, size == storedSize else {
            throw failure("\(name) compression", mustBe: "stored", got: "method \(method)")
        }
        guard header + 30 <= bytes.count, bytes.littleEndian(header, 4) == 0x0403_4B50 else {
            throw failure("\(name) header", mustBe: "inside the file", got: header)
        }
        let start =
            header + 30 + Int(bytes.littleEndian(header + 26, 2))
            + Int(bytes.littleEndian(header + 28, 2))
        guard start <= bytes.count, size <= bytes.count - start else {
            throw failure("\(name) size", mustBe: "inside the file", got: size)
        }
        return (name, Member(range: start..<start + size, checksum: checksum), next)
    }
}
