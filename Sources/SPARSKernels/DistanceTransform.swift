/// The exact Euclidean distance transform, one axis after the other (Felzenszwalb and Huttenlocher,
/// 2012, "Distance transforms of sampled functions"), with voxels of any edge lengths.
///
/// Departures from the paper: infinite values take no part in an envelope instead of standing for
/// parabolas; the first axis, where every value is 0 or infinite, takes two sweeps; the last axis
/// is only walked where an answer is wanted.
///
/// Error: each squared distance is a sum of three squares of (steps times edge), each rounded once
/// in float64, so it is within 4 units in the last place of the exact value. Where two sites are
/// equally near within that, either may be chosen.
public enum DistanceTransform {
    /// Squared distances, in the units of `edges`, from places to the nearest site.
    ///
    /// - Parameters:
    ///   - sites: non-zero where there is a site; x, y, z with z fastest.
    ///   - wanted: non-zero where an answer is wanted; elsewhere the result is undefined. nil wants
    ///     all.
    ///   - counts: voxels along x, y, z.
    ///   - edges: lengths of a voxel's edges, positive and finite.
    /// - Returns: infinity everywhere if there is no site.
    public static func squared(
        to sites: [UInt8], at wanted: [UInt8]?, counts: (Int, Int, Int),
        edges: (Double, Double, Double)
    ) -> [Double] {
        let (nx, ny, nz) = counts
        precondition(
            sites.count == nx * ny * nz && (wanted ?? sites).count == sites.count,
            "\(sites.count) sites and \(wanted?.count ?? 0) places for \(counts)")
        if sites.isEmpty { return [] }
        return [Double](unsafeUninitializedCapacity: sites.count) { buffer, count in
            sites.withUnsafeBufferPointer { sites in
                (wanted ?? []).withUnsafeBufferPointer { places in
                    // SAFETY: every item below touches only its own lines of the buffer.
                    nonisolated(unsafe) let values = buffer.baseAddress!
                    nonisolated(unsafe) let sites = sites.baseAddress!
                    nonisolated(unsafe) let wanted = wanted == nil ? nil : places.baseAddress
                    Parallel.forEach(nx) { x in
                        let slab = x * ny * nz
                        // A first touch of much memory takes a while, so each item does its own.
                        (values + slab).initialize(repeating: .infinity, count: ny * nz)
                        for y in 0..<ny {
                            sweep(sites + slab + y * nz, values + slab + y * nz, nz, edges.2)
                        }
                        transformSlab(values + slab, nil, lines: nz, count: ny, stride: nz, edges.1)
                    }
                    Parallel.forEach(ny) { y in
                        transformSlab(
                            values + y * nz, wanted.map { $0 + y * nz }, lines: nz, count: nx,
                            stride: ny * nz, edges.0)
                    }
                }
            }
            count = sites.count
        }
    }

    /// Squared distances along one line of sites: from the left, then from the right.
    private static func sweep(
        _ sites: UnsafePointer<UInt8>, _ values: UnsafeMutablePointer<Double>, _ count: Int,
        _ edge: Double
    ) {
        var last = -1
        for k in 0..<count {
            if sites[k] != 0 { last = k }
            if last >= 0 {
                let d = Double(k - last) * edge
                values[k] = d * d
            }
        }
        last = -1
        var k = count - 1
        while k >= 0 {
            if sites[k] != 0 { last = k }
            if last >= 0 {
                let d = Double(last - k) * edge
                values[k] = min(values[k], d * d)
            }
            k -= 1
        }
    }

    /// How many neighbouring lines are gathered together: a cache line of float64.
    private static let together = 8

    /// Replaces each of `lines` neighbouring lines by the lower envelope of its parabolas.
    private static func transformSlab(
        _ values: UnsafeMutablePointer<Double>, _ wanted: UnsafePointer<UInt8>?, lines: Int,
        count: Int, stride: Int, _ edge: Double
    ) {
        let work = Envelope(count: count)
        defer { work.deallocate() }
        let gathered = UnsafeMutablePointer<Double>.allocate(capacity: together * count)
        defer { gathered.deallocate() }
        var first = 0
        while first < lines {
            let width = min(together, lines - first)
            defer { first += width }
            if let wanted, !isAnyWanted(wanted + first, width, count, stride) { continue }
            for i in 0..<count {
                for l in 0..<width { gathered[l * count + i] = values[i * stride + first + l] }
            }
            for l in 0..<width { work.transform(gathered + l * count, count, edge) }
            for i in 0..<count {
                for l in 0..<width { values[i * stride + first + l] = gathered[l * count + i] }
            }
        }
    }

    private static func isAnyWanted(
        _ wanted: UnsafePointer<UInt8>, _ width: Int, _ count: Int, _ stride: Int
    ) -> Bool {
        for i in 0..<count {
            for l in 0..<width where wanted[i * stride + l] != 0 { return true }
        }
        return false
    }

    /// Scratch for one line: the parabolas of the lower envelope and where each begins to be lowest.
    private struct Envelope {
        let places: UnsafeMutablePointer<Int>
        let heights: UnsafeMutablePointer<Double>
        let starts: UnsafeMutablePointer<Double>

        init(count: Int) {
            places = .allocate(capacity: count)
            heights = .allocate(capacity: count)
            starts = .allocate(capacity: count)
        }

        func deallocate() {
            places.deallocate()
            heights.deallocate()
            starts.deallocate()
        }

        /// line[q] becomes the least line[p] + (edge (q - p))^2 over p.
        func transform(_ line: UnsafeMutablePointer<Double>, _ count: Int, _ edge: Double) {
            let square = edge * edge
            var top = -1
            for q in 0..<count where line[q] < .infinity {
                var start = -Double.infinity
                while top >= 0 {
                    let p = places[top]
                    // Where the parabola at q falls below the one at p.
                    start =
                        (line[q] - heights[top]) / (2 * square * Double(q - p)) + Double(q + p) / 2
                    if start > starts[top] { break }
                    top -= 1
                    start = -.infinity
                }
                top += 1
                places[top] = q
                heights[top] = line[q]
                starts[top] = start
            }
            guard top >= 0 else { return }
            var i = 0
            for q in 0..<count {
                while i < top && starts[i + 1] < Double(q) { i += 1 }
                let d = Double(q - places[i]) * edge
                line[q] = heights[i] + d * d
            }
        }
    }
}
