import SPARSKernels
import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct ResampleTests {
    @Test func nearestIndicesEqualPyTorchs() throws {
        let golden = try Fixture.numbers("resize_golden.json")
        var checked = 0
        for (name, indices) in golden where name.first!.isNumber {
            let sizes = name.split(separator: "_").map { Int($0)! }
            let axis = ResampleAxis.nearest(from: sizes[0], to: sizes[1])
            #expect(axis.lower == indices.map { Int($0) }, "\(name)")
            checked += 1
        }
        #expect(checked == 19)
    }

    @Test func trilinearEqualsPyTorch() throws {
        let golden = try Fixture.numbers("resize_golden.json")
        let source = golden["tri_in"]!.map { Float($0) }
        let from = Extent(7, 5, 4)
        let up = try Resample.linear(source, from: from, to: Extent(13, 6, 9))
        expectClose(up, golden["tri_out"]!, within: 1e-6)
        let down = try Resample.linear(source, from: from, to: Extent(3, 5, 2))
        expectClose(down, golden["tri_down"]!, within: 1e-6)
    }

    @Test(arguments: Seeds.few) func sameExtentKeepsEveryBit(seed: UInt64) throws {
        let extent = Extent(5, 7, 3)
        let values = goldenUniform(seed: seed, count: extent.count)
        #expect(try Resample.nearest(values, from: extent, to: extent) == values)
        #expect(try Resample.linear(values, from: extent, to: extent) == values)
    }

    @Test func nearestPicksVoxels() throws {
        let values: [Float] = [0, 1, 2, 3, 4, 5]
        let wider = try Resample.nearest(values, from: Extent(1, 2, 3), to: Extent(2, 2, 6))
        #expect(
            wider == [
                0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5,
            ])
    }

    @Test func badExtentsAreRefused() {
        #expect(throws: SPARSError.self) {
            try Resample.nearest([], from: Extent(0, 1, 1), to: Extent(1, 1, 1))
        }
        #expect(throws: SPARSError.self) {
            try Resample.linear([1], from: Extent(1, 1, 1), to: Extent(1, -1, 1))
        }
        #expect(throws: SPARSError.self) {
            try Resample.linear([1, 2], from: Extent(1, 1, 1), to: Extent(2, 2, 2))
        }
        #expect(throws: SPARSError.self) {
            try Resample.nearest([1], from: Extent(1, 1, 1), to: Extent(Int.max, Int.max, 2))
        }
    }
}
