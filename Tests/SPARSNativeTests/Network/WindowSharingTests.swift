import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite(.serialized) struct WindowSharingTests {
    @Test func periodsOfTheWindowsOfRecord() {
        for (window, grid, source) in [
            (8, 128, 4), (16, 64, 4), (32, 32, 4), (48, 64, 12), (64, 32, 8),
        ] {
            let axis = SharedAxis(window: window, grid: 256, spacing: 4, stride: 32)
            #expect(axis.period?.grid == grid && axis.period?.source == source, "\(window)")
        }
        // Windows 4 apart along z: 24 voxels on 180 places repeat every 15 places.
        let deep = SharedAxis(window: 24, grid: 180, spacing: 4, stride: 2)
        #expect(deep.period?.grid == 30 && deep.period?.source == 4)
        #expect(SharedAxis(window: 24, grid: 180, spacing: 1, stride: 32).period == nil)
        #expect(SharedAxis(window: 47, grid: 256, spacing: 1, stride: 32).period == nil)
    }

    @Test func columnsOfTheWindowOfRecordShareMostOfConv2() {
        let column = WindowRow(count: 40, shift: 15)
        #expect(column.work(42) < 0.4)
        // Windows further apart than their own places gain nothing.
        #expect(WindowRow(count: 2, shift: 45).work(42) > 1)
    }

    private struct Scan {
        let evaluator: NetworkEvaluator
        let extent: Extent
        let window: Extent
        var values: [Float]

        init(grid: Extent, extent: Extent, window: Extent, seed: UInt64) throws {
            let architecture = try NetworkArchitecture(input: grid)
            evaluator = try NetworkEvaluator(
                architecture: architecture, parameters: goldenParameters(architecture, seed: seed))
            self.extent = extent
            self.window = window
            values = goldenUniform(seed: seed, count: extent.count).map { 200 * ($0 - 0.5) }
        }

        func logits(_ origins: [Voxel]) throws -> [Float] {
            try values.withUnsafeBufferPointer { volume throws(SPARSError) in
                try evaluator.windowLogits(
                    volume: volume, extent: extent, origins: origins, window: window,
                    intensityWindow: nil)
            }
        }

        func lattice(stride step: Int) -> [Voxel] {
            func starts(_ axis: Int) -> [Int] {
                Array(stride(from: 0, through: extent[axis] - window[axis], by: step))
            }
            return starts(0).flatMap { x in
                starts(1).flatMap { y in starts(2).map { Voxel(x, y, $0) } }
            }
        }

        func blocks(_ origins: [Voxel]) -> [WindowBlock] {
            WindowSharing(
                window: window, grid: evaluator.architecture.input, origins: origins
            ).blocks(origins)
        }
    }

    /// Lattices in which windows share, with holes and strangers, against each window alone.
    @Test(
        arguments: [
            // Grid, scan, window, stride: conv3 shared along all axes, by windows an odd number of its
            // places apart; of more than one place behind conv4; an even number apart.
            (Extent(128, 128, 128), Extent(28, 24, 28), Extent(16, 16, 16), 4),
            (Extent(192, 128, 192), Extent(32, 20, 36), Extent(24, 16, 24), 4),
            (Extent(192, 128, 128), Extent(40, 24, 24), Extent(24, 16, 16), 8),
            // conv2 along z by an odd shift, an even one, none, and no period.
            (Extent(128, 128, 120), Extent(28, 24, 28), Extent(16, 16, 16), 4),
            (Extent(128, 108, 128), Extent(34, 20, 30), Extent(16, 9, 16), 2),
            (Extent(108, 128, 110), Extent(14, 32, 20), Extent(9, 8, 11), 4),
            (Extent(109, 113, 108), Extent(14, 13, 12), Extent(11, 10, 10), 1),
            // Voxels of 32 copies along x, of 27 along y.
            (Extent(128, 108, 112), Extent(12, 8, 10), Extent(4, 4, 7), 2),
        ], Seeds.few)
    func sharedWindowsHaveTheBitsOfSingleOnes(
        shapes: (Extent, Extent, Extent, Int), seed: UInt64
    ) throws {
        var scan = try Scan(grid: shapes.0, extent: shapes.1, window: shapes.2, seed: seed)
        var origins = scan.lattice(stride: shapes.3)
        origins.remove(at: origins.count / 2)
        origins.append(Voxel(1, 2, 1))
        origins.append(origins[3])
        let blocks = scan.blocks(origins)
        #expect(blocks.flatMap(\.members).map(\.index).sorted() == Array(origins.indices))
        let together = try scan.logits(origins)
        // Every seventh alone: a run of the network each.
        for n in origins.indices where n % 7 == 0 || n > origins.count - 4 {
            #expect(
                try scan.logits([origins[n]]) == Array(together[2 * n..<2 * n + 2]),
                "seed \(seed), \(origins[n])")
        }
        // A bad voxel that no window sees spoils blocks, not windows.
        let seen = origins.filter { $0.x > 0 || $0.y > 0 || $0.z > 0 }
        let before = try scan.logits(seen)
        scan.values[0] = .nan
        #expect(try scan.logits(seen) == before)
        #expect(throws: SPARSError.self) { try scan.logits(origins) }
    }

    /// The windows of record, each with how far apart two share a grid along x and y, enlarged to the
    /// grid of record, on a scan of that size and on one in its own voxels: neighbours, of one
    /// phase and of others, at a place by chance, together and alone.
    @Test(
        arguments: [
            (Extent(8, 8, 8), 4), (Extent(16, 16, 8), 4), (Extent(32, 32, 16), 4),
            (Extent(48, 48, 24), 12), (Extent(64, 64, 32), 8),
        ], [Extent(256, 256, 180), Extent(512, 512, 29)])
    func windowsOfRecordHaveTheBitsOfSingleOnes(window: (Extent, Int), extent: Extent) throws {
        // Windows of 32 planes are no windows of a scan of 29.
        let planes = min(window.0.z, extent.z - 5)
        let seed = UInt64(window.0.x + extent.x)
        let scan = try Scan(
            grid: Extent(256, 256, 180), extent: extent,
            window: Extent(window.0.x, window.0.y, planes), seed: seed)
        var random = RandomSource(seed: seed)
        let apart = window.1
        func start(_ axis: Int, _ reach: Int) -> Int {
            random.integer(below: (extent[axis] - scan.window[axis] - reach) / 4 + 1) * 4
        }
        let (x, y, z) = (start(0, 2 * apart), start(1, apart), start(2, 4))
        var origins = [Voxel(x, y, z + 4), Voxel(x + 4, y, z + 4)]
        for i in 0..<3 {
            for j in 0..<2 { origins.append(Voxel(x + i * apart, y + j * apart, z)) }
        }
        // Of windows of 8 voxels few share: so much of each is equal that a block saves little.
        #expect(scan.blocks(origins).count <= (window.0.x == 8 ? 7 : 3))
        let together = try scan.logits(origins)
        for (n, origin) in origins.enumerated() {
            #expect(
                try scan.logits([origin]) == Array(together[2 * n..<2 * n + 2]),
                "\(scan.window) at \(origin), seed \(seed)")
        }
    }

    @Test func latticesArePassedInFewBlocks() throws {
        let scan = try Scan(
            grid: Extent(128, 128, 120), extent: Extent(80, 80, 36), window: Extent(16, 16, 16),
            seed: 1)
        // Windows 4 apart lie 32 places apart: they share all but conv4 in x and y.
        #expect(scan.blocks(scan.lattice(stride: 4)).count == 1)
        // Two windows at opposite corners do not.
        #expect(scan.blocks([Voxel(0, 0, 0), Voxel(64, 64, 0)]).count == 2)
        #expect(scan.blocks([]).isEmpty)
    }

    @Test(arguments: Seeds.few) func threadsDoNotChangeABit(seed: UInt64) throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let scan = try Scan(
            grid: Extent(128, 128, 120), extent: Extent(32, 24, 24), window: Extent(16, 16, 16),
            seed: seed)
        var logits: [[Float]] = []
        for threads in [1, 2, 3, 7] {
            Parallel.threadCount = threads
            logits.append(try scan.logits(scan.lattice(stride: 4)))
        }
        #expect(logits.allSatisfy { $0 == logits[0] }, "seed \(seed)")
    }

    @Test func progressCountsWindows() throws {
        let scan = try Scan(
            grid: Extent(128, 128, 120), extent: Extent(24, 24, 24), window: Extent(16, 16, 16),
            seed: 3)
        let origins = scan.lattice(stride: 4)
        let poll = { (_: Int, _: Int) in false }
        let (done, planned) = try Control.with(poll: poll) { () throws(SPARSError) in
            _ = try scan.values.withUnsafeBufferPointer { volume throws(SPARSError) in
                try scan.evaluator.windowLogits(
                    volume: volume, extent: scan.extent, origins: origins, window: scan.window,
                    intensityWindow: nil, reportsProgress: true)
            }
            return (PollContext.current?.done, PollContext.current?.planned)
        }
        #expect(done == origins.count && planned == origins.count)
    }

    @Test func aStopEndsTheCall() throws {
        let scan = try Scan(
            grid: Extent(128, 128, 120), extent: Extent(24, 24, 24), window: Extent(16, 16, 16),
            seed: 3)
        let poll = { (_: Int, _: Int) in true }
        #expect(throws: SPARSError.self) {
            try Control.with(poll: poll) { () throws(SPARSError) in
                try scan.values.withUnsafeBufferPointer { volume throws(SPARSError) in
                    try scan.evaluator.windowLogits(
                        volume: volume, extent: scan.extent, origins: scan.lattice(stride: 4),
                        window: scan.window, intensityWindow: nil)
                }
            }
        }
    }

    @Test func noWindowsGiveNoLogits() throws {
        let scan = try Scan(
            grid: Extent(108, 108, 108), extent: Extent(10, 10, 10), window: Extent(4, 4, 4),
            seed: 1)
        #expect(try scan.logits([]).isEmpty)
    }

    /// Windows wider than the grid along an axis: nothing is shared along the others either, though
    /// windows 1 apart of 27 voxels on 108 places would share, and windows 5 apart of 135.
    @Test(arguments: [
        Extent(120, 16, 9), Extent(135, 27, 27), Extent(27, 135, 27), Extent(27, 27, 135),
        Extent(135, 135, 135),
    ])
    func reducedWindowsAreScoredPlainly(window: Extent) throws {
        let extent = Extent(window.x + 5, window.y + 5, window.z + 5)
        let scan = try Scan(
            grid: Extent(108, 108, 108), extent: extent, window: window, seed: 4)
        let origins = [Voxel(4, 2, 0), Voxel(4, 2, 5), Voxel(4, 2, 1), Voxel(4, 2, 0)]
        #expect(scan.blocks(origins).count == 3)
        let together = try scan.logits(origins)
        for (n, origin) in origins.enumerated() {
            let resized = try Resample.nearest(
                Volume<Native>(extent: scan.extent, values: scan.values).crop(
                    Window(origin: origin, extent: scan.window)),
                from: scan.window, to: scan.evaluator.architecture.input)
            let direct = try resized.withUnsafeBufferPointer { input throws(SPARSError) in
                try scan.evaluator.logits(input, count: 1)
            }
            #expect(Array(together[2 * n..<2 * n + 2]) == direct, "\(window) at \(origin)")
        }
        let forecast = try scan.evaluator.forecast(
            extent: extent, origins: origins, window: window)
        #expect(forecast.bytes > 4 * (window.count + 108 * 108 * 108))
    }
}
