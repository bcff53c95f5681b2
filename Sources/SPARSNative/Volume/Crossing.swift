import SPARSKernels

/// D4: where the game indexes a scan. Raw values are those of the C ABI.
public enum ScanFrame: Int32, CaseIterable, Sendable {
    /// On the model grid, which the whole scan was brought to.
    case resampled
    /// As it is, as if it had the grid's extent, so that only its first corner is visited.
    case corner
    /// In its own voxels, which are the grid.
    case native
}

/// The way between a scan's own voxels and the model grid, and the only one: what is `Native` cannot
/// be passed where `ModelGrid` is meant.
public struct Crossing: Equatable, Sendable {
    public let scan: Extent
    public let grid: Extent
    public let frame: ScanFrame

    /// - Throws: `outOfRange` if an extent has no voxel or more than can be indexed, or `native`
    ///   has a grid of another extent than the scan.
    public init(scan: Extent, grid: Extent, frame: ScanFrame) throws(SPARSError) {
        try Resample.check(from: scan, to: grid)
        guard frame != .native || grid == scan else {
            throw .range(
                "grid", of: "the crossing", mustBe: "the scan's extent \(scan) where it is native",
                got: grid)
        }
        self.scan = scan
        self.grid = grid
        self.frame = frame
    }

    /// The extent of what the game indexes: the grid's, or the scan's own where it is not resampled.
    public var indexed: Extent { frame == .resampled ? grid : scan }

    /// Whether the game indexes the scan's values as they are.
    public var keepsScan: Bool { indexed == scan }

    // MARK: - Values

    /// Writes the scan as the game indexes it: trilinear where it is resampled.
    ///
    /// Both must be of the crossing's extents; it can be interrupted under a `Control`.
    public func toGrid(
        _ scan: VolumeView<Native>, into indexed: MutableVolumeView<ModelGrid>
    ) {
        precondition(scan.extent == self.scan && indexed.extent == self.indexed)
        if keepsScan {
            _ = unsafe indexed.values.update(fromContentsOf: scan.values)
        } else {
            unsafe Resample.linear(
                scan.values.baseAddress!, from: self.scan, into: indexed.values.baseAddress!,
                to: self.indexed)
        }
    }

    /// Writes a map of the grid on the scan's voxels: by nearest neighbour where the scan was
    /// resampled, else the voxels that the two share, and 0 beyond.
    ///
    /// Both must be of the crossing's extents; it can be interrupted under a `Control`.
    public func toScan(
        _ map: VolumeView<ModelGrid>, into scan: MutableVolumeView<Native>
    ) {
        precondition(map.extent == grid && scan.extent == self.scan)
        if frame == .resampled {
            return unsafe Resample.nearest(
                map.values.baseAddress!, from: grid, into: scan.values.baseAddress!, to: self.scan)
        }
        unsafe scan.values.update(repeating: 0)
        let rows = min(grid.z, self.scan.z)
        for x in 0..<min(grid.x, self.scan.x) {
            for y in 0..<min(grid.y, self.scan.y) {
                let source = grid.offset(x, y, 0)
                let target = self.scan.offset(x, y, 0)
                _ = unsafe scan.values[target..<target + rows].update(
                    fromContentsOf: map.values[source..<source + rows])
            }
        }
    }

    // MARK: - Places

    /// Along each axis, the plane of the grid that `toScan` shows at each plane of the scan; nil where
    /// it shows none.
    private func planes(_ axis: Int) -> [Int?] {
        if frame == .resampled {
            return ResampleAxis.nearest(from: grid[axis], to: scan[axis]).lower.map { Int?($0) }
        }
        return (0..<scan[axis]).map { $0 < grid[axis] ? $0 : nil }
    }

    /// The voxel of the grid that `toScan` shows at a voxel of the scan; nil where it shows none.
    ///
    /// - Throws: `outOfRange` unless the voxel is one of the scan.
    public func gridVoxel(at voxel: Voxel) throws(SPARSError) -> Voxel? {
        for axis in 0..<3 where !(0..<scan[axis]).contains(voxel[axis]) {
            throw .range(
                "voxel", of: "the crossing", mustBe: "inside the scan of \(scan)", got: voxel)
        }
        guard let x = planes(0)[voxel.x], let y = planes(1)[voxel.y], let z = planes(2)[voxel.z]
        else { return nil }
        return Voxel(x, y, z)
    }

    /// A reference mask of the scan, counted on the grid.
    ///
    /// Every voxel of the scan takes its value from one voxel of the grid, so an overlap on the scan is
    /// a sum over the grid of how many scan voxels, and how many reference voxels, each one stands
    /// for. Under `corner` the released scripts compare on the grid, with the reference resized to it.
    ///
    /// - Parameter reference: of the scan's extent; a voxel is inside where it is not 0.
    public func counts(
        of reference: VolumeView<Native>
    ) throws(SPARSError) -> ReferenceCounts {
        precondition(reference.extent == scan)
        if frame == .corner {
            let (from, to) = (scan, grid)
            let resized = unsafe [Float](unsafeUninitializedCapacity: to.count) { resized, count in
                unsafe Resample.nearest(
                    reference.values.baseAddress!, from: from, into: resized.baseAddress!, to: to)
                count = to.count
            }
            return ReferenceCounts(
                planes: (0..<3).map { Array(repeating: 1, count: to[$0]) },
                marks: resized.map { $0 == 0 ? 0 : 1 })
        }
        let axes = (0..<3).map { ResampleAxis.nearest(from: grid[$0], to: scan[$0]).lower }
        var marks = [Int32](repeating: 0, count: grid.count)
        var at = 0
        for x in axes[0] {
            try Control.check()
            for y in axes[1] {
                let row = grid.offset(x, y, 0)
                for z in axes[2] {
                    if unsafe reference.values[at] != 0 { marks[row + z] += 1 }
                    at += 1
                }
            }
        }
        return ReferenceCounts(
            planes: (0..<3).map { axis in
                ResampleAxis.replicas(from: grid[axis], to: scan[axis]).map { Int32($0) }
            }, marks: marks)
    }
}

/// What a reference mask is to the voxels of the grid.
public struct ReferenceCounts: Equatable, Sendable {
    /// How many planes of the scan each plane of the grid stands for, one array an axis.
    public let planes: [[Int32]]
    /// How many voxels of the reference each voxel of the grid stands for, [x, y, z].
    public let marks: [Int32]

    /// Voxels of the reference in all.
    public var total: Int { marks.reduce(0) { $0 + Int($1) } }
}
