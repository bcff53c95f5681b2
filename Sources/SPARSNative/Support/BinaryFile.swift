#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Whole files in and out, with the operating system's refusals as `SPARSError.io`.
public enum BinaryFile {
    /// The bytes of the regular file at `path`.
    ///
    /// - Parameter limit: a larger file is refused before any of it is read, so that a lying or
    ///   endless one cannot exhaust memory.
    /// - Throws: `io` if it cannot be read or is not a regular file; `badFormat` if it is larger than
    ///   `limit` bytes.
    public static func read(_ path: String, limit: Int) throws(SPARSError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .lastError(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .lastError(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            throw .io(
                path: path, code: isFolder ? EISDIR : EINVAL,
                message: isFolder ? String(cString: strerror(EISDIR)) : "not a regular file")
        }
        let size = Int(status.st_size)
        guard size <= limit else {
            throw .badFormat(
                field: "size",
                message: "The file's size must be at most \(limit) bytes. Got \(size) instead.")
        }
        var filled = 0
        var failure: SPARSError?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while filled < size {
                // SAFETY: the range filled..<size lies inside the buffer of `size` bytes.
                let got = systemRead(descriptor, buffer.baseAddress! + filled, size - filled)
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

    /// Writes `parts`, one after the other, to `path`: to a new file beside it first, which then
    /// takes its name, so that a reader sees the old file or the whole new one.
    public static func write(_ parts: [[UInt8]], to path: String) throws(SPARSError) {
        var template = Array("\(path).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw .lastError(path) }
        var isClosed = false
        var isRenamed = false
        defer {
            if !isClosed { close(descriptor) }
            if !isRenamed { unlink(template) }
        }
        for part in parts { try write(part, to: descriptor, path: path) }
        // mkstemp makes a private file; the file gets what `open` would have given it.
        let mask = umask(0)
        umask(mask)
        guard fchmod(descriptor, 0o666 & ~mask) == 0, fsync(descriptor) == 0 else {
            throw .lastError(path)
        }
        isClosed = true
        guard close(descriptor) == 0, rename(template, path) == 0 else { throw .lastError(path) }
        isRenamed = true
    }

    private static func write(
        _ part: [UInt8], to descriptor: Int32, path: String
    ) throws(SPARSError) {
        var written = 0
        while written < part.count {
            let got = part.withUnsafeBytes {
                // SAFETY: the range written..<count lies inside the array.
                systemWrite(descriptor, $0.baseAddress! + written, part.count - written)
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { throw .lastError(path) }
            written += got
        }
    }
}

// Inside `BinaryFile` the names `read` and `write` mean its own functions.
private func systemRead(_ file: Int32, _ to: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(file, to, count)
}
private func systemWrite(_ file: Int32, _ from: UnsafeRawPointer, _ count: Int) -> Int {
    write(file, from, count)
}

extension SPARSError {
    /// What the operating system said last, about `path`.
    static func lastError(_ path: String) -> SPARSError {
        let code = errno
        return .io(path: path, code: code, message: String(cString: strerror(code)))
    }
}
