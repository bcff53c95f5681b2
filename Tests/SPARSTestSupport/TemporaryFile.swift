import Foundation

/// Runs `body` with the path of a file of its own, which is removed afterwards.
public func withTemporaryFile<Result>(
    _ bytes: [UInt8]? = nil, _ body: (String) throws -> Result
) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "file")
    if let bytes { try Data(bytes).write(to: file) }
    return try body(file.path)
}
