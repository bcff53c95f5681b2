/// Bytes that are read where they are asked for: an array's, or those of a file that may be larger than
/// memory.
struct ByteSource {
    private enum Store {
        case array([UInt8])
        case file(InputFile)
    }

    private let store: Store
    /// Which of the store's bytes these are.
    private let range: Range<Int>

    init(_ bytes: [UInt8]) {
        store = .array(bytes)
        range = bytes.indices
    }

    /// The file stays open as long as the source, or a part of it, lives.
    init(_ file: InputFile) {
        store = .file(file)
        range = 0..<file.size
    }

    private init(_ store: Store, _ range: Range<Int>) {
        self.store = store
        self.range = range
    }

    var count: Int { range.count }

    /// Some of these bytes, which must be inside.
    func part(_ part: Range<Int>) -> ByteSource {
        precondition(0 <= part.lowerBound && part.upperBound <= count, "\(part) of \(count) bytes")
        return ByteSource(
            store, range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
    }

    /// All of them.
    ///
    /// - Throws: `io`; `badFormat` where the file has shrunk since it was opened.
    func bytes() throws(SPARSError) -> [UInt8] {
        switch store {
        case .array(let bytes):
            return range == bytes.indices ? bytes : Array(bytes[range])
        case .file(let file):
            var failure: SPARSError?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
                do throws(SPARSError) {
                    count = try unsafe file.read(
                        UnsafeMutableRawBufferPointer(
                            rebasing: UnsafeMutableRawBufferPointer(buffer)[..<range.count]),
                        at: range.lowerBound)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            guard bytes.count == range.count else {
                throw .badFormat(
                    field: "size", message: "The file shrank while it was being read.")
            }
            return bytes
        }
    }

    /// The bytes of a range, which must be inside.
    func bytes(_ range: Range<Int>) throws(SPARSError) -> [UInt8] { try part(range).bytes() }
}
