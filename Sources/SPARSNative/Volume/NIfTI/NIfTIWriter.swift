import SPARSKernels

/// Writes volumes as single NIfTI files, `.nii` or `.nii.gz`, little-endian.
public enum NIfTIWriter {
    /// Writes `voxels` on `geometry`, the file complete or not there at all.
    ///
    /// - Parameters:
    ///   - type: of a voxel in the file.
    ///   - extent: voxels along x, y, z.
    ///   - geometry: where the voxels lie.
    ///   - path: of the file; its ending says whether it is compressed.
    ///   - voxels: `extent.count` voxels of `type`, [x, y, z], in the machine's byte order.
    ///   - template: the header whose description of the scan is kept: transforms' codes, units,
    ///     intent, text, slice timing. Extensions are not kept. Default: an empty NIfTI-1 header.
    ///   - extensions: header extensions as nifti1.h has them, a multiple of 16 bytes.
    /// - Throws: `outOfRange` where the path's ending or the extent cannot be written, `io`,
    ///   `interrupted`.
    public static func write(
        _ voxels: UnsafeRawBufferPointer, _ type: VoxelType, extent: Extent, geometry: Geometry,
        template: NIfTIHeader?, extensions: [UInt8] = [], to path: FilePath
    ) throws(SPARSError) {
        guard path.hasSuffix(".nii") || path.hasSuffix(".nii.gz") else {
            throw .range("path", of: .file, mustBe: "a name ending in .nii or .nii.gz", got: path)
        }
        precondition(
            voxels.count == extent.count * type.size, "\(voxels.count) bytes for \(extent)")
        precondition(extensions.count % 16 == 0, "\(extensions.count) bytes of extensions")
        let slabs = VoxelSlabs(extent: extent, voxelSize: type.size)
        try Memory.require(
            slabs.greatestByteCount + NIfTIFile.streamBytes, for: "Writing a volume")
        let header = NIfTIHeader.writing(
            extent: extent, type: type, geometry: geometry, template: template,
            extensionCount: extensions.count)
        let file = try OutputFile(path)
        let sink: any ByteSink = path.hasSuffix(".gz") ? try GzipSink(file) : PlainSink(file)
        let announcement: [UInt8] = [extensions.isEmpty ? 0 : 1, 0, 0, 0]
        try sink.write(header.encoded() + announcement + extensions)
        try unsafe writeSlabs(voxels, type, slabs, to: sink)
        try sink.finish()
        try Control.check()
        try file.commit()
    }

    private static func writeSlabs(
        _ voxels: UnsafeRawBufferPointer, _ type: VoxelType, _ slabs: VoxelSlabs,
        to sink: any ByteSink
    ) throws(SPARSError) {
        var buffer = [UInt8](repeating: 0, count: slabs.greatestByteCount)
        var done = 0
        for i in 0..<slabs.count {
            let slab = slabs[i]
            let bands = slabs.bands(slab)
            let count = slabs.byteCount(slab)
            try unsafe buffer.withBytes { bytes throws(SPARSError) in
                Parallel.forEach(bands.count) { band in
                    unsafe VoxelKernels.encode(
                        source: voxels.baseAddress!, size: type.size, extent: slabs.extent,
                        slab: slab, rows: bands[band], into: bytes.baseAddress!)
                }
                try Control.check()
                try unsafe sink.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
            done += count
            try Control.report(done: done, planned: slabs.extent.count * type.size)
        }
    }
}
