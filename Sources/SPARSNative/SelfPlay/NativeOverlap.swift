import SPARSKernels

/// The Dice of a map with a reference mask, followed visit by visit.
///
/// The map is brought to the scan's voxels by nearest neighbour, so a voxel of the grid stands for
/// a box of native voxels: their number is a product of three per-axis counts, and how many of them
/// the reference holds is counted once. Dice is then exact from sums over the grid's voxels above
/// the threshold, and a visit changes only those of its window.
public struct NativeOverlap: Sendable {
    /// How many native planes each plane of the grid becomes.
    public let planes: (x: [Int32], y: [Int32], z: [Int32])
    /// How many of a grid voxel's native voxels the reference holds.
    public let marks: [Int32]
    public let threshold: Float
    private let marksInAll: Int
    private var above = (weight: 0, mark: 0)

    /// - Parameters:
    ///   - grid: the model grid's extent.
    ///   - threshold: the map's value above which a voxel is tumour.
    ///   - planes: non-negative, one array an axis of the grid.
    ///   - marks: [x, y, z], non-negative.
    ///   - referenceCount: voxels of the reference, those outside of the grid's reach included.
    /// - Throws: `outOfRange` if counts do not fit the grid or a number is out of range.
    public init(
        grid: Extent, planes: [[Int32]], marks: [Int32], referenceCount: Int, threshold: Float
    ) throws(SPARSError) {
        let limit = Int32(1 << 14)
        guard planes.count == 3, (0..<3).allSatisfy({ planes[$0].count == grid[$0] }),
            planes.allSatisfy({ $0.allSatisfy { (0...limit).contains($0) } })
        else {
            throw .range(
                "planes", of: .selfPlay, mustBe: "one count in [0, \(limit)] a plane of \(grid)",
                got: planes.map(\.count))
        }
        guard marks.count == grid.count, marks.allSatisfy({ (0...(1 << 16)).contains($0) }) else {
            throw .range(
                "reference", of: .selfPlay,
                mustBe: "one count in [0, \(1 << 16)] a voxel of \(grid)",
                got: marks.count)
        }
        let total = marks.reduce(0) { $0 + Int($1) }
        guard referenceCount >= total else {
            throw .range(
                "reference", of: .selfPlay, mustBe: "of \(total) voxels or more",
                got: referenceCount)
        }
        guard threshold >= 0 else {
            throw .range(
                "segmentation_threshold", of: .selfPlay, mustBe: "a float of at least 0.0",
                got: threshold)
        }
        self.planes = (planes[0], planes[1], planes[2])
        self.marks = marks
        self.threshold = threshold
        marksInAll = referenceCount
    }

    /// 2 |map and reference| / (|map| + |reference|) in native voxels; NaN where both are empty.
    public var dice: Double {
        let total = above.weight + marksInAll
        return total == 0 ? .nan : 2 * Double(above.mark) / Double(total)
    }

    /// The map is empty again.
    public mutating func clear() { above = (0, 0) }

    /// Brings all visits of `map` to its voxels and follows what they change.
    public mutating func follow(_ map: inout ScoreMap) {
        if map.settled == 0 { clear() }
        while map.settled < map.visits.count {
            guard let box = map.box(at: map.visits[map.settled].origin) else {
                map.settleNext()
                continue
            }
            let before = sums(map, box)
            map.settleNext()
            let after = sums(map, box)
            above.weight += after.weight - before.weight
            above.mark += after.mark - before.mark
        }
    }

    /// Counts anew over a map whose visits have all reached the voxels.
    public mutating func recount(_ map: ScoreMap) {
        above = sums(map, Window(origin: Voxel(0, 0, 0), extent: map.grid))
    }

    private func sums(_ map: ScoreMap, _ box: Window<ModelGrid>) -> (weight: Int, mark: Int) {
        // A map without a visit is 0 everywhere, and the threshold is not below that.
        if map.values.isEmpty { return (0, 0) }
        let (grid, low, size) = (map.grid, box.origin, box.extent)
        let geometry = BoxGeometry(
            start: grid.offset(low.x, low.y, low.z), rows: (size.x, size.y), length: size.z,
            strides: (grid.y * grid.z, grid.z))
        return unsafe map.values.withUnsafeBufferPointer { values in
            unsafe marks.withUnsafeBufferPointer { marks in
                unsafe sumAbove(
                    threshold, values, marks: marks, geometry,
                    weights: (
                        Array(planes.x[low.x..<low.x + size.x]),
                        Array(planes.y[low.y..<low.y + size.y]),
                        Array(planes.z[low.z..<low.z + size.z])
                    ))
            }
        }
    }
}
