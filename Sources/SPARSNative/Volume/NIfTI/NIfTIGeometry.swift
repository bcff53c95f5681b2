import SPARSKernels

/// The place in space that a header gives its voxels, and the other way round.
extension NIfTIHeader {
    /// The affine, from the best of what the header gives: sform, then qform, then pixdim alone,
    /// which centres the volume on the origin with x reversed (as nibabel does, and as ANALYZE
    /// files meant it).
    ///
    /// - Throws: `badFormat` if what it gives cannot place voxels.
    func geometry(of extent: Extent) throws(SPARSError) -> Geometry {
        try checkUnits()
        if try code(.sformCode) > 0 { return try sform() }
        return try code(.qformCode) > 0 ? qform() : centred(extent)
    }

    private func code(_ field: NIfTIField) throws(SPARSError) -> Int64 {
        let code = integer(field)
        guard (0...5).contains(code) else {
            throw .field(field.rawValue, code, "must be a transform's code, 0 to 5")
        }
        return code
    }

    /// Spacing is in mm everywhere here; a file in other units would be wrong by a thousand.
    private func checkUnits() throws(SPARSError) {
        let units = integer(.units)
        if let name = [1: "metres", 3: "micrometres"][units & 7] {
            throw .field(
                "xyzt_units", units,
                "spacing in \(name); only millimetres (2) or unknown (0) are read")
        }
    }

    private func sform() throws(SPARSError) -> Geometry {
        let rows = [NIfTIField.rowX, .rowY, .rowZ]
        var affine: [Double] = []
        for row in rows { affine += (0..<4).map { real(row, $0) } }
        affine += [0, 0, 0, 1]
        guard Geometry.isPlacing(affine) else {
            throw .field(
                "srow_x, srow_y, srow_z", (0..<3).map { Array(affine[4 * $0..<4 * $0 + 4]) },
                "must be a finite invertible affine where sform_code is above 0")
        }
        return Geometry(unchecked: affine)
    }

    private func qform() throws(SPARSError) -> Geometry {
        let (b, c, d) = (real(.quaternionB), real(.quaternionC), real(.quaternionD))
        // Written in NIfTI-1 the quaternion has float32 precision.
        let epsilon = version == .one ? Double(Float.ulpOfOne) : Double.ulpOfOne
        let squared = 1 - (b * b + c * c + d * d)
        guard squared.isFinite, squared > -3 * epsilon else {
            throw .field(
                "quatern_b, quatern_c, quatern_d", [b, c, d], "must be part of a unit quaternion")
        }
        let a = squared < 3 * epsilon ? 0 : squared.squareRoot()
        let spacing = try spacing()
        let lengths = [spacing[0], spacing[1], real(.pixdim, 0) == -1 ? -spacing[2] : spacing[2]]
        let rotation = NIfTIHeader.rotation(a, b, c, d)
        let offsets = [real(.offsetX), real(.offsetY), real(.offsetZ)]
        var affine = Geometry.identity.affine
        for row in 0..<3 {
            for column in 0..<3 {
                affine[4 * row + column] = rotation[3 * row + column] * lengths[column]
            }
            affine[4 * row + 3] = offsets[row]
        }
        guard Geometry.isPlacing(affine) else {
            throw .field("qoffset_x, qoffset_y, qoffset_z", offsets, "must be finite")
        }
        return Geometry(unchecked: affine)
    }

    private func centred(_ extent: Extent) throws(SPARSError) -> Geometry {
        let spacing = try spacing()
        var affine = Geometry.identity.affine
        for axis in 0..<3 {
            let length = axis == 0 ? -spacing[0] : spacing[axis]
            affine[5 * axis] = length
            affine[4 * axis + 3] = -length * Double(extent[axis] - 1) / 2
        }
        return Geometry(unchecked: affine)
    }

    /// The voxel's edges; 0 means 1 mm and a sign means nothing, as nibabel reads them.
    private func spacing() throws(SPARSError) -> [Double] {
        var lengths: [Double] = []
        for axis in 1...3 {
            let length = abs(real(.pixdim, axis))
            // The square of a length must be finite too.
            guard length < 1e150, length == 0 || length > 1e-150 else {
                throw .field("pixdim[\(axis)]", length, "must be the voxel's edge in mm")
            }
            lengths.append(length == 0 ? 1 : length)
        }
        return lengths
    }

    /// Row by row; the quaternion need not have length 1.
    private static func rotation(_ w: Double, _ x: Double, _ y: Double, _ z: Double) -> [Double] {
        let s = 2 / (w * w + x * x + y * y + z * z)
        let (xx, yy, zz) = (s * x * x, s * y * y, s * z * z)
        let (xy, xz, yz) = (s * x * y, s * x * z, s * y * z)
        let (wx, wy, wz) = (s * w * x, s * w * y, s * w * z)
        return [
            1 - (yy + zz), xy - wz, xz + wy,
            xy + wz, 1 - (xx + zz), yz - wx,
            xz - wy, yz + wx, 1 - (xx + yy),
        ]
    }
}

// MARK: - Writing

extension NIfTIHeader {
    /// The header of a file that holds `extent` voxels of a type on `geometry`.
    ///
    /// Fields that describe the scan are kept from `template`; those that describe its voxels
    /// (dimensions, type, scaling, display range) are set anew. The template's qform and sform are
    /// kept as they are where they give this geometry, otherwise both are written from it.
    static func writing(
        extent: Extent, type: VoxelType, geometry: Geometry, template: NIfTIHeader?,
        extensionCount: Int
    ) -> NIfTIHeader {
        var header = template?.asSingleFile() ?? NIfTIHeader(version: .one)
        if template == nil { header.set(.units, integer: 2) }
        let isKept = (try? header.geometry(of: extent))?.isClose(to: geometry) == true
        header.fitVersion(to: extent)
        for axis in 0..<8 {
            header.set(.dim, axis, integer: axis == 0 ? 3 : axis <= 3 ? Int64(extent[axis - 1]) : 1)
        }
        header.set(.datatype, integer: type.niftiCode)
        header.set(.bitpix, integer: Int64(8 * type.size))
        header.set(.voxelOffset, integer: Int64(header.version.size + 4 + extensionCount))
        header.set(.slope, real: 1.0)
        header.set(.intercept, real: 0.0)
        header.set(.displayMaximum, real: 0.0)
        header.set(.displayMinimum, real: 0.0)
        if !isKept { header.place(geometry) }
        return header
    }

    /// Writes sform, pixdim and, where the axes are perpendicular, qform from `geometry`.
    /// Codes that are set stay; an unset one becomes 1, scanner coordinates.
    private mutating func place(_ geometry: Geometry) {
        let affine = geometry.affine
        for (row, field) in [NIfTIField.rowX, .rowY, .rowZ].enumerated() {
            for column in 0..<4 { set(field, column, real: affine[4 * row + column]) }
        }
        set(.sformCode, integer: codeOrScanner(.sformCode))
        for (axis, length) in geometry.spacing.enumerated() { set(.pixdim, axis + 1, real: length) }
        guard let (quaternion, factor) = NIfTIHeader.quaternion(of: geometry) else {
            set(.qformCode, integer: 0)
            set(.pixdim, 0, real: 1.0)
            return
        }
        set(.qformCode, integer: codeOrScanner(.qformCode))
        set(.pixdim, 0, real: factor)
        for (i, field) in [NIfTIField.quaternionB, .quaternionC, .quaternionD].enumerated() {
            set(field, real: quaternion[i + 1])
        }
        for (row, field) in [NIfTIField.offsetX, .offsetY, .offsetZ].enumerated() {
            set(field, real: affine[4 * row + 3])
        }
    }

    private func codeOrScanner(_ field: NIfTIField) -> Int64 {
        (1...5).contains(integer(field)) ? integer(field) : 1
    }

    /// The unit quaternion (a, b, c, d), a at least 0, and the sign of the third axis; nil where
    /// the axes are not perpendicular to 1e-5. From the largest of the four squares, after
    /// Shepperd (1978), "Quaternion from rotation matrix".
    private static func quaternion(of geometry: Geometry) -> (quaternion: [Double], factor: Double)?
    {
        var m = Geometry.directions(of: geometry.affine)
        for (i, j) in [(0, 1), (0, 2), (1, 2)] {
            let product: Double = m[i] * m[j] + m[3 + i] * m[3 + j] + m[6 + i] * m[6 + j]
            if abs(product) > 1e-5 { return nil }
        }
        let factor: Double = Geometry.determinant(m) < 0 ? -1 : 1
        for row in 0..<3 { m[3 * row + 2] *= factor }
        let trace: Double = m[0] + m[4] + m[8]
        let (across, along, above) = (m[7] - m[5], m[2] - m[6], m[3] - m[1])
        let (xy, xz, yz) = (m[1] + m[3], m[2] + m[6], m[5] + m[7])
        let squares: [Double] = [trace, m[0], m[4], m[8]]
        var q: [Double]
        switch squares.indices.max(by: { squares[$0] < squares[$1] })! {
        case 0: q = [1 + trace, across, along, above]
        case 1: q = [across, 1 + 2 * m[0] - trace, xy, xz]
        case 2: q = [along, xy, 1 + 2 * m[4] - trace, yz]
        default: q = [above, xz, yz, 1 + 2 * m[8] - trace]
        }
        let length: Double = q.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let divisor = q[0] < 0 ? -length : length
        q = q.map { $0 / divisor }
        return (q, factor)
    }
}
