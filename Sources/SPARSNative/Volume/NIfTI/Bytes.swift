/// Numbers in bytes, of either byte order.
enum Bytes {
    static func integer(
        _ bytes: [UInt8], _ offset: Int, _ kind: NIfTIField.Kind, isBigEndian: Bool
    ) -> Int64 {
        let bits = pattern(bytes, offset, kind.size, isBigEndian: isBigEndian)
        return switch kind {
        case .int8: Int64(Int8(truncatingIfNeeded: bits))
        case .int16: Int64(Int16(truncatingIfNeeded: bits))
        case .int32: Int64(Int32(truncatingIfNeeded: bits))
        case .int64: Int64(bitPattern: bits)
        case .float32, .float64, .bytes: preconditionFailure("\(kind) is no integer")
        }
    }

    static func real(
        _ bytes: [UInt8], _ offset: Int, _ kind: NIfTIField.Kind, isBigEndian: Bool
    ) -> Double {
        let bits = pattern(bytes, offset, kind.size, isBigEndian: isBigEndian)
        return switch kind {
        case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case .float64: Double(bitPattern: bits)
        case .int8, .int16, .int32, .int64, .bytes: preconditionFailure("\(kind) is no float")
        }
    }

    /// Stores the low bytes of `value`, little-endian.
    static func store(
        _ value: Int64, _ kind: NIfTIField.Kind, at offset: Int, in bytes: inout [UInt8]
    ) {
        for i in 0..<kind.size { bytes[offset + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
    }

    /// Copies one number between kinds, little-endian at the target. Floats are rounded to narrower
    /// ones; integers that do not fit become 0, the header's word for "not given"; a float becomes
    /// an integer only where the caller has checked that it is one.
    static func copy(
        _ source: [UInt8], _ from: Int, _ fromKind: NIfTIField.Kind, isBigEndian: Bool,
        to target: inout [UInt8], _ to: Int, _ toKind: NIfTIField.Kind
    ) {
        switch (fromKind, toKind) {
        case (.bytes(let count), _):
            target.replaceSubrange(to..<to + count, with: source[from..<from + count])
        case (.float32, .float64), (.float64, .float32), (.float32, .int64),
            (.float64, .float64), (.float32, .float32):
            let value = real(source, from, fromKind, isBigEndian: isBigEndian)
            storeReal(value, toKind, at: to, in: &target)
        case (.int64, .float32):
            let value = Double(integer(source, from, fromKind, isBigEndian: isBigEndian))
            storeReal(value, toKind, at: to, in: &target)
        default:
            let value = integer(source, from, fromKind, isBigEndian: isBigEndian)
            let unused = 64 - 8 * toKind.size
            let fits = (value << unused) >> unused == value
            store(fits ? value : 0, toKind, at: to, in: &target)
        }
    }

    private static func storeReal(
        _ value: Double, _ kind: NIfTIField.Kind, at offset: Int, in bytes: inout [UInt8]
    ) {
        switch kind {
        case .float64: store(Int64(bitPattern: value.bitPattern), .int64, at: offset, in: &bytes)
        case .float32: store(Int64(Float(value).bitPattern), .int32, at: offset, in: &bytes)
        default: store(Int64(value), kind, at: offset, in: &bytes)
        }
    }

    private static func pattern(
        _ bytes: [UInt8], _ offset: Int, _ count: Int, isBigEndian: Bool
    ) -> UInt64 {
        var bits: UInt64 = 0
        for i in 0..<count {
            let byte = bytes[offset + (isBigEndian ? i : count - 1 - i)]
            bits = bits << 8 | UInt64(byte)
        }
        return bits
    }
}
