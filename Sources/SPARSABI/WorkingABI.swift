import CSPARS
import SPARSNative

private let owner = "working_scan"

@_cdecl("spars_working_grid_layout")
public func sparsWorkingGridLayout(
    _ grid: In<spars_working_grid>, _ layout: Out<spars_working_layout>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let made = try WorkingGrid(checkedStruct(grid, "grid", of: owner))
        func axes(_ extent: Extent) -> (Int64, Int64, Int64) {
            (Int64(extent.x), Int64(extent.y), Int64(extent.z))
        }
        let found = spars_working_layout(
            before: axes(made.before), shape: axes(made.extent), covered: axes(made.covered))
        try write(found, to: layout, "layout", of: owner)
    }
}

@_cdecl("spars_working_grid_fill")
public func sparsWorkingGridFill(
    _ grid: In<spars_working_grid>, _ values: In<Float>, _ organ: In<UInt8>, _ count: Int64,
    _ outside: Float, _ working: Out<Float>, _ mask: Out<UInt8>, _ workingCount: Int64,
    _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let made = try WorkingGrid(checkedStruct(grid, "grid", of: owner))
        try checkCount(count, "values", of: owner, mustBe: made.box.count, "voxels")
        try checkCount(workingCount, "working", of: owner, mustBe: made.extent.count, "voxels")
        guard outside.isFinite else {
            throw .range("outside", of: owner, mustBe: "a finite float", got: outside)
        }
        try Memory.require(made.box.count + made.extent.count, each: 16, for: "A working grid")
        try made.fill(
            values: checkedInput(values, made.box.count, "values", of: owner),
            organ: checkedInput(organ, made.box.count, "organ", of: owner), outside: outside,
            working: checkedOutput(working, made.extent.count, "working", of: owner),
            mask: checkedOutput(mask, made.extent.count, "mask", of: owner))
    }
}

@_cdecl("spars_working_grid_to_scan")
public func sparsWorkingGridToScan(
    _ grid: In<spars_working_grid>, _ map: In<Float>, _ mapCount: Int64, _ scan: Out<Float>,
    _ scanCount: Int64, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let made = try WorkingGrid(checkedStruct(grid, "grid", of: owner))
        try checkCount(mapCount, "map", of: owner, mustBe: made.extent.count, "voxels")
        try checkCount(scanCount, "scan", of: owner, mustBe: made.covered.count, "voxels")
        try Memory.require(made.box.count + made.extent.count, each: 8, for: "A working grid's map")
        made.toScan(
            try checkedInput(map, made.extent.count, "map", of: owner),
            into: try checkedOutput(scan, made.covered.count, "scan", of: owner))
    }
}

extension WorkingGrid {
    /// The grid that came over the ABI.
    fileprivate init(_ given: spars_working_grid) throws(SPARSError) {
        let (x, y, z) = given.spacing
        try self.init(
            box: checkedExtent(given.box, "organ", of: owner),
            spacing: Spacing(x, y, z, of: SPARSError.Subject(owner)), margin: given.margin,
            step: given.step)
    }
}
