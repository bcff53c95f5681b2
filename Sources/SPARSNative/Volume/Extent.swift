// The kernels' type is the core's too: whoever imports the core has it.
@_exported import struct SPARSKernels.Extent

// What an overflow must trap in stands here: kernels are built without checks.
extension Extent {
    /// Voxels in all.
    public var count: Int { x * y * z }

    /// Where voxel (x, y, z) stands in the array.
    public func offset(_ x: Int, _ y: Int, _ z: Int) -> Int { (x * self.y + y) * self.z + z }
}
