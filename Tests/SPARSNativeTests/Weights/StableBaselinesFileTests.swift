import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct StableBaselinesFileTests {
    /// A pickle of {"state": {0: {"step": step, "exp_avg": tensor}}, "param_groups": [{"lr": 0.5}]}.
    private static func optimizer(step: String = "K\u{7}") -> [UInt8] {
        let tensor = String(latin1: TestArchive.oneTensor()[9...].dropLast(2))
        return TestArchive.latin1(
            "\u{80}\u{2}}(" + TestArchive.text("state") + "}K\0}(" + TestArchive.text("step") + step
                + TestArchive.text("exp_avg") + String(tensor.dropFirst(0)) + "us"
                + TestArchive.text("param_groups") + "](}" + TestArchive.text("lr")
                + "G?\u{E0}\0\0\0\0\0\0seu.")
    }

    private static func archive(
        policy: [UInt8] = TestArchive.oneTensor(), optimizer: [UInt8]? = optimizer(),
        data: [UInt8] = Array("{}".utf8), method: UInt64 = 0
    ) -> [UInt8] {
        let value: [UInt8] = [0, 0, 0xC0, 0x3F]
        var members = [
            ("data", data), ("policy.pth", TestArchive.stateDict(pickle: policy, storage: value)),
        ]
        if let optimizer {
            members.append(
                ("policy.optimizer.pth", TestArchive.stateDict(pickle: optimizer, storage: value)))
        }
        return TestArchive.zip(members, method: method)
    }

    private func read(_ bytes: [UInt8]) throws -> StableBaselinesFile {
        try StableBaselinesFile(ByteSource(bytes))
    }

    @Test func tensorsOfBothMembersAreNamed() throws {
        let bytes = Self.archive(data: Array("{\"a\": 1}".utf8))
        try withTemporaryFile(bytes) { (path) throws in
            #expect(try StableBaselinesFile.isOne(FilePath(path)))
            let file = try StableBaselinesFile(FilePath(path))
            #expect(file.data == Array("{\"a\": 1}".utf8))
            #expect(file.names == ["a", "optimizer/0/step", "optimizer/0/exp_avg"])
            #expect(file.shape(of: "a") == [1])
            #expect(try file.values(of: "a") == [1.5])
            #expect(file.shape(of: "optimizer/0/step") == [])
            #expect(try file.values(of: "optimizer/0/step") == [7])
            #expect(try file.values(of: "optimizer/0/exp_avg") == [1.5])
            #expect(file.shape(of: "b") == nil)
            #expect(throws: SPARSError.self) { try file.values(of: "b") }
        }
    }

    @Test func otherFilesAreNone() throws {
        for bytes in [
            [], Array("PK".utf8), try Array(Fixture.data("tensors.pth")), Array("none".utf8),
        ] {
            try withTemporaryFile(bytes) { (path) throws in
                #expect(try !StableBaselinesFile.isOne(FilePath(path)))
                #expect(throws: SPARSError.self) { try StableBaselinesFile(FilePath(path)) }
            }
        }
        #expect(throws: SPARSError.self) {
            try StableBaselinesFile.isOne(FilePath("/nowhere/agent.zip"))
        }
    }

    @Test func anAgentWithoutItsOptimiserIsRead() throws {
        #expect(try read(Self.archive(optimizer: nil)).names == ["a"])
    }

    @Test func compressedMembersAreKnownAndRefused() throws {
        let bytes = Self.archive(method: 8)
        try withTemporaryFile(bytes) { (path) throws in
            #expect(try StableBaselinesFile.isOne(FilePath(path)))
        }
        let error = #expect(throws: SPARSError.self) { try read(bytes) }
        #expect("\(error!)".contains("stored"), "\(error!)")
    }

    @Test func aViewLargerThanItsStorageIsRefused() {
        for length in [[0x4B, 2], [0x4A, 0xFF, 0xFF, 0xFF, 0x7F]] as [[UInt8]] {
            let pickle = TestArchive.oneTensor(shapeBytes: length, strideBytes: [0x4B, 0])
            let error = #expect(throws: SPARSError.self) { try read(Self.archive(policy: pickle)) }
            #expect("\(error!)".contains("tensor geometry"), "\(error!)")
        }
    }

    @Test func whatIsNoOptimisersStateIsRefused() {
        for pickle in [
            "}.", "N.", "}" + TestArchive.text("state") + "}" + TestArchive.text("a") + "}ss.",
        ] {
            #expect(throws: SPARSError.self, "\(pickle)") {
                try read(Self.archive(optimizer: TestArchive.latin1(pickle)))
            }
        }
    }

    @Test func truncatedFilesAreRefused() {
        let whole = Self.archive()
        for length in 0..<whole.count {
            #expect(throws: SPARSError.self, "\(length)") { try read(Array(whole[..<length])) }
        }
    }

    @Test(arguments: Seeds.many) func damagedFilesNeverTrap(seed: UInt64) {
        expectSurvivesDamage(Self.archive(), rounds: 300, seed: seed) { try read($0) }
    }

    @Test(arguments: [0, 1, 5, 9]) func partsOfAFileAreThoseOfItsBytes(first: Int) throws {
        let bytes = (0..<20).map { UInt8($0) }
        try withTemporaryFile(bytes) { (path) throws in
            let (file, array) = (ByteSource(try InputFile(FilePath(path))), ByteSource(bytes))
            #expect(try file.bytes() == bytes)
            for source in [file, array] {
                let part = source.part(first..<18)
                #expect(part.count == 18 - first)
                #expect(try part.bytes(1..<4) == Array(bytes[first + 1..<first + 4]))
                #expect(try part.part(2..<2).bytes() == [])
            }
        }
    }
}

@Suite struct WideIntegerTests {
    @Test(
        arguments: [
            ([9, 5, 0, 0, 0, 0, 0, 0, 0, 0], 5), ([9] + [UInt8](repeating: 0xFF, count: 9), -1),
            ([1, 0x80], -128), ([0], 0),
        ] as [([UInt8], Int)]) func integersWithBytesOfSignAreRead(bytes: [UInt8], value: Int)
        throws
    {
        guard case .integer(value) = try Unpickler.read([0x8A] + bytes + [0x2E]).value else {
            Issue.record("not \(value)")
            return
        }
    }

    @Test func integersBeyond64BitsAreRefused() {
        for last in [1, 0xFF] as [UInt8] {
            let bytes: [UInt8] = [0x8A, 9, 0, 0, 0, 0, 0, 0, 0, 0, last, 0x2E]
            #expect(throws: SPARSError.self) { try Unpickler.read(bytes[...]) }
        }
    }
}
