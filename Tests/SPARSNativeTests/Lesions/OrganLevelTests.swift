import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite(.serialized) struct OrganLevelTests {
    @Test(arguments: Seeds.few) func levelAndNoiseOfAnEvenOrgan(seed: UInt64) throws {
        let made = try MadeOrgan(Extent(44, 40, 36), level: 93.4, noise: 12, seed: seed)
        let found = try made.host().organ
        #expect(abs(found.level - 93.4) < 1, "seed \(seed): \(found.level)")
        // Smoothing takes away all but some per cent of white noise.
        #expect(abs(found.noise - 12) < 0.6, "seed \(seed): \(found.noise)")
        #expect(found.spread < 2.5 && found.grain < 0.4, "seed \(seed): \(found)")
        #expect(found.voxels == made.organ.reduce(0) { $0 + Int($1) })
    }

    /// A quarter of the organ being lesion moves a mean by 12 HU, and must not move the level.
    @Test(arguments: Seeds.few) func aLesionDoesNotMoveTheLevel(seed: UInt64) throws {
        var made = try MadeOrgan(level: 100, noise: 8, isBox: true, seed: seed)
        for x in 0..<10 {
            for i in x * 36 * 32..<(x + 1) * 36 * 32 where made.organ[i] != 0 {
                made.values[i] -= 50
            }
        }
        #expect(abs(try made.host().organ.level - 100) < 1, "seed \(seed)")
    }

    @Test(arguments: Seeds.few) func grainIsTheBlurOfTheNoise(seed: UInt64) throws {
        var made = try MadeOrgan(
            Extent(48, 44, 40), edge: (1, 1, 1), noise: 30, isBox: true, seed: seed)
        let all = [UInt8](repeating: 1, count: made.extent.count)
        // Noise alone, blurred by 1 mm; values outside the organ are made even first.
        let even = made.values.indices.map { made.organ[$0] != 0 ? made.values[$0] : 110 }
        made.values =
            OrganSmoothing(even, all, made.extent, deviations: SIMD3(1, 1, 1)).mean
        let grain = try made.host().organ.grain
        // Subtracting the smoothed organ takes the longest waves away, and some of the blur.
        #expect(grain > 0.6 && grain < 1.05, "seed \(seed): \(grain)")
    }

    /// Against sums written out voxel by voxel in float64; float32 sums of at most 13 x 3 terms are
    /// within 40 roundings.
    @Test(arguments: Seeds.few) func smoothingIsTheMeanOverTheOrganAlone(seed: UInt64) throws {
        let made = try MadeOrgan(Extent(9, 11, 8), seed: seed)
        let deviations = SIMD3<Float>(1.3, 0.7, 2)
        let smoothed = OrganSmoothing(
            made.values, made.organ, made.extent, deviations: deviations)
        let kernels = (0..<3).map { OrganSmoothing.kernel(deviations[$0]).map(Double.init) }
        for x in 0..<9 {
            for y in 0..<11 {
                for z in 0..<8 where made.organ[made.extent.offset(x, y, z)] != 0 {
                    var (sum, weight) = (0.0, 0.0)
                    for i in 0..<9 {
                        for j in 0..<11 {
                            for k in 0..<8 {
                                let at = made.extent.offset(i, j, k)
                                if made.organ[at] == 0 { continue }
                                let steps = [i - x, j - y, k - z]
                                let product = (0..<3).reduce(1.0) {
                                    let place = steps[$1] + kernels[$1].count / 2
                                    return kernels[$1].indices.contains(place)
                                        ? $0 * kernels[$1][place] : 0
                                }
                                sum += product * Double(made.values[at])
                                weight += product
                            }
                        }
                    }
                    let at = made.extent.offset(x, y, z)
                    #expect(abs(Double(smoothed.mean[at]) - sum / weight) < 1e-3, "seed \(seed)")
                    #expect(abs(Double(smoothed.inside[at]) - weight) < 1e-5, "seed \(seed)")
                }
            }
        }
    }

    @Test func theModeIsTheHighestPlace() {
        #expect(abs(OrganLevel.mode([Float](repeating: 41.3, count: 5)) - 41) < 1e-9)
        let values = (0..<100).map { Float($0) } + [Float](repeating: 70, count: 60)
        #expect(abs(OrganLevel.mode(values) - 70) < 0.1)
        #expect(abs(OrganLevel.mode([3e38, -3e38, 3e38]) - 16_000) < 1e-9)
    }

    @Test(arguments: Seeds.few) func sameBitsForAnyNumberOfThreads(seed: UInt64) throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let made = try MadeOrgan(seed: seed)
        Parallel.threadCount = 1
        let alone = try made.host()
        for threads in [2, 3, 7] {
            Parallel.threadCount = threads
            let host = try made.host()
            #expect(host.organ == alone.organ && host.smooth == alone.smooth, "seed \(seed)")
        }
    }

    @Test func brokenOrgansAreRefused() throws {
        let made = try MadeOrgan(Extent(12, 12, 12), seed: 1)
        func refused(_ change: (inout MadeOrgan) -> Void, level: Double? = nil) -> String? {
            var other = made
            change(&other)
            return refusedParameter { _ = try other.host(level: level) }
        }
        let inside = made.organ.firstIndex { $0 != 0 }!
        #expect(refused { _ in } == nil)
        #expect(refused { $0.organ = [UInt8](repeating: 0, count: 1728) } == "organ")
        #expect(refused { $0.organ = [1] + [UInt8](repeating: 0, count: 1727) } == "organ")
        #expect(refused { $0.organ.removeLast() } == "organ")
        #expect(refused { $0.values.removeLast() } == "volume")
        #expect(refused { $0.values[inside] = .nan } == "not finite")
        #expect(refused { $0.values[inside] = -.infinity } == "not finite")
        #expect(refused { $0.values[inside] = 3e38 } == "volume")
        #expect(refused({ _ in }, level: .nan) == "level")
        #expect(refused({ _ in }, level: -1e300) == "level")
        // Outside the organ values are not read.
        #expect(refused { $0.values[0] = .nan } == nil)
        #expect(refusedParameter { _ = try Spacing(1, 0, 1, of: "test") } == "spacing")
        #expect(refusedParameter { _ = try Spacing(1, .nan, 1, of: "test") } == "spacing")
    }

    @Test func aThinOrganHasALevelToo() throws {
        var made = try MadeOrgan(Extent(20, 20, 20), noise: 0, seed: 1)
        // One slice of it: no voxel is deep inside.
        for x in 0..<20 where x != 10 {
            for i in x * 400..<(x + 1) * 400 { made.organ[i] = 0 }
        }
        #expect(try made.host().organ.level == 110)
    }
}
