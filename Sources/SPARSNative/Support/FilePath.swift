#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file's path as the operating system has it: bytes, which need not be UTF-8.
public struct FilePath: Hashable, Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }
    public init(_ text: String) { bytes = Array(text.utf8) }

    public var description: String { String(decoding: bytes, as: UTF8.self) }

    /// Zero-terminated, as C takes it.
    var cString: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }

    /// Whether the name ends in `suffix`, lower case or upper case.
    func hasSuffix(_ suffix: String) -> Bool {
        bytes.count >= suffix.utf8.count
            && zip(bytes.suffix(suffix.utf8.count), suffix.utf8).allSatisfy { lowered($0) == $1 }
    }

    /// The path with its last `count` bytes replaced by `suffix`, in upper case if they were.
    func replacingLast(_ count: Int, with suffix: String) -> FilePath {
        let isUpper = bytes.suffix(count).contains { (65...90).contains($0) }
        let new = suffix.utf8.map { isUpper && (97...122).contains($0) ? $0 - 32 : $0 }
        return FilePath(bytes: bytes.dropLast(count) + new)
    }

    /// The folder that the path's last part stands in, with the slash at its end; empty for the
    /// working folder.
    var folder: FilePath {
        FilePath(bytes: bytes.lastIndex(of: UInt8(ascii: "/")).map { Array(bytes[...$0]) } ?? [])
    }

    /// The part after the folder's.
    var name: [UInt8] { Array(bytes.dropFirst(folder.bytes.count)) }

    private func lowered(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte + 32 : byte }
}

extension SPARSError {
    /// What the operating system said of a path.
    static func system(_ path: FilePath, _ code: Int32) -> SPARSError {
        unsafe .io(path: path.description, code: code, message: String(cString: strerror(code)))
    }
}
