import CSPARS
import SPARSNative

/// A host or a source of windows behind a handle; both are values that never change.
private final class LesionHostBox: Sendable {
    let host: LesionHost
    init(_ host: LesionHost) { self.host = host }
}

private final class LesionWindowsBox: Sendable {
    let windows: LesionWindows
    init(_ windows: LesionWindows) { self.windows = windows }
}

private let hostKind = "host of lesions"

private func checkedSpacing(
    _ spacing: In<Double>, of owner: String
) throws(SPARSError) -> Spacing {
    let edges = try checkedInput(spacing, 3, "spacing", of: owner)
    return try Spacing(edges[0], edges[1], edges[2], of: SPARSError.Subject(owner))
}

@_cdecl("spars_lesion_law_default")
public func sparsLesionLawDefault(
    _ law: Out<spars_lesion_law>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try write(spars_lesion_law(LesionLaw()), to: law, "law", of: "LesionLaw")
    }
}

@_cdecl("spars_lesion_window_settings_default")
public func sparsLesionWindowSettingsDefault(
    _ settings: Out<spars_lesion_window_settings>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try write(
            spars_lesion_window_settings(LesionWindowSettings()), to: settings, "settings",
            of: "LesionWindows")
    }
}

@_cdecl("spars_lesion_host_create")
public func sparsLesionHostCreate(
    _ volume: In<Float>, _ organ: In<UInt8>, _ shape: In<Int64>, _ spacing: In<Double>,
    _ level: Double, _ progress: In<spars_control>, _ host: Out<spars_handle>,
    _ organLevel: Out<spars_organ_level>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "LesionHost"
        let extent = try checkedExtent(shape, "volume", of: owner)
        let spacing = try checkedSpacing(spacing, of: owner)
        try Memory.require(extent.count, each: 16, for: "A host of lesions")
        let made = try LesionHost(
            values: Control.copy(checkedInput(volume, extent.count, "volume", of: owner)),
            organ: Control.copy(checkedInput(organ, extent.count, "organ", of: owner)),
            extent: extent,
            spacing: spacing,
            level: level.isNaN ? nil : level)
        try Control.check()
        let room = try checkedOutput(host, 1, "host", of: owner)
        try write(spars_organ_level(made.organ), to: organLevel, "organ_level", of: owner)
        room[0] = HandleTable.shared.insert(LesionHostBox(made))
    }
}

@_cdecl("spars_lesion_host_contents")
public func sparsLesionHostContents(
    _ host: spars_handle, _ volume: Out<Float>, _ organ: Out<UInt8>, _ shape: In<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "LesionHost"
        let box: LesionHostBox = try HandleTable.shared.object(host, kind: hostKind)
        let extent = try checkedExtent(shape, "shape", of: owner)
        guard extent == box.host.scan else {
            throw .range("shape", of: owner, mustBe: "\(box.host.scan)", got: extent)
        }
        let found = box.host.contents()
        try write(contentsOf: found.values, to: volume, "volume", of: owner)
        try write(contentsOf: found.organ, to: organ, "organ", of: owner)
    }
}

@_cdecl("spars_lesion_insert")
public func sparsLesionInsert(
    _ host: spars_handle, _ volume: In<Float>, _ shape: In<Int64>, _ law: In<spars_lesion_law>,
    _ lesions: Int64, _ seed: UInt64, _ values: Out<Float>, _ part: Out<Float>,
    _ mask: Out<UInt8>, _ table: Out<Double>, _ rows: Int64, _ progress: In<spars_control>,
    _ count: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "insert"
        let box: LesionHostBox = try HandleTable.shared.object(host, kind: hostKind)
        let extent = try checkedExtent(shape, "volume", of: owner)
        let given = try checkedStruct(law, "law", of: owner)
        guard LesionInsertion.countRange.contains(Int(clamping: lesions)) else {
            throw .range(
                "count", of: owner, mustBe: "an integer in the range [1, 1000]", got: lesions)
        }
        let room = try checkedCount([rows, Int64(columns)], "table", of: owner)
        let cells = try checkedOutput(table, room, "table", of: owner)
        try Memory.require(extent.count, each: 16, for: "A scan with made lesions")
        let inserted = try LesionInsertion(
            into: box.host,
            values: Control.copy(checkedInput(volume, extent.count, "volume", of: owner)),
            law: LesionLaw(given), count: Int(lesions), seed: seed)
        guard inserted.lesions.count <= Int(rows) else {
            throw .range(
                "table", of: owner, mustBe: "at least \(inserted.lesions.count) rows", got: rows)
        }
        try Control.check()
        try write(contentsOf: inserted.values, to: values, "values", of: owner)
        try write(contentsOf: inserted.part, to: part, "part", of: owner)
        try write(contentsOf: inserted.mask, to: mask, "mask", of: owner)
        for i in cells.indices { cells[i] = .nan }
        for (row, lesion) in inserted.lesions.enumerated() {
            for (column, value) in lesion.row.enumerated() {
                cells[row * columns + column] = Double(value)
            }
        }
        try write(Int64(inserted.lesions.count), to: count, "count", of: owner)
    }
}

@_cdecl("spars_lesion_windows_create")
public func sparsLesionWindowsCreate(
    _ hosts: In<Int64>, _ hostCount: Int64, _ law: In<spars_lesion_law>,
    _ settings: In<spars_lesion_window_settings>, _ seed: UInt64, _ windows: Out<spars_handle>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "LesionWindows"
        let count = try checkedCount([hostCount], "hosts", of: owner)
        var prepared: [LesionHost] = []
        for handle in try checkedInput(hosts, count, "hosts", of: owner) {
            let handle = spars_handle(bitPattern: handle)
            let box: LesionHostBox = try HandleTable.shared.object(handle, kind: hostKind)
            prepared.append(box.host)
        }
        let law = try checkedStruct(law, "law", of: owner)
        let settings = try checkedStruct(settings, "settings", of: owner)
        let room = try checkedOutput(windows, 1, "windows", of: owner)
        let made = try LesionWindows(
            hosts: prepared, law: LesionLaw(law), settings: LesionWindowSettings(settings),
            seed: seed)
        room[0] = HandleTable.shared.insert(LesionWindowsBox(made))
    }
}

@_cdecl("spars_lesion_windows_draw")
public func sparsLesionWindowsDraw(
    _ windows: spars_handle, _ first: Int64, _ values: Out<Float>, _ count: Int64,
    _ voxels: Int64, _ labels: Out<UInt8>, _ coreShares: Out<Float>,
    _ progress: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "LesionWindows"
        let box: LesionWindowsBox = try HandleTable.shared.object(
            windows, kind: "source of windows")
        let total = try checkedCount([count, voxels], "values", of: owner)
        let room = try checkedOutput(values, total, "values", of: owner)
        let labels = try checkedOutput(labels, Int(count), "labels", of: owner)
        let shares = try checkedOutput(coreShares, Int(count), "core_shares", of: owner)
        let (end, overflow) = first.addingReportingOverflow(count)
        guard first >= 0, !overflow else {
            throw .range("first", of: owner, mustBe: "an integer of 0 or more", got: first)
        }
        let drawn = try box.windows.draw(Int(first)..<Int(end), into: room)
        for (i, window) in drawn.enumerated() {
            labels[i] = window.label
            shares[i] = window.coreShare
        }
    }
}

@_cdecl("spars_intensity_mask")
public func sparsIntensityMask(
    _ volume: In<Float>, _ organ: In<UInt8>, _ shape: In<Int64>, _ spacing: In<Double>,
    _ rule: In<spars_intensity_rule>, _ mask: Out<UInt8>, _ progress: In<spars_control>,
    _ level: Out<Double>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "intensity_mask"
        let extent = try checkedExtent(shape, "volume", of: owner)
        let spacing = try checkedSpacing(spacing, of: owner)
        let given = try checkedStruct(rule, "rule", of: owner)
        var wanted = IntensityMask()
        wanted.below = given.below
        wanted.sigma = given.sigma
        wanted.edge = given.edge
        wanted.opening = Int(clamping: given.opening)
        try Memory.require(extent.count, each: 32, for: "A mask by intensity")
        let found = try wanted.fill(
            values: Control.copy(checkedInput(volume, extent.count, "volume", of: owner)),
            organ: Control.copy(checkedInput(organ, extent.count, "organ", of: owner)),
            extent: extent,
            spacing: spacing,
            mask: checkedOutput(mask, extent.count, "mask", of: owner))
        try write(found, to: level, "level", of: owner)
    }
}

@_cdecl("spars_organ_cavities")
public func sparsOrganCavities(
    _ volume: In<Float>, _ organ: In<UInt8>, _ shape: In<Int64>, _ spacing: In<Double>,
    _ filled: Out<UInt8>, _ progress: In<spars_control>, _ takenIn: Out<Int64>,
    _ leftOut: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "organ_cavities"
        let extent = try checkedExtent(shape, "volume", of: owner)
        let spacing = try checkedSpacing(spacing, of: owner)
        let found = try OrganCavities.fill(
            values: checkedInput(volume, extent.count, "volume", of: owner),
            organ: checkedInput(organ, extent.count, "organ", of: owner), extent: extent,
            spacing: spacing,
            filled: checkedOutput(filled, extent.count, "filled", of: owner))
        try write(Int64(found.taken), to: takenIn, "taken_in", of: owner)
        try write(Int64(found.left), to: leftOut, "left_out", of: owner)
    }
}

@_cdecl("spars_lesion_split")
public func sparsLesionSplit(
    _ host: UInt64, _ map: In<Float>, _ shape: In<Int64>, _ rule: In<spars_lesion_split_rule>,
    _ mask: Out<UInt8>, _ progress: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "lesion_split"
        let box: LesionHostBox = try HandleTable.shared.object(host, kind: hostKind)
        let extent = try checkedExtent(shape, "map", of: owner)
        guard extent == box.host.scan else {
            throw .range(
                "map", of: SPARSError.Subject(owner),
                mustBe: "of the shape \(box.host.scan) of the host's scan", got: extent)
        }
        let given = try checkedStruct(rule, "rule", of: owner)
        var wanted = LesionSplit()
        wanted.threshold = Float(given.threshold)
        wanted.certain = Float(given.certain)
        wanted.reach = given.reach
        wanted.leastContrast = Float(given.least_contrast)
        wanted.borderContrast =
            given.border_contrast == 0 ? nil : Float(given.border_contrast)
        wanted.leastVoxels = Int(clamping: given.least_voxels)
        wanted.largeVoxels = given.large_voxels == 0 ? nil : Int(clamping: given.large_voxels)
        wanted.largeThreshold = Float(given.large_threshold)
        try Memory.require(extent.count, each: 16, for: "The parts of a map")
        try wanted.fill(
            box.host, map: checkedInput(map, extent.count, "map", of: owner),
            mask: checkedOutput(mask, extent.count, "mask", of: owner))
    }
}

private let columns = 8

extension Lesion {
    /// The columns of `SPARS_LESION_COLUMN_NAMES`.
    fileprivate var row: [Float] {
        [centre.x, centre.y, centre.z, radius, contrast, core, rim, capsule]
    }
}
