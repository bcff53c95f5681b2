import SPARSKernels

/// A NIfTI file that has been opened: its header is read and checked, its voxels can be.
///
/// What a file promises is compared with what it holds before anyone makes room for its voxels:
/// an uncompressed file by its length; a gzip file by the most that deflate can make of its length,
/// and, where the volume would take more than `trustedRatio` times the file, by inflating it once
/// for its length alone, up to `expandedLimit`. So memory stays in proportion to the file, whatever
/// its header says.
public final class NIfTIFile: Sendable {
    public let header: NIfTIHeader
    public let extent: Extent
    public let geometry: Geometry
    private let layout: NIfTILayout
    private let isBigEndian: Bool
    private let voxels: InputFile
    private let isGzip: Bool

    /// CT compresses to about a half; as float32 a volume is about four times its file.
    static let trustedRatio = 16

    /// Bytes of voxels as float32 beyond which a file that grows more than that is refused: a mask of
    /// 1,024 voxels in every axis.
    static let expandedLimit = 1 << 32

    /// What a stream of a file takes: zlib's window, a block of the file, what is skipped.
    static let streamBytes = 1 << 20

    /// Bytes that gzip data may hold after the voxels.
    static let tailLimit = 1 << 24

    /// Opens `.nii`, `.nii.gz`, or either file of a pair `.hdr` and `.img` (each with or without
    /// `.gz`).
    ///
    /// - Throws: `io` where a file cannot be opened, `badFormat` naming the field that is wrong,
    ///   `interrupted`.
    public convenience init(_ path: FilePath) throws(SPARSError) {
        do throws(SPARSError) {
            try self.init(checking: path)
        } catch {
            throw error.of(path)
        }
        do throws(SPARSError) {
            try checkLength()
        } catch {
            throw error.of(voxels.path)
        }
    }

    private init(checking path: FilePath) throws(SPARSError) {
        try Memory.require(NIfTIFile.streamBytes, for: "Opening a volume")
        let paths = NIfTIPaths(path, exists: InputFile.exists)
        let file = try InputFile(paths.header)
        let isHeaderGzip = try GzipStream.isGzip(file)
        let stream = try NIfTIFile.stream(file, isHeaderGzip)
        (header, isBigEndian) = try NIfTIHeader.decode(
            try stream.bytes(NIfTIHeader.byteCount))
        guard header.isPair == (paths.voxels != nil) else {
            throw .field(
                "magic", header.isPair ? "that of a pair" : "that of a single file",
                "but the file's name is that of \(header.isPair ? "a single file" : "a pair")")
        }
        layout = try header.layout()
        extent = layout.extent
        geometry = layout.geometry
        if let candidates = paths.voxels {
            voxels = try InputFile(candidates.first(where: InputFile.exists) ?? candidates[0])
            // Raw voxels may start with gzip's two bytes by chance, so the name decides.
            isGzip = voxels.path.hasSuffix(".gz")
        } else {
            voxels = file
            isGzip = isHeaderGzip
        }
    }

    private static func stream(
        _ file: InputFile, _ isGzip: Bool
    ) throws(SPARSError) -> any ByteStream {
        isGzip ? try GzipStream(file) : PlainStream(file)
    }

    private func checkLength() throws(SPARSError) {
        let wanted = layout.offset + layout.byteCount
        guard isGzip else {
            if voxels.size < wanted { throw truncated(at: voxels.size) }
            return
        }
        let most = voxels.size.multipliedReportingOverflow(by: GzipStream.greatestRatio)
        guard most.overflow || wanted <= most.partialValue else {
            throw .field(
                "dim", extent,
                "promises \(layout.byteCount) bytes of voxels, and \(voxels.size) bytes of gzip hold "
                    + "at most \(most.partialValue)")
        }
        let needed = extent.count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
        if needed.overflow || needed.partialValue / NIfTIFile.trustedRatio > voxels.size {
            guard !needed.overflow, needed.partialValue <= NIfTIFile.expandedLimit else {
                throw .field(
                    "dim", extent,
                    "promises more than \(NIfTIFile.expandedLimit) bytes of voxels as float32, and "
                        + "\(voxels.size) bytes of gzip would grow more than "
                        + "\(NIfTIFile.trustedRatio) times")
            }
            let stream = try NIfTIFile.stream(voxels, true)
            let found = try stream.skip(wanted)
            if found < wanted { throw truncated(at: found) }
        }
    }

    private func truncated(at end: Int) -> SPARSError {
        .field(
            "dim", extent,
            "promises \(layout.byteCount) bytes of voxels from byte \(layout.offset) on, but the "
                + "data end after byte \(end)")
    }
}

// MARK: - Voxels

extension NIfTIFile {
    /// The volume; `values` of it are HU where the file is a CT scan's.
    ///
    /// - Throws: `badFormat` where the data end too early or gzip's checks fail, `io`, `interrupted`.
    public func volume() throws(SPARSError) -> Volume<Native> {
        var values = [Float](repeating: 0, count: extent.count)
        try unsafe values.withUnsafeMutableBufferPointer { buffer throws(SPARSError) in
            try unsafe read(into: buffer.baseAddress!)
        }
        return Volume(extent: extent, values: values)
    }

    /// Writes all voxels to `target`, which has room for `extent.count` values.
    public func read(into target: UnsafeMutablePointer<Float>) throws(SPARSError) {
        try unsafe read(into: target, inflatingBy: .shared)
    }

    /// The same with or without libdeflate: the values do not depend on it.
    func read(
        into target: UnsafeMutablePointer<Float>, inflatingBy library: Libdeflate?
    ) throws(SPARSError) {
        do throws(SPARSError) {
            let count = layout.offset + layout.byteCount
            if isGzip, let content = try library?.inflated(voxels, count: count) {
                try unsafe convertAll(content.bytes, into: target)
            } else {
                try unsafe readSlabs(into: target)
            }
        } catch {
            throw error.of(voxels.path)
        }
    }

    /// Converts a file's whole content.
    private func convertAll(
        _ content: UnsafeMutableRawBufferPointer, into target: UnsafeMutablePointer<Float>
    ) throws(SPARSError) {
        let slabs = VoxelSlabs(extent: extent, voxelSize: layout.type.size)
        var done = 0
        for i in 0..<slabs.count {
            let slab = slabs[i]
            let start = unsafe content.baseAddress! + layout.offset + done
            unsafe putInOrder(start, slab)
            let bands = slabs.bands(slab)
            Parallel.forEach(bands.count) {
                unsafe convert(start, slab, rows: bands[$0], into: target)
            }
            done += slabs.byteCount(slab)
            try Control.report(done: done, planned: layout.byteCount)
        }
    }

    /// Slab by slab: while one is converted, the next is read and inflated.
    private func readSlabs(into target: UnsafeMutablePointer<Float>) throws(SPARSError) {
        let slabs = VoxelSlabs(extent: extent, voxelSize: layout.type.size)
        try Memory.require(
            2 * slabs.greatestByteCount + NIfTIFile.streamBytes, for: "Reading a volume")
        let stream = try NIfTIFile.stream(voxels, isGzip)
        let before = try stream.skip(layout.offset)
        guard before == layout.offset else { throw truncated(at: before) }
        var current: [UInt8] = []
        var next = [UInt8](repeating: 0, count: slabs.greatestByteCount)
        var done = 0
        try fill(&next, slabs[0], after: done, from: stream)
        for i in 0..<slabs.count {
            swap(&current, &next)
            done += slabs.byteCount(slabs[i])
            let following = i + 1 < slabs.count ? slabs[i + 1] : nil
            if following != nil, next.isEmpty {
                next = [UInt8](repeating: 0, count: slabs.greatestByteCount)
            }
            var failure: SPARSError?
            let bands = slabs.bands(slabs[i])
            Parallel.forEach(bands.count + 1) { item in
                if item > 0 {
                    unsafe current.withUnsafeBytes {
                        unsafe convert(
                            $0.baseAddress!, slabs[i], rows: bands[item - 1], into: target)
                    }
                } else if let following {
                    do throws(SPARSError) {
                        try fill(&next, following, after: done, from: stream)
                    } catch {
                        failure = error
                    }
                }
            }
            if let failure { throw failure }
            try Control.report(done: done, planned: layout.byteCount)
        }
        try stream.finish()
    }

    private func fill(
        _ buffer: inout [UInt8], _ slab: VoxelSlab, after done: Int, from stream: any ByteStream
    ) throws(SPARSError) {
        let wanted = slab.count(extent.x) * layout.type.size
        let read = try stream.fill(&buffer, wanted)
        guard read == wanted else { throw truncated(at: layout.offset + done + read) }
        unsafe buffer.withUnsafeMutableBytes { unsafe putInOrder($0.baseAddress!, slab) }
    }

    /// Brings a slab to the machine's byte order.
    private func putInOrder(_ bytes: UnsafeMutableRawPointer, _ slab: VoxelSlab) {
        guard isBigEndian else { return }
        unsafe VoxelKernels.swapBytes(bytes, size: layout.type.size, count: slab.count(extent.x))
    }

    private func convert(
        _ bytes: UnsafeRawPointer, _ slab: VoxelSlab, rows: Range<Int>,
        into target: UnsafeMutablePointer<Float>
    ) {
        unsafe VoxelKernels.decode(
            source: bytes, layout.type, layout.scale, slab: slab, rows: rows, into: target,
            extent: extent)
    }
}

/// A volume cut into slabs of a few megabytes, in file order.
struct VoxelSlabs {
    private static let bytes = 8 << 20
    /// As many float32 as a cache line holds, so that a slab fills whole lines of the volume.
    private static let planes = 16

    let extent: Extent
    let voxelSize: Int
    private let rowsEach: Int
    private let planesEach: Int

    init(extent: Extent, voxelSize: Int) {
        self.extent = extent
        self.voxelSize = voxelSize
        let row = extent.x * voxelSize
        rowsEach = min(max(VoxelSlabs.bytes / row, 1), extent.y)
        let wanted = min(VoxelSlabs.planes, extent.z)
        planesEach =
            rowsEach < extent.y ? 1 : min(max(VoxelSlabs.bytes / (row * extent.y), 1), wanted)
    }

    private var perPlane: Int { (extent.y + rowsEach - 1) / rowsEach }
    var count: Int { (extent.z + planesEach - 1) / planesEach * perPlane }

    subscript(_ i: Int) -> VoxelSlab {
        let z = i / perPlane * planesEach
        let y = i % perPlane * rowsEach
        return VoxelSlab(
            y: y..<min(y + rowsEach, extent.y), z: z..<min(z + planesEach, extent.z))
    }

    func byteCount(_ slab: VoxelSlab) -> Int { slab.count(extent.x) * voxelSize }

    var greatestByteCount: Int { byteCount(self[0]) }

    /// The slab's rows in a few parts, one for each item of a parallel loop.
    func bands(_ slab: VoxelSlab) -> [Range<Int>] {
        let each = max((slab.y.count + 7) / 8, 1)
        return stride(from: 0, to: slab.y.count, by: each).map {
            $0..<min($0 + each, slab.y.count)
        }
    }
}

extension SPARSError {
    /// The same, with the file named.
    func of(_ path: FilePath) -> SPARSError {
        guard case .badFormat(let field, let message) = self else { return self }
        return .badFormat(field: field, message: "\(path): \(message)")
    }
}
