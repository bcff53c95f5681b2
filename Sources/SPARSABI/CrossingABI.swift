import CSPARS
import SPARSNative

private let owner = "the crossing"

@_cdecl("spars_crossing_to_grid")
public func sparsCrossingToGrid(
    _ crossing: In<spars_crossing>, _ scan: In<Float>, _ scanCount: Int64, _ grid: Out<Float>,
    _ gridCount: Int64, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let crossing = try Crossing(checkedStruct(crossing, "crossing", of: owner))
        try checkCount(scanCount, "scan", of: owner, mustBe: crossing.scan.count, "voxels")
        try checkCount(gridCount, "grid", of: owner, mustBe: crossing.indexed.count, "voxels")
        try Memory.require(
            crossing.scan.x, crossing.grid.y, crossing.grid.z, each: 4, for: "A scan on the grid")
        crossing.toGrid(
            VolumeView(
                extent: crossing.scan,
                values: try checkedInput(scan, crossing.scan.count, "scan", of: owner)),
            into: MutableVolumeView(
                extent: crossing.indexed,
                values: try checkedOutput(grid, crossing.indexed.count, "grid", of: owner)))
    }
}

@_cdecl("spars_crossing_to_scan")
public func sparsCrossingToScan(
    _ crossing: In<spars_crossing>, _ map: In<Float>, _ mapCount: Int64, _ scan: Out<Float>,
    _ scanCount: Int64, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let crossing = try Crossing(checkedStruct(crossing, "crossing", of: owner))
        try checkCount(mapCount, "map", of: owner, mustBe: crossing.grid.count, "voxels")
        try checkCount(scanCount, "scan", of: owner, mustBe: crossing.scan.count, "voxels")
        try Memory.require(
            crossing.grid.x, crossing.scan.y, crossing.scan.z, each: 4, for: "A map on the scan")
        crossing.toScan(
            VolumeView(
                extent: crossing.grid,
                values: try checkedInput(map, crossing.grid.count, "map", of: owner)),
            into: MutableVolumeView(
                extent: crossing.scan,
                values: try checkedOutput(scan, crossing.scan.count, "scan", of: owner)))
    }
}

@_cdecl("spars_crossing_indexed")
public func sparsCrossingIndexed(
    _ crossing: In<spars_crossing>, _ shape: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let indexed = try Crossing(checkedStruct(crossing, "crossing", of: owner)).indexed
        try write(contentsOf: (0..<3).map { Int64(indexed[$0]) }, to: shape, "shape", of: owner)
    }
}

@_cdecl("spars_crossing_voxel")
public func sparsCrossingVoxel(
    _ crossing: In<spars_crossing>, _ voxel: In<Int64>, _ shown: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let crossing = try Crossing(checkedStruct(crossing, "crossing", of: owner))
        let place = try checkedInput(voxel, 3, "voxel", of: owner).map { Int(clamping: $0) }
        let found = try crossing.gridVoxel(at: Voxel(place[0], place[1], place[2]))
        try write(
            contentsOf: (0..<3).map { axis in found.map { Int64($0[axis]) } ?? -1 }, to: shown,
            "shown", of: owner)
    }
}

@_cdecl("spars_crossing_reference")
public func sparsCrossingReference(
    _ crossing: In<spars_crossing>, _ reference: In<Float>, _ referenceCount: Int64,
    _ planes: Out<Int32>, _ planeCount: Int64, _ marks: Out<Int32>, _ markCount: Int64,
    _ signals: In<spars_control>, _ total: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let crossing = try Crossing(checkedStruct(crossing, "crossing", of: owner))
        let (scan, grid) = (crossing.scan, crossing.grid)
        try checkCount(referenceCount, "reference", of: owner, mustBe: scan.count, "voxels")
        try checkCount(planeCount, "planes", of: owner, mustBe: grid.x + grid.y + grid.z)
        try checkCount(markCount, "marks", of: owner, mustBe: grid.count)
        let values = try checkedInput(reference, scan.count, "reference", of: owner)
        let counts = try crossing.counts(of: VolumeView(extent: scan, values: values))
        try write(contentsOf: Array(counts.planes.joined()), to: planes, "planes", of: owner)
        try write(contentsOf: counts.marks, to: marks, "marks", of: owner)
        try write(Int64(counts.total), to: total, "total", of: owner)
    }
}

@_cdecl("spars_resize_replicas")
public func sparsResizeReplicas(
    _ window: In<Int64>, _ shape: In<Int64>, _ replicas: Out<Int64>, _ count: Int64,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "resize_multiplicity"
        let window = try checkedExtent(window, "window", of: owner)
        let shape = try checkedExtent(shape, "shape", of: owner)
        try checkCount(count, "replicas", of: owner, mustBe: window.count)
        let counts = try Resample.replicas(from: window, to: shape)
        try write(contentsOf: counts.map { Int64($0) }, to: replicas, "replicas", of: owner)
    }
}

extension Crossing {
    /// The crossing that came over the ABI.
    fileprivate init(_ c: spars_crossing) throws(SPARSError) {
        func extent(
            _ axes: (Int64, Int64, Int64), _ name: String
        ) throws(SPARSError) -> Extent {
            _ = try checkedCount([axes.0, axes.1, axes.2], name, of: owner)
            return Extent(Int(axes.0), Int(axes.1), Int(axes.2))
        }
        guard let frame = ScanFrame(rawValue: c.frame) else {
            throw .range("frame", of: owner, mustBe: "the number of a choice", got: c.frame)
        }
        try self.init(
            scan: extent(c.scan, "scan"), grid: extent(c.grid, "grid"), frame: frame)
    }
}
