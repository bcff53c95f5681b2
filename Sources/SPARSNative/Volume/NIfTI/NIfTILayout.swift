import SPARSKernels

/// What a valid header says about its voxels.
struct NIfTILayout: Hashable, Sendable {
    let extent: Extent
    let type: VoxelType
    let scale: VoxelScale
    /// Where the voxels start in their file.
    let offset: Int
    let geometry: Geometry

    /// Bytes of all voxels.
    var byteCount: Int { extent.count * type.size }
}

extension NIfTIHeader {
    /// Checks every field that the voxels and their place in space depend on.
    ///
    /// - Throws: `badFormat` naming the first field that is wrong, with its value.
    func layout() throws(SPARSError) -> NIfTILayout {
        let type = try voxelType()
        let extent = try extent(of: type)
        return NIfTILayout(
            extent: extent, type: type, scale: try scale(), offset: try offset(of: extent, type),
            geometry: try geometry(of: extent))
    }

    private func extent(of type: VoxelType) throws(SPARSError) -> Extent {
        let axes = integer(.dim, 0)
        guard (1...7).contains(axes) else {
            throw .field("dim[0]", axes, "must be the number of axes, 1 to 7")
        }
        var lengths = [1, 1, 1]
        var bytes = type.size
        for axis in 1...Int(axes) {
            let length = integer(.dim, axis)
            guard length >= 1 else {
                throw .field("dim[\(axis)]", length, "must be a number of voxels, 1 or more")
            }
            guard axis <= 3 || length == 1 else {
                throw .field(
                    "dim[\(axis)]", length,
                    "only volumes of three axes are read; any axis after them must have length 1")
            }
            let (product, overflow) = bytes.multipliedReportingOverflow(by: Int(length))
            guard length <= Int64(Int32.max), !overflow, product < 1 << 60 else {
                throw .field("dim[\(axis)]", length, "promises more voxels than any file can hold")
            }
            bytes = product
            if axis <= 3 { lengths[axis - 1] = Int(length) }
        }
        return Extent(lengths[0], lengths[1], lengths[2])
    }

    private func voxelType() throws(SPARSError) -> VoxelType {
        let code = integer(.datatype)
        guard let type = VoxelType(niftiCode: code) else {
            let name = VoxelType.unreadNIfTICodes[code] ?? "unknown"
            throw .field(
                "datatype", "\(code) (\(name))",
                "only real integers and floats up to 64 bits are read")
        }
        let bits = integer(.bitpix)
        guard bits == 8 * type.size else {
            throw .field("bitpix", bits, "datatype \(code) has \(8 * type.size) bits a voxel")
        }
        return type
    }

    /// As nibabel does: a slope of 0, NaN or infinity means that the values are not scaled.
    private func scale() throws(SPARSError) -> VoxelScale {
        let slope = real(.slope)
        guard slope.isFinite, slope != 0 else { return .none }
        let intercept = real(.intercept)
        guard intercept.isFinite else {
            throw .field("scl_inter", intercept, "must be finite where scl_slope is \(slope)")
        }
        return VoxelScale(slope: slope, intercept: intercept)
    }

    private func offset(of extent: Extent, _ type: VoxelType) throws(SPARSError) -> Int {
        let offset = integer(.voxelOffset)
        // The header is followed by four bytes that announce extensions.
        let lowest = isPair ? 0 : Int64(version.size + 4)
        guard offset >= lowest else {
            throw .field("vox_offset", offset, "the voxels cannot start before byte \(lowest)")
        }
        guard offset < 1 << 60 else {
            throw .field("vox_offset", offset, "no file is as long")
        }
        return Int(offset)
    }
}

extension VoxelType {
    init?(niftiCode code: Int64) {
        guard let type = VoxelType.allCases.first(where: { $0.niftiCode == code }) else {
            return nil
        }
        self = type
    }

    var niftiCode: Int64 {
        switch self {
        case .uint8: 2
        case .int16: 4
        case .int32: 8
        case .float32: 16
        case .float64: 64
        case .int8: 256
        case .uint16: 512
        case .uint32: 768
        case .int64: 1024
        case .uint64: 1280
        }
    }

    /// The types of nifti1.h that hold no real number of up to 64 bits in each voxel.
    static let unreadNIfTICodes: [Int64: String] = [
        1: "binary", 32: "complex64", 128: "rgb24", 1536: "float128", 1792: "complex128",
        2048: "complex256", 2304: "rgba32",
    ]
}
