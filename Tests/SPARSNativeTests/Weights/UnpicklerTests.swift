import Testing

@testable import SPARSNative

@Suite struct UnpicklerTests {
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
