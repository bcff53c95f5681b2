import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct ConnectedComponentsTests {
    /// The plain twin: floods each unlabelled voxel's component in memory order.
    private func flooded(
        _ mask: [UInt8], _ extent: Extent, _ connectivity: Connectivity
    ) -> [Int32] {
        let reach: Int =
            switch connectivity {
            case .faces: 1
            case .edges: 2
            case .corners: 3
            }
        var labels = [Int32](repeating: 0, count: mask.count)
        var last: Int32 = 0
        for x in 0..<extent.x {
            for y in 0..<extent.y {
                for z in 0..<extent.z {
                    let i = extent.offset(x, y, z)
                    if mask[i] == 0 || labels[i] != 0 { continue }
                    last += 1
                    labels[i] = last
                    var open = [Voxel(x, y, z)]
                    while let voxel = open.popLast() {
                        for step in 0..<27 {
                            let d = Voxel(step / 9 - 1, step / 3 % 3 - 1, step % 3 - 1)
                            if abs(d.x) + abs(d.y) + abs(d.z) > reach { continue }
                            let next = Voxel(voxel.x + d.x, voxel.y + d.y, voxel.z + d.z)
                            guard (0..<3).allSatisfy({ next[$0] >= 0 && next[$0] < extent[$0] })
                            else { continue }
                            let j = extent.offset(next.x, next.y, next.z)
                            if mask[j] == 0 || labels[j] != 0 { continue }
                            labels[j] = last
                            open.append(next)
                        }
                    }
                }
            }
        }
        return labels
    }

    @Test(arguments: Seeds.many) func labelsEqualThePlainTwin(seed: UInt64) throws {
        var source = RandomSource(seed: seed)
        for connectivity in Connectivity.allCases {
            for share in [0.05, 0.2, 0.4, 0.7] {
                let extent = Extent(
                    1 + source.integer(below: 9), 1 + source.integer(below: 9),
                    1 + source.integer(below: 30))
                let mask = (0..<extent.count).map { _ in source.uniform() < share ? UInt8(1) : 0 }
                let components = try ConnectedComponents(mask, extent, connectivity)
                let want = flooded(mask, extent, connectivity)
                #expect(components.labels == want, "seed \(seed), \(extent), \(connectivity)")
                let sizes = components.sizes.indices.map { i in
                    want.count { $0 == Int32(i + 1) }
                }
                #expect(components.sizes == sizes, "seed \(seed), \(extent), \(connectivity)")
            }
        }
    }

    @Test func emptyAndFullMasks() throws {
        let extent = Extent(3, 4, 5)
        let empty = try ConnectedComponents(Array(repeating: 0, count: 60), extent)
        #expect(empty.sizes.isEmpty && empty.labels.allSatisfy { $0 == 0 })
        let full = try ConnectedComponents(Array(repeating: 1, count: 60), extent)
        #expect(full.sizes == [60] && full.labels.allSatisfy { $0 == 1 })
    }
}
