import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct JSONTests {
    private func parsed(_ text: String) throws -> JSON {
        try JSON(parsing: Array(text.utf8)[...], field: "text")
    }

    @Test func valuesOfEveryKind() throws {
        let value = try parsed(
            #" {"a": [1, -2.5e3, true, false, null], "b\n\u00e9\ud83d\ude00": {"c": "\"\\/"}} "#)
        #expect(
            value["a"] == .array([.number(1), .number(-2500), .bool(true), .bool(false), .null]))
        #expect(value["b\né😀"]?["c"]?.text == "\"\\/")
        #expect(try parsed("[]") == .array([]))
        #expect(try parsed("{}") == .object([]))
        #expect(try parsed("12").count == 12)
        #expect(try parsed("-1").count == nil)
        #expect(try parsed("1.5").count == nil)
        #expect(try parsed("1e300").count == nil)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "nul", "1 2", "+1", "-", "1e999",
        "NaN",
        "\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
        "\"\u{1}\"", "{\"a\":1,\"a\":2}", "[1 2]", "// x",
    ]) func brokenTextIsRefused(text: String) {
        #expect(throws: SPARSError.self) { try parsed(text) }
    }

    @Test func deepNestsAndBadBytesAreRefused() {
        #expect(throws: SPARSError.self) {
            try parsed(String(repeating: "[", count: 100_000))
        }
        #expect(throws: SPARSError.self) {
            try JSON(parsing: [0x22, 0xFF, 0xFE, 0x22], field: "text")
        }
    }

    @Test(arguments: Seeds.many) func quotedTextComesBack(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        var text = ""
        for _ in 0..<50 {
            let code = random.integer(below: random.integer(below: 2) == 0 ? 0x80 : 0x11_0000)
            if let scalar = Unicode.Scalar(UInt32(code)) { text.unicodeScalars.append(scalar) }
        }
        #expect(try parsed(JSON.quoted(text)).text == text)
    }
}
