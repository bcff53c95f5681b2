#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Whole files in and out, with the operating system's refusals as `SPARSError.io`.
public enum BinaryFile {
    /// The bytes of the regular file at `path`.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - limit: a larger file is refused before any of it is read, so that a lying or
    ///   endless one cannot exhaust memory.
    /// - Throws: `io` if it cannot be read or is not a regular file; `badFormat` if it is larger than
    ///   `limit` bytes.
    public static func read(_ path: String, limit: Int) throws(SPARSError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .lastError(path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .lastError(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            throw unsafe .io(
                path: path, code: isFolder ? EISDIR : EINVAL,
                message: isFolder ? String(cString: strerror(EISDIR)) : "not a regular file")
        }
        let size = Int(status.st_size)
        guard size <= limit else {
            throw .badFormat(
                field: "size",
                message: "The file's size must be at most \(limit) bytes. Got \(size) instead.")
        }
        try Memory.require(size, each: 4, for: "The file \(path)")
        var filled = 0
        var failure: SPARSError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while filled < size {
                do throws(SPARSError) { try Control.check() } catch {
                    failure = error
                    break
                }
                // SAFETY: the range filled..<size lies inside the buffer of `size` bytes.
                let got = unsafe systemRead(
                    descriptor, buffer.baseAddress! + filled, min(size - filled, partSize))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = .lastError(path) }
                if got <= 0 { break }
                filled += got
            }
            count = filled
        }
        if let failure { throw failure }
        guard filled == size else {
            throw .badFormat(field: "size", message: "The file shrank while it was being read.")
        }
        return bytes
    }

    /// Bytes that are read between two looks at whether to stop.
    private static let partSize = 16 << 20

    /// Writes `parts`, one after the other, to `path`, whole or not at all; see `OutputFile`.
    public static func write(_ parts: [[UInt8]], to path: String) throws(SPARSError) {
        let file = try OutputFile(FilePath(path))
        for part in parts {
            try unsafe part.withUnsafeBufferPointer { bytes throws(SPARSError) in
                try unsafe file.write(UnsafeRawBufferPointer(bytes))
            }
        }
        try file.commit()
    }
}

// Inside `BinaryFile` the name `read` means its own function.
private func systemRead(_ file: Int32, _ to: UnsafeMutableRawPointer, _ count: Int) -> Int {
    unsafe read(file, to, count)
}
extension SPARSError {
    /// What the operating system said last, about `path`.
    static func lastError(_ path: String) -> SPARSError {
        let code = errno
        return unsafe .io(path: path, code: code, message: String(cString: strerror(code)))
    }
}
