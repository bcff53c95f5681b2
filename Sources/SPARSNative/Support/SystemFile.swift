#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Short files in which Linux says what it has, as those of /proc: they have no size.
enum SystemFile {
    /// The first 8 KiB of a file; empty where there is none.
    static func text(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 8192) { buffer, count in
            // SAFETY: `read` writes at most the buffer's 8,192 bytes.
            count = unsafe max(0, read(descriptor, buffer.baseAddress!, 8192))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The number that a file holds alone; nil where it holds another thing.
    static func number(_ path: String) -> Int? {
        text(path).split(whereSeparator: \.isNewline).first.flatMap { Int($0) }
    }
}
