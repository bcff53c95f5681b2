import CZlib

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that appears under its name only when it is complete: it is written beside it and renamed
/// at the end. Ends without a trace if it is dropped before `commit`.
final class OutputFile {
    private let path: FilePath
    private let temporary: FilePath
    private var descriptor: Int32 = -1

    /// - Throws: `io` if no file can be made in the path's folder.
    init(_ path: FilePath) throws(SPARSError) {
        self.path = path
        // In the same folder, since a rename does not cross file systems; the random part keeps two
        // writers of one path apart.
        var random = SystemRandomNumberGenerator()
        let folder = path.bytes.lastIndex(of: UInt8(ascii: "/")).map { path.bytes[...$0] } ?? []
        let name = ".spars-\(String(random.next() as UInt64, radix: 36)).part"
        temporary = FilePath(bytes: folder + Array(name.utf8))
        descriptor = open(temporary.cString, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .system(path, errno) }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporary.cString)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SPARSError) {
        var written = 0
        while written < bytes.count {
            // SAFETY: the source lies inside `bytes`.
            let count = systemWrite(
                descriptor, bytes.baseAddress! + written, bytes.count - written)
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw .system(path, errno)
            }
        }
    }

    /// Puts the file in its place.
    func commit() throws(SPARSError) {
        // A full disk may show only here; the content is on the disk before the name is.
        guard fsync(descriptor) == 0, rename(temporary.cString, path.cString) == 0 else {
            throw .system(path, errno)
        }
        close(descriptor)
        descriptor = -1
    }
}

/// The operating system's `write`, whose name the methods here have too.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

/// Takes a file's content in order.
protocol ByteSink: AnyObject {
    func write(_ bytes: UnsafeRawBufferPointer) throws(SPARSError)
    /// Writes what is still held back.
    func finish() throws(SPARSError)
}

extension ByteSink {
    func write(_ bytes: [UInt8]) throws(SPARSError) {
        try bytes.withUnsafeBufferPointer { buffer throws(SPARSError) in
            try write(UnsafeRawBufferPointer(buffer))
        }
    }
}

/// Writes the bytes as they are.
final class PlainSink: ByteSink {
    private let file: OutputFile

    init(_ file: OutputFile) { self.file = file }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SPARSError) { try file.write(bytes) }
    func finish() throws(SPARSError) {}
}

/// Writes one gzip member without a name or a time in it, so equal content makes equal files.
final class GzipSink: ByteSink {
    private let file: OutputFile
    private let zlib: UnsafeMutablePointer<z_stream>
    private var output = [UInt8](repeating: 0, count: 1 << 18)

    /// Level 1, as nibabel: masks become small at any level, and noise at none.
    private static let level: Int32 = 1

    init(_ file: OutputFile) throws(SPARSError) {
        self.file = file
        // SAFETY: zlib keeps a pointer to its stream, which therefore must not move.
        zlib = .allocate(capacity: 1)
        zlib.initialize(to: z_stream())
        let gzip: Int32 = 15 + 16
        let defaultMemory: Int32 = 8
        let code = deflateInit2_(
            zlib, GzipSink.level, Z_DEFLATED, gzip, defaultMemory, Z_DEFAULT_STRATEGY,
            ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            zlib.deallocate()
            throw .outOfMemory(message: "zlib could not start: code \(code).")
        }
    }

    deinit {
        deflateEnd(zlib)
        zlib.deallocate()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SPARSError) {
        // zlib counts in 32 bits.
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 28))
            rest = rest.dropFirst(part.count)
            try deflate(part, Z_NO_FLUSH)
        }
    }

    func finish() throws(SPARSError) {
        try deflate(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH)
    }

    private func deflate(_ part: UnsafeRawBufferPointer, _ flush: Int32) throws(SPARSError) {
        // SAFETY: zlib reads `part` only, alive during the call; its type lacks `const`.
        zlib.pointee.next_in = UnsafeMutablePointer(
            mutating: part.baseAddress?.assumingMemoryBound(to: UInt8.self))
        zlib.pointee.avail_in = UInt32(part.count)
        var isFull = true
        while isFull {
            let size = output.count
            let file = self.file
            isFull = try output.withBytes { bytes throws(SPARSError) in
                zlib.pointee.next_out = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
                zlib.pointee.avail_out = UInt32(size)
                let code = CZlib.deflate(zlib, flush)
                precondition(code != Z_STREAM_ERROR, "deflate was given a broken stream")
                let made = size - Int(zlib.pointee.avail_out)
                try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<made]))
                return made == size
            }
        }
    }
}
