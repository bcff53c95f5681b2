import CZlib

/// A file's content from its start to its end, inflated where it is compressed.
protocol ByteStream: AnyObject {
    /// Fills `buffer` as far as the content goes; returns the bytes written, fewer only at the end.
    func read(_ buffer: UnsafeMutableRawBufferPointer) throws(SPARSError) -> Int
    /// Reads on to the end of what is checked as a whole, which must be near, and checks it.
    func finish() throws(SPARSError)
}

extension [UInt8] {
    /// `withUnsafeMutableBytes` that carries typed errors.
    mutating func withBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws(SPARSError) -> Result
    ) throws(SPARSError) -> Result {
        try unsafe withUnsafeMutableBufferPointer { buffer throws(SPARSError) in
            try unsafe body(UnsafeMutableRawBufferPointer(buffer))
        }
    }
}

extension ByteStream {
    /// Reads `count` bytes, or fewer at the end.
    func bytes(_ count: Int) throws(SPARSError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try fill(&bytes, count)
        return Array(bytes.prefix(read))
    }

    /// Reads `count` bytes to the start of `buffer`, which is as long; fewer at the end.
    func fill(_ buffer: inout [UInt8], _ count: Int) throws(SPARSError) -> Int {
        try unsafe buffer.withBytes { bytes throws(SPARSError) in
            try unsafe read(UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]))
        }
    }

    /// Reads over up to `count` bytes; returns how many there were.
    func skip(_ count: Int) throws(SPARSError) -> Int {
        var scratch = [UInt8](repeating: 0, count: min(count, 1 << 18))
        var skipped = 0
        while skipped < count {
            try Control.check()
            let wanted = min(count - skipped, scratch.count)
            let read = try fill(&scratch, wanted)
            skipped += read
            if read < wanted { break }
        }
        return skipped
    }
}

/// The bytes of a file as they are.
final class PlainStream: ByteStream {
    private let file: InputFile
    private var position = 0

    init(_ file: InputFile) { self.file = file }

    func read(_ buffer: UnsafeMutableRawBufferPointer) throws(SPARSError) -> Int {
        let count = try unsafe file.read(buffer, at: position)
        position += count
        return count
    }

    func finish() throws(SPARSError) {}
}

/// The inflated content of a gzip file (RFC 1952) of any number of members.
///
/// Each member that is read to its end is checked against its CRC and length. `finish` reads the
/// current member to its end; what follows it, padding or anything else, is left alone.
@safe final class GzipStream: ByteStream {
    /// Deflate makes at most 1,032 bytes of one (zlib's technical details).
    static let greatestRatio = 1032

    private let file: InputFile
    private let zlib: UnsafeMutablePointer<z_stream>
    private var input = [UInt8](repeating: 0, count: 1 << 16)
    private var available = 0
    private var consumed = 0
    private var position = 0
    private var isBetweenMembers = true
    private var isAtEnd = false
    private var members = 0

    static func isGzip(_ file: InputFile) throws(SPARSError) -> Bool {
        try PlainStream(file).bytes(2) == [0x1F, 0x8B]
    }

    init(_ file: InputFile) throws(SPARSError) {
        self.file = file
        // SAFETY: zlib keeps a pointer to its stream, which therefore must not move.
        unsafe zlib = .allocate(capacity: 1)
        unsafe zlib.initialize(to: z_stream())
        let gzipOnly = 15 + 16
        let code = unsafe inflateInit2_(
            zlib, Int32(gzipOnly), ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            unsafe zlib.deallocate()
            throw .outOfMemory(message: "zlib could not start: code \(code).")
        }
    }

    deinit {
        unsafe inflateEnd(zlib)
        unsafe zlib.deallocate()
    }

    func read(_ buffer: UnsafeMutableRawBufferPointer) throws(SPARSError) -> Int {
        var filled = 0
        while filled < buffer.count, !isAtEnd {
            if isBetweenMembers, try !startMember() { break }
            // zlib counts in 32 bits.
            let part = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer[filled..<min(filled + 1 << 28, buffer.count)])
            unsafe filled += try inflate(into: part)
        }
        return filled
    }

    func finish() throws(SPARSError) {
        var scratch = [UInt8](repeating: 0, count: 1 << 16)
        var left = NIfTIFile.tailLimit
        while !isBetweenMembers, !isAtEnd {
            try Control.check()
            unsafe left -= try scratch.withBytes { bytes throws(SPARSError) in
                try unsafe inflate(into: bytes)
            }
            guard left >= 0 else {
                throw .gzip(
                    "too long",
                    "member \(members) goes on for more than \(NIfTIFile.tailLimit) bytes")
            }
        }
    }

    /// Inflates the current member until `buffer` is full or the member ends.
    private func inflate(into buffer: UnsafeMutableRawBufferPointer) throws(SPARSError) -> Int {
        guard try refill() else {
            throw .gzip("truncated", "the file ends inside its member \(members)")
        }
        let before = consumed
        let size = buffer.count
        let (code, left) = unsafe input.withUnsafeMutableBufferPointer { bytes in
            // SAFETY: zlib reads the bytes from `consumed` to `available` and writes inside
            // `buffer` only, both alive during the call.
            unsafe zlib.pointee.next_in = unsafe bytes.baseAddress! + consumed
            unsafe zlib.pointee.avail_in = UInt32(available - consumed)
            unsafe zlib.pointee.next_out = unsafe buffer.baseAddress!.assumingMemoryBound(
                to: UInt8.self)
            unsafe zlib.pointee.avail_out = UInt32(size)
            let code = unsafe CZlib.inflate(zlib, Z_NO_FLUSH)
            return unsafe (code, Int(zlib.pointee.avail_in))
        }
        consumed = available - left
        let written = unsafe size - Int(zlib.pointee.avail_out)
        switch code {
        case Z_STREAM_END:
            isBetweenMembers = true
        case Z_OK:
            break
        case Z_BUF_ERROR where consumed > before || written > 0:
            break
        default:
            let reason =
                unsafe zlib.pointee.msg.map { unsafe String(cString: $0) } ?? "code \(code)"
            throw .gzip("corrupt", "member \(members), before byte \(position): \(reason)")
        }
        return written
    }

    /// Whether another member follows, now started.
    private func startMember() throws(SPARSError) -> Bool {
        guard try refill(), try isMagicNext() else {
            isAtEnd = true
            return false
        }
        unsafe inflateReset(zlib)
        isBetweenMembers = false
        members += 1
        return true
    }

    /// Whether the next two bytes are those of a member. The second may lie in the next block.
    private func isMagicNext() throws(SPARSError) -> Bool {
        guard input[consumed] == 0x1F else { return false }
        if consumed + 1 < available { return input[consumed + 1] == 0x8B }
        var byte: [UInt8] = [0]
        let count = try unsafe byte.withBytes { bytes throws(SPARSError) in
            try unsafe file.read(bytes, at: position)
        }
        return count == 1 && byte[0] == 0x8B
    }

    /// Reads the next block of the file if the last is used up; false at its end.
    private func refill() throws(SPARSError) -> Bool {
        if consumed < available { return true }
        let offset = position
        available = try unsafe input.withBytes { bytes throws(SPARSError) in
            try unsafe file.read(bytes, at: offset)
        }
        consumed = 0
        position += available
        return available > 0
    }
}

extension SPARSError {
    fileprivate static func gzip(_ what: String, _ why: String) -> SPARSError {
        .badFormat(field: "gzip", message: "gzip data are \(what): \(why).")
    }
}
