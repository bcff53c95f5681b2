import CZlib

/// Takes a file's content in order.
protocol ByteSink: AnyObject {
    func write(_ bytes: UnsafeRawBufferPointer) throws(SPARSError)
    /// Writes what is still held back.
    func finish() throws(SPARSError)
}

extension ByteSink {
    func write(_ bytes: [UInt8]) throws(SPARSError) {
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(SPARSError) in
            try unsafe write(UnsafeRawBufferPointer(buffer))
        }
    }
}

/// Writes the bytes as they are.
final class PlainSink: ByteSink {
    private let file: OutputFile

    init(_ file: OutputFile) { self.file = file }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SPARSError) { try unsafe file.write(bytes) }
    func finish() throws(SPARSError) {}
}

/// Writes one gzip member without a name or a time in it, so equal content makes equal files.
@safe final class GzipSink: ByteSink {
    private let file: OutputFile
    private let zlib: UnsafeMutablePointer<z_stream>
    private var output = [UInt8](repeating: 0, count: 1 << 18)

    /// Level 1, as nibabel: masks become small at any level, and noise at none.
    private static let level: Int32 = 1

    init(_ file: OutputFile) throws(SPARSError) {
        self.file = file
        // SAFETY: zlib keeps a pointer to its stream, which therefore must not move.
        unsafe zlib = .allocate(capacity: 1)
        unsafe zlib.initialize(to: z_stream())
        let gzip: Int32 = 15 + 16
        let defaultMemory: Int32 = 8
        let code = unsafe deflateInit2_(
            zlib, GzipSink.level, Z_DEFLATED, gzip, defaultMemory, Z_DEFAULT_STRATEGY,
            ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            unsafe zlib.deallocate()
            throw .outOfMemory(message: "zlib could not start: code \(code).")
        }
    }

    deinit {
        unsafe deflateEnd(zlib)
        unsafe zlib.deallocate()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SPARSError) {
        // zlib counts in 32 bits.
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            let part = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 28))
            unsafe rest = unsafe rest.dropFirst(part.count)
            try unsafe deflate(part, Z_NO_FLUSH)
        }
    }

    func finish() throws(SPARSError) {
        try unsafe deflate(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH)
    }

    private func deflate(_ part: UnsafeRawBufferPointer, _ flush: Int32) throws(SPARSError) {
        // SAFETY: zlib reads `part` only, alive during the call; its type lacks `const`.
        unsafe zlib.pointee.next_in = unsafe UnsafeMutablePointer(
            mutating: part.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe zlib.pointee.avail_in = UInt32(part.count)
        var isFull = true
        while isFull {
            let size = output.count
            let file = self.file
            isFull = try unsafe output.withBytes { bytes throws(SPARSError) in
                unsafe zlib.pointee.next_out = unsafe bytes.baseAddress!.assumingMemoryBound(
                    to: UInt8.self)
                unsafe zlib.pointee.avail_out = UInt32(size)
                let code = unsafe CZlib.deflate(zlib, flush)
                precondition(code != Z_STREAM_ERROR, "deflate was given a broken stream")
                let made = unsafe size - Int(zlib.pointee.avail_out)
                try unsafe file.write(UnsafeRawBufferPointer(rebasing: bytes[..<made]))
                return made == size
            }
        }
    }
}
