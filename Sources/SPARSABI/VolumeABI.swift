import CSPARS
import SPARSKernels
import SPARSNative

@_cdecl("spars_volume_open")
public func sparsVolumeOpen(
    _ path: In<CChar>, _ progress: In<spars_control>, _ file: Out<UInt64>,
    _ geometry: Out<spars_geometry>, _ header: Out<spars_nifti_header>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let path = try checkedPath(path, of: "load")
        let file = try checkedOutput(file, 1, "file", of: "load")
        let geometry = try checkedOutput(geometry, 1, "geometry", of: "load")
        let header = try checkedOutput(header, 1, "header", of: "load")
        let opened = try NIfTIFile(path)
        geometry[0] = spars_geometry(opened.extent, opened.geometry)
        header[0] = spars_nifti_header(opened.header)
        file[0] = HandleTable.shared.insert(opened)
    }
}

@_cdecl("spars_volume_read")
public func sparsVolumeRead(
    _ file: UInt64, _ values: Out<Float>, _ count: Int64, _ progress: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let file: NIfTIFile = try HandleTable.shared.object(file, kind: "file")
        try checkCount(count, "count", of: "load", mustBe: file.extent.count, "values")
        let values = try checkedOutput(values, file.extent.count, "values", of: "load")
        try file.read(into: values.baseAddress!)
    }
}

@_cdecl("spars_nifti_header_decode")
public func sparsNIfTIHeaderDecode(
    _ bytes: In<UInt8>, _ count: Int64, _ header: Out<spars_nifti_header>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let count = try checkedCount([count], "count", of: "Header")
        let bytes = try checkedInput(bytes, count, "bytes", of: "Header")
        let header = try checkedOutput(header, 1, "header", of: "Header")
        let raw = Array(bytes.prefix(NIfTIHeader.byteCount))
        header[0] = spars_nifti_header(try NIfTIHeader.decode(raw).header)
    }
}

@_cdecl("spars_volume_save")
public func sparsVolumeSave(
    _ path: In<CChar>, _ geometry: In<spars_geometry>, _ header: In<spars_nifti_header>,
    _ type: Int32, _ voxels: UnsafeRawPointer?, _ count: Int64, _ extensions: In<UInt8>,
    _ extensionCount: Int64, _ progress: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let path = try checkedPath(path, of: "save")
        let given = try checkedStruct(geometry, "geometry", of: "save")
        let extent = try checkedExtent(given.shape, "shape", of: "save")
        let type = try checkedVoxelType(type)
        try checkCount(count, "count", of: "save", mustBe: extent.count, "voxels")
        guard let voxels else {
            throw .range("voxels", of: "save", mustBe: "a buffer", got: "a null pointer")
        }
        try NIfTIWriter.write(
            UnsafeRawBufferPointer(start: voxels, count: extent.count * type.size), type,
            extent: extent, geometry: try given.checkedGeometry(),
            template: try header?.pointee.checkedHeader(),
            extensions: try checkedExtensions(extensions, extensionCount), to: path)
    }
}

/// Header extensions of a file to be written; none for a null pointer.
private func checkedExtensions(
    _ extensions: In<UInt8>, _ count: Int64
) throws(SPARSError) -> [UInt8] {
    guard let extensions else { return [] }
    guard (0...1 << 20).contains(count), count % 16 == 0 else {
        throw .range(
            "extensions", of: "save", mustBe: "a multiple of 16 bytes, at most \(1 << 20)",
            got: count)
    }
    return Array(UnsafeBufferPointer(start: extensions, count: Int(count)))
}

@_cdecl("spars_resample_nearest")
public func sparsResampleNearest(
    _ array: In<UInt8>, _ sourceShape: In<Int64>, _ elementSize: Int64, _ target: Out<UInt8>,
    _ shape: In<Int64>, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let (from, to) = try checkedResampling(sourceShape, shape)
        guard [1, 2, 4, 8].contains(elementSize) else {
            throw .range(
                "element_size", of: "resample", mustBe: "1, 2, 4 or 8 bytes", got: elementSize)
        }
        guard let array, let target else {
            throw .range("array", of: "resample", mustBe: "a buffer", got: "a null pointer")
        }
        let (source, result) = (UnsafeRawPointer(array), UnsafeMutableRawPointer(target))
        guard UInt(bitPattern: source) % UInt(elementSize) == 0,
            UInt(bitPattern: result) % UInt(elementSize) == 0
        else {
            throw .range(
                "array", of: "resample", mustBe: "aligned to its elements' size", got: source)
        }
        try Memory.require(from.x, to.y, to.z, each: 4, for: "Resampling")
        Resample.nearest(elementSize: Int(elementSize), source, from: from, into: result, to: to)
    }
}

@_cdecl("spars_resample_linear")
public func sparsResampleLinear(
    _ array: In<Float>, _ sourceShape: In<Int64>, _ target: Out<Float>, _ shape: In<Int64>,
    _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let (from, to) = try checkedResampling(sourceShape, shape)
        let source = try checkedInput(array, from.count, "array", of: "resample")
        let target = try checkedOutput(target, to.count, "target", of: "resample")
        try Memory.require(from.x, to.y, to.z, each: 4, for: "Resampling")
        Resample.linear(source.baseAddress!, from: from, into: target.baseAddress!, to: to)
    }
}

@_cdecl("spars_intensity_window_apply")
public func sparsIntensityWindowApply(
    _ window: In<spars_intensity_window>, _ values: In<Float>, _ count: Int64,
    _ scaled: Out<Float>, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let owner = "IntensityWindow"
        let window = try checkedStruct(window, "window", of: owner).checked()
        let count = try checkedCount([count], "count", of: owner)
        window.scale(
            try checkedInput(values, count, "values", of: owner),
            into: try checkedOutput(scaled, count, "scaled", of: owner))
    }
}

/// Both extents; every length also fits the index arithmetic of float32.
private func checkedResampling(
    _ sourceShape: In<Int64>, _ shape: In<Int64>
) throws(SPARSError) -> (from: Extent, to: Extent) {
    let from = try checkedExtent(sourceShape, "source_shape", of: "resample")
    let to = try checkedExtent(shape, "shape", of: "resample")
    // Trilinear resampling holds planes of mixed extent.
    _ = try checkedCount([Int64(from.x), Int64(to.y), Int64(to.z)], "shape", of: "resample")
    for (name, extent) in [("source_shape", from), ("shape", to)] {
        guard (0..<3).allSatisfy({ extent[$0] <= Resample.greatestLength }) else {
            throw .range(
                name, of: "resample", mustBe: "at most \(Resample.greatestLength) in every axis",
                got: extent)
        }
    }
    return (from, to)
}

private func checkedVoxelType(_ type: Int32) throws(SPARSError) -> VoxelType {
    switch spars_voxel_type(rawValue: UInt32(bitPattern: type)) {
    case SPARS_VOXEL_TYPE_UINT8: return .uint8
    case SPARS_VOXEL_TYPE_INT16: return .int16
    case SPARS_VOXEL_TYPE_INT32: return .int32
    case SPARS_VOXEL_TYPE_FLOAT32: return .float32
    default: throw .range("type", of: "save", mustBe: "a spars_voxel_type", got: type)
    }
}

// MARK: - Structures

extension spars_intensity_window {
    func checked() throws(SPARSError) -> IntensityWindow {
        try IntensityWindow(level: level, width: width)
    }
}

extension spars_geometry {
    fileprivate init(_ extent: Extent, _ geometry: Geometry) {
        self.init()
        shape = (Int64(extent.x), Int64(extent.y), Int64(extent.z))
        withUnsafeMutableBytes(of: &affine) { bytes in
            geometry.affine.withUnsafeBytes { bytes.copyMemory(from: $0) }
        }
    }

    fileprivate func checkedGeometry() throws(SPARSError) -> Geometry {
        try Geometry(affine: withUnsafeBytes(of: affine) { Array($0.bindMemory(to: Double.self)) })
    }
}

extension spars_nifti_header {
    fileprivate init(_ header: NIfTIHeader) {
        self.init()
        version = Int32(header.version.rawValue)
        withUnsafeMutableBytes(of: &block) { $0.copyBytes(from: header.bytes) }
    }

    /// Nil for version 0.
    fileprivate func checkedHeader() throws(SPARSError) -> NIfTIHeader? {
        if version == 0 { return nil }
        guard let version = NIfTIHeader.Version(rawValue: Int(version)) else {
            throw .range("header", of: "save", mustBe: "of version 0, 1 or 2", got: version)
        }
        let raw = withUnsafeBytes(of: block) { Array($0) }
        return try NIfTIHeader.decode(raw).header.written(as: version)
    }
}
