import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct SafetensorsFileTests {
    /// A file of this header and these data bytes.
    private func file(_ header: String, _ data: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(UInt64(header.utf8.count), 8)
        return bytes + Array(header.utf8) + data
    }

    @Test func readsEveryElementType() throws {
        let header = """
            {"__metadata__":{"note":"x"},
             "h":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},
             "b":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]},
             "d":{"dtype":"F64","shape":[1,1],"data_offsets":[10,18]},
             "i":{"dtype":"I32","shape":[],"data_offsets":[18,22]},
             "l":{"dtype":"I64","shape":[1],"data_offsets":[22,30]},
             "f":{"dtype":"F32","shape":[0],"data_offsets":[30,30]}}
            """
        var data: [UInt8] = []
        // 1.5, -65504, the smallest subnormal, infinity.
        for bits in [0x3E00, 0xFBFF, 0x0001, 0x7C00] as [UInt64] {
            data.appendLittleEndian(bits, 2)
        }
        data.appendLittleEndian(0xC020, 2)
        data.appendLittleEndian((0.1).bitPattern, 8)
        data.appendLittleEndian(UInt64(UInt32(bitPattern: -7)), 4)
        data.appendLittleEndian(UInt64(bitPattern: -8), 8)
        let file = try SafetensorsFile(bytes: file(header, data))
        #expect(file.metadata == ["note": "x"])
        #expect(file.names == ["h", "b", "d", "i", "l", "f"])
        #expect(try file.values(of: "h") == [1.5, -65504, 0x1p-24, .infinity])
        #expect(try file.values(of: "b") == [-2.5])
        #expect(try file.values(of: "d") == [0.1])
        #expect(file.shape(of: "d") == [1, 1])
        #expect(try file.values(of: "i") == [-7])
        #expect(file.shape(of: "i") == [])
        #expect(try file.values(of: "l") == [-8])
        #expect(try file.values(of: "f") == [])
        #expect(file.shape(of: "none") == nil)
    }

    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, "a.data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "data"),
        (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#, "a.shape"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, "a.data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "a.shape"),
        (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#, "a.shape"),
        (#"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}"#, "a.shape"),
        (#"{"a":{"dtype":"Q8","shape":[2],"data_offsets":[0,8]}}"#, "a.dtype"),
        (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, "a.dtype"),
        (#"{"a":{"dtype":"F32","shape":[2]}}"#, "a.data_offsets"),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            "data_offsets"
        ),
        (#"{"a":1}"#, "a.dtype"), (#"[1]"#, "header"), (#"{"a":"#, "safetensors header"),
        (#"{"__metadata__":{"a":1}}"#, "__metadata__"), (#"{"__metadata__":[]}"#, "__metadata__"),
        (#"{}"#, "data"),
    ]) func lyingHeadersNameTheField(header: String, field: String) {
        let bytes = file(header, [UInt8](repeating: 0, count: 8))
        let error = #expect(throws: SPARSError.self) { try SafetensorsFile(bytes: bytes) }
        guard case .badFormat(field, _) = error else {
            Issue.record("\(String(describing: error)) for \(header)")
            return
        }
    }

    @Test func truncatedFilesAreRefused() throws {
        let whole = file(
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            [UInt8](repeating: 1, count: 8))
        _ = try SafetensorsFile(bytes: whole)
        for length in 0..<whole.count {
            #expect(throws: SPARSError.self, "\(length)") {
                try SafetensorsFile(bytes: Array(whole[..<length]))
            }
        }
        var huge = whole
        for i in 0..<8 { huge[i] = 0xFF }
        #expect(throws: SPARSError.self) { try SafetensorsFile(bytes: huge) }
    }

    @Test(arguments: Seeds.many) func damagedFilesNeverTrap(seed: UInt64) {
        let whole = file(
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[2,2],"data_offsets":[8,16]}}"#,
            [UInt8](repeating: 1, count: 16))
        expectSurvivesDamage(whole, rounds: 300, seed: seed) { try SafetensorsFile(bytes: $0) }
    }

    @Test func aChangedContentIsRefusedByItsDigest() throws {
        try withTemporaryFile { (path) throws in
            try SafetensorsFile.write(
                [("b", [2], .floats([1.5, -2])), ("a", [], .integer(5))],
                metadata: [("spars.note", "x"), ("format", "pt")], to: path)
            let bytes = try BinaryFile.read(path, limit: 1000)
            let data = 8 + Int(bytes.littleEndian(0, 8))
            for place in data..<bytes.count {
                for bit in 0..<8 {
                    var changed = bytes
                    changed[place] ^= 1 << UInt8(bit)
                    let error = #expect(throws: SPARSError.self) {
                        try SafetensorsFile(bytes: changed)
                    }
                    guard case .badFormat("spars.sha256", _) = error else {
                        Issue.record("\(String(describing: error)) at \(place)")
                        return
                    }
                }
            }
            // What the header says of it is part of it.
            let text = String(decoding: bytes[8..<data], as: UTF8.self)
            for (known, other) in [("\"x\"", "\"y\""), ("[2]", "[1,2]")] {
                let changed = text.replacing(known, with: other)
                #expect(throws: SPARSError.self) {
                    try SafetensorsFile(bytes: file(changed, Array(bytes[data...])))
                }
            }
            // Other programs reorder and add.
            let added = text.replacing("\"format\":\"pt\"", with: "\"note\":\"z\",\"other\":\"pt\"")
            let found = try SafetensorsFile(bytes: file(added, Array(bytes[data...])))
            #expect(try found.values(of: "b") == [1.5, -2])
        }
    }

    @Test func whatIsWrittenIsRead() throws {
        try withTemporaryFile { (path) throws in
            try SafetensorsFile.write(
                [("a", [2, 1], .floats([1.5, -2])), ("n", [], .integer(5))],
                metadata: [("k \"", "v\né")], to: path)
            let bytes = try BinaryFile.read(path, limit: 1000)
            let file = try SafetensorsFile(bytes: bytes)
            #expect(try file.values(of: "a") == [1.5, -2])
            #expect(file.shape(of: "a") == [2, 1])
            #expect(try file.values(of: "n") == [5])
            #expect(file.metadata["k \""] == "v\né")
            #expect(file.metadata.count == 2)
            // The format asks for a header of a multiple of 8 bytes.
            #expect(bytes.littleEndian(0, 8) % 8 == 0)
        }
    }
}
