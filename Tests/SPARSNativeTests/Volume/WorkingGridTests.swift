import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct WorkingGridTests {
    private func grid(
        _ box: Extent, _ spacing: (Double, Double, Double), margin: Double, step: Double
    ) throws -> WorkingGrid {
        try WorkingGrid(
            box: box, spacing: Spacing(spacing.0, spacing.1, spacing.2, of: "the test"),
            margin: margin, step: step)
    }

    /// A length that is whole but for rounding makes no voxel more.
    @Test func theLayoutIsMarginAndBoxInWholeVoxels() throws {
        let even = try grid(Extent(30, 7, 4), (0.7, 0.1, 5), margin: 2.1, step: 0.7)
        #expect(even.before == Extent(3, 21, 1))
        #expect(even.extent == Extent(36, 7, 43))
        #expect(even.covered == Extent(36, 49, 6))
        let one = try grid(Extent(1, 1, 1), (0.1, 0.1, 0.1), margin: 0, step: 50)
        #expect(one.extent == Extent(1, 1, 1) && one.covered == Extent(500, 500, 500))
    }

    /// Against sums written out voxel by voxel in float64.
    @Test(arguments: Seeds.few) func valuesAreMeansOverTheOrgan(seed: UInt64) throws {
        let box = Extent(6, 5, 7)
        let made = try grid(box, (0.7, 2.5, 1.6), margin: 3, step: 1.5)
        let values = goldenUniform(seed: seed, count: box.count)
        let organ = goldenUniform(seed: seed &+ 1, count: box.count).map {
            UInt8($0 > 0.25 ? 1 : 0)
        }
        var working = [Float](repeating: 0, count: made.extent.count)
        var mask = [UInt8](repeating: 0, count: made.extent.count)
        try values.withUnsafeBufferPointer { values in
            try organ.withUnsafeBufferPointer { organ in
                try working.withUnsafeMutableBufferPointer { working in
                    try mask.withUnsafeMutableBufferPointer { mask in
                        try made.fill(
                            values: values, organ: organ, outside: 7, working: working, mask: mask)
                    }
                }
            }
        }
        let weights = (0..<3).map { axis in
            (0..<made.extent[axis]).map { i in
                let ratio = made.step / made.spacing[axis]
                let centre = (Double(i) + 0.5) * ratio - 0.5 - Double(made.before[axis])
                func weight(_ j: Int) -> Double {
                    max(0, 1 - abs(Double(j) - centre) / max(1, ratio))
                }
                let sum = (-60..<60).reduce(0.0) { $0 + weight($1) }
                return (0..<box[axis]).map { weight($0) / sum }
            }
        }
        for x in 0..<made.extent.x {
            for y in 0..<made.extent.y {
                for z in 0..<made.extent.z {
                    var (sum, share) = (0.0, 0.0)
                    for i in 0..<box.x {
                        for j in 0..<box.y {
                            for k in 0..<box.z where organ[box.offset(i, j, k)] != 0 {
                                let weight = weights[0][x][i] * weights[1][y][j] * weights[2][z][k]
                                sum += weight * Double(values[box.offset(i, j, k)])
                                share += weight
                            }
                        }
                    }
                    let at = made.extent.offset(x, y, z)
                    if abs(share - 0.5) < 1e-6 { continue }
                    #expect((mask[at] == 1) == (share > 0.5), "seed \(seed)")
                    let expected = share > 0.5 ? sum / share : 7
                    #expect(abs(Double(working[at]) - expected) < 1e-5, "seed \(seed)")
                }
            }
        }
    }
}
