import Testing

@testable import SPARSNative

/// Writes small PyTorch files, right or wrong.
enum TestArchive {
    /// A pickle of {"a": tensor} over storage "0" of one float.
    static func oneTensor(offset: String = "K\0", shape: String = "K\u{1}") -> [UInt8] {
        oneTensor(
            offset: offset, shapeBytes: shape.unicodeScalars.map { UInt8($0.value) },
            strideBytes: [0x4B, 1])
    }

    static func oneTensor(
        offset: String = "K\0", shapeBytes: [UInt8], strideBytes: [UInt8]
    ) -> [UInt8] {
        let head =
            "\u{80}\u{2}}X\u{1}\0\0\0actorch._utils\n_rebuild_tensor_v2\n((X\u{7}\0\0\0storage"
            + "ctorch\nFloatStorage\nX\u{1}\0\0\00X\u{3}\0\0\0cpuK\u{1}tQ" + offset
        let tail = "\u{89}ccollections\nOrderedDict\n)RtRs."
        return latin1(head) + shapeBytes + [0x85] + strideBytes + [0x85] + latin1(tail)
    }

    /// A pickle of {"epoch": 3, "optimizer": {"groups": [{"lr": 0.5}, "x", None]}, key: {prefix + "a":
    /// tensor}, "done": True}.
    static func checkpoint(key: String = "state_dict", prefix: String = "") -> [UInt8] {
        let inner = "}" + text(prefix + "a") + String(latin1: oneTensor()[9...].dropLast())
        return latin1(
            "\u{80}\u{2}}(" + text("epoch") + "K\u{3}" + text("optimizer") + "}" + text("groups")
                + "](}" + text("lr") + "G?\u{E0}\0\0\0\0\0\0s" + text("x") + "NeNas" + text(key)
                + inner + text("done") + "\u{88}u.")
    }

    /// A file from before PyTorch 1.6 of one tensor, "a", over storage "0".
    static func legacy(
        pickle: [UInt8]? = nil, keys: [String] = ["0"], count: Int = 1,
        storage: [UInt8] = [0, 0, 0xC0, 0x3F], isLittle: Bool = true, protocolVersion: UInt8 = 2
    ) -> [UInt8] {
        var file: [UInt8] = [0x80, protocolVersion]
        if protocolVersion >= 4 { file += [0x95, 13, 0, 0, 0, 0, 0, 0, 0] }
        file += [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        file += latin1("\u{80}\u{2}M\u{E9}\u{3}.")
        file += latin1(
            "\u{80}\u{2}}(" + text("protocol_version") + "M\u{E9}\u{3}" + text("little_endian")
                + (isLittle ? "\u{88}" : "\u{89}") + text("type_sizes") + "}" + text("int")
                + "K\u{4}su.")
        // The sixth part of a storage, a view of another one, is None.
        let view = String(latin1: pickle ?? oneTensor()).replacing("K\u{1}tQ", with: "K\u{1}NtQ")
        file += latin1(view)
        file += latin1("\u{80}\u{2}](" + keys.map(text).joined() + "e.")
        var size: [UInt8] = []
        size.appendLittleEndian(UInt64(bitPattern: Int64(count)), 8)
        return file + (isLittle ? size : size.reversed()) + storage
    }

    /// BINUNICODE.
    static func text(_ text: String) -> String {
        var size: [UInt8] = []
        size.appendLittleEndian(UInt64(text.utf8.count), 4)
        return "X" + String(latin1: size) + text
    }

    /// One byte for each character.
    static func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }

    static func stateDict(pickle: [UInt8], storage: [UInt8]) -> [UInt8] {
        zip([("x/data.pkl", pickle), ("x/data/0", storage)])
    }

    static func zip(
        _ members: [(name: String, bytes: [UInt8])], method: UInt64 = 0, isWide: Bool = false
    ) -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (name, bytes) in members {
            let offset = file.count
            var fields: [UInt8] = []
            fields.appendLittleEndian(20, 2)
            fields.appendLittleEndian(0, 2)
            fields.appendLittleEndian(method, 2)
            fields.appendLittleEndian(0, 4)
            fields.appendLittleEndian(UInt64(checksum(bytes)), 4)
            fields.appendLittleEndian(UInt64(bytes.count), 4)
            fields.appendLittleEndian(UInt64(bytes.count), 4)
            fields.appendLittleEndian(UInt64(name.utf8.count), 2)
            fields.appendLittleEndian(0, 2)
            file.appendLittleEndian(0x0403_4B50, 4)
            file += fields + Array(name.utf8) + bytes
            directory.appendLittleEndian(0x0201_4B50, 4)
            directory.appendLittleEndian(20, 2)
            if isWide {
                // Sizes and the header's place as zip64 has them, behind a field of another id.
                fields.replaceSubrange(14..<22, with: [UInt8](repeating: 0xFF, count: 8))
                fields.replaceSubrange(24..<26, with: [33, 0])
            }
            directory += fields
            directory += [UInt8](repeating: 0, count: 10)
            directory.appendLittleEndian(isWide ? 0xFFFF_FFFF : UInt64(offset), 4)
            directory += Array(name.utf8)
            if isWide {
                directory += [0x55, 0x54, 1, 0, 7, 1, 0, 24, 0]
                for number in [bytes.count, bytes.count, offset] {
                    directory.appendLittleEndian(UInt64(number), 8)
                }
            }
        }
        let start = file.count
        file += directory
        if isWide { file += wideEnd(members.count, directory.count, start) }
        file.appendLittleEndian(0x0605_4B50, 4)
        file.appendLittleEndian(0, 4)
        file.appendLittleEndian(isWide ? 0xFFFF : UInt64(members.count), 2)
        file.appendLittleEndian(isWide ? 0xFFFF : UInt64(members.count), 2)
        file.appendLittleEndian(isWide ? 0xFFFF_FFFF : UInt64(directory.count), 4)
        file.appendLittleEndian(isWide ? 0xFFFF_FFFF : UInt64(start), 4)
        file.appendLittleEndian(0, 2)
        return file
    }

    /// Zip64's end record and its locator.
    private static func wideEnd(_ count: Int, _ size: Int, _ start: Int) -> [UInt8] {
        var end: [UInt8] = []
        end.appendLittleEndian(0x0606_4B50, 4)
        end.appendLittleEndian(44, 8)
        end += [UInt8](repeating: 0, count: 12)
        for number in [count, count, size, start] { end.appendLittleEndian(UInt64(number), 8) }
        end.appendLittleEndian(0x0706_4B50, 4)
        end.appendLittleEndian(0, 4)
        end.appendLittleEndian(UInt64(start + size), 8)
        end.appendLittleEndian(1, 4)
        return end
    }

    /// CRC-32 bit by bit, independent of zlib's.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum = UInt32.max
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        return ~sum
    }
}

extension String {
    /// The characters of these bytes, one for each.
    init(latin1 bytes: some Sequence<UInt8>) {
        self.init(String.UnicodeScalarView(bytes.map { UnicodeScalar($0) }))
    }
}

extension TestArchive {
    /// The bytes of 1.5, the one value of `oneTensor`.
    static let storage: [UInt8] = [0, 0, 0xC0, 0x3F]

    static func expectRead(_ bytes: [UInt8]) throws {
        let file = try TorchFile(bytes: bytes)
        #expect(file.names == ["a"])
        #expect(file.shape(of: "a") == [1])
        #expect(try file.values(of: "a") == [1.5])
    }

    static func message(_ bytes: [UInt8]) -> String {
        let error = #expect(throws: SPARSError.self) { try TorchFile(bytes: bytes).values(of: "a") }
        return error.map { "\($0)" } ?? ""
    }
}
