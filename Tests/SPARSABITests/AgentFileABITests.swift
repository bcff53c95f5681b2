import CSPARS
import SPARSABI
import SPARSTestSupport
import Testing

@Suite struct AgentFileABITests {
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)
    private let broken = Int32(SPARS_BAD_FORMAT.rawValue)

    @Test func filesThatAreNoneAreErrors() throws {
        var (isOne, file) = (Int32(-1), spars_handle(0))
        try withTemporaryFile(Array("PK".utf8)) { path in
            #expect(spars_agent_file_is_one(path, &isOne, nil) == 0)
            #expect(isOne == 0)
            #expect(spars_agent_file_open(path, &file, nil) == broken)
            #expect(spars_agent_file_open(path, nil, nil) == invalid)
            #expect(spars_agent_file_is_one(path, nil, nil) == invalid)
        }
        #expect(spars_agent_file_open("/nowhere", &file, nil) == Int32(SPARS_IO.rawValue))
        #expect(spars_agent_file_is_one("/nowhere", &isOne, nil) == Int32(SPARS_IO.rawValue))
        #expect(spars_agent_file_open(nil, &file, nil) == invalid)
        #expect(spars_agent_file_is_one("", &isOne, nil) == invalid)
    }

    @Test func staleHandlesAreRefused() {
        let stale = Int32(SPARS_STALE_HANDLE.rawValue)
        var (length, values) = (Int64(0), [Float(0)])
        let field = smallField()
        for handle in [0, 1 << 60, field] as [spars_handle] {
            #expect(spars_agent_file_data(handle, nil, 0, &length, nil) == stale)
            #expect(spars_agent_file_tensors(handle, nil, 0, &length, nil) == stale)
            #expect(spars_agent_file_values(handle, "a", &values, 1, nil) == stale)
        }
    }
}
