import CSPARS
import SPARSNative

private let owner = "the game"

@_cdecl("spars_field_create")
public func sparsFieldCreate(
    _ volume: UnsafePointer<Float>?, _ shape: UnsafePointer<Int64>?,
    _ configuration: UnsafePointer<spars_game_configuration>?, _ classifier: UInt64,
    _ field: UnsafeMutablePointer<UInt64>?, _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(field, 1, "field", of: owner)
        let extent = try checkedExtent(shape, "shape", of: owner)
        let values = try checkedInput(volume, extent.count, "volume", of: owner)
        let configuration = try GameConfiguration(
            checkedInput(configuration, 1, "configuration", of: owner)[0])
        let made = try SearchField(
            volume: Volume(extent: extent, values: Array(values)), configuration: configuration,
            scorer: scorer(classifier))
        out[0] = HandleTable.shared.insert(FieldBox(made))
    }
}

@_cdecl("spars_field_counts")
public func sparsFieldCounts(
    _ field: UInt64, _ counts: UnsafeMutablePointer<Int64>?,
    _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(counts, 3, "counts", of: owner)
        try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            for axis in 0..<3 { out[axis] = Int64(field.lattice.axes[axis].count) }
        }
    }
}

@_cdecl("spars_field_axis")
public func sparsFieldAxis(
    _ field: UInt64, _ axis: Int64, _ starts: UnsafeMutablePointer<Int64>?, _ count: Int64,
    _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        guard (0...2).contains(axis) else {
            throw .range("axis", of: owner, mustBe: "0, 1 or 2", got: axis)
        }
        try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            let places = field.lattice.axes[Int(axis)]
            try checkCount(count, "count", of: owner, mustBe: places.count)
            let out = try checkedOutput(starts, places.count, "starts", of: owner)
            for (i, place) in places.enumerated() { out[i] = Int64(place) }
        }
    }
}

@_cdecl("spars_field_scores")
public func sparsFieldScores(
    _ field: UInt64, _ scores: UnsafeMutablePointer<Float>?, _ count: Int64,
    _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            let places = try checkedPlaces(count, field)
            let out = try checkedOutput(scores, places, "scores", of: owner)
            _ = out.update(fromContentsOf: field.scores)
        }
    }
}

@_cdecl("spars_field_adopt")
public func sparsFieldAdopt(
    _ field: UInt64, _ scores: UnsafePointer<Float>?, _ count: Int64,
    _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            let places = try checkedPlaces(count, field)
            try field.adopt(Array(checkedInput(scores, places, "scores", of: owner)))
        }
    }
}

@_cdecl("spars_field_score_all")
public func sparsFieldScoreAll(
    _ field: UInt64, _ scorer: UnsafePointer<spars_scorer>?,
    _ control: UnsafePointer<spars_control>?, _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        try FieldBox.of(field).exclusively(scorer: scorer) { (field) throws(SPARSError) in
            try field.scoreAll()
        }
    }
}

@_cdecl("spars_field_scored")
public func sparsFieldScored(
    _ field: UInt64, _ count: UnsafeMutablePointer<Int64>?,
    _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(count, 1, "count", of: owner)
        out[0] = try FieldBox.of(field).exclusively { (field) throws(SPARSError) in
            Int64(field.scored)
        }
    }
}

@_cdecl("spars_exhaustive_map")
public func sparsExhaustiveMap(
    _ scores: UnsafePointer<Float>?, _ counts: UnsafePointer<Int64>?,
    _ axes: UnsafePointer<Int64>?, _ window: UnsafePointer<Int64>?, _ grid: UnsafePointer<Int64>?,
    _ accumulation: Int32, _ map: UnsafeMutablePointer<Float>?,
    _ error: UnsafeMutablePointer<spars_error>?
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "exhaustive_map"
        let counts = try checkedExtent(counts, "counts", of: owner)
        let window = try checkedExtent(window, "window", of: owner)
        let grid = try checkedExtent(grid, "grid", of: owner)
        guard let rule = GameConfiguration.Accumulation(rawValue: accumulation) else {
            throw .range("accumulation", of: owner, mustBe: "0, 1 or 2", got: accumulation)
        }
        let scores = try checkedInput(scores, counts.count, "scores", of: owner)
        let starts = try checkedInput(axes, counts.x + counts.y + counts.z, "axes", of: owner)
        let ends = [counts.x, counts.x + counts.y, counts.x + counts.y + counts.z]
        let out = try checkedOutput(map, grid.count, "map", of: owner)
        let values = try exhaustiveMap(
            scores: Array(scores),
            axes: zip([0] + ends, ends).map { starts[$0..<$1].map { Int(clamping: $0) } },
            window: window, grid: grid, accumulation: rule)
        _ = out.update(fromContentsOf: values)
    }
}

/// What scores a field's windows: a classifier with the parameters it has now, or whatever function
/// a call lends.
private func scorer(_ classifier: UInt64) throws(SPARSError) -> any WindowScorer {
    if classifier == 0 { return CallbackScorer() }
    let classifier: Classifier = try HandleTable.shared.object(classifier, kind: "Classifier")
    return ClassifierScorer(try classifier.evaluator())
}

private func checkedPlaces(_ count: Int64, _ field: SearchField) throws(SPARSError) -> Int {
    try checkCount(count, "count", of: owner, mustBe: field.lattice.count)
    return field.lattice.count
}

extension GameConfiguration {
    /// The configuration that came over the ABI.
    init(_ c: spars_game_configuration) throws(SPARSError) {
        func extent(_ axes: (Int64, Int64, Int64)) -> Extent {
            Extent(Int(clamping: axes.0), Int(clamping: axes.1), Int(clamping: axes.2))
        }
        func choice<Choice: RawRepresentable<Int32>>(
            _ value: Int32, _ name: String
        ) throws(SPARSError) -> Choice {
            guard let choice = Choice(rawValue: value) else {
                throw .range(name, of: owner, mustBe: "the number of a choice", got: value)
            }
            return choice
        }
        self = .paper(grid: extent(c.grid), window: extent(c.window))
        stride = Int(clamping: c.stride)
        terminationThreshold = c.termination_threshold
        maxEpisodeSteps = c.max_episode_steps == 0 ? nil : Int(clamping: c.max_episode_steps)
        creditedScore = try choice(c.credited_score, "credited_score")
        creditedAgents = try choice(c.credited_agents, "credited_agents")
        border = try choice(c.border, "border")
        opponent = try choice(c.opponent, "opponent")
        mapRead = try choice(c.map_read, "map_read")
        observationCast = try choice(c.observation_cast, "observation_cast")
        opponentObservation = try choice(c.opponent_observation, "opponent_observation")
        accumulation = try choice(c.accumulation, "accumulation")
        tieReward = try choice(c.tie_reward, "tie_reward")
        borderCrops = try choice(c.border_crops, "border_crops")
        try validate()
    }
}
