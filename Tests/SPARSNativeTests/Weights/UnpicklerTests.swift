import SPARSTestSupport
import Testing

@testable import SPARSNative

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
