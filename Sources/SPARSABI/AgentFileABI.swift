import CSPARS
import SPARSNative

private let owner = "load"

@_cdecl("spars_agent_file_is_one")
public func sparsAgentFileIsOne(
    _ path: In<CChar>, _ isOne: Out<Int32>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let found = try StableBaselinesFile.isOne(checkedPath(path, of: owner))
        try write(found ? 1 : 0, to: isOne, "is_one", of: owner)
    }
}

@_cdecl("spars_agent_file_open")
public func sparsAgentFileOpen(
    _ path: In<CChar>, _ file: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(file, 1, "file", of: owner)
        out[0] = HandleTable.shared.insert(
            try StableBaselinesFile(checkedPath(path, of: owner)))
    }
}

@_cdecl("spars_agent_file_data")
public func sparsAgentFileData(
    _ file: UInt64, _ data: Out<CChar>, _ capacity: Int64, _ length: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try write(text: living(file).data, to: data, capacity, length, of: owner)
    }
}

@_cdecl("spars_agent_file_tensors")
public func sparsAgentFileTensors(
    _ file: UInt64, _ tensors: Out<CChar>, _ capacity: Int64, _ length: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try write(text: living(file).tensorTable, to: tensors, capacity, length, of: owner)
    }
}

@_cdecl("spars_agent_file_values")
public func sparsAgentFileValues(
    _ file: UInt64, _ name: In<CChar>, _ values: Out<Float>, _ count: Int64,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let file = try living(file)
        let name = try checkedText(name, "name", of: owner)
        guard let shape = file.shape(of: name) else {
            throw .range("name", of: owner, mustBe: "one of the file's tensors", got: name)
        }
        try checkCount(count, "values", of: owner, mustBe: shape.reduce(1, *))
        try write(contentsOf: file.values(of: name), to: values, "values", of: owner)
    }
}

private func living(_ file: UInt64) throws(SPARSError) -> StableBaselinesFile {
    try HandleTable.shared.object(file, kind: "file")
}

extension StableBaselinesFile {
    /// {"name": [lengths], ...} as JSON text.
    fileprivate var tensorTable: [UInt8] {
        let members = names.map { name in
            let lengths = (shape(of: name) ?? []).map { "\($0)" }
            return JSON.quoted(name) + ":[" + lengths.joined(separator: ",") + "]"
        }
        return Array(("{" + members.joined(separator: ",") + "}").utf8)
    }
}
