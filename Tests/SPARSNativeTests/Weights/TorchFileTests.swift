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
