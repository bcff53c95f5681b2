/// A voxel's place, or a displacement between two; coordinates may be negative.
public struct Voxel: Hashable, Sendable {
    public var x: Int
    public var y: Int
    public var z: Int

    public init(_ x: Int, _ y: Int, _ z: Int) {
        self.x = x
        self.y = y
        self.z = z
    }

    public subscript(axis: Int) -> Int { axis == 0 ? x : axis == 1 ? y : z }
}

extension Voxel: CustomStringConvertible {
    public var description: String { "(\(x), \(y), \(z))" }
}
