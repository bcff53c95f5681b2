/// Lengths along x, y and z, in voxels where the array is a volume. Arrays of an extent are indexed
/// [x, y, z], z fastest, channels inside z.
public struct Extent: Hashable, Sendable {
    public var x: Int
    public var y: Int
    public var z: Int

    public init(_ x: Int, _ y: Int, _ z: Int) {
        self.x = x
        self.y = y
        self.z = z
    }

    /// x, y and z as axes 0, 1 and 2.
    public subscript(axis: Int) -> Int { axis == 0 ? x : axis == 1 ? y : z }

    /// After a max-pool of 2 with stride 2, odd ends dropped.
    public var halved: Extent { Extent(x / 2, y / 2, z / 2) }

    /// After an unpadded 3 x 3 x 3 convolution of this stride.
    public func convolved(stride: Int) -> Extent {
        Extent((x - 3) / stride + 1, (y - 3) / stride + 1, (z - 3) / stride + 1)
    }

    /// Elements in all. Other modules have one of their own (`SPARSNative`), because products are not
    /// checked for overflow in this one.
    var count: Int { x * y * z }
}

extension Extent: CustomStringConvertible {
    public var description: String { "(\(x), \(y), \(z))" }
}
