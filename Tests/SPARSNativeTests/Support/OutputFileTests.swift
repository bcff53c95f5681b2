import Foundation
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct OutputFileTests {
    private func mode(_ path: String) -> mode_t {
        var found = stat()
        return stat(path, &found) == 0 ? found.st_mode & 0o777 : 0
    }

    @Test func aFileKeepsItsPermissions() throws {
        try withTemporaryFile([1]) { (path) throws in
            #expect(chmod(path, 0o640) == 0)
            try BinaryFile.write([[2]], to: path)
            #expect(mode(path) == 0o640)
        }
    }

    @Test func aLinkStaysALink() throws {
        try withTemporaryFile([1]) { (path) throws in
            let link = path + ".link"
            #expect(symlink(path, link) == 0)
            defer { unlink(link) }
            try BinaryFile.write([[2]], to: link)
            #expect(try BinaryFile.read(path, limit: 1) == [2])
            var found = stat()
            #expect(lstat(link, &found) == 0 && found.st_mode & S_IFMT == S_IFLNK)
        }
    }

    @Test func whatADeadWriterLeftGoesAndALivingOnesPartStays() throws {
        try withTemporaryFile([1]) { (path) throws in
            let whole = FilePath(path)
            let part = { (code: String) in
                String(
                    decoding: whole.folder.bytes + [46] + whole.name + Array(".\(code).part".utf8),
                    as: UTF8.self)
            }
            let dead = open(part("dead"), O_WRONLY | O_CREAT, 0o600)
            close(dead)
            let living = try OutputFile(whole)
            // The first writer took the dead one's part away; the second leaves the first one's.
            #expect(access(part("dead"), F_OK) != 0)
            try BinaryFile.write([[3]], to: path)
            try [UInt8]([4]).withUnsafeBytes { bytes in try living.write(bytes) }
            try living.commit()
            #expect(try BinaryFile.read(path, limit: 1) == [4])
        }
    }

    /// The system hands out entries in blocks of 32 KiB, of which the last ones' names stand at the end:
    /// under the address sanitizer nothing beyond may be read.
    @Test func aFolderOfManyFilesIsLookedThrough() throws {
        try withTemporaryFile([1]) { (path) throws in
            for number in 0..<2000 { close(open("\(path)\(number)", O_WRONLY | O_CREAT, 0o600)) }
            try BinaryFile.write([[2]], to: path)
            #expect(try BinaryFile.read(path, limit: 1) == [2])
        }
    }

    @Test func nothingButARegularFileIsReplaced() throws {
        #expect(throws: SPARSError.self) { try OutputFile(FilePath("/dev/null")) }
        #expect(throws: SPARSError.self) { try OutputFile(FilePath("/")) }
    }

    @Test func aWriterThatIsDroppedLeavesNothing() throws {
        try withTemporaryFile([1]) { (path) throws in
            do { _ = try OutputFile(FilePath(path)) }
            let folder = FilePath(path).folder.description
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file"])
            #expect(try BinaryFile.read(path, limit: 1) == [1])
        }
    }
}
