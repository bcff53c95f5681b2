import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct TorchFileTests {
    @Test func readsWhatTorchSaves() throws {
        let file = try TorchFile(bytes: Array(Fixture.data("tensors.pth")))
        let eighths = (0..<24).map { Float($0) / 8 }
        #expect(file.shape(of: "plain") == [2, 3, 4])
        #expect(try file.values(of: "plain") == eighths)
        #expect(file.shape(of: "transposed") == [6, 4])
        #expect(
            try file.values(of: "transposed")
                == (0..<24).map { eighths[6 * ($0 % 4) + $0 / 4] })
        #expect(try file.values(of: "view") == [-1, 1, 3])
        #expect(try file.values(of: "whole") == (0..<10).map { Float($0) - 3 })
        #expect(try file.values(of: "expanded") == [2.5, 2.5, 2.5])
        #expect(try file.values(of: "half") == [1.5, -0.25, 65504, 0x1p-24])
        #expect(try file.values(of: "bfloat")[..<2] == [1.5, -0.25])
        #expect(try file.values(of: "double") == [0.1])
        #expect(try file.values(of: "count") == [7])
        #expect(file.shape(of: "count") == [])
        #expect(try file.values(of: "empty") == [])
        #expect(file.shape(of: "empty") == [0, 3])
        #expect(try file.values(of: "parameter") == [4, 5])
        #expect(file.names.count == 11)
    }

    @Test func truncatedFilesAreRefused() throws {
        let whole = Array(try Fixture.data("tensors.pth"))
        for length in stride(from: 0, to: whole.count, by: 7) {
            #expect(throws: SPARSError.self, "\(length)") {
                try TorchFile(bytes: Array(whole[..<length]))
            }
        }
    }

    @Test(arguments: Seeds.many) func damagedFilesNeverTrap(seed: UInt64) throws {
        let whole = Array(try Fixture.data("tensors.pth"))
        expectSurvivesDamage(whole, rounds: 200, seed: seed) { try TorchFile(bytes: $0) }
    }

    @Test func aChangedStorageFailsItsChecksum() throws {
        var bytes = TestArchive.stateDict(pickle: TestArchive.oneTensor(), storage: [0, 0, 0, 0])
        let file = try TorchFile(bytes: bytes)
        #expect(try file.values(of: "a") == [0])
        let at = bytes.indices.first { bytes[$0...].starts(with: Array("x/data/0".utf8)) }!
        bytes[at + 8] = 1
        let changed = try TorchFile(bytes: bytes)
        #expect(throws: SPARSError.self) { try changed.values(of: "a") }
    }

    @Test func compressedMembersAreRefused() {
        let bytes = TestArchive.zip([("x/data.pkl", TestArchive.oneTensor())], method: 8)
        #expect(throws: SPARSError.self) { try TorchFile(bytes: bytes) }
    }

    @Test func membersOfOneNameAreRefused() {
        let pickle = TestArchive.oneTensor()
        let bytes = TestArchive.zip([("x/data.pkl", pickle), ("x/data.pkl", pickle)])
        #expect(throws: SPARSError.self) { try TorchFile(bytes: bytes) }
    }

    @Test(arguments: [
        TestArchive.oneTensor(offset: "K\u{1}"), TestArchive.oneTensor(shape: "K\u{2}"),
        TestArchive.oneTensor(shape: "J\u{7F}\u{7F}\u{7F}\u{7F}"),
    ]) func viewsOutsideTheirStorageAreRefused(pickle: [UInt8]) {
        let bytes = TestArchive.stateDict(pickle: pickle, storage: [0, 0, 0, 0])
        #expect(throws: SPARSError.self) { try TorchFile(bytes: bytes) }
    }

    @Test func negativeAndOverflowingViewsAreRefused() {
        func number(_ value: Int) -> [UInt8] {
            var bytes: [UInt8] = [0x8A, 8]
            bytes.appendLittleEndian(UInt64(bitPattern: Int64(value)), 8)
            return bytes
        }
        for (shape, stride) in [(-1, 1), (Int.max, Int.max), (2, -1), (Int.max, 0)] {
            let pickle = TestArchive.oneTensor(
                shapeBytes: number(shape), strideBytes: number(stride))
            let bytes = TestArchive.stateDict(pickle: pickle, storage: [0, 0, 0, 0])
            let error = #expect(throws: SPARSError.self, "\(shape) \(stride)") {
                try TorchFile(bytes: bytes)
            }
            #expect("\(error!)".contains("tensor geometry"), "\(error!)")
        }
    }
}

@Suite struct UnpicklerTests {
    private func value(_ text: String) throws -> PickleValue {
        // Latin-1: one byte for each character.
        try Unpickler.read(text.unicodeScalars.map { UInt8($0.value) }[...]).value
    }

    @Test(arguments: [
        ("cos\nsystem\n(X\u{2}\0\0\0lstR.", "os.system"),
        ("cbuiltins\neval\n(X\u{1}\0\0\01tR.", "builtins.eval"),
        ("\u{8C}\u{2}os\u{8C}\u{6}system\u{93})R.", "os.system"),
        ("ctorch\nload\n)R.", "torch.load"),
        ("(S'ls'\nios\nsystem\n.", "0x53"), ("cos\nsystem\n)\u{81}.", "0x81"),
    ]) func nothingIsCalled(pickle: String, name: String) {
        let error = #expect(throws: SPARSError.self) { try value(pickle) }
        #expect("\(error!)".contains(name), "\(error!)")
    }

    @Test(arguments: [
        "", "}", ".", "t.", "u.", "s.", "R.", "Q.", "b.", "q\0.", "h\0.", "\u{87}.", "(}s.",
        "X\u{FF}\u{FF}\u{FF}\u{FF}a.", "\u{8A}\u{9}123456789.", "cos", "K", "\u{95}\0\0",
        "}q\0h\0h\0s.", "}q\0X\u{1}\0\0\0ah\0s.", "}q\0X\u{1}\0\0\0ah\0\u{85}s.", "NQ.", "N)R.",
        "X\u{1}\0\0\0\u{FF}.",
    ]) func brokenPicklesAreRefused(pickle: String) {
        #expect(throws: SPARSError.self) { try value(pickle) }
    }

    @Test func deepNestsAreRefusedBeforeTheyOverflowTheStack() {
        let tuples = ")" + String(repeating: "\u{85}", count: 1_000_000) + "."
        #expect(throws: SPARSError.self) { try value(tuples) }
        // Outer dictionaries first: each is filled when the next is already inside it.
        var nest = "}"
        for _ in 0..<1000 { nest += "X\u{1}\0\0\0a}q\0sh\0" }
        #expect(throws: SPARSError.self) { try value(nest + ".") }
    }

    @Test func aHugeMemoNumberCostsNothing() throws {
        guard case .integer(5) = try value("K\u{5}r\u{FF}\u{FF}\u{FF}\u{7F}.") else {
            Issue.record("not 5")
            return
        }
    }

    @Test(arguments: Seeds.many) func randomProgramsNeverTrap(seed: UInt64) {
        var random = RandomSource(seed: seed)
        let codes = Array("(NKMJX}sut)qrhjQRb.".utf8) + [0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x94]
        for _ in 0..<2000 {
            let program = (0..<random.integer(below: 40)).map { _ in
                random.integer(below: 4) == 0
                    ? UInt8(random.integer(below: 4)) : codes[random.integer(below: codes.count)]
            }
            _ = try? Unpickler.read(program[...])
        }
    }
}
