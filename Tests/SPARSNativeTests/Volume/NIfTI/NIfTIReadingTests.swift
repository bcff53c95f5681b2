import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct NIfTIReadingTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: VoxelType.allCases, [1, 2])
    func everyTypeVersionOrderAndCompression(type: VoxelType, version: Int) throws {
        for isBigEndian in [false, true] {
            for slope in [0.0, 1, 0.25] {
                var fixture = NIfTIFixture()
                (fixture.type, fixture.version, fixture.isBigEndian) = (type, version, isBigEndian)
                (fixture.slope, fixture.intercept) = (slope, slope == 1 ? 0 : -7)
                fixture.fill(seed: UInt64(version) + type.niftiCode.magnitude)
                let plain = try folder.write(fixture.file(), "a.nii")
                let zipped = try folder.write(try folder.gzip(fixture.file()), "a.nii.gz")
                for path in [plain, zipped] {
                    let file = try NIfTIFile(path)
                    let volume = try file.volume()
                    #expect(file.extent == Extent(3, 4, 5))
                    #expect(volume.values == fixture.expected(), "\(path) \(isBigEndian) \(slope)")
                    #expect(file.header.version.rawValue == version)
                }
            }
        }
    }

    @Test(arguments: [1, 2]) func pairsAreFoundFromEitherFile(version: Int) throws {
        var fixture = NIfTIFixture()
        (fixture.version, fixture.isPair) = (version, true)
        fixture.fill(seed: 3)
        let zipped = try folder.gzip(fixture.voxels())
        try folder.write(fixture.header(), "a.hdr")
        try folder.write(fixture.voxels(), "a.img")
        try folder.write(try folder.gzip(fixture.header()), "b.hdr.gz")
        try folder.write(zipped, "b.img.gz")
        try folder.write(fixture.header(), "c.hdr")
        try folder.write(zipped, "c.img.gz")
        try folder.write(fixture.header(), "D.HDR")
        try folder.write(fixture.voxels(), "D.IMG")
        for name in [
            "a.hdr", "a.img", "b.hdr.gz", "b.img.gz", "c.hdr", "c.img.gz", "D.HDR", "D.IMG",
        ] {
            let values = try NIfTIFile(folder.path(name)).volume().values
            #expect(values == fixture.expected(), "\(name)")
        }
    }

    @Test func anOffsetInThePairsImageIsHonoured() throws {
        var fixture = NIfTIFixture()
        (fixture.isPair, fixture.voxelOffset) = (true, 16)
        fixture.fill(seed: 4)
        try folder.write(fixture.header(), "a.hdr")
        try folder.write([UInt8](repeating: 9, count: 16) + fixture.voxels(), "a.img")
        #expect(try NIfTIFile(folder.path("a.img")).volume().values == fixture.expected())
    }

    @Test func extensionsAreSkipped() throws {
        var fixture = NIfTIFixture()
        fixture.extensionBytes = 48
        fixture.fill(seed: 5)
        let path = try folder.write(fixture.file(), "a.nii")
        #expect(try NIfTIFile(path).volume().values == fixture.expected())
    }

    @Test(arguments: [[3, 3, 4, 5], [4, 3, 4, 5, 1], [7, 3, 4, 5, 1, 1, 1, 1]])
    func trailingAxesOfLengthOneAreDropped(dimensions: [Int]) throws {
        var fixture = NIfTIFixture()
        fixture.dimensions = dimensions
        fixture.fill(seed: 6)
        let path = try folder.write(fixture.file(), "a.nii")
        #expect(try NIfTIFile(path).volume().values == fixture.expected())
    }

    @Test func aSliceIsAVolumeOfOnePlane() throws {
        var fixture = NIfTIFixture()
        (fixture.shape, fixture.dimensions) = ([3, 4, 1], [2, 3, 4])
        fixture.fill(seed: 7)
        let path = try folder.write(fixture.file(), "a.nii")
        #expect(try NIfTIFile(path).extent == Extent(3, 4, 1))
        #expect(try NIfTIFile(path).volume().values == fixture.expected())
    }

    @Test(arguments: [1, 2, 7]) func manySlabsGiveTheSameBitsForAnyThreadCount(threads: Int) throws
    {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        Parallel.threadCount = threads
        var fixture = NIfTIFixture()
        (fixture.shape, fixture.type) = ([31, 67, 53], .int16)
        fixture.fill(seed: 8)
        let path = try folder.write(try folder.gzip(fixture.file()), "a.nii.gz")
        #expect(try NIfTIFile(path).volume().values == fixture.expected())
    }

    @Test func notANumberAndInfinityAreKept() throws {
        var fixture = NIfTIFixture()
        (fixture.shape, fixture.type) = ([2, 2, 1], .float64)
        fixture.stored = [.nan, .infinity, -.infinity, 1e300]
        let path = try folder.write(fixture.file(), "a.nii")
        let values = try NIfTIFile(path).volume().values
        #expect(values[0].isNaN)
        #expect(values[1...] == [-.infinity, .infinity, .infinity])
    }
}

@Suite struct GzipTests {
    private let folder: TemporaryFolder
    private var fixture = NIfTIFixture()

    init() throws {
        folder = try TemporaryFolder()
        fixture.shape = [16, 16, 16]
        fixture.fill(seed: 1)
    }

    @Test func membersAreJoined() throws {
        let bytes = fixture.file()
        let parts = try [bytes[..<100], bytes[100..<400], bytes[400..<401], bytes[401...]]
            .map { try folder.gzip(Array($0)) }
        let path = try folder.write(parts.flatMap { $0 }, "a.nii.gz")
        #expect(try NIfTIFile(path).volume().values == fixture.expected())
    }

    /// Every file gives the same voxels, or the same error, with libdeflate and without.
    @Test func libdeflateChangesNothing() throws {
        #expect(Libdeflate(names: ["libnone.so.0"]) == nil)
        let bytes = fixture.file()
        let whole = try folder.gzip(bytes)
        let parts = try [bytes[..<100], bytes[100..<400], bytes[400...]].flatMap {
            try folder.gzip(Array($0))
        }
        let longer = try folder.gzip(bytes + [UInt8](repeating: 7, count: 1000))
        var wrongHeader = whole
        // A header's own checksum: announced, and wrong.
        wrongHeader[3] |= 2
        wrongHeader.insert(contentsOf: [0, 0], at: 10)
        var wrongSum = whole
        wrongSum[whole.count - 6] ^= 1
        let empty = try folder.gzip([])
        for (name, content) in [
            ("whole", whole), ("parts", parts), ("longer", longer), ("header", wrongHeader),
            ("sum", wrongSum), ("cut", Array(whole.dropLast(3))), ("rest", whole + [1, 2, 3]),
            ("empty", empty + whole),
        ] {
            let path = try folder.write(content, "\(name).nii.gz")
            let (fast, slow) = (answer(path, .shared), answer(path, nil))
            #expect(fast == slow, "\(name)")
            let isRead = !["header", "sum", "cut"].contains(name)
            #expect((fast == .success(fixture.expected())) == isRead, "\(name)")
        }
    }

    private func answer(_ path: FilePath, _ library: Libdeflate?) -> Result<[Float], SPARSError> {
        Result { () throws(SPARSError) in
            let file = try NIfTIFile(path)
            var values = [Float](repeating: 0, count: file.extent.count)
            try values.withUnsafeMutableBufferPointer { buffer throws(SPARSError) in
                try file.read(into: buffer.baseAddress!, inflatingBy: library)
            }
            return values
        }
    }

    @Test func whatFollowsTheLastMemberIsLeftAlone() throws {
        let bytes = try folder.gzip(fixture.file())
        for rest in [[UInt8](repeating: 0, count: 512), Array("garbage".utf8), [0x1F]] {
            let path = try folder.write(bytes + rest, "a.nii.gz")
            #expect(try NIfTIFile(path).volume().values == fixture.expected())
        }
    }

    @Test func compressionIsKnownByContentNotByName() throws {
        let path = try folder.write(try folder.gzip(fixture.file()), "a.nii")
        #expect(try NIfTIFile(path).volume().values == fixture.expected())
        let plain = try folder.write(fixture.file(), "b.nii.gz")
        #expect(try NIfTIFile(plain).volume().values == fixture.expected())
    }

    @Test func everyTruncationIsAnError() throws {
        let bytes = try folder.gzip(fixture.file())
        for count in Array(0..<64) + Array(stride(from: 64, to: bytes.count, by: 997)) + [
            bytes.count - 9, bytes.count - 8, bytes.count - 4, bytes.count - 1,
        ] {
            let path = try folder.write(Array(bytes[..<count]), "a.nii.gz")
            expectBadFormat("\(count) of \(bytes.count) bytes") { try NIfTIFile(path).volume() }
        }
    }

    @Test func aWrongChecksumOrLengthIsAnError() throws {
        let bytes = try folder.gzip(fixture.file())
        for back in 1...8 {
            var broken = bytes
            broken[bytes.count - back] ^= 0x10
            let path = try folder.write(broken, "a.nii.gz")
            expectBadFormat("byte \(back) from the end") { try NIfTIFile(path).volume() }
        }
    }

    @Test func aPromiseThatNoGzipOfThisLengthCanHoldIsRefusedAtOnce() throws {
        var fixture = fixture
        fixture.dimensions = [3, 30000, 30000, 30000]
        let path = try folder.write(try folder.gzip(fixture.file()), "a.nii.gz")
        expectBadFormat(field: "dim") { try NIfTIFile(path) }
    }

    @Test func aPromiseBeyondTheTrustedRatioIsCounted() throws {
        var fixture = fixture
        // Zeros compress a thousandfold, so the length alone does not refute this promise.
        (fixture.shape, fixture.dimensions) = ([100, 100, 100], [3, 100, 100, 200])
        fixture.stored = Array(repeating: 0, count: fixture.count)
        let path = try folder.write(try folder.gzip(fixture.file()), "a.nii.gz")
        expectBadFormat(field: "dim") { try NIfTIFile(path) }
        fixture.dimensions = nil
        try folder.write(try folder.gzip(fixture.file()), "a.nii.gz")
        #expect(try NIfTIFile(path).volume().values == fixture.expected())
    }
}

/// Expects `badFormat`, of this field if one is given.
func expectBadFormat(
    _ comment: Comment? = nil, field: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> some Any
) {
    do {
        _ = try body()
        Issue.record("nothing was thrown \(comment ?? "")", sourceLocation: sourceLocation)
    } catch SPARSError.badFormat(let found, let message) {
        if let field {
            #expect(found == field, "\(message)", sourceLocation: sourceLocation)
            #expect(message.contains(field), sourceLocation: sourceLocation)
        }
    } catch {
        Issue.record("\(error) was thrown \(comment ?? "")", sourceLocation: sourceLocation)
    }
}
