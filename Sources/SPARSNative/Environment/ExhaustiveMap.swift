import SPARSKernels

/// The map that visiting every place of a lattice once would accumulate.
///
/// Sums and maxima of boxes separate into the three axes, so this takes a few passes over the grid
/// instead of one box a place. Sums run over prefix sums in float64: within 1e-12 relative of the
/// exact sum for up to a million places, then rounded once.
///
/// - Parameters:
///   - accumulation: how the scores of a voxel's windows become one value.
///   - scores: one for each place, x slowest.
///   - axes: where the windows start along x, y and z, ascending.
///   - window: the windows' extent.
///   - part: the part of a window that its score is credited to, at most the window; nil for all of
///     it.
///   - grid: the map's extent; windows are cut at its end.
/// - Throws: `outOfRange` when scores and axes do not agree, an axis is empty, not ascending
///   or begins below zero, an extent has no voxel or the part is larger than the window; `interrupted`.
public func exhaustiveMap(
    scores: [Float], axes: [[Int]], window: Extent, part: Extent? = nil, grid: Extent,
    accumulation: GameConfiguration.Accumulation
) throws(SPARSError) -> [Float] {
    try check(scores: scores, axes: axes, window: window, part: part, grid: grid)
    let geometry = MapGeometry(grid: grid, window: window, part: part)
    var values: [Double] = []
    values.reserveCapacity(scores.count)
    try Control.inRuns(scores.count) { for i in $0 { values.append(Double(scores[i])) } }
    var shape = axes.map(\.count)
    var counts: [[Double]] = []
    for axis in [2, 1, 0] {
        // No window begins below zero, so no part does; from the grid's end on they write nothing.
        let starts = axes[axis].map { min($0, grid[axis]) + geometry.lead[axis] }
        let places = coveringPlaces(starts, window: geometry.part[axis], count: grid[axis])
        values = try spread(values, shape, along: axis, places, accumulation)
        shape[axis] = grid[axis]
        counts.insert(places.map { Double($0.count) }, at: 0)
    }
    var means: [Float] = []
    means.reserveCapacity(values.count)
    guard accumulation == .mean else {
        try Control.inRuns(values.count) { for i in $0 { means.append(Float(values[i])) } }
        return means
    }
    for x in 0..<grid.x {
        try Control.check()
        for y in 0..<grid.y {
            for z in 0..<grid.z {
                let count = counts[0][x] * counts[1][y] * counts[2][z]
                means.append(count == 0 ? 0 : Float(values[grid.offset(x, y, z)] / count))
            }
        }
    }
    return means
}

/// The map that runs linearly between the middles of windows, each of which has its score, and keeps
/// the outermost scores beyond them. For windows `stride` apart this is PyTorch's trilinear enlargement
/// (`align_corners=False`) of the lattice by `stride`.
///
/// - Parameters: as for `exhaustiveMap`; `map` has room for the grid's voxels.
/// - Throws: as it does.
public func interpolatedMap(
    scores: [Float], axes: [[Int]], window: Extent, grid: Extent,
    into map: UnsafeMutablePointer<Float>
) throws(SPARSError) {
    try check(scores: scores, axes: axes, window: window, part: nil, grid: grid)
    let ways = (0..<3).map { axis in
        ResampleAxis.linear(
            from: axes[axis].count,
            at: positions(axes[axis], half: Double(window[axis]) / 2, count: grid[axis]))
    }
    unsafe scores.withUnsafeBufferPointer { scores in
        // SAFETY: the axes' indices lie in the counts of `axes`, whose product is the scores', and
        // there is one of each for every voxel of the grid.
        unsafe ResampleKernels.linear(
            source: scores.baseAddress!,
            from: Extent(axes[0].count, axes[1].count, axes[2].count),
            target: map, x: ways[0], y: ways[1], z: ways[2])
    }
}

/// Where the middle of each voxel lies, counted in windows by theirs.
private func positions(_ starts: [Int], half: Double, count: Int) -> [Double] {
    var next = 0
    return (0..<count).map { voxel in
        let place = Double(voxel) + 0.5
        while next < starts.count && Double(starts[next]) + half <= place { next += 1 }
        if next == 0 { return 0 }
        if next == starts.count { return Double(next - 1) }
        let (low, high) = (Double(starts[next - 1]) + half, Double(starts[next]) + half)
        return Double(next - 1) + (place - low) / (high - low)
    }
}

private func check(
    scores: [Float], axes: [[Int]], window: Extent, part: Extent?, grid: Extent
) throws(SPARSError) {
    let owner = SPARSError.Subject.exhaustiveMap
    for axis in 0..<3 where grid[axis] < 1 || window[axis] < 1 {
        throw .range("grid", of: owner, mustBe: "1 voxel or more in every axis", got: grid)
    }
    if let part, !(0..<3).allSatisfy({ (1...window[$0]).contains(part[$0]) }) {
        throw .range(
            "credited_part", of: owner,
            mustBe: "1 voxel or more and at most the window \(window)", got: part)
    }
    guard (0..<3).allSatisfy({ grid[$0] <= GameConfiguration.axisLimit }),
        grid.count <= GameConfiguration.voxelLimit
    else {
        throw .outOfMemory(message: "A grid of \(grid) is too large for an exhaustive map.")
    }
    for starts in axes {
        guard let first = starts.first, first >= 0, zip(starts, starts.dropFirst()).allSatisfy(<)
        else {
            throw .range("axes", of: owner, mustBe: "ascending starts of 0 or more", got: starts)
        }
    }
    let places = axes.reduce(1) { $0 * $1.count }
    guard axes.count == 3, scores.count == places else {
        throw .range("scores", of: owner, mustBe: "\(places) floats", got: scores.count)
    }
}

/// For each voxel of an axis, the places whose windows hold it.
private func coveringPlaces(_ starts: [Int], window: Int, count: Int) -> [Range<Int>] {
    var (first, end) = (0, 0)
    return (0..<count).map { voxel in
        while end < starts.count && starts[end] <= voxel { end += 1 }
        while first < end && starts[first] <= voxel - window { first += 1 }
        return first..<end
    }
}

/// Replaces one axis of places by voxels, each the sum or maximum over the places that cover it.
private func spread(
    _ values: [Double], _ shape: [Int], along axis: Int, _ places: [Range<Int>],
    _ accumulation: GameConfiguration.Accumulation
) throws(SPARSError) -> [Double] {
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *)
    let count = shape[axis]
    var result = try Control.filled(outer * places.count * inner, with: 0.0)
    var prefix = try Control.filled((count + 1) * inner, with: 0.0)
    for o in 0..<outer {
        try Control.check()
        let source = o * count * inner
        if accumulation != .max {
            try Control.inRuns(count * inner) { run in
                for p in run { prefix[p + inner] = prefix[p] + values[source + p] }
            }
        }
        for (voxel, range) in places.enumerated() where !range.isEmpty {
            if inner > 1 << 12 { try Control.check() }
            let target = (o * places.count + voxel) * inner
            for i in 0..<inner {
                if accumulation == .max {
                    var highest = 0.0
                    for p in range { highest = max(highest, values[source + p * inner + i]) }
                    result[target + i] = highest
                } else {
                    result[target + i] =
                        prefix[range.upperBound * inner + i] - prefix[range.lowerBound * inner + i]
                }
            }
        }
    }
    return result
}
