/// What `torch.save` wrote before PyTorch 1.6, and still writes when asked for no zip archive:
/// pickles of a magic number, a version, the machine's properties, the object and the keys of its
/// storages, then for each key the number of elements (int64) and the elements.
///
/// Source: PyTorch, torch/serialization.py, `_legacy_save` and `_legacy_load`.
struct LegacyTorchFile {
    /// 0x1950A86A20F9469CFC6C as a pickle has it, little-endian, and the end of that pickle.
    private static let magic: [UInt8] = [
        0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    let value: PickleValue
    let isBigEndian: Bool
    /// Where the elements of each storage stand.
    let ranges: [String: Range<Int>]

    static func isOne(_ bytes: [UInt8]) -> Bool { afterMagic(bytes) != nil }

    /// Where the second pickle starts. Before the magic number stand the protocol (2 bytes) and, from
    /// protocol 4 on, a frame (9 bytes).
    private static func afterMagic(_ bytes: [UInt8]) -> Int? {
        for start in [2, 11] where bytes.first == 0x80 {
            if bytes.dropFirst(start).starts(with: magic) { return start + magic.count }
        }
        return nil
    }

    init(bytes: [UInt8]) throws(SPARSError) {
        guard var at = Self.afterMagic(bytes) else {
            throw Unpickler.failure("magic number", mustBe: "that of PyTorch", got: "another")
        }
        func next() throws(SPARSError) -> Unpickler.Reading {
            let reading = try Unpickler.read(bytes[at...].prefix(TorchObject.pickleLimit))
            at = reading.end
            return reading
        }
        guard case .integer(1001) = try next().value else {
            throw Unpickler.failure("protocol version", mustBe: "1001", got: "another")
        }
        guard case .dictionary(let machine) = try next().value else {
            throw Unpickler.failure("sys_info", mustBe: "a dictionary", got: "another object")
        }
        let isBigEndian = machine.items.contains { item in
            guard case .text("little_endian") = item.key, case .bool(let isLittle) = item.value
            else { return false }
            return !isLittle
        }
        let object = try next()
        guard case .list(let keys) = try next().value else {
            throw Unpickler.failure("storage keys", mustBe: "a list", got: "another object")
        }
        var ranges: [String: Range<Int>] = [:]
        for key in keys.texts {
            guard let storage = object.storages[key], ranges[key] == nil else {
                throw Unpickler.failure(
                    "storage keys", mustBe: "those of the tensors, each once", got: key)
            }
            let (size, overflow) = storage.count.multipliedReportingOverflow(
                by: storage.type.byteCount)
            guard !overflow, size <= bytes.count - at - 8 else {
                throw Unpickler.failure(
                    "data/\(key)", mustBe: "\(storage.count) elements inside the file",
                    got: "\(bytes.count - at) bytes (truncated?)")
            }
            let count = isBigEndian ? bytes.bigEndian(at, 8) : bytes.littleEndian(at, 8)
            guard count == UInt64(storage.count) else {
                throw Unpickler.failure(
                    "data/\(key)", mustBe: "\(storage.count) elements", got: count)
            }
            ranges[key] = at + 8..<at + 8 + size
            at += 8 + size
        }
        value = object.value
        self.isBigEndian = isBigEndian
        self.ranges = ranges
    }
}
