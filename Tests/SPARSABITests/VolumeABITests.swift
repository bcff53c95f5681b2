import CSPARS
import Foundation
import SPARSABI
import Testing

/// Every function refuses what no caller may pass, and never traps.
@Suite struct VolumeABITests {
    private let path = FileManager.default.temporaryDirectory.appending(
        path: "\(UUID().uuidString).nii.gz"
    ).path

    private func geometry(_ shape: (Int64, Int64, Int64) = (2, 3, 4)) -> spars_geometry {
        spars_geometry(shape: shape, affine: (2, 0, 0, 5, 0, 2, 0, 6, 0, 0, 2, 7, 0, 0, 0, 1))
    }

    private func expectInvalid(
        _ parameter: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ call: (UnsafeMutablePointer<spars_error>) -> Int32
    ) {
        var error = spars_error()
        #expect(
            call(&error) == Int32(SPARS_INVALID_ARGUMENT.rawValue), sourceLocation: sourceLocation)
        #expect(
            text(&error.parameter) == parameter, "\(text(&error.message))",
            sourceLocation: sourceLocation)
        #expect(error.code == 0, sourceLocation: sourceLocation)
    }

    private func text<Buffer>(_ buffer: inout Buffer) -> String {
        withUnsafeBytes(of: &buffer) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    @Test func whatIsSavedIsRead() {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var place = geometry()
        let voxels = (0..<24).map { Float($0) }
        let type = Int32(SPARS_VOXEL_TYPE_FLOAT32.rawValue)
        #expect(spars_volume_save(path, &place, nil, type, voxels, 24, nil, 0, nil, nil) == 0)
        var (file, found, header) = (spars_handle(), spars_geometry(), spars_nifti_header())
        #expect(spars_volume_open(path, nil, &file, &found, &header, nil) == 0)
        #expect(found.shape == (2, 3, 4))
        #expect(found.affine.3 == 5 && found.affine.10 == 2)
        #expect(header.version == 1)
        var values = [Float](repeating: -1, count: 24)
        #expect(spars_volume_read(file, &values, 24, nil, nil) == 0)
        #expect(values == voxels)
        expectInvalid("count") { spars_volume_read(file, &values, 23, nil, $0) }
        expectInvalid("count") { spars_volume_read(file, &values, -1, nil, $0) }
        expectInvalid("values") { spars_volume_read(file, nil, 24, nil, $0) }
        spars_release(file)
        let stale = spars_volume_read(file, &values, 24, nil, nil)
        #expect(stale == Int32(SPARS_STALE_HANDLE.rawValue))
    }

    @Test func openingRefuses() {
        var (file, found, header) = (spars_handle(), spars_geometry(), spars_nifti_header())
        expectInvalid("path") { spars_volume_open(nil, nil, &file, &found, &header, $0) }
        expectInvalid("path") { spars_volume_open("", nil, &file, &found, &header, $0) }
        expectInvalid("file") { spars_volume_open(path, nil, nil, &found, &header, $0) }
        expectInvalid("geometry") { spars_volume_open(path, nil, &file, nil, &header, $0) }
        expectInvalid("header") { spars_volume_open(path, nil, &file, &found, nil, $0) }
        var error = spars_error()
        let status = spars_volume_open(path, nil, &file, &found, &header, &error)
        #expect(status == Int32(SPARS_IO.rawValue))
        #expect(error.code == ENOENT)
        #expect(file == 0)
    }

    @Test func savingRefuses() {
        let voxels = [Float](repeating: 0, count: 24)
        var place = geometry()
        func save(
            _ error: UnsafeMutablePointer<spars_error>, _ place: inout spars_geometry,
            header: spars_nifti_header = spars_nifti_header(), type: Int32 = 3, count: Int64 = 24,
            voxels: [Float]?
        ) -> Int32 {
            var header = header
            return spars_volume_save(
                path, &place, &header, type, voxels, count, nil, 0, nil, error)
        }
        expectInvalid("geometry") {
            spars_volume_save(path, nil, nil, 3, voxels, 24, nil, 0, nil, $0)
        }
        let extensions = [UInt8](repeating: 0, count: 16)
        for count: Int64 in [-16, 8, .max] {
            expectInvalid("extensions") {
                spars_volume_save(path, &place, nil, 3, voxels, 24, extensions, count, nil, $0)
            }
        }
        expectInvalid("type") { save($0, &place, type: 4, voxels: voxels) }
        expectInvalid("type") { save($0, &place, type: -1, voxels: voxels) }
        expectInvalid("count") { save($0, &place, count: 25, voxels: voxels) }
        expectInvalid("voxels") { save($0, &place, voxels: nil) }
        for shape: (Int64, Int64, Int64) in [(0, 1, 1), (-2, -3, 4), (.max, .max, .max)] {
            var place = geometry(shape)
            expectInvalid("shape") { save($0, &place, voxels: voxels) }
        }
        var flat = geometry()
        flat.affine.0 = 0
        expectInvalid("affine") { save($0, &flat, voxels: voxels) }
        var header = spars_nifti_header()
        header.version = 3
        expectInvalid("header") { save($0, &place, header: header, voxels: voxels) }
        header.version = 1
        var error = spars_error()
        let status = save(&error, &place, header: header, voxels: voxels)
        #expect(status == Int32(SPARS_BAD_FORMAT.rawValue))
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func decodingAHeaderRefuses() {
        var header = spars_nifti_header()
        let bytes = [UInt8](repeating: 0, count: 348)
        expectInvalid("bytes") { spars_nifti_header_decode(nil, 348, &header, $0) }
        expectInvalid("count") { spars_nifti_header_decode(bytes, 0, &header, $0) }
        expectInvalid("count") { spars_nifti_header_decode(bytes, .min, &header, $0) }
        expectInvalid("header") { spars_nifti_header_decode(bytes, 348, nil, $0) }
        let status = spars_nifti_header_decode(bytes, 348, &header, nil)
        #expect(status == Int32(SPARS_BAD_FORMAT.rawValue))
    }

    @Test func resamplingRefuses() {
        let source: [Float] = [1, 2]
        var target = [Float](repeating: 0, count: 4)
        let (from, to): ([Int64], [Int64]) = ([1, 1, 2], [1, 1, 4])
        #expect(spars_resample_linear(source, from, &target, to, nil, nil) == 0)
        #expect(target == [1, 1.25, 1.75, 2])
        expectInvalid("array") { spars_resample_linear(nil, from, &target, to, nil, $0) }
        expectInvalid("target") { spars_resample_linear(source, from, nil, to, nil, $0) }
        expectInvalid("source_shape") { spars_resample_linear(source, nil, &target, to, nil, $0) }
        for shape: [Int64] in [[0, 1, 1], [1, -4, -1], [.max, .max, 1], [1 << 21, 1, 1]] {
            expectInvalid("shape") {
                spars_resample_linear(source, from, &target, shape, nil, $0)
            }
        }
    }

    @Test func resamplingToTheNearestRefuses() {
        let source: [UInt8] = [1, 2]
        var target = [UInt8](repeating: 0, count: 4)
        let (from, to): ([Int64], [Int64]) = ([1, 1, 2], [1, 1, 4])
        #expect(spars_resample_nearest(source, from, 1, &target, to, nil, nil) == 0)
        #expect(target == [1, 1, 2, 2])
        expectInvalid("element_size") {
            spars_resample_nearest(source, from, 3, &target, to, nil, $0)
        }
        expectInvalid("array") { spars_resample_nearest(nil, from, 1, &target, to, nil, $0) }
        expectInvalid("array") { spars_resample_nearest(source, from, 1, nil, to, nil, $0) }
    }

    @Test func windowingRefuses() {
        var window = spars_intensity_window(level: 40, width: 400)
        let values: [Float] = [-160, 40, 240]
        var scaled: [Float] = [0, 0, 0]
        #expect(spars_intensity_window_apply(&window, values, 3, &scaled, nil, nil) == 0)
        #expect(scaled == [0, 0.5, 1])
        expectInvalid("window") {
            spars_intensity_window_apply(nil, values, 3, &scaled, nil, $0)
        }
        expectInvalid("values") {
            spars_intensity_window_apply(&window, nil, 3, &scaled, nil, $0)
        }
        for count in [0, -1, Int64.max] {
            expectInvalid("count") {
                spars_intensity_window_apply(&window, values, count, &scaled, nil, $0)
            }
        }
        window.level = .nan
        expectInvalid("level") {
            spars_intensity_window_apply(&window, values, 3, &scaled, nil, $0)
        }
    }
}
