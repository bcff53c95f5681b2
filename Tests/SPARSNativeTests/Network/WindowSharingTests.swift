import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct WindowSharingTests {
    @Test func periodsOfTheWindowsOfRecord() {
        for (window, source) in [(16, 4), (32, 8), (48, 12), (64, 16), (8, 2)] {
            let axis = SharedAxis(window: window, grid: 256)
            #expect(axis.period?.grid == 64 && axis.period?.source == source, "\(window)")
        }
        // 180 places of 24 voxels repeat every 15, which no multiple of 64 below 180 is.
        #expect(SharedAxis(window: 24, grid: 180).period == nil)
        #expect(SharedAxis(window: 47, grid: 256).period == nil)
    }

    /// A lattice in which windows share, with holes and a stranger, against each window alone.
    @Test(arguments: Seeds.few) func sharedWindowsHaveTheBitsOfSingleOnes(seed: UInt64) throws {
        let architecture = try NetworkArchitecture(input: Extent(128, 128, 108))
        let evaluator = try NetworkEvaluator(
            architecture: architecture, parameters: goldenParameters(architecture, seed: seed))
        let extent = Extent(44, 40, 12)
        let window = Extent(16, 16, 9)
        var values = goldenUniform(seed: seed, count: extent.count).map { 200 * ($0 - 0.5) }
        var origins: [Voxel] = []
        for x in stride(from: 0, through: 28, by: 4) {
            for y in stride(from: 0, through: 24, by: 4) where x != 8 || y != 16 {
                origins.append(Voxel(x, y, 1))
            }
        }
        origins.append(Voxel(3, 2, 0))
        let groups = WindowGroup.groups(
            origins, x: SharedAxis(window: 16, grid: 128), y: SharedAxis(window: 16, grid: 128))
        #expect(groups.count < origins.count / 4)
        #expect(groups.map(\.members.count).reduce(0, +) == origins.count)
        func logits(_ origins: [Voxel]) throws -> [Float] {
            try values.withUnsafeBufferPointer { volume throws(SPARSError) in
                try evaluator.windowLogits(
                    volume: volume, extent: extent, origins: origins, window: window,
                    intensityWindow: nil)
            }
        }
        let together = try logits(origins)
        for (n, origin) in origins.enumerated() {
            #expect(try logits([origin]) == Array(together[2 * n..<2 * n + 2]), "\(origin)")
        }
        // A bad voxel that no window sees spoils the blocks, not the windows.
        values[extent.offset(0, 0, 11)] = .nan
        #expect(try logits(origins) == together)
        values[extent.offset(20, 20, 5)] = .infinity
        #expect(throws: SPARSError.self) { try logits(origins) }
    }

    @Test func noWindowsGiveNoLogits() throws {
        let architecture = try NetworkArchitecture(input: Extent(108, 108, 108))
        let evaluator = try NetworkEvaluator(
            architecture: architecture, parameters: goldenParameters(architecture, seed: 1))
        let values = [Float](repeating: 0, count: 1000)
        let logits = try values.withUnsafeBufferPointer { volume throws(SPARSError) in
            try evaluator.windowLogits(
                volume: volume, extent: Extent(10, 10, 10), origins: [], window: Extent(4, 4, 4),
                intensityWindow: nil)
        }
        #expect(logits.isEmpty)
    }

    /// Windows wider than the grid in one axis have no repeats there.
    @Test func reducedWindowsAreScoredPlainly() throws {
        let architecture = try NetworkArchitecture(input: Extent(108, 108, 108))
        let evaluator = try NetworkEvaluator(
            architecture: architecture, parameters: goldenParameters(architecture, seed: 2))
        let extent = Extent(130, 20, 12)
        let values = goldenUniform(seed: 4, count: extent.count).map { 200 * ($0 - 0.5) }
        let window = Extent(120, 16, 9)
        let resized = try Resample.nearest(
            Volume<Native>(extent: extent, values: values).crop(
                Window(origin: Voxel(4, 2, 1), extent: window)),
            from: window, to: architecture.input)
        let direct = try resized.withUnsafeBufferPointer { input throws(SPARSError) in
            try evaluator.logits(input, count: 1)
        }
        let cut = try values.withUnsafeBufferPointer { volume throws(SPARSError) in
            try evaluator.windowLogits(
                volume: volume, extent: extent, origins: [Voxel(4, 2, 1)], window: window,
                intensityWindow: nil)
        }
        #expect(cut == direct)
    }
}
