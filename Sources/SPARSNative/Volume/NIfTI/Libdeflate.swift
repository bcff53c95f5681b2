import SPARSKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The system's libdeflate, which inflates in about a third of zlib's time. It is looked for at run
/// time: nothing is linked against it, and where it is missing `GzipStream` does its work.
///
/// It inflates a member in one go, so that a reader needs room for the file and its whole content,
/// and a stop waits for the member's end: `greatestCount` bounds both.
@safe struct Libdeflate: Sendable {
    /// Nil where the system has none.
    static let shared = Libdeflate(
        names: ["libdeflate.so.0", "libdeflate.0.dylib", "/opt/homebrew/lib/libdeflate.0.dylib"])

    /// Bytes of a file, and of its content, up to which this way is taken: about 0.6 s.
    static let greatestCount = 1 << 28

    // As libdeflate.h declares them; the size of an `enum` is that of an `int`.
    private typealias Start = @Sendable @convention(c) () -> OpaquePointer?
    private typealias End = @Sendable @convention(c) (OpaquePointer) -> Void
    private typealias Inflate =
        @Sendable @convention(c) (
            OpaquePointer, UnsafeRawPointer, Int, UnsafeMutableRawPointer, Int,
            UnsafeMutablePointer<Int>, UnsafeMutablePointer<Int>
        ) -> CInt

    private let start: Start
    private let end: End
    private let inflate: Inflate

    init?(names: [String]) {
        let opened = unsafe names.lazy.compactMap { unsafe dlopen($0, RTLD_NOW | RTLD_LOCAL) }.first
        guard let library = unsafe opened,
            let start = unsafe dlsym(library, "libdeflate_alloc_decompressor"),
            let end = unsafe dlsym(library, "libdeflate_free_decompressor"),
            let inflate = unsafe dlsym(library, "libdeflate_gzip_decompress_ex")
        else { return nil }
        // SAFETY: the functions have these types since libdeflate 1.0, whose library is "so.0"; it
        // is never closed.
        unsafe self.start = unsafe unsafeBitCast(start, to: Start.self)
        unsafe self.end = unsafe unsafeBitCast(end, to: End.self)
        unsafe self.inflate = unsafe unsafeBitCast(inflate, to: Inflate.self)
    }

    /// Inflates the first members of a gzip file, which make `count` bytes.
    ///
    /// - Returns: nil where the members' ends do not meet that count, or a check fails, or the memory
    ///   cannot be had: `GzipStream` reads what can be read all the same, and says what is wrong.
    func inflated(_ file: InputFile, count: Int) throws(SPARSError) -> RawBytes? {
        guard max(file.size, count) <= Libdeflate.greatestCount,
            (try? Memory.require(file.size + count, for: "Reading")) != nil,
            let packed = RawBytes(file.size),
            let content = RawBytes(count),
            let decompressor = unsafe start()
        else { return nil }
        defer { unsafe end(decompressor) }
        let size = try unsafe file.read(packed.bytes, at: 0)
        var (read, made) = (0, 0)
        while made < count {
            try Control.check()
            // It does not check a header's own checksum, which zlib does.
            guard size - read > 3, unsafe packed.bytes[read + 3] & 2 == 0 else { return nil }
            var (used, written) = (0, 0)
            // SAFETY: it reads `size - read` bytes and writes up to `count - made`, which are there.
            let code = unsafe inflate(
                decompressor, packed.bytes.baseAddress! + read, size - read,
                content.bytes.baseAddress! + made, count - made, &used, &written)
            guard code == 0 else { return nil }
            read += used
            made += written
        }
        return content
    }
}

/// Bytes of its own whose content is not set.
@safe final class RawBytes {
    private static let largePage = 2 << 20

    let bytes: UnsafeMutableRawBufferPointer

    /// Nil where they cannot be had.
    init?(_ count: Int) {
        var memory: UnsafeMutableRawPointer?
        guard unsafe posix_memalign(&memory, RawBytes.largePage, count) == 0,
            let memory = unsafe memory
        else {
            return nil
        }
        // With pages of 4 KiB a tenth of the time goes into finding them.
        unsafe adviseLargePages(memory, count)
        unsafe bytes = unsafe UnsafeMutableRawBufferPointer(start: memory, count: count)
    }

    deinit { unsafe free(bytes.baseAddress) }
}
