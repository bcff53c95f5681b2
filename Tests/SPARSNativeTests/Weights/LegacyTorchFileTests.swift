import SPARSTestSupport
import Testing

@testable import SPARSNative

/// Files from before PyTorch 1.6; cuts and damage of both kinds of file.
@Suite struct LegacyTorchFileTests {
    @Test(arguments: [2, 4] as [UInt8]) func aFileFromBeforeZipArchivesIsRead(
        protocolVersion: UInt8
    ) throws {
        try TestArchive.expectRead(TestArchive.legacy(protocolVersion: protocolVersion))
        try TestArchive.expectRead(
            TestArchive.legacy(storage: [0x3F, 0xC0, 0, 0], isLittle: false))
        let bytes = TestArchive.legacy(pickle: TestArchive.checkpoint(prefix: "module."))
        try TestArchive.expectRead(bytes)
        let values = try withTemporaryFile(bytes) { try WeightFiles.open($0).values(of: "a") }
        #expect(values == [1.5])
    }

    @Test func storagesThatLieAreRefused() {
        #expect(TestArchive.message(TestArchive.legacy(keys: [])).contains("data/0"))
        #expect(TestArchive.message(TestArchive.legacy(keys: ["1"])).contains("storage keys"))
        #expect(TestArchive.message(TestArchive.legacy(keys: ["0", "0"])).contains("storage keys"))
        for count in [0, 2, -1, Int.max] {
            #expect(TestArchive.message(TestArchive.legacy(count: count)).contains("data/0"))
        }
        #expect(TestArchive.message(TestArchive.legacy(storage: [1, 2, 3])).contains("truncated?"))
    }

    @Test(arguments: [
        TestArchive.legacy(), TestArchive.legacy(pickle: TestArchive.checkpoint()),
        TestArchive.zip(
            [("x/data.pkl", TestArchive.oneTensor()), ("x/data/0", [0, 0, 0xC0, 0x3F])],
            isWide: true),
    ]) func cutFilesAreRefused(whole: [UInt8]) {
        for length in 0..<whole.count {
            #expect(throws: SPARSError.self, "\(length)") {
                // What starts like no PyTorch file is none: `isOne` decides first.
                try TorchFile(bytes: Array(whole[..<length])).values(of: "a")
            }
        }
    }

    @Test(arguments: Seeds.many) func damagedFilesNeverTrap(seed: UInt64) {
        let members = [("x/data.pkl", TestArchive.checkpoint()), ("x/data/0", TestArchive.storage)]
        for whole in [
            TestArchive.legacy(), TestArchive.legacy(pickle: TestArchive.checkpoint()),
            TestArchive.zip(members, isWide: true),
        ] {
            expectSurvivesDamage(whole, rounds: 200, seed: seed) { try TorchFile(bytes: $0) }
        }
    }
}
