/// The types of voxel that files hold and kernels convert.
public enum VoxelType: Hashable, Sendable, CaseIterable {
    case uint8, int8, uint16, int16, uint32, int32, uint64, int64, float32, float64

    /// Bytes in one voxel.
    public var size: Int {
        switch self {
        case .uint8, .int8: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        }
    }
}

/// value = slope * stored + intercept.
public struct VoxelScale: Hashable, Sendable {
    public let slope: Double
    public let intercept: Double

    public init(slope: Double, intercept: Double) {
        self.slope = slope
        self.intercept = intercept
    }

    public static let none = VoxelScale(slope: 1, intercept: 0)
}

/// The part of a volume that is converted at a time: planes `z` of it, and of those the rows `y`.
/// In a file's order, x fastest, a slab is one run of bytes if it has all rows or one plane.
public struct VoxelSlab: Hashable, Sendable {
    public let y: Range<Int>
    public let z: Range<Int>

    public init(y: Range<Int>, z: Range<Int>) {
        self.y = y
        self.z = z
    }

    /// Voxels in the slab of a volume with this length along x.
    public func count(_ x: Int) -> Int { x * y.count * z.count }
}
