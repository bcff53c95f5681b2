/// What a weight file's elements are; all are turned into float32 on reading.
enum ElementType: String, Sendable {
    case float16 = "F16"
    case bfloat16 = "BF16"
    case float32 = "F32"
    case float64 = "F64"
    case int32 = "I32"
    case int64 = "I64"

    var byteCount: Int {
        switch self {
        case .float16, .bfloat16: 2
        case .float32, .int32: 4
        case .float64, .int64: 8
        }
    }

    /// The elements of little-endian bytes, a whole number of them.
    func floats(_ bytes: ArraySlice<UInt8>) throws(SPARSError) -> [Float] {
        let width = byteCount
        var values: [Float] = []
        values.reserveCapacity(bytes.count / width)
        try Control.inRuns(bytes.count / width) { run in
            for i in run { values.append(float(bytes.littleEndian(i * width, width))) }
        }
        return values
    }

    /// The element whose bits are `bits`, rounded to float32 (to nearest, ties to even).
    func float(_ bits: UInt64) -> Float {
        switch self {
        case .float16: halfPrecision(UInt16(truncatingIfNeeded: bits))
        case .bfloat16: Float(bitPattern: UInt32(truncatingIfNeeded: bits) << 16)
        case .float32: Float(bitPattern: UInt32(truncatingIfNeeded: bits))
        case .float64: Float(Double(bitPattern: bits))
        case .int32: Float(Int32(truncatingIfNeeded: bits))
        case .int64: Float(Int64(bitPattern: bits))
        }
    }
}

/// The value of an IEEE 754 binary16 number; exact. (Swift's Float16 is missing on some platforms.)
private func halfPrecision(_ bits: UInt16) -> Float {
    let sign: Float = bits >> 15 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 0x1F)
    let fraction = Float(bits & 0x3FF)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 0x1F: return fraction == 0 ? sign * .infinity : .nan
    default:
        return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
    }
}

/// The IEEE 754 binary16 number nearest to a finite value, ties to even; infinity from 65,520 on.
func halfBits(_ value: Float) -> UInt16 {
    let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
    let magnitude = value.magnitude
    if magnitude >= 65_520 { return sign | 0x7C00 }
    // Below 2^-14 numbers are 2^-24 apart, above they keep 11 bits.
    let exponent = max(magnitude == 0 ? -14 : Int(magnitude.exponent), -14)
    let unit = Float(sign: .plus, exponent: exponent - 10, significand: 1)
    // Exact: a power of two scales, and the quotient has at most 24 bits.
    let steps = Int((magnitude / unit).rounded(.toNearestOrEven))
    // A carry out of the fraction is the next exponent's first number, as it should be.
    return sign | UInt16(steps + (exponent + 14) * 1024)
}

/// A file of named tensors. Names, types and shapes are known when it is open; values are made only
/// when asked for, so that a file cannot make a reader allocate for what it does not want.
protocol WeightFile {
    /// In the file's order.
    var names: [String] { get }
    /// Text that came with the tensors, by name.
    var metadata: [String: String] { get }
    func shape(of name: String) -> [Int]?
    /// The tensor's values, last axis fastest.
    func values(of name: String) throws(SPARSError) -> [Float]
}

/// Opens safetensors and PyTorch `.pth` files; which one it is, the first bytes say.
enum WeightFiles {
    /// Files larger than this are refused where they are read whole; the network of record takes 14 MB.
    static let sizeLimit = 1 << 30

    static func open(_ path: String) throws(SPARSError) -> any WeightFile {
        let bytes = try BinaryFile.read(path, limit: sizeLimit)
        if TorchFile.isOne(bytes) { return try TorchFile(bytes: bytes) }
        return try SafetensorsFile(bytes: bytes)
    }
}

extension ArraySlice where Element == UInt8 {
    /// The little-endian number of `width` bytes at `offset` from the slice's start, which must be inside.
    func littleEndian(_ offset: Int, _ width: Int) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<width { value |= UInt64(self[startIndex + offset + i]) << (8 * UInt64(i)) }
        return value
    }
}

extension Array where Element == UInt8 {
    /// The little-endian number of `width` bytes at `offset`, which must be inside.
    func littleEndian(_ offset: Int, _ width: Int) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<width { value |= UInt64(self[offset + i]) << (8 * UInt64(i)) }
        return value
    }

    func bigEndian(_ offset: Int, _ width: Int) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<width { value = value << 8 | UInt64(self[offset + i]) }
        return value
    }

    mutating func appendLittleEndian(_ value: UInt64, _ width: Int) {
        for i in 0..<width { append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(i)))) }
    }
}

/// The number of elements of `shape`, or nil if a dimension is negative or the product too large.
func elementCount(_ shape: [Int], limit: Int = 1 << 40) -> Int? {
    var product = 1
    for extent in shape {
        guard extent >= 0 else { return nil }
        let (next, overflow) = product.multipliedReportingOverflow(by: extent)
        guard !overflow, next <= limit else { return nil }
        product = next
    }
    return product
}
