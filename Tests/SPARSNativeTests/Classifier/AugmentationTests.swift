import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct AugmentationTests {
    private let extent = Extent(3, 4, 5)

    private func crop(seed: UInt64) -> [Float] {
        var random = RandomSource(seed: seed)
        return (0..<extent.count).map { _ in Float(random.normal() * 300) }
    }

    private func mirrored(_ values: [Float], along axis: Int) -> [Float] {
        var other = values
        for x in 0..<extent.x {
            for y in 0..<extent.y {
                for z in 0..<extent.z {
                    let from = (0..<3).map { a in
                        a == axis ? extent[a] - 1 - [x, y, z][a] : [x, y, z][a]
                    }
                    other[extent.offset(x, y, z)] =
                        values[extent.offset(from[0], from[1], from[2])]
                }
            }
        }
        return other
    }

    @Test(arguments: Seeds.few, [0, 1, 2]) func flipsMirrorOneAxisEverySecondTime(
        seed: UInt64, axis: Int
    ) throws {
        let augmentation = try Augmentation(flips: (0..<3).map { $0 == axis })
        let values = crop(seed: seed)
        let other = mirrored(values, along: axis)
        var random = RandomSource(seed: seed)
        var count = 0
        for _ in 0..<400 {
            let changed = augmentation.applied(to: values, extent: extent, using: &random)
            #expect(changed == values || changed == other, "seed \(seed)")
            count += changed == other ? 1 : 0
        }
        // Five standard deviations of a fair coin.
        #expect(abs(count - 200) < 50, "seed \(seed)")
    }

    @Test(arguments: Seeds.few) func intensityChangesHaveTheRangesAndMomentsTheyAreGiven(
        seed: UInt64
    ) throws {
        let augmentation = try Augmentation(huScale: 0.25, huShift: 60)
        let pair: [Float] = [0, 1000]
        var random = RandomSource(seed: seed)
        var scales: [Double] = []
        var offsets: [Double] = []
        for _ in 0..<2000 {
            let changed = augmentation.applied(to: pair, extent: Extent(1, 1, 2), using: &random)
            offsets.append(Double(changed[0]))
            scales.append(Double(changed[1] - changed[0]) / 1000 - 1)
        }
        #expect(offsets.allSatisfy { abs($0) <= 60 } && scales.allSatisfy { abs($0) <= 0.2501 })
        #expect(offsets.max()! > 57 && offsets.min()! < -57, "seed \(seed)")
        #expect(scales.max()! > 0.24 && scales.min()! < -0.24, "seed \(seed)")
        let noisy = try Augmentation(noise: 20).applied(
            to: [Float](repeating: 5, count: 40_000), extent: Extent(40, 40, 25), using: &random)
        let mean = noisy.reduce(0.0) { $0 + Double($1) } / 40_000
        let variance = noisy.reduce(0.0) { $0 + (Double($1) - 5) * (Double($1) - 5) } / 40_000
        #expect(abs(mean - 5) < 0.5, "seed \(seed)")
        #expect(abs(variance.squareRoot() - 20) < 0.4, "seed \(seed)")
    }

    @Test func noneChangesNothingAndDrawsNothing() {
        var random = RandomSource(seed: 1)
        let before = random.words
        let values = crop(seed: 2)
        #expect(Augmentation.none.applied(to: values, extent: extent, using: &random) == values)
        #expect(Augmentation.none.drawShift(using: &random) == Voxel(0, 0, 0))
        #expect(random.words == before)
    }

    @Test func valuesOutOfRangeAreRefused() throws {
        func refuses(_ make: () throws -> Augmentation) {
            #expect(throws: SPARSError.self) { try make() }
        }
        refuses { try Augmentation(flips: [true]) }
        refuses { try Augmentation(shift: [0, -1, 0]) }
        refuses { try Augmentation(shift: [0, 0]) }
        refuses { try Augmentation(shift: [65_537, 0, 0]) }
        for value in [-0.1, 1, .nan] as [Float] { refuses { try Augmentation(huScale: value) } }
        for value in [-0.1, 10_001, .nan, .infinity] as [Float] {
            refuses { try Augmentation(huShift: value) }
            refuses { try Augmentation(noise: value) }
        }
    }

    /// Each voxel's value is its offset, so that a crop tells where it was cut.
    @Test(arguments: Seeds.few, [CropRule.Border.full, .stretched]) func shiftsMoveCropsAndLabels(
        seed: UInt64, border: CropRule.Border
    ) throws {
        let scan = Extent(9, 8, 7)
        let values = (0..<scan.count).map(Float.init)
        var mask = [UInt8](repeating: 0, count: scan.count)
        mask[scan.offset(4, 4, 3)] = 2
        let rule = CropRule(
            label: .voxel, extent: Extent(2, 2, 2), interpolation: .nearest, border: border,
            foregroundThreshold: nil)
        let augmentation = try Augmentation(shift: [3, 0, 9])
        var random = RandomSource(seed: seed)
        var labels: Set<Int> = []
        try values.withUnsafeBufferPointer { values in
            try mask.withUnsafeBufferPointer { mask in
                let tumour = DilatedTumour(mask: mask, extent: scan)
                let scan = TrainingScan(values: values, extent: scan, hasTumour: 0, mask: mask)
                var plain = RandomSource(seed: seed + 1)
                var moved = plain
                let shifts = (0..<300).map { _ in augmentation.drawShift(using: &random) }
                let before = try rule.draw(300, from: scan, using: &plain)
                let after = try rule.draw(300, from: scan, using: &moved, shifts: shifts)
                #expect(plain.words == moved.words)
                for (i, crop) in after.enumerated() {
                    let last = (0..<3).map {
                        scan.extent[$0] - (border == .full ? rule.extent[$0] : 1)
                    }
                    for axis in 0..<3 {
                        let wanted = before[i].origin[axis] + shifts[i][axis]
                        #expect(crop.origin[axis] == min(max(wanted, 0), last[axis]))
                    }
                    let first = scan.extent.offset(crop.origin.x, crop.origin.y, crop.origin.z)
                    #expect(crop.values[0] == Float(first))
                    #expect(
                        crop.hasTumour
                            == (tumour.isAny(from: crop.origin, size: crop.extent) ? 1 : 0))
                    if before[i].hasTumour == 1 { labels.insert(crop.hasTumour) }
                }
                #expect(Set(shifts.map(\.x)) == Set(-3...3) && shifts.allSatisfy { $0.y == 0 })
            }
        }
        // Some crops leave the tumour, and lose its label.
        #expect(labels == [0, 1], "seed \(seed)")
    }
}
