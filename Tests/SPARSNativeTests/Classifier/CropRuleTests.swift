import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct CropRuleTests {
    private let scanExtent = Extent(9, 8, 7)

    /// Each voxel's value is its offset, so that a crop tells where it was cut.
    private func withScan<Result>(
        hasTumour: Int = 1, mask: [UInt8]? = nil, values: [Float]? = nil,
        _ body: (TrainingScan) throws -> Result
    ) rethrows -> Result {
        let values = values ?? (0..<scanExtent.count).map(Float.init)
        return try values.withUnsafeBufferPointer { values in
            guard let mask else {
                return try body(
                    TrainingScan(
                        values: values, extent: scanExtent, hasTumour: hasTumour, mask: nil))
            }
            return try mask.withUnsafeBufferPointer { mask in
                try body(
                    TrainingScan(
                        values: values, extent: scanExtent, hasTumour: hasTumour, mask: mask))
            }
        }
    }

    private func rule(
        _ label: CropRule.Label, _ border: CropRule.Border, _ extent: Extent = Extent(4, 3, 2),
        threshold: Float? = nil
    ) -> CropRule {
        CropRule(
            label: label, extent: extent, interpolation: .nearest, border: border,
            foregroundThreshold: threshold)
    }

    private func expectCutFromScan(_ crop: Crop) {
        for x in 0..<crop.extent.x {
            for y in 0..<crop.extent.y {
                for z in 0..<crop.extent.z {
                    let offset = scanExtent.offset(
                        crop.origin.x + x, crop.origin.y + y, crop.origin.z + z)
                    #expect(crop.values[crop.extent.offset(x, y, z)] == Float(offset))
                }
            }
        }
    }

    @Test(arguments: Seeds.few, [0, 1]) func imageLabelledCropsLieInsideAndCarryTheScansLabel(
        seed: UInt64, hasTumour: Int
    ) throws {
        var random = RandomSource(seed: seed)
        let crops = try withScan(hasTumour: hasTumour) {
            try rule(.image, .full).draw(2000, from: $0, using: &random)
        }
        var origins: Set<Voxel> = []
        for crop in crops {
            #expect(crop.extent == Extent(4, 3, 2) && crop.hasTumour == hasTumour)
            origins.insert(crop.origin)
        }
        // Every one of the 6 x 6 x 6 places comes up: the chance of missing one is 2 %, but seeds
        // are fixed.
        #expect(origins.count > 210, "seed \(seed)")
        #expect(origins.allSatisfy { $0.x <= 5 && $0.y <= 5 && $0.z <= 5 })
        crops.prefix(20).forEach(expectCutFromScan)
    }

    @Test(arguments: Seeds.few) func stretchedCropsStartAnywhereAndAreCutShort(
        seed: UInt64
    ) throws {
        var random = RandomSource(seed: seed)
        let crops = try withScan {
            try rule(.image, .stretched, Extent(40, 3, 2)).draw(500, from: $0, using: &random)
        }
        #expect(Set(crops.map(\.origin.x)) == Set(0..<9))
        for crop in crops {
            #expect(crop.extent.x == 9 - crop.origin.x)
            #expect(crop.extent.z == min(2, 7 - crop.origin.z))
            expectCutFromScan(crop)
        }
    }

    @Test(arguments: Seeds.few) func foregroundCropsAreCentredOnIt(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let many = try withScan {
            try rule(.image, .full, threshold: 250).draw(300, from: $0, using: &random)
        }
        #expect(
            many.allSatisfy {
                scanExtent.offset($0.origin.x + 2, $0.origin.y + 1, $0.origin.z + 1) > 250
            })
        // One centre in 216 is bright: found by counting where drawing at random does not.
        var values = [Float](repeating: -1000, count: scanExtent.count)
        values[scanExtent.offset(7, 6, 6)] = 0
        let one = try withScan(values: values) {
            try rule(.image, .full, threshold: -150).draw(10, from: $0, using: &random)
        }
        #expect(one.allSatisfy { $0.origin == Voxel(5, 5, 5) })
        let dark = [Float](repeating: -1000, count: scanExtent.count)
        #expect(throws: SPARSError.self) {
            try withScan(values: dark) {
                try rule(.image, .full, threshold: -150).draw(1, from: $0, using: &random)
            }
        }
    }

    @Test(arguments: Seeds.many) func voxelLabelledCropsFollowTheReleasedScripts(
        seed: UInt64
    ) throws {
        var random = RandomSource(seed: seed)
        var mask = [UInt8](repeating: 0, count: scanExtent.count)
        for offset in mask.indices where random.integer(below: 3) == 0 { mask[offset] = 1 }
        for _ in 0..<2 { mask[random.integer(below: mask.count)] = 2 }
        // Dilation spelled out: a voxel is tumour if it or one of its six neighbours is 2.
        func isTumour(_ x: Int, _ y: Int, _ z: Int) -> Bool {
            [(0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
                .contains { dx, dy, dz in
                    let (x, y, z) = (x + dx, y + dy, z + dz)
                    return (0..<9).contains(x) && (0..<8).contains(y) && (0..<7).contains(z)
                        && mask[scanExtent.offset(x, y, z)] == 2
                }
        }
        let crops = try withScan(mask: mask) {
            try rule(.voxel, .stretched).draw(10, from: $0, using: &random)
        }
        #expect(crops.count == 10)
        for (i, crop) in crops.enumerated() {
            let start = isTumour(crop.origin.x, crop.origin.y, crop.origin.z)
            #expect(start == (i < 5), "seed \(seed), crop \(i)")
            var isAny = false
            for x in 0..<crop.extent.x {
                for y in 0..<crop.extent.y {
                    for z in 0..<crop.extent.z {
                        isAny =
                            isAny
                            || isTumour(crop.origin.x + x, crop.origin.y + y, crop.origin.z + z)
                    }
                }
            }
            #expect(crop.hasTumour == (isAny ? 1 : 0), "seed \(seed), crop \(i)")
            #expect(crop.extent.x == min(4, 9 - crop.origin.x))
            expectCutFromScan(crop)
        }
    }

    @Test func aScanWithoutTumourGivesNegativesOnly() throws {
        var random = RandomSource(seed: 1)
        let mask = [UInt8](repeating: 1, count: scanExtent.count)
        let crops = try withScan(mask: mask) {
            try rule(.voxel, .full).draw(10, from: $0, using: &random)
        }
        #expect(crops.count == 10 && crops.allSatisfy { $0.hasTumour == 0 })
        #expect(crops.allSatisfy { $0.extent == Extent(4, 3, 2) })
    }

    @Test func whatCannotBeCutIsAnError() throws {
        var random = RandomSource(seed: 1)
        func refuses(_ rule: CropRule, mask: [UInt8]? = nil, values: [Float]? = nil) -> String {
            let error = #expect(throws: SPARSError.self) {
                try withScan(mask: mask, values: values) {
                    try rule.draw(4, from: $0, using: &random)
                }
            }
            return "\(error!)"
        }
        #expect(refuses(rule(.image, .full, Extent(10, 1, 1))).contains("'window'"))
        #expect(refuses(rule(.voxel, .full)).contains("'mask'"))
        #expect(refuses(rule(.voxel, .full), mask: [0, 1]).contains("'mask'"))
        let everywhere = [UInt8](repeating: 2, count: scanExtent.count)
        #expect(refuses(rule(.voxel, .full), mask: everywhere).contains("tumour everywhere"))
        let bad = [Float](repeating: .nan, count: scanExtent.count)
        #expect(refuses(rule(.image, .full), values: bad).contains("'volume' holds nan"))
    }
}
