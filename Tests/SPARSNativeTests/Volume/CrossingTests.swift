import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct CrossingTests {
    private func volume<F: Frame>(_ extent: Extent, seed: UInt64) -> Volume<F> {
        Volume(extent: extent, values: goldenUniform(seed: seed, count: extent.count))
    }

    @Test(arguments: Seeds.few) func aResampledScanGoesLinearlyAndComesBackByNearest(
        seed: UInt64
    ) throws {
        let crossing = try Crossing(
            scan: Extent(7, 9, 4), grid: Extent(5, 12, 4), frame: .resampled)
        let scan: Volume<Native> = volume(crossing.scan, seed: seed)
        let expected = try Resample.linear(scan.values, from: crossing.scan, to: crossing.grid)
        #expect(scan.crossed(by: crossing).values == expected)
        let map: Volume<ModelGrid> = volume(crossing.grid, seed: seed)
        let back = map.crossed(by: crossing)
        #expect(back.extent == crossing.scan)
        #expect(
            try back.values
                == Resample.nearest(map.values, from: crossing.grid, to: crossing.scan))
    }

    @Test(arguments: Seeds.few) func aCornerIsIndexedAsItIs(seed: UInt64) throws {
        let crossing = try Crossing(scan: Extent(3, 6, 5), grid: Extent(4, 4, 5), frame: .corner)
        #expect(crossing.keepsScan)
        let scan: Volume<Native> = volume(crossing.scan, seed: seed)
        #expect(scan.crossed(by: crossing).values == scan.values)
        let map: Volume<ModelGrid> = volume(crossing.grid, seed: seed)
        let back = map.crossed(by: crossing)
        for x in 0..<3 {
            for y in 0..<6 {
                for z in 0..<5 {
                    let expected = y < 4 ? map.values[crossing.grid.offset(x, y, z)] : 0
                    #expect(back.values[crossing.scan.offset(x, y, z)] == expected)
                }
            }
        }
    }

    @Test(arguments: ScanFrame.allCases, Seeds.few) func aVoxelShowsItsVoxelOfTheGrid(
        frame: ScanFrame, seed: UInt64
    ) throws {
        let scan = Extent(5, 9, 4)
        let grid = frame == .native ? scan : Extent(7, 6, 4)
        let crossing = try Crossing(scan: scan, grid: grid, frame: frame)
        // A map whose values name their voxels; 0 is the name of none.
        let names = Volume<ModelGrid>(
            extent: grid, values: (1...grid.count).map { Float($0) })
        let shown = names.crossed(by: crossing)
        for x in 0..<5 {
            for y in 0..<9 {
                for z in 0..<4 {
                    let found = try crossing.gridVoxel(at: Voxel(x, y, z))
                    let name = found.map { Float(1 + grid.offset($0.x, $0.y, $0.z)) } ?? 0
                    #expect(shown.values[scan.offset(x, y, z)] == name)
                }
            }
        }
        #expect(throws: SPARSError.self) { try crossing.gridVoxel(at: Voxel(5, 0, 0)) }
        #expect(throws: SPARSError.self) { try crossing.gridVoxel(at: Voxel(0, 0, -1)) }
    }

    @Test(arguments: [ScanFrame.resampled, .native], Seeds.few)
    func aReferenceIsCountedWhereItsVoxelsAreShown(frame: ScanFrame, seed: UInt64) throws {
        let scan = Extent(8, 5, 6)
        let grid = frame == .native ? scan : Extent(3, 7, 6)
        let crossing = try Crossing(scan: scan, grid: grid, frame: frame)
        let drawn = goldenUniform(seed: seed, count: scan.count).map { $0 > 0.3 ? Float(1) : 0 }
        let reference = Volume<Native>(extent: scan, values: drawn)
        let counts = try reference.values.withUnsafeBufferPointer {
            try crossing.counts(of: VolumeView(extent: reference.extent, values: $0))
        }
        var marks = [Int32](repeating: 0, count: grid.count)
        var planes = (0..<3).map { [Int32](repeating: 0, count: grid[$0]) }
        for x in 0..<8 {
            for y in 0..<5 {
                for z in 0..<6 {
                    let voxel = try #require(try crossing.gridVoxel(at: Voxel(x, y, z)))
                    if drawn[scan.offset(x, y, z)] == 1 {
                        marks[grid.offset(voxel.x, voxel.y, voxel.z)] += 1
                    }
                    if y == 0 && z == 0 { planes[0][voxel.x] += 1 }
                    if x == 0 && z == 0 { planes[1][voxel.y] += 1 }
                    if x == 0 && y == 0 { planes[2][voxel.z] += 1 }
                }
            }
        }
        #expect(counts.marks == marks)
        #expect(counts.planes == planes)
        #expect(counts.total == drawn.count { $0 == 1 })
    }

    @Test func aCornersReferenceIsResizedToTheGrid() throws {
        let crossing = try Crossing(scan: Extent(4, 2, 1), grid: Extent(2, 3, 1), frame: .corner)
        let reference = Volume<Native>(extent: crossing.scan, values: [1, 0, 0, 0, 0, 1, 0, 1])
        let counts = try reference.values.withUnsafeBufferPointer {
            try crossing.counts(of: VolumeView(extent: reference.extent, values: $0))
        }
        let resized = try Resample.nearest(
            reference.values, from: crossing.scan, to: crossing.grid)
        #expect(counts.marks.map { Float($0) } == resized)
        #expect(counts.planes == [[1, 1], [1, 1, 1], [1]])
    }

    @Test func badExtentsAreRefused() {
        for (scan, grid, frame) in [
            (Extent(1, 1, 1), Extent(0, 1, 1), ScanFrame.resampled),
            (Extent(1, -1, 1), Extent(1, 1, 1), .corner),
            (Extent(2, 1, 1), Extent(1, 1, 1), .native),
        ] {
            #expect(throws: SPARSError.self) {
                try Crossing(scan: scan, grid: grid, frame: frame)
            }
        }
    }
}
