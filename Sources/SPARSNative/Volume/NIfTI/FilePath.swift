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

    private func lowered(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte + 32 : byte }
}

/// Where the header and the voxels of one scan may stand.
struct NIfTIPaths {
    let header: FilePath
    /// Where the voxels may stand, best first; nil where they follow the header.
    let voxels: [FilePath]?

    /// Both files of a pair for the path of either one.
    ///
    /// - Parameter exists: whether a file is there, to find the header of a given `.img`.
    init(_ path: FilePath, exists: (FilePath) -> Bool) {
        let endings = [".hdr", ".hdr.gz", ".img", ".img.gz"]
        guard let ending = endings.first(where: path.hasSuffix) else {
            header = path
            voxels = nil
            return
        }
        let gzip = ending.hasSuffix(".gz")
        func partner(_ kind: String) -> [FilePath] {
            (gzip ? [kind + ".gz", kind] : [kind, kind + ".gz"]).map {
                path.replacingLast(ending.utf8.count, with: $0)
            }
        }
        if ending.hasPrefix(".hdr") {
            header = path
            voxels = partner(".img")
        } else {
            let headers = partner(".hdr")
            header = headers.first(where: exists) ?? headers[0]
            voxels = [path]
        }
    }
}
