import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct NIfTIWritingTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(
        _ values: [Float], _ extent: Extent, _ geometry: Geometry, _ template: NIfTIHeader? = nil,
        _ name: String = "out.nii"
    ) throws(SPARSError) -> NIfTIFile {
        let path = folder.path(name)
        try values.withUnsafeBufferPointer { buffer throws(SPARSError) in
            try NIfTIWriter.write(
                UnsafeRawBufferPointer(buffer), .float32, extent: extent, geometry: geometry,
                template: template, to: path)
        }
        return try NIfTIFile(path)
    }

    @Test(
        arguments: [Extent(1, 1, 1), Extent(3, 4, 5), Extent(65, 33, 40)], ["o.nii", "o.nii.gz"])
    func valuesReturn(extent: Extent, name: String) throws {
        var random = RandomSource(seed: 3)
        let values = (0..<extent.count).map { _ in Float(random.normal()) }
        let file = try write(values, extent, .identity, nil, name)
        #expect(file.extent == extent)
        #expect(try file.volume().values == values)
        #expect(file.geometry == .identity)
        #expect(try folder.names == [name])
    }

    @Test(arguments: Seeds.few) func everyTypeReturns(seed: UInt64) throws {
        let extent = Extent(5, 4, 3)
        var random = RandomSource(seed: seed)
        let bytes = (0..<extent.count).map { _ in UInt8(random.integer(below: 256)) }
        let path = folder.path("mask.nii.gz")
        try bytes.withUnsafeBytes {
            try NIfTIWriter.write(
                $0, .uint8, extent: extent, geometry: .identity, template: nil, to: path)
        }
        #expect(try NIfTIFile(path).volume().values == bytes.map { Float($0) })
    }

    /// The header of a scan on which masks are written, each with another source of its affine.
    @Test(arguments: [1, 2], [(0, 0), (0, 1), (2, 0), (1, 3), (4, 1)])
    func theScansTransformsAreKeptAsTheyAre(version: Int, codes: (Int, Int)) throws {
        var fixture = NIfTIFixture()
        fixture.version = version
        (fixture.sformCode, fixture.qformCode) = codes
        (fixture.quaternion, fixture.offsets) = ([0.1, -0.2, 0.3], [10, 20, 30])
        (fixture.pixdim[0], fixture.units) = (-1, 2 | 8)
        fixture.fill(seed: 1)
        let scan = try NIfTIFile(try folder.write(fixture.file(), "scan.nii"))
        let values = [Float](repeating: 1, count: scan.extent.count)
        let mask = try write(values, scan.extent, scan.geometry, scan.header)
        #expect(mask.geometry == scan.geometry)
        for field in NIfTIField.allCases
        where ![.dim, .datatype, .bitpix, .voxelOffset, .slope].contains(field) {
            let place = field.place(in: .two)
            let range = place.offset..<place.offset + place.count * place.kind.size
            #expect(mask.header.bytes[range] == scan.header.bytes[range], "\(field)")
        }
        #expect(mask.header.version.rawValue == version)
    }

    @Test(arguments: Seeds.many) func anyRigidGeometryReturnsByQformAlone(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        var q = (0..<4).map { _ in random.normal() }
        // Turns about one axis by half a turn are the quaternion's special cases.
        if seed % 5 == 0 { q = (0..<4).map { $0 == Int(seed / 5) % 4 ? 1 : 0 } }
        let length = q.reduce(0) { $0 + $1 * $1 }.squareRoot()
        var fixture = NIfTIFixture()
        (fixture.version, fixture.qformCode) = (2, 1)
        fixture.quaternion = q[1...].map { $0 / (q[0] < 0 ? -length : length) }
        fixture.pixdim = [seed % 2 == 0 ? 1 : -1, 0.7, 1.3, 5]
        fixture.offsets = [1, -2, 300]
        fixture.fill(seed: 1)
        let scan = try NIfTIFile(try folder.write(fixture.file(), "scan.nii"))
        // Without the template's header both transforms are made from the affine.
        let made = NIfTIHeader.writing(
            extent: scan.extent, type: .uint8, geometry: scan.geometry,
            template: NIfTIHeader(version: .two), extensionCount: 0)
        #expect(made.integer(.sformCode) == 1 && made.integer(.qformCode) == 1)
        var qformOnly = made
        qformOnly.set(.sformCode, integer: 0)
        for (a, b) in zip(
            try qformOnly.geometry(of: scan.extent).affine + made.geometry(of: scan.extent).affine,
            scan.geometry.affine + scan.geometry.affine)
        {
            #expect(abs(a - b) < 1e-7, "\(q)")
        }
    }

    @Test func aShearedGeometryHasNoQform() throws {
        let sheared = try Geometry(affine: [1, 0.2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])
        let header = NIfTIHeader.writing(
            extent: Extent(2, 2, 2), type: .uint8, geometry: sheared, template: nil,
            extensionCount: 0)
        #expect(header.integer(.qformCode) == 0)
        #expect(header.integer(.sformCode) == 1)
    }

    @Test func aDimensionBeyondNIfTI1MakesItNIfTI2() throws {
        let extent = Extent(40000, 1, 1)
        let file = try write([Float](repeating: 2, count: 40000), extent, .identity)
        #expect(file.header.version == .two)
        #expect(file.extent == extent)
    }

    @Test func aFileThatCannotBeWrittenLeavesNothing() throws {
        try folder.write([1, 2, 3], "kept.nii")
        #expect(throws: SPARSError.self) {
            try Control.with(
                poll: { _, _ in true },
                { () throws(SPARSError) in
                    let values = [Float](repeating: 0, count: 8)
                    return try write(values, Extent(2, 2, 2), .identity, nil, "kept.nii")
                })
        }
        #expect(try folder.names == ["kept.nii"])
        #expect(try folder.read("kept.nii") == [1, 2, 3])
        #expect(throws: SPARSError.self) {
            try write([0], Extent(1, 1, 1), .identity, nil, "no/o.nii")
        }
        #expect(throws: SPARSError.self) {
            try write([0], Extent(1, 1, 1), .identity, nil, "o.img")
        }
    }

    @Test func equalContentMakesEqualBytes() throws {
        for name in ["a.nii.gz", "b.nii.gz"] {
            _ = try write([1, 2, 3, 4, 5, 6, 7, 8], Extent(2, 2, 2), .identity, nil, name)
        }
        #expect(try folder.read("a.nii.gz") == folder.read("b.nii.gz"))
    }
}
