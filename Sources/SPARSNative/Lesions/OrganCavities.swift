import SPARSKernels

/// What an organ's mask leaves out though it encloses it: lesions, where whoever drew the organ, a
/// reader or a network, drew healthy tissue only.
///
/// A voxel is enclosed if, in a plane along two of the three axes, no way through faces leads from it
/// to the plane's border but through the organ. Connected through faces, such voxels are cavities. A
/// cavity is a lesion's if its HU, against the organ's usual HU, are, and at least half of it is
/// enclosed in planes of two directions: vessels leave the organ, so that planes along them are open;
/// bile and fat are darker.
public enum OrganCavities {
    /// Smaller cavities are left, ml.
    static let leastVolume = 0.1
    /// A cavity's median lies so many HU from the organ's usual HU.
    static let median: ClosedRange<Double> = -70...(-10)
    /// Four in five of its voxels do so.
    static let mostVoxels: ClosedRange<Double> = -150...30

    /// Writes the organ's mask with its cavities of a lesion's HU taken in.
    ///
    /// - Parameters:
    ///   - extent: voxels along x, y, z.
    ///   - spacing: a voxel's edges, mm.
    ///   - values: HU [x, y, z]; NaN and infinity are no lesion's.
    ///   - organ: non-zero inside; one of fewer than `OrganLevel.leastVoxels` voxels stays as it is.
    ///   - filled: room for as many voxels, 1 or 0.
    /// - Returns: how many voxels were taken in, and how many more have a lesion's HU but are enclosed
    ///   too little.
    /// - Throws: `interrupted`; `outOfMemory`.
    public static func fill(
        values: UnsafeBufferPointer<Float>, organ: UnsafeBufferPointer<UInt8>, extent: Extent,
        spacing: Spacing, filled: UnsafeMutableBufferPointer<UInt8>
    ) throws(SPARSError) -> (taken: Int, left: Int) {
        precondition(
            values.count == extent.count && organ.count == extent.count
                && filled.count == extent.count, "buffers for \(extent)")
        try Control.inRuns(extent.count, of: 1 << 20) { run in
            for i in run { unsafe filled[i] = unsafe organ[i] == 0 ? 0 : 1 }
        }
        let mask = unsafe Span(_unsafeElements: organ)
        guard let window = Window<Native>(holding: mask, mask, in: extent) else { return (0, 0) }
        let box = window.extent
        try Memory.require(box.count, each: 36, for: "The cavities of a mask of \(extent)")
        var inside = [UInt8](repeating: 0, count: box.count)
        var hu = [Float](repeating: 0, count: box.count)
        var usual: [Float] = []
        for x in 0..<box.x {
            try Control.check()
            for y in 0..<box.y {
                let (from, to) = (window.offset(x, y, in: extent), box.offset(x, y, 0))
                for z in 0..<box.z {
                    hu[to + z] = unsafe values[from + z]
                    if unsafe organ[from + z] == 0 { continue }
                    inside[to + z] = 1
                    if hu[to + z].isFinite { usual.append(hu[to + z]) }
                }
            }
        }
        guard usual.count >= OrganLevel.leastVoxels else { return (0, 0) }
        let level = OrganLevel.mode(usual)
        let directions = try enclosed(inside, box)
        let cavities = try ConnectedComponents(directions, box, .faces)
        let least = leastVolume * 1000 / (spacing.x * spacing.y * spacing.z)
        var found = [Cavity](repeating: Cavity(), count: cavities.sizes.count)
        try Control.inRuns(box.count) { run in
            for i in run {
                let cavity = Int(cavities.labels[i]) - 1
                if cavity < 0 || Double(cavities.sizes[cavity]) < least { continue }
                found[cavity].hu.append(Double(hu[i]) - level)
                if directions[i] > 1 { found[cavity].enclosedTwice += 1 }
            }
        }
        var (isTaken, taken, left) = ([Bool](repeating: false, count: found.count), 0, 0)
        for (index, cavity) in found.enumerated() where try isLesion(cavity.hu) {
            isTaken[index] = 2 * cavity.enclosedTwice >= cavity.hu.count
            if isTaken[index] { taken += cavity.hu.count } else { left += cavity.hu.count }
        }
        for x in 0..<box.x {
            for y in 0..<box.y {
                let (to, from) = (window.offset(x, y, in: extent), box.offset(x, y, 0))
                for z in 0..<box.z {
                    let cavity = Int(cavities.labels[from + z]) - 1
                    if cavity >= 0 && isTaken[cavity] { unsafe filled[to + z] = 1 }
                }
            }
        }
        return (taken, left)
    }

    private struct Cavity {
        /// Against the organ's usual HU; none of a cavity that is too small.
        var hu: [Double] = []
        /// Voxels enclosed in planes of two directions or three.
        var enclosedTwice = 0
    }

    /// - Parameter values: HU against the organ's usual HU.
    private static func isLesion(_ values: [Double]) throws(SPARSError) -> Bool {
        guard !values.isEmpty, values.allSatisfy(\.isFinite) else { return false }
        let sorted = try Control.sorted(values)
        func share(_ part: Double) -> Double { sorted[Int(part * Double(sorted.count - 1))] }
        return median.contains(share(0.5)) && mostVoxels.contains(share(0.1))
            && mostVoxels.contains(share(0.9))
    }

    /// The two axes beside each: of the planes across it, and of the lines along it.
    private static let beside = [(1, 2), (0, 2), (0, 1)]

    /// In how many of the three directions of planes a voxel outside is enclosed.
    private static func enclosed(
        _ inside: [UInt8], _ box: Extent
    ) throws(SPARSError) -> [UInt8] {
        let steps = [box.y * box.z, box.z, 1]
        let between = try Self.between(inside, box, steps)
        var candidates: [Int] = []
        try Control.inRuns(box.count) { run in
            for i in run where between[i].nonzeroBitCount > 1 { candidates.append(i) }
        }
        var enclosed = [UInt8](repeating: 0, count: box.count)
        var isIn = [Bool](repeating: false, count: box.count)
        for (u, v) in beside {
            let both: UInt8 = 1 << UInt8(u) | 1 << UInt8(v)
            let neighbours = [-steps[u], steps[u], -steps[v], steps[v]]
            try Control.inRuns(candidates.count) { run in
                for i in candidates[run] { isIn[i] = between[i] & both == both }
            }
            // What has organ on one side only sees the border; what is beside it leaves, and so on.
            var leaving: [Int] = []
            try Control.inRuns(candidates.count) { run in
                leaving += candidates[run].filter { i in
                    isIn[i] && neighbours.contains { inside[i + $0] == 0 && !isIn[i + $0] }
                }
            }
            for i in leaving { isIn[i] = false }
            while !leaving.isEmpty {
                try Control.check()
                for _ in 0..<min(leaving.count, 1 << 14) {
                    let i = leaving.removeLast()
                    for step in neighbours where isIn[i + step] {
                        isIn[i + step] = false
                        leaving.append(i + step)
                    }
                }
            }
            try Control.inRuns(candidates.count) { run in
                for i in candidates[run] where isIn[i] { enclosed[i] += 1 }
            }
        }
        return enclosed
    }

    /// Bit a of a voxel outside: whether organ lies on both sides of it along axis a.
    private static func between(
        _ inside: [UInt8], _ box: Extent, _ steps: [Int]
    ) throws(SPARSError) -> [UInt8] {
        var between = [UInt8](repeating: 0, count: box.count)
        unsafe between.withUnsafeMutableBufferPointer { between in
            for axis in 0..<3 {
                let (step, (u, v)) = (steps[axis], beside[axis])
                Parallel.forEach(box[u]) { i in
                    for j in 0..<box[v] {
                        let start = i * steps[u] + j * steps[v]
                        let line = stride(from: start, to: start + box[axis] * step, by: step)
                        guard let first = line.first(where: { inside[$0] != 0 }) else { continue }
                        var last = start + (box[axis] - 1) * step
                        while inside[last] == 0 { last -= step }
                        for at in stride(from: first, to: last, by: step) where inside[at] == 0 {
                            unsafe between[at] |= 1 << UInt8(axis)
                        }
                    }
                }
            }
        }
        try Control.check()
        return between
    }
}
