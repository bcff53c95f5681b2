import Testing

@testable import SPARSNative

@Suite struct ZipArchiveTests {
    @Test func aZip64ArchiveIsRead() throws {
        let members = [("x/data.pkl", TestArchive.oneTensor()), ("x/data/0", TestArchive.storage)]
        try TestArchive.expectRead(TestArchive.zip(members, isWide: true))
        try TestArchive.expectRead(TestArchive.zip(members))
    }

    @Test func wideNumbersThatLieAreRefused() {
        let whole = TestArchive.zip([("x/data.pkl", TestArchive.oneTensor())], isWide: true)
        // Every number of 64 bits in turn becomes the largest, the least and a large one.
        for value in [UInt64.max, UInt64(Int64.max), 1 << 40] {
            for offset in 0..<whole.count - 8 {
                var bytes = whole
                var wide: [UInt8] = []
                wide.appendLittleEndian(value, 8)
                bytes.replaceSubrange(offset..<offset + 8, with: wide)
                _ = try? TorchFile(bytes: bytes)
            }
        }
    }
}
