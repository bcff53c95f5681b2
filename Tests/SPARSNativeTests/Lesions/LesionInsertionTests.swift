import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite(.serialized) struct LesionInsertionTests {
    private func law(_ change: (inout LesionLaw) -> Void = { _ in }) -> LesionLaw {
        var law = LesionLaw()
        law.radius = Interval(3, 12)
        change(&law)
        return law
    }

    private func insert(
        _ made: MadeOrgan, _ law: LesionLaw, count: Int = 3, seed: UInt64
    ) throws -> LesionInsertion {
        try LesionInsertion(
            into: made.host(), values: made.values, law: law, count: count, seed: seed)
    }

    /// The twin takes the logistic edge to its far ends, where the painter's 8 widths leave 1/2981 of
    /// the contrast; float32 places and noise make up the rest of the bound.
    @Test(arguments: Seeds.few) func paintsWhatTheTwinPaints(seed: UInt64) throws {
        let made = try MadeOrgan(
            Extent(24, 30, 22), edge: (1.5, 1.2, 2.1), vessel: 60, seed: seed)
        let host = try made.host()
        let every = law {
            ($0.rimChance, $0.coreChance, $0.capsuleChance) = (0.5, 0.5, 0.5)
            $0.overVesselsChance = 0.5
        }
        let inserted = try insert(made, every, count: 2, seed: seed)
        var source = RandomSource(seed: seed).stream(UInt64.max)
        let texture = SmoothNoise(&source)
        for x in 0..<24 {
            for y in 0..<30 {
                for z in 0..<22 where made.organ[made.extent.offset(x, y, z)] != 0 {
                    let at = made.extent.offset(x, y, z)
                    let smooth = Double(host.smooth[host.offset(Voxel(x, y, z))!])
                    var value = Double(made.values[at])
                    var part = 0.0
                    for lesion in inserted.lesions {
                        let twin = LesionTwin(
                            lesion: lesion, texture: texture, level: host.organ.level)
                        let mm = [1.5 * Double(x), 1.2 * Double(y), 2.1 * Double(z)]
                        let next = twin.painted(
                            over: value, place: mm, host: Double(made.values[at]), smooth: smooth,
                            deviation: host.organ.noise)
                        value = next.value
                        part = max(part, next.part)
                    }
                    #expect(abs(Double(inserted.values[at]) - value) < 0.12, "seed \(seed)")
                    #expect(abs(Double(inserted.part[at]) - part) < 1e-3, "seed \(seed)")
                }
            }
        }
    }

    @Test(arguments: Seeds.many) func lesionsStayInTheOrgan(seed: UInt64) throws {
        let made = try MadeOrgan(Extent(20, 18, 16), seed: seed)
        let inserted = try insert(made, law { $0.radius = Interval(3, 40) }, seed: seed)
        for i in made.organ.indices where made.organ[i] == 0 {
            #expect(inserted.values[i] == made.values[i], "seed \(seed)")
            #expect(inserted.part[i] == 0 && inserted.mask[i] == 0, "seed \(seed)")
        }
        #expect(inserted.mask.contains(1), "seed \(seed)")
        #expect(inserted.mask == inserted.part.map { $0 >= 0.5 ? 1 : 0 }, "seed \(seed)")
    }

    /// An even lesion well inside an even organ has the volume of its ellipsoid to the voxels on its
    /// surface, and its contrast in the middle.
    @Test(arguments: Seeds.few) func sizeAndContrastAreTheLesions(seed: UInt64) throws {
        let made = try MadeOrgan(
            Extent(44, 44, 44), edge: (1, 1, 1), noise: 0, isBox: true, seed: seed)
        var even = LesionLaw.even
        (even.radius, even.boundary) = (Interval(7, 7), Interval(0, 0))
        var inserted = try insert(made, even, count: 1, seed: seed)
        // Draw again where the surface reaches the organ's.
        var shift: UInt64 = 0
        while !inserted.lesions[0].isInside(21.5, 10) {
            shift += 100
            inserted = try insert(made, even, count: 1, seed: seed + shift)
        }
        let lesion = inserted.lesions[0]
        let volume = 4.18879 * lesion.radii.x * lesion.radii.y * lesion.radii.z
        let voxels = Float(inserted.mask.reduce(0) { $0 + Int($1) })
        #expect(abs(voxels / volume - 1) < 0.03, "seed \(seed): \(voxels) for \(volume)")
        let middle = lesion.centre.rounded(.toNearestOrAwayFromZero)
        let at = made.extent.offset(Int(middle.x), Int(middle.y), Int(middle.z))
        #expect(abs(inserted.values[at] - 110 - lesion.contrast) < 0.6, "seed \(seed)")
    }

    @Test(arguments: Seeds.few) func vesselsAreHiddenOrSpared(seed: UInt64) throws {
        let made = try MadeOrgan(noise: 2, vessel: 80, isBox: true, seed: seed)
        let host = try made.host()
        let vessel = made.organ.indices.filter {
            made.organ[$0] != 0 && made.values[$0] > 170
                && host.smooth[host.offset(made.voxel($0))!] > 110 + 1.4 * 25
        }
        #expect(vessel.count > 50)
        var large = LesionLaw.even
        (large.radius, large.dark) = (Interval(30, 30), Interval(40, 40))
        large.overVesselsChance = 0
        let sparing = try insert(made, large, count: 1, seed: seed)
        #expect(vessel.allSatisfy { sparing.values[$0] == made.values[$0] }, "seed \(seed)")
        #expect(vessel.allSatisfy { sparing.mask[$0] == 0 }, "seed \(seed)")
        #expect(sparing.mask.contains(1), "seed \(seed)")
        large.overVesselsChance = 1
        let hiding = try insert(made, large, count: 1, seed: seed)
        let covered = vessel.filter { hiding.part[$0] > 0.99 }
        #expect(!covered.isEmpty, "seed \(seed)")
        #expect(covered.allSatisfy { hiding.values[$0] < 110 }, "seed \(seed)")
    }

    @Test(arguments: Seeds.few) func theHostsFineNoiseStays(seed: UInt64) throws {
        let made = try MadeOrgan(Extent(44, 44, 44), noise: 14, isBox: true, seed: seed)
        var even = LesionLaw.even
        (even.radius, even.noiseShare) = (Interval(20, 20), Interval(1, 1))
        let inserted = try insert(made, even, count: 1, seed: seed)
        let inside = made.organ.indices.filter { inserted.part[$0] > 0.999 }
        let values = inside.map { Double(inserted.values[$0]) }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        // Smoothing takes a few per cent of white noise with it.
        #expect(abs(variance.squareRoot() - 14) < 1.2, "seed \(seed): \(variance.squareRoot())")
    }

    @Test(arguments: Seeds.few) func sameBitsForAnyNumberOfThreads(seed: UInt64) throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let made = try MadeOrgan(seed: seed)
        Parallel.threadCount = 1
        let alone = try insert(made, law(), seed: seed)
        for threads in [2, 3, 7] {
            Parallel.threadCount = threads
            let again = try insert(made, law(), seed: seed)
            #expect(again.values == alone.values && again.mask == alone.mask, "seed \(seed)")
            #expect(again.lesions == alone.lesions, "seed \(seed)")
        }
    }

    @Test(arguments: Seeds.few) func oneLesionMoreLeavesThoseBefore(seed: UInt64) throws {
        let made = try MadeOrgan(seed: seed)
        let two = try insert(made, law(), count: 2, seed: seed)
        let three = try insert(made, law(), count: 3, seed: seed)
        #expect(Array(three.lesions.prefix(two.lesions.count)) == two.lesions, "seed \(seed)")
        #expect(three.lesions.count > two.lesions.count, "seed \(seed)")
    }

    @Test func aLesionLargerThanTheOrganFillsIt() throws {
        let made = try MadeOrgan(Extent(10, 9, 8), noise: 3, seed: 4)
        var huge = LesionLaw.even
        huge.radius = Interval(60, 60)
        let inserted = try insert(made, huge, count: 1, seed: 4)
        #expect(inserted.mask == made.organ)
    }

    @Test func brokenArgumentsAreNamed() throws {
        let made = try MadeOrgan(Extent(12, 12, 12), seed: 1)
        #expect(refusedParameter { _ = try insert(made, law(), count: 0, seed: 1) } == "count")
        #expect(refusedParameter { _ = try insert(made, law(), count: 1001, seed: 1) } == "count")
        let broken = law { $0.rimChance = 2 }
        #expect(refusedParameter { _ = try insert(made, broken, seed: 1) } == "rim_chance")
        let short = refusedParameter {
            _ = try LesionInsertion(
                into: made.host(), values: [1], law: law(), count: 1, seed: 1)
        }
        #expect(short == "volume")
    }
}

extension Lesion {
    /// Whether it lies at most `reach` from a cube's middle along every axis.
    fileprivate func isInside(_ middle: Float, _ reach: Float) -> Bool {
        (0..<3).allSatisfy { abs(centre[$0] - middle) <= reach }
    }
}

extension MadeOrgan {
    fileprivate func voxel(_ i: Int) -> Voxel {
        Voxel(i / (extent.y * extent.z), i / extent.z % extent.y, i % extent.z)
    }
}
