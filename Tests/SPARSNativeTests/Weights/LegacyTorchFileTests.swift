import SPARSTestSupport
import Testing

@testable import SPARSNative

/// Checkpoints, zip64 archives and files from before PyTorch 1.6.
@Suite struct CheckpointTests {
    private let storage: [UInt8] = [0, 0, 0xC0, 0x3F]

    private func expectRead(_ bytes: [UInt8]) throws {
        let file = try TorchFile(bytes: bytes)
        #expect(file.names == ["a"])
        #expect(file.shape(of: "a") == [1])
        #expect(try file.values(of: "a") == [1.5])
    }

    private func message(_ bytes: [UInt8]) -> String {
        let error = #expect(throws: SPARSError.self) { try TorchFile(bytes: bytes).values(of: "a") }
        return error.map { "\($0)" } ?? ""
    }

    @Test(arguments: ["state_dict", "model_state_dict"], ["", "module."])
    func aStateDictIsFoundInACheckpoint(key: String, prefix: String) throws {
        let pickle = TestArchive.checkpoint(key: key, prefix: prefix)
        try expectRead(TestArchive.stateDict(pickle: pickle, storage: storage))
        try expectRead(TestArchive.legacy(pickle: pickle))
    }

    @Test func aCheckpointUnderAnotherNameSaysHowToSaveIt() {
        let pickle = TestArchive.checkpoint(key: "weights")
        let message = message(TestArchive.stateDict(pickle: pickle, storage: storage))
        #expect(message.contains("torch.save(model.state_dict(), path)"), "\(message)")
        #expect(message.contains("'epoch'"), "\(message)")
    }

    @Test func aZip64ArchiveIsRead() throws {
        let members = [("x/data.pkl", TestArchive.oneTensor()), ("x/data/0", storage)]
        try expectRead(TestArchive.zip(members, isWide: true))
        try expectRead(TestArchive.zip(members))
    }

    @Test(arguments: [2, 4] as [UInt8]) func aFileFromBeforeZipArchivesIsRead(
        protocolVersion: UInt8
    ) throws {
        try expectRead(TestArchive.legacy(protocolVersion: protocolVersion))
        try expectRead(TestArchive.legacy(storage: [0x3F, 0xC0, 0, 0], isLittle: false))
        let bytes = TestArchive.legacy(pickle: TestArchive.checkpoint(prefix: "module."))
        try expectRead(bytes)
        let values = try withTemporaryFile(bytes) { try WeightFiles.open($0).values(of: "a") }
        #expect(values == [1.5])
    }

    @Test func storagesThatLieAreRefused() {
        #expect(message(TestArchive.legacy(keys: [])).contains("data/0"))
        #expect(message(TestArchive.legacy(keys: ["1"])).contains("storage keys"))
        #expect(message(TestArchive.legacy(keys: ["0", "0"])).contains("storage keys"))
        for count in [0, 2, -1, Int.max] {
            #expect(message(TestArchive.legacy(count: count)).contains("data/0"))
        }
        #expect(message(TestArchive.legacy(storage: [1, 2, 3])).contains("truncated?"))
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
        let members = [("x/data.pkl", TestArchive.checkpoint()), ("x/data/0", storage)]
        for whole in [
            TestArchive.legacy(), TestArchive.legacy(pickle: TestArchive.checkpoint()),
            TestArchive.zip(members, isWide: true),
        ] {
            expectSurvivesDamage(whole, rounds: 200, seed: seed) { try TorchFile(bytes: $0) }
        }
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

    @Test func listsInALoopAndManyListsEndInTime() throws {
        // A list that holds itself, and a long one that is remembered after each of its texts.
        let text = TestArchive.text("t")
        let loop = "]q\0h\0a."
        guard case .list(let own) = try Unpickler.read(TestArchive.latin1(loop)[...]).value else {
            Issue.record("no list")
            return
        }
        #expect(own.texts.isEmpty)
        let long = "]" + String(repeating: text + "aq\0", count: 20_000) + "."
        guard case .list(let list) = try Unpickler.read(TestArchive.latin1(long)[...]).value else {
            Issue.record("no list")
            return
        }
        #expect(list.texts.count == 20_000)
        for broken in ["a.", "Na.", "]a.", "(e.", "N(e.", "](Na."] {
            #expect(throws: SPARSError.self, "\(broken)") {
                try Unpickler.read(TestArchive.latin1(broken)[...])
            }
        }
    }
}
