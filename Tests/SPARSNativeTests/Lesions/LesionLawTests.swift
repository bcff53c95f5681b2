import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct LesionLawTests {
    private let organ = OrganLevel(level: 110, voxels: 1000)

    private func drawn(_ law: LesionLaw, _ seed: UInt64, _ count: Int = 4000) -> [Lesion] {
        let root = RandomSource(seed: seed)
        return (0..<count).map {
            var random = root.stream(UInt64($0))
            return law.draw(in: organ, using: &random)
        }
    }

    @Test(arguments: Seeds.few) func radiiAreLogUniform(seed: UInt64) {
        let logs = drawn(LesionLaw(), seed).map { logarithm(Double($0.radius)) }
        let (low, high) = (logarithm(3.0), logarithm(21.0))
        let mean = logs.reduce(0, +) / Double(logs.count)
        let variance = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(logs.count)
        // Five standard errors of a uniform distribution's mean and variance.
        let deviation = (high - low) / 12.0.squareRoot()
        #expect(abs(mean - (low + high) / 2) < 5 * deviation / 4000.0.squareRoot(), "seed \(seed)")
        #expect(abs(variance / (deviation * deviation) - 1) < 0.08, "seed \(seed)")
        #expect(logs.min()! >= low - 1e-6 && logs.max()! <= high + 1e-6, "seed \(seed)")
    }

    @Test(arguments: Seeds.few) func everyFieldStaysInItsInterval(seed: UInt64) {
        let law = LesionLaw()
        for lesion in drawn(law, seed, 1000) {
            func holds(_ interval: Interval, _ value: Float) -> Bool {
                Double(value) >= interval.low - 1e-5 && Double(value) <= interval.high + 1e-5
            }
            #expect((0..<3).allSatisfy { holds(law.axes, lesion.radii[$0] / lesion.radius) })
            #expect(holds(law.boundary, lesion.boundary / lesion.radius), "seed \(seed)")
            #expect(holds(law.edge, lesion.edge) && holds(law.grain, lesion.grain))
            #expect(holds(law.texture, lesion.texture) && holds(law.noiseShare, lesion.noiseShare))
            #expect(lesion.rim == 0 || holds(law.rim, lesion.rim), "seed \(seed)")
            #expect(lesion.capsule == 0 || holds(law.capsule, lesion.capsule), "seed \(seed)")
            #expect(lesion.core == 0 || holds(law.core, -lesion.core), "seed \(seed)")
            #expect(
                lesion.contrast < 0
                    ? holds(law.dark, -lesion.contrast) : holds(law.bright, lesion.contrast))
        }
    }

    @Test(arguments: Seeds.few) func chancesAreTheShares(seed: UInt64) {
        let law = LesionLaw()
        let lesions = drawn(law, seed)
        func check(_ chance: Double, _ isIt: (Lesion) -> Bool) {
            let share = Double(lesions.count(where: isIt)) / 4000
            let error = (chance * (1 - chance) / 4000).squareRoot()
            #expect(abs(share - chance) < 5 * error, "seed \(seed): \(share) for \(chance)")
        }
        check(law.brightChance) { $0.contrast > 0 }
        check(law.coreChance) { $0.core != 0 }
        check(law.rimChance) { $0.rim != 0 }
        check(law.capsuleChance) { $0.capsule != 0 }
        check(law.overVesselsChance) { $0.isOverVessels }
    }

    @Test(arguments: Seeds.few) func axesAreOrthonormalAndOfAnyDirection(seed: UInt64) {
        var sum = SIMD3<Float>.zero
        let lesions = drawn(LesionLaw(), seed, 2000)
        for lesion in lesions {
            for i in 0..<3 {
                for j in 0..<3 {
                    let product = dot(lesion.axes[i], lesion.axes[j])
                    #expect(abs(product - (i == j ? 1 : 0)) < 1e-5, "seed \(seed)")
                }
            }
            sum += lesion.axes[0]
        }
        // A direction's coordinate has a variance of 1/3.
        #expect((sum / 2000).max() < 5 * Float(1.0 / 6000).squareRoot(), "seed \(seed): \(sum)")
    }

    @Test(arguments: [110.0, 60, 31, 5]) func noLesionIsDarkerThanWater(level: Double) {
        let law = LesionLaw()
        let organ = OrganLevel(level: level, voxels: 1000)
        for seed in Seeds.many {
            var random = RandomSource(seed: seed)
            for _ in 0..<50 {
                let lesion = law.draw(in: organ, using: &random)
                let lowest = min(-level, -law.dark.low)
                #expect(Double(lesion.contrast + lesion.core) >= lowest - 1e-4, "seed \(seed)")
                #expect(lesion.core <= 0, "seed \(seed)")
                #expect(abs(lesion.contrast) >= 11.99, "seed \(seed)")
            }
        }
    }

    @Test(arguments: Seeds.few) func noEdgeIsSharperThanTheHost(seed: UInt64) {
        let soft = OrganLevel(level: 110, grain: 3, voxels: 1000)
        var random = RandomSource(seed: seed)
        for _ in 0..<100 {
            let edge = LesionLaw().draw(in: soft, using: &random).edge
            // A logistic edge of width w has a standard deviation of w times pi over root 3.
            #expect(Double(edge) * Double.pi / 3.0.squareRoot() >= 2.999, "seed \(seed)")
        }
    }

    @Test(arguments: Seeds.few) func clustersLookAlikeAndAreNoLargerThanTheirFirst(seed: UInt64) {
        var law = LesionLaw()
        law.clusterChance = 1
        var counts: Set<Int> = []
        for i in 0..<200 {
            var random = RandomSource(seed: seed).stream(UInt64(i))
            let centre = SIMD3<Float>(10, 20, 30)
            let cluster = law.drawCluster(at: centre, in: organ, using: &random)
            counts.insert(cluster.count)
            #expect(cluster[0].centre == centre, "seed \(seed)")
            for other in cluster.dropFirst() {
                #expect(other.contrast == cluster[0].contrast, "seed \(seed)")
                #expect(other.radius <= cluster[0].radius * 1.0001, "seed \(seed)")
                #expect(other.radius >= 2.999, "seed \(seed)")
                let apart = length(other.centre - centre) / (other.radius + cluster[0].radius)
                #expect(apart > 0.79 && apart < 1.61, "seed \(seed)")
            }
        }
        #expect(counts == Set(2...5), "seed \(seed)")
    }

    @Test func valuesOutOfRangeAreNamed() {
        func refused(_ change: (inout LesionLaw) -> Void) -> String? {
            var law = LesionLaw()
            change(&law)
            return refusedParameter { try law.check() }
        }
        #expect(refused { _ in } == nil)
        #expect(refused { $0.radius = Interval(0.4, 5) } == "radius")
        #expect(refused { $0.radius = Interval(9, 5) } == "radius")
        #expect(refused { $0.radius = Interval(.nan, 5) } == "radius")
        #expect(refused { $0.axes = Interval(0.7, 3.1) } == "axes")
        #expect(refused { $0.edge = Interval(0, 1) } == "edge")
        #expect(refused { $0.dark = Interval(12, .infinity) } == "dark")
        #expect(refused { $0.noiseShare = Interval(0, 1.1) } == "noise_share")
        #expect(refused { $0.coreSize = Interval(0, 0.5) } == "core_size")
        #expect(refused { $0.brightChance = 1.1 } == "bright_chance")
        #expect(refused { $0.clusterChance = .nan } == "cluster_chance")
        #expect(refused { $0.vesselRise = 0 } == "vessel_rise")
        #expect(refused { $0.clusterCount = 1 } == "cluster_count")
    }
}
