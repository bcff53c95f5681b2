import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct IntensityMaskTests {
    private func offsets(_ extent: Extent, _ voxel: Voxel) -> [Voxel] {
        (0..<3).flatMap { axis in
            [-1, 1].map { by in
                Voxel(
                    voxel.x + (axis == 0 ? by : 0), voxel.y + (axis == 1 ? by : 0),
                    voxel.z + (axis == 2 ? by : 0))
            }
        }
    }

    /// Erosion and dilation written out voxel by voxel; beyond the array is outside.
    private func plain(_ mask: [UInt8], _ extent: Extent, by times: Int) -> [UInt8] {
        func isSet(_ mask: [UInt8], _ v: Voxel) -> Bool {
            (0..<3).allSatisfy { (0..<extent[$0]).contains(v[$0]) }
                && mask[extent.offset(v.x, v.y, v.z)] != 0
        }
        func each(_ mask: [UInt8], _ rule: (Bool, [Bool]) -> Bool) -> [UInt8] {
            var result = mask
            for x in 0..<extent.x {
                for y in 0..<extent.y {
                    for z in 0..<extent.z {
                        let voxel = Voxel(x, y, z)
                        let around = offsets(extent, voxel).map { isSet(mask, $0) }
                        result[extent.offset(x, y, z)] = rule(isSet(mask, voxel), around) ? 1 : 0
                    }
                }
            }
            return result
        }
        var mask = mask
        for _ in 0..<times { mask = each(mask) { $0 && !$1.contains(false) } }
        for _ in 0..<times { mask = each(mask) { $0 || $1.contains(true) } }
        return mask
    }

    @Test(arguments: Seeds.few) func openingIsErosionThenDilation(seed: UInt64) throws {
        let extent = Extent(9, 8, 11)
        let mask = goldenUniform(seed: seed, count: extent.count).map { UInt8($0 > 0.12 ? 1 : 0) }
        for times in 0...2 {
            let opened = try IntensityMask.opened(mask, (extent.x, extent.y, extent.z), by: times)
            #expect(opened == plain(mask, extent, by: times), "seed \(seed), \(times) times")
        }
    }

    @Test func settingsOutOfRangeAreRefused() throws {
        let changes: [(inout IntensityMask) -> Void] = [
            { $0.below = -1 }, { $0.below = .nan }, { $0.sigma = 21 }, { $0.edge = .infinity },
            { $0.opening = -1 }, { $0.opening = 11 },
        ]
        for change in changes {
            var rule = IntensityMask()
            change(&rule)
            #expect(throws: SPARSError.self) { try rule.validate() }
        }
        try IntensityMask().validate()
    }
}
