import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

/// The plain twins: every place against every site, every voxel against its six neighbours.
private func plainDistance(
    _ sites: [UInt8], _ extent: Extent, _ edges: SIMD3<Double>, _ x: Int, _ y: Int, _ z: Int
) -> Double {
    var least = Double.infinity
    for a in 0..<extent.x {
        for b in 0..<extent.y {
            for c in 0..<extent.z where sites[extent.offset(a, b, c)] != 0 {
                let d = SIMD3(Double(x - a), Double(y - b), Double(z - c)) * edges
                least = min(least, (d * d).sum())
            }
        }
    }
    return least
}

private func plainSurface(_ mask: [UInt8], _ extent: Extent) -> [UInt8] {
    func isInside(_ x: Int, _ y: Int, _ z: Int) -> Bool {
        (0..<extent.x).contains(x) && (0..<extent.y).contains(y) && (0..<extent.z).contains(z)
            && mask[extent.offset(x, y, z)] != 0
    }
    var edges = [UInt8](repeating: 0, count: mask.count)
    for x in 0..<extent.x {
        for y in 0..<extent.y {
            for z in 0..<extent.z where isInside(x, y, z) {
                let inner =
                    isInside(x - 1, y, z) && isInside(x + 1, y, z) && isInside(x, y - 1, z)
                    && isInside(x, y + 1, z) && isInside(x, y, z - 1) && isInside(x, y, z + 1)
                edges[extent.offset(x, y, z)] = inner ? 0 : 1
            }
        }
    }
    return edges
}

private struct Scene {
    let extent: Extent
    let edges: SIMD3<Double>
    let first: [UInt8]
    let second: [UInt8]

    init(_ source: inout RandomSource) {
        let extent = Extent(
            1 + source.integer(below: 11), 1 + source.integer(below: 11),
            1 + source.integer(below: 21))
        self.extent = extent
        edges = SIMD3(source.uniform(0.3, 3), source.uniform(0.3, 3), source.uniform(0.3, 3))
        func mask() -> [UInt8] {
            let share = [0, 0.02, 0.2, 0.6, 0.95, 1][source.integer(below: 6)]
            return (0..<extent.count).map { _ in source.uniform() < share ? 1 : 0 }
        }
        first = mask()
        second = mask()
    }
}

@Suite(.serialized) struct SurfaceDistancesTests {
    @Test(arguments: Seeds.many) func distancesEqualThePlainTwin(seed: UInt64) {
        var source = RandomSource(seed: seed)
        for _ in 0..<5 {
            let scene = Scene(&source)
            let (extent, edges) = (scene.extent, scene.edges)
            let squared = DistanceTransform.squared(
                to: scene.first, at: scene.second, counts: (extent.x, extent.y, extent.z),
                edges: (edges.x, edges.y, edges.z))
            for x in 0..<extent.x {
                for y in 0..<extent.y {
                    for z in 0..<extent.z where scene.second[extent.offset(x, y, z)] != 0 {
                        let got = squared[extent.offset(x, y, z)]
                        let want = plainDistance(scene.first, extent, edges, x, y, z)
                        #expect(
                            got == want || abs(got - want) <= 4 * want.ulp,
                            "seed \(seed), \(extent), (\(x), \(y), \(z)): \(got), not \(want)")
                    }
                }
            }
        }
    }

    @Test(arguments: Seeds.many) func surfacesAndDistancesOfMasks(seed: UInt64) throws {
        var source = RandomSource(seed: seed)
        for _ in 0..<3 {
            let scene = Scene(&source)
            let extent = scene.extent
            let surfaces = [scene.first, scene.second].map { plainSurface($0, extent) }
            #expect(
                MaskKernels.surface(scene.first, counts: (extent.x, extent.y, extent.z))
                    == surfaces[0])
            var wanted: [[Float]] = [[], []]
            for (i, other) in [(0, 1), (1, 0)] {
                for x in 0..<extent.x {
                    for y in 0..<extent.y {
                        for z in 0..<extent.z where surfaces[i][extent.offset(x, y, z)] != 0 {
                            let d = plainDistance(surfaces[other], extent, scene.edges, x, y, z)
                            wanted[i].append(Float(d.squareRoot()))
                        }
                    }
                }
                wanted[i].sort()
            }
            let got = try SurfaceDistances(
                prediction: scene.first.span, reference: scene.second.span, extent,
                spacing: scene.edges)
            for (distances, want) in [
                (got.fromPrediction, wanted[0]), (got.fromReference, wanted[1]),
            ] {
                let agrees = zip(distances, want).allSatisfy { $0 == $1 || abs($0 - $1) <= $1.ulp }
                #expect(distances.count == want.count && agrees, "seed \(seed), \(extent)")
            }
        }
    }

    @Test func sameBitsForAnyNumberOfThreads() throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        var source = RandomSource(seed: 4)
        let extent = Extent(30, 25, 20)
        let first = (0..<extent.count).map { _ in UInt8(source.integer(below: 8) / 7) }
        let second = (0..<extent.count).map { _ in UInt8(source.integer(below: 8) / 7) }
        func distances() throws -> SurfaceDistances {
            try SurfaceDistances(
                prediction: first.span, reference: second.span, extent,
                spacing: SIMD3(0.7, 0.7, 2.5))
        }
        Parallel.threadCount = 1
        let alone = try distances()
        for threads in [2, 3, 7] {
            Parallel.threadCount = threads
            let many = try distances()
            #expect(many.fromPrediction == alone.fromPrediction)
            #expect(many.fromReference == alone.fromReference)
        }
    }

    @Test func emptyMasks() throws {
        let extent = Extent(3, 4, 5)
        let empty = [UInt8](repeating: 0, count: extent.count)
        var some = empty
        some[7] = 1
        func distances(_ a: [UInt8], _ b: [UInt8]) throws -> SurfaceDistances {
            try SurfaceDistances(
                prediction: a.span, reference: b.span, extent, spacing: SIMD3(1, 1, 1))
        }
        let none = try distances(empty, empty)
        #expect(none.hausdorff(percentile: 95).isNaN && none.average.isNaN)
        #expect(none.surfaceDice(tolerance: 2).isNaN)
        for one in [try distances(empty, some), try distances(some, empty)] {
            #expect(one.hausdorff(percentile: 100) == .infinity)
            #expect(one.hausdorff(percentile: 95) == .infinity)
            #expect(one.average == .infinity)
            #expect(one.surfaceDice(tolerance: 1e9) == 0)
        }
        let same = try distances(some, some)
        #expect(same.hausdorff(percentile: 100) == 0 && same.average == 0)
        #expect(same.surfaceDice(tolerance: 0) == 1)
    }

    @Test func percentilesAreLinearBetweenDistances() throws {
        // Two single voxels 3 mm apart against one of them: distances {0, 3} and {0}.
        let extent = Extent(4, 1, 1)
        let both: [UInt8] = [1, 0, 0, 1]
        let one: [UInt8] = [1, 0, 0, 0]
        let distances = try SurfaceDistances(
            prediction: both.span, reference: one.span, extent,
            spacing: SIMD3(1, 1, 1))
        #expect(distances.fromPrediction == [0, 3])
        #expect(distances.hausdorff(percentile: 0) == 0)
        #expect(abs(distances.hausdorff(percentile: 95) - 2.85) < 1e-12)
        #expect(distances.hausdorff(percentile: 100) == 3)
        #expect(distances.average == 1)
        #expect(distances.surfaceDice(tolerance: 2.99) == 2.0 / 3)
        #expect(distances.surfaceDice(tolerance: 3) == 1)
    }
}

@Suite(.serialized) struct OverlapTests {
    @Test(arguments: Seeds.few) func countsEqualAPlainLoop(seed: UInt64) {
        var source = RandomSource(seed: seed)
        // More than one part of the parallel sum.
        let count = 600_000 + source.integer(below: 1000)
        let a = (0..<count).map { _ in UInt8(source.integer(below: 2)) }
        let b = (0..<count).map { _ in UInt8(source.integer(below: 3) / 2) }
        var counts = [0, 0, 0, 0]
        for (p, r) in zip(a, b) { counts[p == 0 ? (r == 0 ? 3 : 2) : (r == 0 ? 1 : 0)] += 1 }
        let overlap = Overlap(prediction: a.span, reference: b.span)
        #expect(overlap.truePositives == counts[0])
        #expect(overlap.falsePositives == counts[1])
        #expect(overlap.falseNegatives == counts[2])
        #expect(overlap.trueNegatives == counts[3])
    }
}

@Suite(.serialized) struct BootstrapIntervalTests {
    @Test(arguments: Seeds.few) func theIntervalHasTheWidthOfTheMeansSpread(seed: UInt64) throws {
        var source = RandomSource(seed: seed)
        let values = (0..<100).map { _ in source.normal() }
        let mean = values.reduce(0, +) / 100
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100
        let interval = try BootstrapInterval.ofMean(
            values, confidence: 0.95, resamples: 4000, seed: seed)
        // Resampled means of 100 values are all but normal: half width 1.96 standard errors.
        let half = 1.96 * (variance / 100).squareRoot()
        #expect(abs(interval.lowerBound - (mean - half)) < 0.15 * half, "seed \(seed)")
        #expect(abs(interval.upperBound - (mean + half)) < 0.15 * half, "seed \(seed)")
    }

    @Test func seedsAndThreads() throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        var source = RandomSource(seed: 9)
        let values = (0..<30).map { _ in source.uniform() }
        func interval(_ seed: UInt64, _ threads: Int) throws -> ClosedRange<Double> {
            Parallel.threadCount = threads
            return try BootstrapInterval.ofMean(
                values, confidence: 0.9, resamples: 997, seed: seed)
        }
        let alone = try interval(1, 1)
        #expect(try interval(1, 3) == alone)
        #expect(try interval(2, 3) != alone)
        let one = try BootstrapInterval.ofMean([0.5], confidence: 0.9, resamples: 100, seed: 0)
        #expect(one == 0.5...0.5)
    }
}
