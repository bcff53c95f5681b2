import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct SHA256Tests {
    /// The examples of FIPS 180-4, and lengths about a block's and its padding's ends (hashlib's).
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 55),
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"
        ),
        (
            String(repeating: "a", count: 64),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ]) func isThatOfTheStandard(text: String, digest: String) {
        var hash = SHA256()
        hash.update(text)
        #expect(hash.finished() == digest)
    }

    @Test(arguments: Seeds.many) func partsDoNotMatter(seed: UInt64) {
        var random = RandomSource(seed: seed)
        let bytes = (0..<500).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        var (whole, parts) = (SHA256(), SHA256())
        whole.update(bytes[...])
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + Int(random.next() % 150))
            parts.update(bytes[at..<end])
            at = end
        }
        #expect(parts.finished() == whole.finished())
    }
}
