import SPARSKernels

/// From a map of scores to lesions: what scores highly says where they are, HU say where they end.
///
/// A window's score is about its whole core, so a map is blurred by as much. For each connected part
/// of the map above `threshold` whose highest value is above `certain`, the voxels within `reach` are
/// split in two classes: those whose smoothed HU lie nearer to the lesion's own level, and those that
/// lie nearer to the organ's. The lesion's level is the median over the part's best voxels, then over
/// the class itself, a few times (Lloyd, 1982, with the organ's mean held): the piecewise constant model
/// of Chan and Vese (2001) without its term for the border's length. A lesion with a dark middle has
/// not one level: what lies between the middle and the organ is drawn as lesion by readers, so the
/// border may be held no more than `borderContrast` from the organ's level.
///
/// The inside of a large lesion is less even than that of a small one, so its part of the map is torn
/// and cut short at a threshold that keeps small findings apart. A part of at least `largeVoxels` is
/// therefore followed down to `largeThreshold`, and its lesion is what either threshold gives.
public struct LesionSplit: Sendable {
    /// The map's value above which a voxel may belong to a part.
    public var threshold: Float = 0.9
    /// The value that a part's highest must be above.
    public var certain: Float = 0.97
    /// mm beyond a part that its lesion may reach.
    public var reach = 4.5
    /// HU between a lesion and the organ below which HU tell nothing: the part's best voxels are taken.
    public var leastContrast: Float = 12
    /// HU from the organ's level beyond which no border lies; nil: half way to the lesion's.
    public var borderContrast: Float?
    /// Lesions of fewer voxels are left out.
    public var leastVoxels = 1
    /// Parts of at least as many voxels are large; nil for none.
    public var largeVoxels: Int?
    /// The map's value above which a voxel may belong to a part that holds a large one.
    public var largeThreshold: Float = 0.8

    private static let owner: SPARSError.Subject = "lesion_split"
    /// The share of a part's voxels that are not among its best.
    private static let seedQuantile: Float = 0.9
    private static let rounds = 5

    public init() {}

    /// - Throws: `outOfRange` naming the first value outside its range.
    public func validate() throws(SPARSError) {
        for (name, value, high) in [
            ("threshold", Double(threshold), Double(Float.greatestFiniteMagnitude)),
            ("certain", Double(certain), Double(Float.greatestFiniteMagnitude)),
            ("large_threshold", Double(largeThreshold), Double(threshold)),
            ("reach", reach, 100.0), ("least_contrast", Double(leastContrast), 1000.0),
            ("border_contrast", Double(borderContrast ?? 0), 1000.0),
        ] where !(0...high).contains(value) {
            throw .range(
                name, of: Self.owner, mustBe: "a float in the range [0.0, \(high)]", got: value)
        }
        for (name, value, least) in [
            ("least_voxels", leastVoxels, 0), ("large_voxels", largeVoxels ?? 1, 1),
        ] where value < least {
            throw .range(name, of: Self.owner, mustBe: "\(least) or more", got: value)
        }
    }

    /// Finds the lesions' mask.
    ///
    /// - Parameters:
    ///   - host: the organ.
    ///   - map: of the host's scan, [x, y, z].
    ///   - mask: room for as many voxels, 1 or 0; nothing outside the organ.
    /// - Throws: `outOfRange`; `notFinite` for NaN in the map; `interrupted`.
    public func fill(
        _ host: LesionHost, map: UnsafeBufferPointer<Float>,
        mask: UnsafeMutableBufferPointer<UInt8>
    ) throws(SPARSError) {
        try validate()
        guard map.count == host.scan.count, mask.count == host.scan.count else {
            throw .range(
                "map", of: Self.owner, mustBe: "\(host.scan.count) values for \(host.scan)",
                got: map.count)
        }
        if let bad = unsafe map.firstIndex(where: \.isNaN) {
            throw .notFinite(
                tensor: "map", message: unsafe "'map' holds \(map[bad]) at flat index \(bad).")
        }
        let box = host.box.extent
        let scores = unsafe [Float](unsafeUninitializedCapacity: box.count) { room, count in
            unsafe copyBox(
                map, BoxGeometry(of: host.box, in: host.scan),
                into: .init(rebasing: room[..<box.count]))
            count = box.count
        }
        let parts = try components(of: scores, above: threshold, host)
        var found = [UInt8](repeating: 0, count: box.count)
        for part in Part.all(parts) {
            try Control.check()
            try add(part, of: parts, scores, host, to: &found)
        }
        if let largeVoxels, parts.sizes.contains(where: { $0 >= largeVoxels }) {
            let wide = try components(of: scores, above: largeThreshold, host)
            var holdsLarge = [Bool](repeating: false, count: wide.sizes.count)
            for (label, wideLabel) in zip(parts.labels, wide.labels)
            where label > 0 && parts.sizes[Int(label) - 1] >= largeVoxels {
                holdsLarge[Int(wideLabel) - 1] = true
            }
            for part in Part.all(wide) where holdsLarge[Int(part.label) - 1] {
                try Control.check()
                try add(part, of: wide, scores, host, to: &found)
            }
        }
        let lesions = try ConnectedComponents(found, box)
        unsafe mask.update(repeating: 0)
        for x in 0..<box.x {
            for y in 0..<box.y {
                let from = box.offset(x, y, 0)
                let to = host.scanOffset(x, y)
                for z in 0..<box.z {
                    let label = Int(lesions.labels[from + z])
                    unsafe mask[to + z] =
                        label > 0 && lesions.sizes[label - 1] >= leastVoxels ? 1 : 0
                }
            }
        }
    }

    private func components(
        of scores: [Float], above limit: Float, _ host: LesionHost
    ) throws(SPARSError) -> ConnectedComponents {
        let above = scores.indices.map {
            UInt8(scores[$0] > limit && host.isOrgan[$0] != 0 ? 1 : 0)
        }
        return try ConnectedComponents(above, host.box.extent)
    }

    /// Splits one part and adds its lesion.
    private func add(
        _ part: Part, of parts: ConnectedComponents, _ scores: [Float], _ host: LesionHost,
        to found: inout [UInt8]
    ) throws(SPARSError) {
        let own = part.voxels(of: parts)
        let values = own.map { scores[$0] }.sorted()
        guard values[values.count - 1] > certain else { return }
        // As NumPy's quantile, without its interpolation: a voxel's own value.
        let best = min(certain, values[Int(Self.seedQuantile * Float(values.count - 1))])
        let seeds = own.filter { scores[$0] >= best }
        let level = Float(host.organ.level)
        let near = voxels(near: part, of: parts, host)
        var contrast = try median(seeds.map { host.smooth[$0] - level })
        var chosen = seeds
        for _ in 0..<Self.rounds where abs(contrast) >= leastContrast {
            let border = min(abs(contrast) / 2, borderContrast ?? .infinity)
            let split = near.filter {
                let value = host.smooth[$0] - level
                return contrast < 0 ? value < -border : value > border
            }
            if split.isEmpty { break }
            chosen = split
            contrast = try median(split.map { host.smooth[$0] - level })
        }
        if abs(contrast) < leastContrast { chosen = seeds }
        for i in chosen { found[i] = 1 }
    }

    /// The organ's voxels within `reach` of a part, from centre to centre.
    private func voxels(
        near part: Part, of parts: ConnectedComponents, _ host: LesionHost
    ) -> [Int] {
        let box = host.box.extent
        let edges = (host.spacing.x, host.spacing.y, host.spacing.z)
        let margin = (0..<3).map { Int((reach / [edges.0, edges.1, edges.2][$0]).rounded(.up)) }
        let low = (0..<3).map { max(part.low[$0] - margin[$0], 0) }
        let high = (0..<3).map { min(part.high[$0] + margin[$0], box[$0] - 1) }
        let size = Extent(high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1)
        var sites = [UInt8](repeating: 0, count: size.count)
        var wanted = sites
        var places = [Int](repeating: 0, count: size.count)
        for x in 0..<size.x {
            for y in 0..<size.y {
                let from = box.offset(low[0] + x, low[1] + y, low[2])
                let to = size.offset(x, y, 0)
                for z in 0..<size.z {
                    sites[to + z] = parts.labels[from + z] == part.label ? 1 : 0
                    wanted[to + z] = host.isOrgan[from + z]
                    places[to + z] = from + z
                }
            }
        }
        let squared = DistanceTransform.squared(
            to: sites, at: wanted, counts: (size.x, size.y, size.z), edges: edges)
        return places.indices.filter { wanted[$0] != 0 && squared[$0] <= reach * reach }
            .map { places[$0] }
    }

    /// A connected part and its box.
    private struct Part {
        let label: Int32
        var low: [Int]
        var high: [Int]

        static func all(_ parts: ConnectedComponents) -> [Part] {
            let extent = parts.extent
            var found = parts.sizes.indices.map {
                Part(
                    label: Int32($0 + 1), low: [extent.x, extent.y, extent.z], high: [-1, -1, -1])
            }
            for x in 0..<extent.x {
                for y in 0..<extent.y {
                    for z in 0..<extent.z {
                        let label = parts.labels[extent.offset(x, y, z)]
                        if label > 0 { found[Int(label) - 1].include([x, y, z]) }
                    }
                }
            }
            return found
        }

        private mutating func include(_ voxel: [Int]) {
            for axis in 0..<3 {
                low[axis] = min(low[axis], voxel[axis])
                high[axis] = max(high[axis], voxel[axis])
            }
        }

        /// Where the part's voxels stand, ascending.
        func voxels(of parts: ConnectedComponents) -> [Int] {
            var places: [Int] = []
            for x in low[0]...high[0] {
                for y in low[1]...high[1] {
                    for z in low[2]...high[2] {
                        let place = parts.extent.offset(x, y, z)
                        if parts.labels[place] == label { places.append(place) }
                    }
                }
            }
            return places
        }
    }
}
