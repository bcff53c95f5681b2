import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

/// One way to break a header, and the field that the error must name.
struct Breakage: CustomTestStringConvertible, Sendable {
    let field: String
    let name: String
    let apply: @Sendable (inout NIfTIFixture) -> Void

    init(_ field: String, _ name: String, _ apply: @escaping @Sendable (inout NIfTIFixture) -> Void)
    {
        (self.field, self.name, self.apply) = (field, name, apply)
    }

    var testDescription: String { "\(field), \(name)" }
}

@Suite struct NIfTIBrokenTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    static let breakages = [
        Breakage("magic", "another") { $0.magic = "n+3" },
        Breakage("magic", "none, as ANALYZE") { $0.magic = "\0\0\0" },
        Breakage("magic", "a pair's in a single file") { $0.magic = "ni\($0.version)" },
        Breakage("dim[0]", "0") { $0.dimensions = [0, 3, 4, 5] },
        Breakage("dim[0]", "8") { $0.dimensions = [8, 3, 4, 5] },
        Breakage("dim[0]", "negative") { $0.dimensions = [-3, 3, 4, 5] },
        Breakage("dim[1]", "0") { $0.dimensions = [3, 0, 4, 5] },
        Breakage("dim[2]", "negative") { $0.dimensions = [3, 3, -4, 5] },
        Breakage("dim[4]", "two volumes") { $0.dimensions = [4, 3, 4, 5, 2] },
        Breakage("dim[5]", "vectors") { $0.dimensions = [5, 3, 4, 5, 1, 3] },
        Breakage("dim", "more voxels than there are") { $0.dimensions = [3, 3, 4, 6] },
        Breakage("dim", "far more") { $0.dimensions = [3, 30000, 30000, 30000] },
        Breakage("datatype", "none") { ($0.code, $0.bitpix) = (0, 0) },
        Breakage("datatype", "unknown") { $0.code = 3 },
        Breakage("datatype", "complex") { ($0.code, $0.bitpix) = (32, 64) },
        Breakage("datatype", "colour") { ($0.code, $0.bitpix) = (128, 24) },
        Breakage("datatype", "long double") { ($0.code, $0.bitpix) = (1536, 128) },
        Breakage("bitpix", "another type's") { $0.bitpix = 32 },
        Breakage("scl_inter", "infinite") { ($0.slope, $0.intercept) = (1, .infinity) },
        Breakage("vox_offset", "inside the header") { $0.voxelOffset = 100 },
        Breakage("vox_offset", "negative") { $0.voxelOffset = -4 },
        Breakage("dim", "voxels beyond the end") { $0.voxelOffset = 1e6 },
        Breakage("sform_code", "unknown") { $0.sformCode = 9 },
        Breakage("qform_code", "negative") { $0.qformCode = -1 },
        Breakage("srow_x, srow_y, srow_z", "all zero") {
            ($0.sformCode, $0.rows) = (1, Array(repeating: [0, 0, 0, 0], count: 3))
        },
        Breakage("srow_x, srow_y, srow_z", "NaN") { ($0.sformCode, $0.rows[1][2]) = (1, .nan) },
        Breakage("quatern_b, quatern_c, quatern_d", "too long") {
            ($0.qformCode, $0.quaternion) = (1, [1, 1, 0])
        },
        Breakage("quatern_b, quatern_c, quatern_d", "NaN") {
            ($0.qformCode, $0.quaternion) = (1, [.nan, 0, 0])
        },
        Breakage("qoffset_x, qoffset_y, qoffset_z", "infinite") {
            ($0.qformCode, $0.offsets) = (1, [.infinity, 0, 0])
        },
        Breakage("pixdim[2]", "infinite") { $0.pixdim[2] = .infinity },
        Breakage("pixdim[3]", "NaN") { ($0.qformCode, $0.pixdim[3]) = (1, .nan) },
        Breakage("xyzt_units", "metres") { $0.units = 1 },
        Breakage("xyzt_units", "micrometres, with seconds") { $0.units = 3 | 8 },
    ]

    @Test(arguments: breakages, [1, 2])
    func isRefusedByItsField(breakage: Breakage, version: Int) throws {
        for isBigEndian in [false, true] {
            var fixture = NIfTIFixture()
            (fixture.version, fixture.isBigEndian) = (version, isBigEndian)
            fixture.fill(seed: 1)
            breakage.apply(&fixture)
            let path = try folder.write(fixture.file(), "a.nii")
            expectBadFormat(field: breakage.field) { try NIfTIFile(path).volume() }
            let zipped = try folder.write(try folder.gzip(fixture.file()), "a.nii.gz")
            expectBadFormat(field: breakage.field) { try NIfTIFile(zipped).volume() }
        }
    }

    @Test func wholeNumbersOnlyAreOffsets() throws {
        for offset in [352.5, .nan, .infinity] {
            var fixture = NIfTIFixture()
            fixture.voxelOffset = offset
            fixture.fill(seed: 1)
            let path = try folder.write(fixture.file(), "a.nii")
            expectBadFormat(field: "vox_offset") { try NIfTIFile(path) }
        }
    }

    @Test func aDimensionOfNIfTI2BeyondAnyFileIsRefused() throws {
        for length in [Int(Int32.max) + 1, .max, 1 << 31 - 1] {
            var fixture = NIfTIFixture()
            (fixture.version, fixture.dimensions) = (2, [3, length, length, length])
            fixture.fill(seed: 1)
            let path = try folder.write(fixture.file(), "a.nii")
            expectBadFormat { try NIfTIFile(path) }
        }
    }

    @Test(arguments: [1, 2]) func everyTruncationIsAnError(version: Int) throws {
        var fixture = NIfTIFixture()
        fixture.version = version
        fixture.fill(seed: 1)
        let bytes = fixture.file()
        for count in 0..<bytes.count {
            let path = try folder.write(Array(bytes[..<count]), "a.nii")
            expectBadFormat("\(count) bytes") { try NIfTIFile(path).volume() }
        }
    }

    /// Whatever the bytes, there is a volume or an error, and no trap.
    @Test(arguments: Seeds.many) func flippedBytesNeverTrap(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        for round in 0..<60 {
            var fixture = NIfTIFixture()
            fixture.version = 1 + round % 2
            fixture.isBigEndian = random.integer(below: 2) == 1
            (fixture.sformCode, fixture.qformCode) = (random.integer(below: 2), 1)
            fixture.fill(seed: seed)
            var bytes = fixture.file()
            for _ in 0..<1 + random.integer(below: 4) {
                bytes[random.integer(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            if round % 3 == 0 { bytes = try folder.gzip(bytes) }
            if round % 6 == 0 { bytes[random.integer(below: bytes.count)] ^= 1 << (seed % 8) }
            let path = try folder.write(bytes, "a.nii")
            do throws(SPARSError) {
                let file = try NIfTIFile(path)
                let values = try file.volume().values
                #expect(values.count == file.extent.count)
            } catch {}
        }
    }

    @Test func whatIsNoFileIsAnErrorOfTheSystem() throws {
        for (name, code) in [("none.nii", 2), ("", 21)] {
            let error = #expect(throws: SPARSError.self) { try NIfTIFile(folder.path(name)) }
            guard case .io(_, let found, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(Int(found) == code)
        }
    }

    @Test func aPairsMissingHalfIsNamed() throws {
        var fixture = NIfTIFixture()
        fixture.isPair = true
        try folder.write(fixture.header(), "a.hdr")
        let error = #expect(throws: SPARSError.self) { try NIfTIFile(folder.path("a.hdr")) }
        #expect(error?.description.contains("a.img: ") == true)
        try folder.write([], "b.img")
        let other = #expect(throws: SPARSError.self) { try NIfTIFile(folder.path("b.img")) }
        #expect(other?.description.contains("b.hdr: ") == true)
    }
}
