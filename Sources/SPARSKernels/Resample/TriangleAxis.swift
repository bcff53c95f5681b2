/// How one axis is brought to places `step` source places apart by a triangle kernel, the antialiased
/// linear rule of Pillow and of PyTorch's `antialias=True`.
///
/// Target place i has its centre at (i + 0.5) step - 0.5 - before, counted in source places; the
/// kernel is 1 - |distance| / h within h = max(1, step). All weights of a target add up to 1, those
/// of places beyond the source included, which are then left out. Weights are computed in float64
/// and rounded to float32 once.
public struct TriangleAxis: Sendable {
    /// Target places.
    public let count: Int
    /// The first source place that a target place takes from.
    let first: [Int]
    /// Where the weights of each target place begin and, last, how many there are.
    let starts: [Int]
    let weights: [Float]

    /// - Parameters:
    ///   - source: places of the source.
    ///   - before: places that lie between the target's lower edge and the source's; all empty.
    ///   - step: distance of target places, in source places.
    ///   - count: target places.
    public init(from source: Int, before: Int, step: Double, count: Int) {
        var first: [Int] = []
        var starts = [0]
        var weights: [Float] = []
        let reach = max(1, step)
        for i in 0..<count {
            let centre = (Double(i) + 0.5) * step - 0.5 - Double(before)
            let low = Int((centre - reach).rounded(.down)) + 1
            let high = Int((centre + reach).rounded(.up)) - 1
            let all = (low...high).map { 1 - abs(Double($0) - centre) / reach }
            let sum = all.reduce(0, +)
            first.append(min(max(low, 0), source))
            for (place, weight) in zip(low...high, all) where place >= 0 && place < source {
                weights.append(Float(weight / sum))
            }
            starts.append(weights.count)
        }
        self.count = count
        self.first = first
        self.starts = starts
        self.weights = weights
    }
}

/// Means over a mask's voxels on a grid of another spacing.
public enum MaskedMeans {
    /// Each target voxel's mean of the values inside the mask, weighted by the kernels of the three
    /// axes, and whether more than half of the kernels' weight lies inside.
    ///
    /// Along y and z within planes of the source, then along x. With n weights along an axis, sums are
    /// within n + 1 units of 2^-24 of the sum of magnitudes for each axis, to first order, and a mean
    /// within twice that and one unit more.
    ///
    /// - Parameters:
    ///   - values: [x, y, z]; outside the mask not used, whatever they are.
    ///   - mask: non-zero inside.
    ///   - outside: the value of target voxels of which half or less lies inside.
    ///   - means: room for x.count * y.count * z.count values.
    ///   - inside: room for as many voxels, 1 or 0.
    /// - Returns: whether all values inside the mask are finite; where not, means are not either.
    public static func fill(
        values: UnsafePointer<Float>, mask: UnsafePointer<UInt8>, from: Extent, x: TriangleAxis,
        y: TriangleAxis, z: TriangleAxis, outside: Float, means: UnsafeMutablePointer<Float>,
        inside: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        let plane = y.count * z.count
        let slab = from.y * from.z
        let sums = FloatBuffer(count: from.x * plane)
        let shares = FloatBuffer(count: from.x * plane)
        let faults = FloatBuffer(zeros: from.x)
        // SAFETY: item i reads and writes plane i of each buffer only.
        nonisolated(unsafe) let (values, mask) = (values, mask)
        nonisolated(unsafe) let (means, inside) = (means, inside)
        Parallel.forEach(from.x) { i in
            let isFinite = reducePlane(
                values + i * slab, mask + i * slab, from, y, z, into: sums.pointer + i * plane,
                shares.pointer + i * plane)
            if !isFinite { faults.pointer[i] = 1 }
        }
        Parallel.forEach(x.count) { i in
            let mean = means + i * plane
            withUnsafeTemporaryAllocation(of: Float.self, capacity: plane) { share in
                let share = share.baseAddress!
                mean.update(repeating: 0, count: plane)
                share.update(repeating: 0, count: plane)
                for t in x.starts[i]..<x.starts[i + 1] {
                    let source = (x.first[i] + t - x.starts[i]) * plane
                    add(x.weights[t], sums.pointer + source, to: mean, count: plane)
                    add(x.weights[t], shares.pointer + source, to: share, count: plane)
                }
                let isOrgan = inside + i * plane
                for k in 0..<plane {
                    let isInside = share[k] > 0.5
                    mean[k] = isInside ? mean[k] / share[k] : outside
                    isOrgan[k] = isInside ? 1 : 0
                }
            }
        }
        return (0..<from.x).allSatisfy { faults.pointer[$0] == 0 }
    }

    /// One plane of x along y, then z: sums of weight times value and of weight, inside the mask.
    private static func reducePlane(
        _ values: UnsafePointer<Float>, _ mask: UnsafePointer<UInt8>, _ from: Extent,
        _ y: TriangleAxis, _ z: TriangleAxis, into sums: UnsafeMutablePointer<Float>,
        _ shares: UnsafeMutablePointer<Float>
    ) -> Bool {
        let (rows, row) = (from.y, from.z)
        var largest: UInt32 = 0
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * (rows + 1) * row) { room in
            // The rows that are masked, how much of each is inside, and two that sum over them.
            let cut = room.baseAddress!
            let part = cut + rows * row
            let (sum, share) = (part + rows * row, part + (rows + 1) * row)
            withUnsafeTemporaryAllocation(of: Bool.self, capacity: rows) { isMet in
                for j in 0..<rows {
                    var met: UInt8 = 0
                    for k in j * row..<(j + 1) * row {
                        let isInside = mask[k] != 0
                        // Chosen, not multiplied: what stands outside may be NaN.
                        cut[k] = isInside ? values[k] : 0
                        part[k] = isInside ? 1 : 0
                        largest = max(largest, cut[k].bitPattern & 0x7fff_ffff)
                        met |= mask[k]
                    }
                    isMet[j] = met != 0
                }
                for j in 0..<y.count {
                    let (start, end) = (y.starts[j], y.starts[j + 1])
                    let first = y.first[j] - start
                    let out = j * z.count
                    if !(start..<end).contains(where: { isMet[first + $0] }) {
                        (sums + out).update(repeating: 0, count: z.count)
                        (shares + out).update(repeating: 0, count: z.count)
                        continue
                    }
                    sum.update(repeating: 0, count: row)
                    share.update(repeating: 0, count: row)
                    for t in start..<end where isMet[first + t] {
                        add(y.weights[t], cut + (first + t) * row, to: sum, count: row)
                        add(y.weights[t], part + (first + t) * row, to: share, count: row)
                    }
                    gather(sum, share, z, into: sums + out, shares + out)
                }
            }
        }
        // Exponents of ones alone are those of infinities and NaN.
        return largest < 0x7f80_0000
    }

    private static func gather(
        _ sum: UnsafePointer<Float>, _ share: UnsafePointer<Float>, _ axis: TriangleAxis,
        into sums: UnsafeMutablePointer<Float>, _ shares: UnsafeMutablePointer<Float>
    ) {
        axis.starts.withUnsafeBufferPointer { starts in
            axis.first.withUnsafeBufferPointer { first in
                axis.weights.withUnsafeBufferPointer { weights in
                    for k in 0..<axis.count {
                        let at = first[k] - starts[k]
                        var (total, part): (Float, Float) = (0, 0)
                        for t in starts[k]..<starts[k + 1] {
                            total += weights[t] * sum[at + t]
                            part += weights[t] * share[at + t]
                        }
                        sums[k] = total
                        shares[k] = part
                    }
                }
            }
        }
    }

    @inline(__always) private static func add(
        _ weight: Float, _ row: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        for k in 0..<count { sum[k] += weight * row[k] }
    }
}
