import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct OrganCavitiesTests {
    private let extent = Extent(30, 28, 26)

    private func filled(
        _ values: [Float], _ organ: [UInt8], edge: Double = 2
    ) throws -> (taken: Int, left: Int, mask: [UInt8]) {
        let spacing = try Spacing(edge, edge, edge, of: "test")
        var mask = [UInt8](repeating: 9, count: extent.count)
        let found = try values.withUnsafeBufferPointer { values in
            try organ.withUnsafeBufferPointer { organ in
                try mask.withUnsafeMutableBufferPointer { mask in
                    try OrganCavities.fill(
                        values: values, organ: organ, extent: extent, spacing: spacing,
                        filled: mask)
                }
            }
        }
        return (found.taken, found.left, mask)
    }

    /// A box of organ at 100 HU in air, with a part of it cut out of its mask at some HU.
    private func organ(
        hole: (low: Voxel, high: Voxel), hu: Float, seed: UInt64
    ) -> (values: [Float], whole: [UInt8], holed: [UInt8], voxels: Int) {
        var random = RandomSource(seed: seed)
        var values = [Float](repeating: -800, count: extent.count)
        var whole = [UInt8](repeating: 0, count: extent.count)
        var holed = whole
        var voxels = 0
        for x in 4..<26 {
            for y in 4..<24 {
                for z in 4..<22 {
                    let i = extent.offset(x, y, z)
                    let isCut =
                        (hole.low.x..<hole.high.x).contains(x)
                        && (hole.low.y..<hole.high.y).contains(y)
                        && (hole.low.z..<hole.high.z).contains(z)
                    values[i] = (isCut ? hu : 100) + 8 * Float(random.normal())
                    whole[i] = 1
                    holed[i] = isCut ? 0 : 1
                    voxels += isCut ? 1 : 0
                }
            }
        }
        return (values, whole, holed, voxels)
    }

    private let inner = (low: Voxel(10, 10, 10), high: Voxel(16, 15, 14))

    @Test(arguments: Seeds.few) func aLesionThatIsLeftOutIsTakenIn(seed: UInt64) throws {
        // On all sides; but for a channel to the surface along z, y or x.
        for (low, high) in [
            (Voxel(12, 12, 12), Voxel(12, 12, 12)), (Voxel(12, 12, 12), Voxel(13, 13, 24)),
            (Voxel(12, 12, 11), Voxel(13, 26, 12)), (Voxel(12, 12, 11), Voxel(28, 13, 12)),
        ] {
            var made = organ(hole: inner, hu: 60, seed: seed)
            for x in low.x..<high.x {
                for y in low.y..<high.y {
                    for z in low.z..<high.z { made.holed[extent.offset(x, y, z)] = 0 }
                }
            }
            let found = try filled(made.values, made.holed)
            #expect(found.mask.count { $0 != 0 } >= made.whole.count { $0 != 0 } - 7)
            #expect(found.taken >= made.voxels && found.left == 0, "seed \(seed), \(high)")
        }
    }

    /// As a vein runs through the organ's mask: planes along it are open.
    @Test func whatLeavesTheOrganStaysOut() throws {
        for hole in [
            (Voxel(10, 10, 2), Voxel(16, 15, 24)), (Voxel(10, 2, 10), Voxel(16, 26, 14)),
            (Voxel(2, 10, 10), Voxel(28, 15, 14)),
        ] {
            let made = organ(hole: hole, hu: 60, seed: 6)
            let found = try filled(made.values, made.holed)
            #expect(found.taken == 0 && found.left == made.voxels && found.mask == made.holed)
        }
    }

    @Test func whatIsNoLesionStaysOut() throws {
        // As the organ, a vessel, bile, fat, air.
        for hu: Float in [100, 180, 25, -90, -800] {
            let made = organ(hole: inner, hu: hu, seed: 1)
            let found = try filled(made.values, made.holed)
            #expect(found.taken == 0 && found.left == 0 && found.mask == made.holed, "\(hu) HU")
        }
        // Half fat, half vessel: the median alone would do.
        var mixed = organ(hole: inner, hu: 60, seed: 2)
        for (n, i) in mixed.holed.indices.filter({ mixed.whole[$0] > mixed.holed[$0] }).enumerated()
        where n % 3 > 0 { mixed.values[i] = n % 3 == 1 ? -90 : 190 }
        #expect(try filled(mixed.values, mixed.holed).taken == 0)
        // A notch that is open in every plane.
        let notch = organ(hole: (Voxel(2, 2, 2), Voxel(12, 12, 12)), hu: 60, seed: 3)
        #expect(try filled(notch.values, notch.holed).taken == 0)
        // 120 voxels of 0.9 mm are below 0.1 ml.
        let small = organ(hole: inner, hu: 60, seed: 4)
        #expect(try filled(small.values, small.holed, edge: 0.9).taken == 0)
        #expect(try filled(small.values, small.holed, edge: 1).taken == 120)
    }

    @Test func anyMaskAndAnyValueComesBack() throws {
        let empty = [UInt8](repeating: 0, count: extent.count)
        var made = organ(hole: inner, hu: 60, seed: 5)
        #expect(try filled(made.values, empty) == (0, 0, empty))
        var few = empty
        few[7] = 255
        let found = try filled(made.values, few)
        #expect(found.taken == 0 && found.mask[7] == 1 && found.mask.count { $0 != 0 } == 1)
        made.values[extent.offset(12, 12, 12)] = .nan
        #expect(try filled(made.values, made.holed).taken == 0)
        let nothing = [Float](repeating: .nan, count: extent.count)
        #expect(try filled(nothing, made.holed).taken == 0)
    }
}
