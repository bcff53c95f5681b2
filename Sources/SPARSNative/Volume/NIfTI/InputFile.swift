#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A regular file open for reading. Reading gives its place each time, so several readers may share
/// one file.
final class InputFile: Sendable {
    let path: FilePath
    let size: Int
    private let descriptor: Int32

    /// - Throws: `io` if it cannot be opened or is no regular file.
    init(_ path: FilePath) throws(SPARSError) {
        self.path = path
        // Opening a pipe without O_NONBLOCK would wait for its writer.
        descriptor = unsafe open(path.cString, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(path, errno) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(path, code)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            let code = status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL
            throw unsafe .io(
                path: path.description, code: code,
                message: code == EISDIR ? String(cString: strerror(code)) : "not a regular file")
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fills `buffer` from byte `offset` on as far as the file goes; returns the bytes read.
    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SPARSError) -> Int {
        var filled = 0
        while filled < buffer.count {
            try Control.check()
            // SAFETY: the target lies inside `buffer`.
            let count = unsafe pread(
                descriptor, buffer.baseAddress! + filled, min(buffer.count - filled, 16 << 20),
                off_t(offset + filled))
            if count == 0 { break }
            if count > 0 {
                filled += count
            } else if errno != EINTR {
                throw .system(path, errno)
            }
        }
        return filled
    }

    static func exists(_ path: FilePath) -> Bool { unsafe access(path.cString, F_OK) == 0 }
}
