import Foundation

/// Files of Tests/Fixtures; see MANIFEST.md there for where each comes from.
public enum Fixture {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures")

    public static func data(_ name: String) throws -> Data {
        try Data(contentsOf: folder.appending(path: name))
    }

    /// Little-endian float32 values, nothing else.
    public static func floats(_ name: String) throws -> [Float] {
        let data = try data(name)
        return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }

    /// A JSON object whose values are arrays of numbers.
    public static func numbers(_ name: String) throws -> [String: [Double]] {
        try JSONDecoder().decode([String: [Double]].self, from: data(name))
    }
}
