import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct BinaryFileTests {
    @Test func whatIsWrittenIsRead() throws {
        try withTemporaryFile { (path) throws in
            try BinaryFile.write([[1, 2], [], [3]], to: path)
            #expect(try BinaryFile.read(path, limit: 3) == [1, 2, 3])
            try BinaryFile.write([], to: path)
            #expect(try BinaryFile.read(path, limit: 0) == [])
        }
    }

    @Test func refusals() throws {
        try withTemporaryFile([1, 2, 3]) { (path) throws in
            #expect(throws: SPARSError.self) { try BinaryFile.read(path, limit: 2) }
            #expect(throws: SPARSError.self) { try BinaryFile.read(path + ".none", limit: 9) }
            #expect(throws: SPARSError.self) { try BinaryFile.read("/dev/zero", limit: 9) }
            #expect(throws: SPARSError.self) { try BinaryFile.read("/", limit: 1 << 20) }
            #expect(throws: SPARSError.self) { try BinaryFile.write([[1]], to: path + "/below") }
            #expect(try BinaryFile.read(path, limit: 3) == [1, 2, 3])
        }
    }
}
