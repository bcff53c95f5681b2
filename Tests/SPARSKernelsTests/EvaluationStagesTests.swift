import SPARSTestSupport
import Testing

@testable import SPARSKernels

@Suite(.serialized) struct EvaluationStagesTests {
    private func stages(seed: UInt64) -> EvaluationStages {
        let channels = [1, 8, 16, 32, 64]
        return EvaluationStages(
            (0..<4).map { i in
                let size = 27 * channels[i]
                let weights = randomBuffer(size * channels[i + 1], seed: seed + UInt64(i)).values
                // Scales of both signs: the maximum must be taken behind them.
                let scale = randomBuffer(channels[i + 1], seed: seed + 10 + UInt64(i)).values
                return .init(
                    weights: weights, scale: scale.map { $0 * 3 / Float(size).squareRoot() },
                    shift: randomBuffer(channels[i + 1], seed: seed + 20 + UInt64(i)).values)
            })
    }

    private func repeatedInput(window: Extent, grid: Extent, seed: UInt64) -> RepeatedInput? {
        let axes = [(window.x, grid.x), (window.y, grid.y), (window.z, grid.z)].map {
            RepeatedAxis(ResampleAxis.nearest(from: $0, to: $1).lower)
        }
        guard let x = axes[0], let y = axes[1], let z = axes[2] else { return nil }
        return RepeatedInput(
            source: randomBuffer(window.count, seed: seed), sourceShape: window, x: x, y: y, z: z)
    }

    /// Windows that repeat much, little, not at all, and whose border falls anywhere.
    static let windows = [
        Extent(8, 8, 8), Extent(48, 31, 24), Extent(1, 2, 3), Extent(107, 90, 110),
        Extent(109, 108, 112),
    ]

    @Test(arguments: windows, Seeds.few) func repeatsEqualTheDenseInput(
        window: Extent, seed: UInt64
    ) {
        let grid = Extent(109, 108, 112)
        let input = repeatedInput(window: window, grid: grid, seed: seed)!
        let dense = FloatBuffer(count: grid.count)
        ResampleKernels.nearest(
            source: input.source.pointer, from: window, target: dense.pointer,
            x: .nearest(from: window.x, to: grid.x), y: .nearest(from: window.y, to: grid.y),
            z: .nearest(from: window.z, to: grid.z))
        let stages = stages(seed: seed)
        let size = 64 * EvaluationStages.outputShape(grid).count
        for set in InstructionSet.available {
            let a = FloatBuffer(count: size)
            let b = FloatBuffer(count: size)
            stages.run(.dense(dense.pointer, grid), features: a.pointer, on: set)
            stages.run(.repeated(input), features: b.pointer, on: set)
            let scale = a.values.map(abs).max()!
            #expect(scale > 0)
            #expect(distance(a, b) <= 1e-5 * scale, "\(set) \(distance(a, b)) of \(scale)")
        }
    }

    /// Voxels of 21 copies and more: places behind conv2 that are left out and copied.
    @Test(arguments: [(8, 256), (12, 256), (1, 108), (3, 108)])
    func equalPlacesBehindConv2(window: Int, grid: Int) throws {
        let whole = try #require(RepeatedAxis(ResampleAxis.nearest(from: window, to: grid).lower))
        let count = (EvaluationStages.seen(Extent(grid, grid, grid)).x - 4) / 8
        let axis = whole.prefix(8 * count + 4)
        let (distinct, places) = axis.withoutEqualPlaces(count)
        #expect(distinct.length < axis.length)
        #expect(places.count == count && places.last == (distinct.length - 4) / 8 - 1)
        let most = Dictionary(grouping: places) { $0 }.values.map(\.count).max()!
        #expect(most > 1 && most <= axis.equalPlaces)
        for (q, place) in places.enumerated() {
            #expect(
                distinct.source[8 * place..<8 * place + 12].elementsEqual(
                    axis.source[8 * q..<8 * q + 12]))
        }
    }

    @Test(arguments: [
        (Extent(256, 256, 180), Extent(236, 236, 172)),
        (Extent(108, 108, 108), Extent(108, 108, 108)),
        (Extent(171, 172, 173), Extent(108, 172, 172)),
    ])
    func whatIsSeenOfAGrid(grid: Extent, seen: Extent) {
        #expect(EvaluationStages.seen(grid) == seen)
        #expect(EvaluationStages.outputShape(seen) == EvaluationStages.outputShape(grid))
    }

    /// Nothing behind `seen` reaches a feature; the last place of it along each axis does.
    @Test(arguments: Seeds.few) func featuresDependOnWhatIsSeen(seed: UInt64) {
        let grid = Extent(120, 111, 125)
        let seen = EvaluationStages.seen(grid)
        let stages = stages(seed: seed)
        let size = 64 * EvaluationStages.outputShape(grid).count
        func features(_ change: (inout [Float]) -> Void) -> [Float] {
            var values = randomBuffer(grid.count, seed: seed).values
            change(&values)
            let output = FloatBuffer(count: size)
            let input = FloatBuffer(values)
            stages.run(.dense(input.pointer, grid), features: output.pointer)
            withExtendedLifetime(input) {}
            return output.values
        }
        let plain = features { _ in }
        let changed = features { values in
            for x in 0..<grid.x {
                for y in 0..<grid.y {
                    for z in 0..<grid.z where x >= seen.x || y >= seen.y || z >= seen.z {
                        values[(x * grid.y + y) * grid.z + z] = .nan
                    }
                }
            }
        }
        #expect(changed == plain)
        for corner in [(seen.x - 1, 50, 50), (50, seen.y - 1, 50), (50, 50, seen.z - 1)] {
            let index = (corner.0 * grid.y + corner.1) * grid.z + corner.2
            #expect(features { $0[index] = 1e6 } != plain, "\(corner)")
        }
    }

    @Test func reductionsHaveNoRepeatedAxis() {
        #expect(RepeatedAxis(ResampleAxis.nearest(from: 200, to: 108).lower) == nil)
        #expect(RepeatedAxis([0, 0, 2, 2]) == nil)
        #expect(RepeatedAxis([1, 1, 0, 0]) == nil)
    }

    @Test func distinctPlacesOfTheWindowOfRecord() throws {
        let wide = try #require(RepeatedAxis(ResampleAxis.nearest(from: 48, to: 256).lower))
        let deep = try #require(RepeatedAxis(ResampleAxis.nearest(from: 24, to: 180).lower))
        #expect(wide.base.count == 142)
        #expect(deep.base.count == 70)
    }

    @Test(arguments: Seeds.few) func threadsDoNotChangeABit(seed: UInt64) {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let grid = Extent(140, 109, 112)
        // 28 copies of a voxel along x: planes behind conv2 that are copied.
        let input = repeatedInput(window: Extent(5, 20, 9), grid: grid, seed: seed)!
        let dense = randomBuffer(grid.count, seed: seed)
        let stages = stages(seed: seed)
        let size = 64 * EvaluationStages.outputShape(grid).count
        var first: [[Float]] = []
        for threads in [1, 2, 3, 7] {
            Parallel.threadCount = threads
            let features = FloatBuffer(count: 2 * size)
            stages.run(.dense(dense.pointer, grid), features: features.pointer)
            stages.run(.repeated(input), features: features.pointer + size)
            first.append(features.values)
        }
        #expect(first.allSatisfy { $0 == first[0] })
    }
}
