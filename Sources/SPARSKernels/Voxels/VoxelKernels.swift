/// Between a file's order, x fastest, and ours, z fastest.
///
/// Both directions go through tiles of `tile` voxels along x, so that few pages of the volume are
/// touched at a time, and the planes of a slab fill whole cache lines of it.
public enum VoxelKernels {
    private static let tile = 16

    /// Writes rows `rows` (counted from the slab's first) of `slab` to a volume of float32.
    ///
    /// Integers up to 24 bits and float32 are exact without scaling. Everything else is computed in
    /// float64 and rounded to float32 once; int64 and uint64 are rounded to float64 before a scaling.
    ///
    /// - Parameters:
    ///   - source: the slab's voxels in file order and the machine's byte order, any alignment.
    ///   - target: the whole volume of `extent`, [x, y, z].
    public static func decode(
        source: UnsafeRawPointer, _ type: VoxelType, _ scale: VoxelScale, slab: VoxelSlab,
        rows: Range<Int>, into target: UnsafeMutablePointer<Float>, extent: Extent
    ) {
        func run<T: BitwiseCopyable>(_: T.Type, _ value: (T) -> Float, _ wide: (T) -> Double) {
            if scale == .none {
                scatter(source, slab, rows, target, extent, value)
            } else {
                let (slope, intercept) = (scale.slope, scale.intercept)
                scatter(source, slab, rows, target, extent) { (stored: T) in
                    Float(wide(stored) * slope + intercept)
                }
            }
        }
        switch type {
        case .uint8: run(UInt8.self, { Float($0) }, { Double($0) })
        case .int8: run(Int8.self, { Float($0) }, { Double($0) })
        case .uint16: run(UInt16.self, { Float($0) }, { Double($0) })
        case .int16: run(Int16.self, { Float($0) }, { Double($0) })
        case .uint32: run(UInt32.self, { Float($0) }, { Double($0) })
        case .int32: run(Int32.self, { Float($0) }, { Double($0) })
        case .uint64: run(UInt64.self, { Float($0) }, { Double($0) })
        case .int64: run(Int64.self, { Float($0) }, { Double($0) })
        case .float32: run(Float.self, { $0 }, { Double($0) })
        case .float64: run(Double.self, { Float($0) }, { $0 })
        }
    }

    /// Copies rows `rows` of `slab` from a volume [x, y, z] of voxels of `size` bytes to file order.
    ///
    /// - Parameter target: room for the whole slab, any alignment.
    public static func encode(
        source: UnsafeRawPointer, size: Int, extent: Extent, slab: VoxelSlab, rows: Range<Int>,
        into target: UnsafeMutableRawPointer
    ) {
        switch size {
        case 1: gather(UInt8.self, source, extent, slab, rows, target)
        case 2: gather(UInt16.self, source, extent, slab, rows, target)
        case 4: gather(UInt32.self, source, extent, slab, rows, target)
        case 8: gather(UInt64.self, source, extent, slab, rows, target)
        default: preconditionFailure("voxels of \(size) bytes")
        }
    }

    /// Reverses the bytes of each of `count` voxels of `size` bytes in place.
    public static func swapBytes(_ voxels: UnsafeMutableRawPointer, size: Int, count: Int) {
        func run<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) {
            for i in 0..<count {
                let offset = i * MemoryLayout<T>.size
                let value = voxels.loadUnaligned(fromByteOffset: offset, as: T.self)
                voxels.storeBytes(of: value.byteSwapped, toByteOffset: offset, as: T.self)
            }
        }
        switch size {
        case 2: run(UInt16.self)
        case 4: run(UInt32.self)
        case 8: run(UInt64.self)
        default: break
        }
    }

    @inline(__always) private static func scatter<T: BitwiseCopyable>(
        _ source: UnsafeRawPointer, _ slab: VoxelSlab, _ rows: Range<Int>,
        _ target: UnsafeMutablePointer<Float>, _ extent: Extent, _ value: (T) -> Float
    ) {
        let size = MemoryLayout<T>.size
        let plane = slab.y.count * extent.x
        forEachColumn(slab, rows, extent) { stored, first in
            let base = source + stored * size
            let out = target + first
            for z in 0..<slab.z.count {
                out[z] = value(base.loadUnaligned(fromByteOffset: z * plane * size, as: T.self))
            }
        }
    }

    @inline(__always) private static func gather<T: BitwiseCopyable>(
        _: T.Type, _ source: UnsafeRawPointer, _ extent: Extent, _ slab: VoxelSlab,
        _ rows: Range<Int>, _ target: UnsafeMutableRawPointer
    ) {
        let size = MemoryLayout<T>.size
        let plane = slab.y.count * extent.x
        forEachColumn(slab, rows, extent) { stored, first in
            let base = target + stored * size
            for z in 0..<slab.z.count {
                base.storeBytes(
                    of: source.loadUnaligned(fromByteOffset: (first + z) * size, as: T.self),
                    toByteOffset: z * plane * size, as: T.self)
            }
        }
    }

    /// Calls `body` with the index of each column's lowest voxel, in the slab as it is stored and in
    /// the volume, tile by tile.
    @inline(__always) private static func forEachColumn(
        _ slab: VoxelSlab, _ rows: Range<Int>, _ extent: Extent,
        _ body: (_ stored: Int, _ first: Int) -> Void
    ) {
        var x0 = 0
        while x0 < extent.x {
            let x1 = min(x0 + tile, extent.x)
            for row in rows {
                let y = slab.y.lowerBound + row
                for x in x0..<x1 {
                    body(row * extent.x + x, (x * extent.y + y) * extent.z + slab.z.lowerBound)
                }
            }
            x0 = x1
        }
    }
}
