/// Numbers of voxels along x, y and z. Arrays of an extent are indexed [x, y, z], z fastest.
public struct Extent: Hashable, Sendable {
    public var x: Int
    public var y: Int
    public var z: Int

    public init(_ x: Int, _ y: Int, _ z: Int) {
        self.x = x
        self.y = y
        self.z = z
    }

    /// Voxels in all.
    public var count: Int { x * y * z }

    /// Where voxel (x, y, z) stands in the array.
    public func offset(_ x: Int, _ y: Int, _ z: Int) -> Int { (x * self.y + y) * self.z + z }

    /// x, y and z as axes 0, 1 and 2.
    public subscript(axis: Int) -> Int { axis == 0 ? x : axis == 1 ? y : z }
}

extension Extent: CustomStringConvertible {
    public var description: String { "(\(x), \(y), \(z))" }
}

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
