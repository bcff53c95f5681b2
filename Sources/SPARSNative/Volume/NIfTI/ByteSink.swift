import CZlib

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
