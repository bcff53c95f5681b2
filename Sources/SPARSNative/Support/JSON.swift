/// A JSON value (RFC 8259); an object keeps its members' order.
public enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([Member])

    public struct Member: Equatable, Sendable {
        public let name: String
        public let value: JSON

        public init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// The value that `bytes` spell, blanks around it allowed.
    ///
    /// Strict: no comments, no trailing commas, no duplicate names, valid UTF-8, at most 64 levels
    /// deep. Memory stays proportional to the number of bytes.
    ///
    /// - Throws: `badFormat` naming `field` and the byte where the text went wrong.
    public init(parsing bytes: ArraySlice<UInt8>, field: String) throws(SPARSError) {
        var parser = JSONParser(bytes: bytes, field: field)
        self = try parser.document()
    }

    /// The member of this name, if this is an object that has one.
    public subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// Whole and not negative, if this is such a number below 2^53.
    public var count: Int? {
        guard case .number(let value) = self, value >= 0, value < 0x1p53,
            value.rounded(.towardZero) == value
        else { return nil }
        return Int(value)
    }

    public var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// `text` as a JSON string, quotes included.
    public static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

private struct JSONParser {
    let bytes: ArraySlice<UInt8>
    let field: String
    var at: Int

    init(bytes: ArraySlice<UInt8>, field: String) {
        self.bytes = bytes
        self.field = field
        at = bytes.startIndex
    }

    mutating func document() throws(SPARSError) -> JSON {
        let value = try self.value(depth: 0)
        skipBlanks()
        guard at == bytes.endIndex else { throw failure("the end of the text") }
        return value
    }

    private func failure(_ wanted: String) -> SPARSError {
        .badFormat(
            field: field,
            message:
                "The \(field) must be valid JSON. Byte \(at - bytes.startIndex) must be \(wanted).")
    }

    private var next: UInt8? { at < bytes.endIndex ? bytes[at] : nil }

    private mutating func skipBlanks() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) throws(SPARSError) {
        guard next == UInt8(ascii: character) else { throw failure("'\(character)'") }
        at += 1
    }

    private mutating func takes(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func word(_ word: String, _ value: JSON) throws(SPARSError) -> JSON {
        for scalar in word.unicodeScalars { try take(scalar) }
        return value
    }

    private mutating func value(depth: Int) throws(SPARSError) -> JSON {
        guard depth < 64 else { throw failure("less than 64 levels deep") }
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(SPARSError) -> JSON {
        try take("{")
        var members: [JSON.Member] = []
        var names: Set<String> = []
        skipBlanks()
        if takes("}") { return .object([]) }
        repeat {
            skipBlanks()
            let name = try string()
            guard names.insert(name).inserted else {
                throw failure("after a name not used before, and '\(name)' was")
            }
            skipBlanks()
            try take(":")
            members.append(.init(name, try value(depth: depth + 1)))
            skipBlanks()
        } while takes(",")
        try take("}")
        return .object(members)
    }

    private mutating func array(depth: Int) throws(SPARSError) -> JSON {
        try take("[")
        var values: [JSON] = []
        skipBlanks()
        if takes("]") { return .array([]) }
        repeat {
            values.append(try value(depth: depth + 1))
            skipBlanks()
        } while takes(",")
        try take("]")
        return .array(values)
    }

    private mutating func number() throws(SPARSError) -> JSON {
        let start = at
        while let byte = next, "+-.0123456789eE".utf8.contains(byte) { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        guard at - start <= 64, let first = text.first, first == "-" || first.isNumber,
            let value = Double(text), value.isFinite
        else {
            at = start
            throw failure("a value")
        }
        return .number(value)
    }

    private mutating func string() throws(SPARSError) -> String {
        try take("\"")
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw failure("no control character") }
            at += 1
            if byte == UInt8(ascii: "\\") {
                text += Array(String(Character(try escaped())).utf8)
            } else {
                text.append(byte)
            }
        }
        try take("\"")
        guard let valid = String(validating: text, as: UTF8.self) else {
            throw failure("the end of a string of valid UTF-8")
        }
        return valid
    }

    private mutating func escaped() throws(SPARSError) -> Unicode.Scalar {
        guard let byte = next else { throw failure("an escape") }
        at += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return .init(byte)
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("an escape")
        }
    }

    private mutating func unicodeEscape() throws(SPARSError) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // A surrogate: only a high one followed by a low one spells a character.
        guard (0xD800..<0xDC00).contains(first) else { throw failure("after a high surrogate") }
        try take("\\")
        try take("u")
        let second = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure("after a low surrogate") }
        return scalar
    }

    private mutating func fourHexDigits() throws(SPARSError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("a hexadecimal digit")
            }
            value = value << 4 + UInt32(digit)
            at += 1
        }
        return value
    }
}
