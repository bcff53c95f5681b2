/// Which voxels count as touching.
public enum Connectivity: Int, CaseIterable, Sendable {
    /// Sharing a face.
    case faces = 6
    /// Sharing a face or an edge.
    case edges = 18
    /// Sharing a face, an edge or a corner.
    case corners = 26
}

/// The connected parts of a mask, numbered from 1 in the order of their first voxels; 0 is outside.
///
/// Runs along z are the units: each is joined with the runs it touches in the lines before it, and
/// a forest of parents (Galler and Fischer, 1964) keeps what is joined.
public struct ConnectedComponents: Sendable {
    public let extent: Extent
    /// Each voxel's component.
    public let labels: [Int32]
    /// Voxels of component i + 1.
    public let sizes: [Int]

    /// - Parameters:
    ///   - connectivity: which voxels are neighbours.
    ///   - mask: non-zero inside.
    ///   - extent: its voxels along x, y, z.
    /// - Throws: `interrupted`; `outOfMemory` where the runs and labels cannot be had.
    public init(
        _ mask: [UInt8], _ extent: Extent, _ connectivity: Connectivity = .corners
    ) throws(SPARSError) {
        precondition(mask.count == extent.count, "\(mask.count) voxels for \(extent)")
        let runs = try RunForest.runCount(mask, extent)
        try Memory.require(4 * mask.count + 28 * runs, for: "The parts of a mask of \(extent)")
        var forest = RunForest(extent, runs)
        for line in 0..<extent.x * extent.y {
            if line % extent.y == 0 { try Control.check() }
            forest.appendLine(mask, line)
            forest.joinWithLinesBefore(line, connectivity)
        }
        var numbers = try Control.filled(forest.runs.count, with: Int32(0))
        var sizes: [Int] = []
        var labels = try Control.filled(mask.count, with: Int32(0))
        for line in 0..<extent.x * extent.y {
            if line % extent.y == 0 { try Control.check() }
            for i in forest.lines[line]..<forest.lines[line + 1] {
                let root = Int(forest.root(Int32(i)))
                if numbers[root] == 0 {
                    sizes.append(0)
                    numbers[root] = Int32(sizes.count)
                }
                let number = numbers[root]
                let run = forest.runs[i]
                sizes[Int(number) - 1] += run.count
                for z in run { labels[line * extent.z + z] = number }
            }
        }
        self.extent = extent
        self.labels = labels
        self.sizes = sizes
    }
}

/// The runs of a mask along z and which of them belong together.
private struct RunForest {
    let extent: Extent
    var runs: [Range<Int>] = []
    /// The first run of each line (x, y) and, last, the number of runs.
    var lines = [0]
    private var parents: [Int32] = []

    init(_ extent: Extent, _ runCount: Int) {
        self.extent = extent
        runs.reserveCapacity(runCount)
        parents.reserveCapacity(runCount)
        lines.reserveCapacity(extent.x * extent.y + 1)
    }

    static func runCount(_ mask: [UInt8], _ extent: Extent) throws(SPARSError) -> Int {
        var count = 0
        for line in 0..<extent.x * extent.y {
            if line % extent.y == 0 { try Control.check() }
            var before: UInt8 = 0
            for z in line * extent.z..<(line + 1) * extent.z {
                if mask[z] != 0 && before == 0 { count += 1 }
                before = mask[z]
            }
        }
        return count
    }

    mutating func appendLine(_ mask: [UInt8], _ line: Int) {
        let offset = line * extent.z
        var z = 0
        while z < extent.z {
            if mask[offset + z] == 0 {
                z += 1
                continue
            }
            let start = z
            while z < extent.z && mask[offset + z] != 0 { z += 1 }
            parents.append(Int32(runs.count))
            runs.append(start..<z)
        }
        lines.append(runs.count)
    }

    mutating func joinWithLinesBefore(_ line: Int, _ connectivity: Connectivity) {
        let (x, y) = (line / extent.y, line % extent.y)
        for (dx, dy) in [(-1, -1), (-1, 0), (-1, 1), (0, -1)] {
            guard x + dx >= 0, y + dy >= 0, y + dy < extent.y else { continue }
            let isDiagonal = dx != 0 && dy != 0
            if isDiagonal && connectivity == .faces { continue }
            // Whether runs that only meet one voxel further along z touch too.
            let reach = connectivity == .corners || (connectivity == .edges && !isDiagonal) ? 1 : 0
            join(line, line + dx * extent.y + dy, reach)
        }
    }

    /// Joins the runs of two lines that overlap, or come within `reach` voxels of overlapping.
    private mutating func join(_ line: Int, _ other: Int, _ reach: Int) {
        var i = lines[line]
        var j = lines[other]
        while i < lines[line + 1] && j < lines[other + 1] {
            let (a, b) = (runs[i], runs[j])
            if a.lowerBound < b.upperBound + reach && b.lowerBound < a.upperBound + reach {
                let first = root(Int32(i))
                let second = root(Int32(j))
                parents[Int(max(first, second))] = min(first, second)
            }
            if a.upperBound < b.upperBound { i += 1 } else { j += 1 }
        }
    }

    /// The root of i's tree; halves the path on the way.
    mutating func root(_ i: Int32) -> Int32 {
        var i = i
        while parents[Int(i)] != i {
            parents[Int(i)] = parents[Int(parents[Int(i)])]
            i = parents[Int(i)]
        }
        return i
    }
}
