import CSPARS
import SPARSNative

private let owner = "the game"

@_cdecl("spars_field_create")
public func sparsFieldCreate(
    _ volume: In<Float>, _ shape: In<Int64>, _ configuration: In<spars_game_configuration>,
    _ classifiers: In<Int64>, _ classifierCount: Int64, _ coversEdge: Int32,
    _ signals: In<spars_control>, _ field: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let out = try checkedOutput(field, 1, "field", of: owner)
        let extent = try checkedExtent(shape, "shape", of: owner)
        let values = try checkedInput(volume, extent.count, "volume", of: owner)
        let configuration = try GameConfiguration(
            checkedStruct(configuration, "configuration", of: owner))
        try Memory.require(
            extent.count + configuration.grid.count, each: 12, for: "A game's scan and map")
        let made = try SearchField(
            volume: Volume(extent: extent, values: Control.copy(values)),
            configuration: configuration,
            scorer: scorer(living(classifiers, classifierCount, of: owner)),
            coversEdge: coversEdge != 0)
        try Control.check()
        out[0] = HandleTable.shared.insert(FieldBox(made))
    }
}

@_cdecl("spars_field_counts")
public func sparsFieldCounts(
    _ field: UInt64, _ counts: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let found = try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            field.lattice.axes.map { Int64($0.count) }
        }
        try write(contentsOf: found, to: counts, "counts", of: owner)
    }
}

@_cdecl("spars_field_axis")
public func sparsFieldAxis(
    _ field: UInt64, _ axis: Int64, _ starts: Out<Int64>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        guard (0...2).contains(axis) else {
            throw .range("axis", of: owner, mustBe: "0, 1 or 2", got: axis)
        }
        try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            let places = field.lattice.axes[Int(axis)]
            try checkCount(count, "count", of: owner, mustBe: places.count)
            try write(contentsOf: places.map { Int64($0) }, to: starts, "starts", of: owner)
        }
    }
}

@_cdecl("spars_field_scores")
public func sparsFieldScores(
    _ field: UInt64, _ scores: Out<Float>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            _ = try checkedPlaces(count, field)
            try write(contentsOf: field.scores, to: scores, "scores", of: owner)
        }
    }
}

@_cdecl("spars_field_adopt")
public func sparsFieldAdopt(
    _ field: UInt64, _ scores: In<Float>, _ count: Int64, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            let places = try checkedPlaces(count, field)
            try Memory.require(places, each: 4, for: "The scores of a game's windows")
            try field.adopt(Array(checkedInput(scores, places, "scores", of: owner)))
        }
    }
}

@_cdecl("spars_field_leave_out")
public func sparsFieldLeaveOut(
    _ field: UInt64, _ region: In<UInt8>, _ count: Int64, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            let voxels = field.volume.extent.count
            try checkCount(count, "region", of: owner, mustBe: voxels, "voxels")
            try Memory.require(voxels, each: 1, for: "The region of a search")
            try field.leaveOut(
                outside: Array(checkedInput(region, voxels, "region", of: owner)))
        }
    }
}

@_cdecl("spars_field_score_all")
public func sparsFieldScoreAll(
    _ field: UInt64, _ scorer: In<spars_scorer>, _ progress: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        try FieldBox.of(field).exclusively(scorer: scorer) { (field) throws(SPARSError) in
            try field.scoreAll()
        }
    }
}

@_cdecl("spars_field_score")
public func sparsFieldScore(
    _ field: UInt64, _ places: In<Int64>, _ count: Int64, _ scorer: In<spars_scorer>,
    _ progress: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let count = try checkedCount([count], "places", of: owner)
        let places = try checkedInput(places, count, "places", of: owner)
        try FieldBox.of(field).exclusively(scorer: scorer) { (field) throws(SPARSError) in
            try field.score(places: places.map { Int(clamping: $0) })
        }
    }
}

@_cdecl("spars_field_scored")
public func sparsFieldScored(
    _ field: UInt64, _ count: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let scored = try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            Int64(field.scored)
        }
        try write(scored, to: count, "count", of: owner)
    }
}

@_cdecl("spars_interpolated_map")
public func sparsInterpolatedMap(
    _ scores: In<Float>, _ counts: In<Int64>, _ axes: In<Int64>, _ window: In<Int64>,
    _ map: Out<Float>, _ grid: In<Int64>, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let owner = "interpolated_map"
        let counts = try checkedExtent(counts, "counts", of: owner)
        let window = try checkedExtent(window, "window", of: owner)
        let grid = try checkedExtent(grid, "grid", of: owner)
        let scores = try checkedInput(scores, counts.count, "scores", of: owner)
        let starts = try checkedInput(axes, counts.x + counts.y + counts.z, "axes", of: owner)
        try Memory.require(grid.count + counts.count, each: 16, for: "A map of all windows")
        try interpolatedMap(
            scores: Control.copy(scores), axes: divided(starts, counts), window: window, grid: grid,
            into: checkedOutput(map, grid.count, "map", of: owner).baseAddress!)
    }
}

/// The starts along x, y and z.
private func divided(_ starts: UnsafeBufferPointer<Int64>, _ counts: Extent) -> [[Int]] {
    let ends = [counts.x, counts.x + counts.y, counts.x + counts.y + counts.z]
    return zip([0] + ends, ends).map { starts[$0..<$1].map { Int(clamping: $0) } }
}

@_cdecl("spars_exhaustive_map")
public func sparsExhaustiveMap(
    _ scores: In<Float>, _ counts: In<Int64>, _ axes: In<Int64>, _ window: In<Int64>,
    _ part: In<Int64>, _ accumulation: Int32, _ map: Out<Float>, _ grid: In<Int64>,
    _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let owner = "exhaustive_map"
        let counts = try checkedExtent(counts, "counts", of: owner)
        let window = try checkedExtent(window, "window", of: owner)
        let grid = try checkedExtent(grid, "grid", of: owner)
        let rule: GameConfiguration.Accumulation = try checkedChoice(
            accumulation, "accumulation", of: owner)
        let scores = try checkedInput(scores, counts.count, "scores", of: owner)
        let starts = try checkedInput(axes, counts.x + counts.y + counts.z, "axes", of: owner)
        try Memory.require(grid.count + counts.count, each: 40, for: "A map of all windows")
        let values = try exhaustiveMap(
            scores: Control.copy(scores), axes: divided(starts, counts), window: window,
            part: checkedPart(part, of: window, owner), grid: grid,
            accumulation: rule)
        try write(contentsOf: values, to: map, "map", of: owner)
    }
}

/// What scores a field's windows: classifiers with the parameters they have now, or whatever
/// function a call lends.
private func scorer(_ classifiers: [Classifier]) throws(SPARSError) -> any WindowScorer {
    if classifiers.isEmpty { return CallbackScorer() }
    return ClassifierScorer(
        try classifiers.map { (classifier) throws(SPARSError) in try classifier.evaluator() })
}

/// The part of a window that gets its score; nil for a null pointer, which stands for all of it.
func checkedPart(
    _ part: In<Int64>, of window: Extent, _ owner: String
) throws(SPARSError) -> Extent? {
    if part == nil { return nil }
    let part = try checkedExtent(part, "credited_part", of: owner)
    guard (0..<3).allSatisfy({ part[$0] <= window[$0] }) else {
        throw .range(
            "credited_part", of: owner, mustBe: "at most the window \(window)", got: part)
    }
    return part
}

private func checkedPlaces(_ count: Int64, _ field: SearchField) throws(SPARSError) -> Int {
    try checkCount(count, "count", of: owner, mustBe: field.lattice.count)
    return field.lattice.count
}

extension GameConfiguration {
    /// The configuration that came over the ABI.
    init(_ given: spars_game_configuration) throws(SPARSError) {
        func choice<Choice: RawRepresentable<Int32>>(
            _ value: Int32, _ name: String
        ) throws(SPARSError) -> Choice {
            try checkedChoice(value, name, of: owner)
        }
        let switches = given.protocol
        self = .paper(grid: Extent(given.grid), window: Extent(given.window))
        stride = Int(clamping: given.stride)
        terminationThreshold = given.termination_threshold
        maxEpisodeSteps =
            given.max_episode_steps == 0 ? nil : Int(clamping: given.max_episode_steps)
        creditedScore = try choice(switches.credited_score, "credited_score")
        creditedAgents = try choice(switches.credited_agents, "credited_agents")
        border = try choice(switches.border, "border")
        opponent = try choice(switches.opponent, "opponent")
        mapRead = try choice(switches.map_read, "map_read")
        observationCast = try choice(switches.observation_cast, "observation_cast")
        opponentObservation = try choice(switches.opponent_observation, "opponent_observation")
        accumulation = try choice(switches.accumulation, "accumulation")
        tieReward = try choice(switches.tie_reward, "tie_reward")
        borderCrops = try choice(switches.border_crops, "border_crops")
        if switches.credited_extent != (0, 0, 0) {
            creditedPart = Extent(switches.credited_extent)
        }
        try validate()
    }
}
