/// Loops over masks: uint8 arrays, non-zero inside, x, y, z with z fastest.
public enum MaskKernels {
    /// The voxels of a mask with a neighbour outside it, of the six that share a face; beyond the
    /// array is outside. This is the mask without its erosion, as MONAI 1.6.1 and SciPy take it.
    public static func surface(_ mask: [UInt8], counts: (Int, Int, Int)) -> [UInt8] {
        let (nx, ny, nz) = counts
        precondition(mask.count == nx * ny * nz, "\(mask.count) voxels for \(counts)")
        var edges = [UInt8](repeating: 0, count: mask.count)
        guard mask.count > 0 else { return edges }
        mask.withUnsafeBufferPointer { mask in
            edges.withUnsafeMutableBufferPointer { edges in
                // SAFETY: item x writes slab x only, and reads neighbours inside the counts.
                nonisolated(unsafe) let mask = mask.baseAddress!
                nonisolated(unsafe) let edges = edges.baseAddress!
                let slab = ny * nz
                Parallel.forEach(nx) { x in
                    for y in 0..<ny {
                        let row = x * slab + y * nz
                        let atBorder = x == 0 || x == nx - 1 || y == 0 || y == ny - 1
                        for z in 0..<nz where mask[row + z] != 0 {
                            let i = row + z
                            let inner =
                                !atBorder && z > 0 && z < nz - 1 && mask[i - 1] != 0
                                && mask[i + 1] != 0 && mask[i - nz] != 0 && mask[i + nz] != 0
                                && mask[i - slab] != 0 && mask[i + slab] != 0
                            edges[i] = inner ? 0 : 1
                        }
                    }
                }
            }
        }
        return edges
    }

    /// The voxels of a mask and those that share a face with one of them.
    public static func dilated(_ mask: [UInt8], counts: (Int, Int, Int)) -> [UInt8] {
        let (nx, ny, nz) = counts
        precondition(mask.count == nx * ny * nz, "\(mask.count) voxels for \(counts)")
        var wider = [UInt8](repeating: 0, count: mask.count)
        guard mask.count > 0 else { return wider }
        mask.withUnsafeBufferPointer { mask in
            wider.withUnsafeMutableBufferPointer { wider in
                // SAFETY: item x writes slab x only, and reads neighbours inside the counts.
                nonisolated(unsafe) let mask = mask.baseAddress!
                nonisolated(unsafe) let wider = wider.baseAddress!
                let slab = ny * nz
                Parallel.forEach(nx) { x in
                    for y in 0..<ny {
                        let row = x * slab + y * nz
                        for z in 0..<nz {
                            let i = row + z
                            let isMet =
                                mask[i] != 0 || (z > 0 && mask[i - 1] != 0)
                                || (z < nz - 1 && mask[i + 1] != 0)
                                || (y > 0 && mask[i - nz] != 0)
                                || (y < ny - 1 && mask[i + nz] != 0)
                                || (x > 0 && mask[i - slab] != 0)
                                || (x < nx - 1 && mask[i + slab] != 0)
                            wider[i] = isMet ? 1 : 0
                        }
                    }
                }
            }
        }
        return wider
    }

    /// Voxels in both masks, in the first only, and in the second only.
    public static func overlap(
        _ first: Span<UInt8>, _ second: Span<UInt8>
    ) -> (both: Int, first: Int, second: Int) {
        precondition(first.count == second.count, "\(first.count) and \(second.count) voxels")
        return first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in overlap(first, second) }
        }
    }

    private static func overlap(
        _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>
    ) -> (both: Int, first: Int, second: Int) {
        // Fixed parts, so that the sums do not depend on threads.
        let size = 1 << 18
        let parts = (first.count + size - 1) / size
        var both = [Int](repeating: 0, count: parts)
        var sums = [Int](repeating: 0, count: 2 * parts)
        // SAFETY: both are only read, at places below their common count.
        nonisolated(unsafe) let first = first
        nonisolated(unsafe) let second = second
        Parallel.forEachSlab(parts, of: &both, and: &sums) { part, both, sums in
            var (inBoth, inFirst, inSecond) = (0, 0, 0)
            for i in part * size..<min((part + 1) * size, first.count) {
                let a = first[i] != 0 ? 1 : 0
                let b = second[i] != 0 ? 1 : 0
                inBoth += a & b
                inFirst += a
                inSecond += b
            }
            both[0] = inBoth
            sums[0] = inFirst
            sums[1] = inSecond
        }
        let shared = both.reduce(0, +)
        var (firstSum, secondSum) = (0, 0)
        for part in 0..<parts {
            firstSum += sums[2 * part]
            secondSum += sums[2 * part + 1]
        }
        return (shared, firstSum - shared, secondSum - shared)
    }

    /// The least box that holds every non-zero voxel of either mask, as low and high (exclusive)
    /// along x, y, z; nil if there is none.
    public static func bounds(
        _ first: Span<UInt8>, _ second: Span<UInt8>, counts: (Int, Int, Int)
    ) -> (low: (Int, Int, Int), high: (Int, Int, Int))? {
        let (nx, ny, nz) = counts
        precondition(
            first.count == nx * ny * nz && second.count == first.count,
            "\(first.count) and \(second.count) voxels for \(counts)")
        return first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in bounds(first, second, nx, ny, nz) }
        }
    }

    private static func bounds(
        _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>, _ nx: Int,
        _ ny: Int, _ nz: Int
    ) -> (low: (Int, Int, Int), high: (Int, Int, Int))? {
        var low = (nx, ny, nz)
        var high = (0, 0, 0)
        for x in 0..<nx {
            for y in 0..<ny {
                let row = (x * ny + y) * nz
                var z = 0
                while z < nz && first[row + z] | second[row + z] == 0 { z += 1 }
                if z == nz { continue }
                var end = nz
                while first[row + end - 1] | second[row + end - 1] == 0 { end -= 1 }
                low = (min(low.0, x), min(low.1, y), min(low.2, z))
                high = (max(high.0, x + 1), max(high.1, y + 1), max(high.2, end))
            }
        }
        return high.0 == 0 ? nil : (low, high)
    }
}
