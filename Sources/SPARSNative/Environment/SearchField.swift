import SPARSKernels

/// What a game is played on: the scan as the game indexes it, and what is known of its scores.
///
/// Every game on the same scan, window and scorer shares one field, so that no window is scored
/// twice whoever plays. Use a field, and the games on it, from one thread at a time.
public final class SearchField {
    public let configuration: GameConfiguration
    /// The scan; its extent is the grid's, except where it is indexed as it is (D4 "corner").
    public let volume: Volume<ModelGrid>
    public let lattice: SearchLattice
    public let scorer: any WindowScorer

    /// One score for each start of the lattice; NaN where it is not known yet.
    private var table: [Float]
    /// How many scores were asked of the scorer.
    public private(set) var scored = 0

    /// - Parameters:
    ///   - volume: the scan, on the model grid.
    ///   - configuration: the game's rules and extents.
    ///   - scorer: what scores windows.
    ///   - coversEdge: as `SearchLattice` takes it.
    /// - Throws: `outOfRange` for a configuration out of range, or one whose first crop would
    ///   be empty; `notFinite` for a scan with NaN or infinity.
    public init(
        volume: Volume<ModelGrid>, configuration: GameConfiguration, scorer: any WindowScorer,
        coversEdge: Bool = false
    ) throws(SPARSError) {
        try configuration.validate()
        try Control.inRuns(volume.values.count) { (run) throws(SPARSError) in
            guard volume.values[run].allSatisfy(\.isFinite) else {
                throw .notFinite(
                    tensor: "volume", message: "The 'volume' parameter of the game must be finite.")
            }
        }
        self.volume = volume
        self.configuration = configuration
        self.scorer = scorer
        lattice = try SearchLattice(
            configuration, scan: volume.extent, coversEdge: coversEdge)
        table = [Float](repeating: .nan, count: lattice.count)
        _ = try box(at: lattice.cropStart(configuration.start))
    }

    // MARK: - Crops

    /// The part of the scan that a crop from `start` holds: the window's extent, or less where
    /// the scan ends and `borderCrops` is `stretched`.
    /// - Throws: `invalidArgument` if it holds nothing.
    public func box(at start: Voxel) throws(SPARSError) -> Window<ModelGrid> {
        let window = configuration.window
        let x = numpySlice(start.x, start.x + window.x, count: volume.extent.x)
        let y = numpySlice(start.y, start.y + window.y, count: volume.extent.y)
        let z = numpySlice(start.z, start.z + window.z, count: volume.extent.z)
        guard !x.isEmpty, !y.isEmpty, !z.isEmpty else {
            throw .invalidArgument(
                parameter: "volume",
                message: "The window at \(start) holds no voxel of the scan, whose shape is "
                    + "\(volume.extent) while the game's grid is \(configuration.grid). Use a "
                    + "smaller grid, a smaller window, or scan_frame=\"resampled\".")
        }
        return Window(
            origin: Voxel(x.lowerBound, y.lowerBound, z.lowerBound),
            extent: Extent(x.count, y.count, z.count))
    }

    /// The crop from `start`, and its extent.
    public func crop(at start: Voxel) throws(SPARSError) -> (values: [Float], extent: Extent) {
        let box = try box(at: start)
        return (crops([box], of: box.extent), box.extent)
    }

    /// The values of boxes of one extent, one after the other.
    func crops(_ boxes: [Window<ModelGrid>], of extent: Extent) -> [Float] {
        let count = extent.count
        return unsafe [Float](unsafeUninitializedCapacity: boxes.count * count) {
            crops, initialized in
            unsafe volume.values.withUnsafeBufferPointer { values in
                for (i, box) in boxes.enumerated() {
                    unsafe copyBox(
                        values, BoxGeometry(of: box, in: volume.extent),
                        into: .init(rebasing: crops[i * count..<(i + 1) * count]))
                }
            }
            initialized = boxes.count * count
        }
    }

    /// What an agent whose window stands at `origin` sees: its crop, brought by nearest neighbour
    /// to `extent`, or to the window's where it is cut short.
    public func observation(
        at origin: Voxel, as extent: Extent? = nil
    ) throws(SPARSError) -> [Float] {
        let crop = try crop(at: lattice.cropStart(origin))
        let wanted = extent ?? configuration.window
        if crop.extent == wanted { return crop.values }
        return try Resample.nearest(crop.values, from: crop.extent, to: wanted)
    }

    /// Indices of `starts` by their crops' extent, in order of first occurrence.
    func grouped(_ starts: [Voxel]) throws(SPARSError) -> [(extent: Extent, members: [Int])] {
        var groups: [(extent: Extent, members: [Int])] = []
        for (i, start) in starts.enumerated() {
            let extent = try box(at: start).extent
            if let group = groups.firstIndex(where: { $0.extent == extent }) {
                groups[group].members.append(i)
            } else {
                groups.append((extent, [i]))
            }
        }
        return groups
    }

    // MARK: - Scores

    /// The lattice's index of the crop of a window at `origin`.
    @inline(__always)
    func index(ofOrigin origin: Voxel) -> Int { lattice.index(ofStart: lattice.cropStart(origin)) }

    /// The score with this index, or NaN.
    @inline(__always)
    func known(_ index: Int) -> Float { table[index] }

    /// Scores what is not known yet of `indices`, in one call of the scorer.
    func score(_ indices: [Int], reportsProgress: Bool = false) throws(SPARSError) {
        var missing: [Int] = []
        var seen: Set<Int> = []
        for index in indices where table[index].isNaN && seen.insert(index).inserted {
            missing.append(index)
        }
        if missing.isEmpty { return }
        let scores = try scorer.scores(
            of: self, at: missing.map(lattice.start), reportsProgress: reportsProgress)
        precondition(scores.count == missing.count, "\(scores.count) scores for \(missing.count)")
        for (index, score) in zip(missing, scores) { try store(score, at: index) }
        scored += missing.count
    }

    /// The score of a window at `origin`.
    public func score(of origin: Voxel) throws(SPARSError) -> Float {
        let index = index(ofOrigin: origin)
        if table[index].isNaN { try score([index]) }
        return table[index]
    }

    /// Scores those of some places, numbered as `scores` lists them, that are not known yet.
    /// - Throws: `outOfRange` for a number that no place has.
    public func score(places: [Int]) throws(SPARSError) {
        for place in places where !table.indices.contains(place) {
            throw .range(
                "places", of: .game, mustBe: "in the range [0, \(table.count - 1)]", got: place)
        }
        try score(places)
    }

    /// Scores every place of the lattice that is not known yet, reporting progress.
    public func scoreAll() throws(SPARSError) {
        let missing = table.indices.filter { table[$0].isNaN }
        let chunk = scorer.windowsAtOnce
        for first in stride(from: 0, to: missing.count, by: chunk) {
            try Control.report(done: first, planned: missing.count)
            try score(
                Array(missing[first..<min(first + chunk, missing.count)]), reportsProgress: true)
        }
        try Control.report(done: missing.count, planned: missing.count)
    }

    /// The scores of the whole lattice, x slowest; NaN where not known.
    public var scores: [Float] { table }

    /// Takes over scores made elsewhere, for example an atlas; NaN leaves a place unknown.
    public func adopt(_ scores: [Float]) throws(SPARSError) {
        guard scores.count == table.count else {
            throw .range(
                "scores", of: .game, mustBe: "\(table.count) floats, one for each place",
                got: scores.count)
        }
        try Control.inRuns(scores.count) { (run) throws(SPARSError) in
            for index in run where !scores[index].isNaN { try store(scores[index], at: index) }
        }
    }

    /// Scores 0, without asking, every place whose credited part meets no voxel of a region: it can
    /// hold no tumour of it.
    ///
    /// - Parameter region: of the scan's extent, non-zero inside.
    public func leaveOut(outside region: [UInt8]) throws(SPARSError) {
        let extent = volume.extent
        guard region.count == extent.count else {
            throw .range(
                "region", of: .game, mustBe: "a mask of \(extent.count) voxels for \(extent)",
                got: region.count)
        }
        let geometry = MapGeometry(
            grid: extent, window: configuration.window, part: configuration.creditedPart)
        for index in table.indices where table[index].isNaN {
            try Control.check()
            guard let part = geometry.box(at: lattice.start(index)), part.meets(region, of: extent)
            else {
                table[index] = 0
                continue
            }
        }
    }

    private func store(_ score: Float, at index: Int) throws(SPARSError) {
        guard (0...1).contains(score) else {
            throw .range("scorer", of: .game, mustBe: "scores in [0, 1]", got: score)
        }
        table[index] = score
    }
}

extension Window<ModelGrid> {
    /// Whether a mask of `extent` is non-zero anywhere in it.
    fileprivate func meets(_ mask: [UInt8], of extent: Extent) -> Bool {
        for x in origin.x..<origin.x + self.extent.x {
            for y in origin.y..<origin.y + self.extent.y {
                let start = extent.offset(x, y, origin.z)
                for z in 0..<self.extent.z where mask[start + z] != 0 { return true }
            }
        }
        return false
    }
}
