/// The fields of the NIfTI header that are kept, and where each version holds them
/// (nifti1.h of 2007, 348 bytes; nifti2.h of 2011, 540 bytes).
enum NIfTIField: String, CaseIterable {
    case datatype, bitpix, dim, pixdim
    case intentP1 = "intent_p1"
    case intentP2 = "intent_p2"
    case intentP3 = "intent_p3"
    case voxelOffset = "vox_offset"
    case slope = "scl_slope"
    case intercept = "scl_inter"
    case displayMaximum = "cal_max"
    case displayMinimum = "cal_min"
    case sliceDuration = "slice_duration"
    case timeOffset = "toffset"
    case sliceStart = "slice_start"
    case sliceEnd = "slice_end"
    case description = "descrip"
    case auxiliaryFile = "aux_file"
    case qformCode = "qform_code"
    case sformCode = "sform_code"
    case quaternionB = "quatern_b"
    case quaternionC = "quatern_c"
    case quaternionD = "quatern_d"
    case offsetX = "qoffset_x"
    case offsetY = "qoffset_y"
    case offsetZ = "qoffset_z"
    case rowX = "srow_x"
    case rowY = "srow_y"
    case rowZ = "srow_z"
    case sliceCode = "slice_code"
    case units = "xyzt_units"
    case intentCode = "intent_code"
    case intentName = "intent_name"
    case dimensionInfo = "dim_info"

    enum Kind {
        case int8, int16, int32, int64, float32, float64
        /// So many bytes, copied as they are.
        case bytes(Int)

        var size: Int {
            switch self {
            case .int8: 1
            case .int16: 2
            case .int32, .float32: 4
            case .int64, .float64: 8
            case .bytes(let count): count
            }
        }
    }

    struct Place {
        let offset: Int
        let kind: Kind
        var count = 1
    }

    func place(in version: NIfTIHeader.Version) -> Place {
        switch version {
        case .one: placeInOne
        case .two: placeInTwo
        }
    }

    private var placeInOne: Place {
        switch self {
        case .dimensionInfo: Place(offset: 39, kind: .int8)
        case .dim: Place(offset: 40, kind: .int16, count: 8)
        case .intentP1: Place(offset: 56, kind: .float32)
        case .intentP2: Place(offset: 60, kind: .float32)
        case .intentP3: Place(offset: 64, kind: .float32)
        case .intentCode: Place(offset: 68, kind: .int16)
        case .datatype: Place(offset: 70, kind: .int16)
        case .bitpix: Place(offset: 72, kind: .int16)
        case .sliceStart: Place(offset: 74, kind: .int16)
        case .pixdim: Place(offset: 76, kind: .float32, count: 8)
        case .voxelOffset: Place(offset: 108, kind: .float32)
        case .slope: Place(offset: 112, kind: .float32)
        case .intercept: Place(offset: 116, kind: .float32)
        case .sliceEnd: Place(offset: 120, kind: .int16)
        case .sliceCode: Place(offset: 122, kind: .int8)
        case .units: Place(offset: 123, kind: .int8)
        case .displayMaximum: Place(offset: 124, kind: .float32)
        case .displayMinimum: Place(offset: 128, kind: .float32)
        case .sliceDuration: Place(offset: 132, kind: .float32)
        case .timeOffset: Place(offset: 136, kind: .float32)
        case .description: Place(offset: 148, kind: .bytes(80))
        case .auxiliaryFile: Place(offset: 228, kind: .bytes(24))
        case .qformCode: Place(offset: 252, kind: .int16)
        case .sformCode: Place(offset: 254, kind: .int16)
        case .quaternionB: Place(offset: 256, kind: .float32)
        case .quaternionC: Place(offset: 260, kind: .float32)
        case .quaternionD: Place(offset: 264, kind: .float32)
        case .offsetX: Place(offset: 268, kind: .float32)
        case .offsetY: Place(offset: 272, kind: .float32)
        case .offsetZ: Place(offset: 276, kind: .float32)
        case .rowX: Place(offset: 280, kind: .float32, count: 4)
        case .rowY: Place(offset: 296, kind: .float32, count: 4)
        case .rowZ: Place(offset: 312, kind: .float32, count: 4)
        case .intentName: Place(offset: 328, kind: .bytes(16))
        }
    }

    private var placeInTwo: Place {
        switch self {
        case .datatype: Place(offset: 12, kind: .int16)
        case .bitpix: Place(offset: 14, kind: .int16)
        case .dim: Place(offset: 16, kind: .int64, count: 8)
        case .intentP1: Place(offset: 80, kind: .float64)
        case .intentP2: Place(offset: 88, kind: .float64)
        case .intentP3: Place(offset: 96, kind: .float64)
        case .pixdim: Place(offset: 104, kind: .float64, count: 8)
        case .voxelOffset: Place(offset: 168, kind: .int64)
        case .slope: Place(offset: 176, kind: .float64)
        case .intercept: Place(offset: 184, kind: .float64)
        case .displayMaximum: Place(offset: 192, kind: .float64)
        case .displayMinimum: Place(offset: 200, kind: .float64)
        case .sliceDuration: Place(offset: 208, kind: .float64)
        case .timeOffset: Place(offset: 216, kind: .float64)
        case .sliceStart: Place(offset: 224, kind: .int64)
        case .sliceEnd: Place(offset: 232, kind: .int64)
        case .description: Place(offset: 240, kind: .bytes(80))
        case .auxiliaryFile: Place(offset: 320, kind: .bytes(24))
        case .qformCode: Place(offset: 344, kind: .int32)
        case .sformCode: Place(offset: 348, kind: .int32)
        case .quaternionB: Place(offset: 352, kind: .float64)
        case .quaternionC: Place(offset: 360, kind: .float64)
        case .quaternionD: Place(offset: 368, kind: .float64)
        case .offsetX: Place(offset: 376, kind: .float64)
        case .offsetY: Place(offset: 384, kind: .float64)
        case .offsetZ: Place(offset: 392, kind: .float64)
        case .rowX: Place(offset: 400, kind: .float64, count: 4)
        case .rowY: Place(offset: 432, kind: .float64, count: 4)
        case .rowZ: Place(offset: 464, kind: .float64, count: 4)
        case .sliceCode: Place(offset: 496, kind: .int32)
        case .units: Place(offset: 500, kind: .int32)
        case .intentCode: Place(offset: 504, kind: .int32)
        case .intentName: Place(offset: 508, kind: .bytes(16))
        case .dimensionInfo: Place(offset: 524, kind: .int8)
        }
    }
}
