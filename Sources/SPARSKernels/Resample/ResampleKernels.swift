/// Whole-array resampling over [x, y, z] float32 arrays.
public enum ResampleKernels {
    /// target[i, j, k] = source[x[i], y[j], z[k]], indices of the lower neighbours; exact.
    public static func nearest(
        source: UnsafePointer<Float>, from: Extent, target: UnsafeMutablePointer<Float>,
        x: ResampleAxis, y: ResampleAxis, z: ResampleAxis
    ) {
        gather(source, from, target, x, y, z)
    }

    /// `nearest` for elements of 1, 2, 4 or 8 bytes, aligned to their size.
    public static func nearest(
        elementSize: Int, source: UnsafeRawPointer, from: Extent, target: UnsafeMutableRawPointer,
        x: ResampleAxis, y: ResampleAxis, z: ResampleAxis
    ) {
        func run<Element: BitwiseCopyable>(_: Element.Type) {
            gather(
                source.assumingMemoryBound(to: Element.self), from,
                target.assumingMemoryBound(to: Element.self), x, y, z)
        }
        switch elementSize {
        case 1: run(UInt8.self)
        case 2: run(UInt16.self)
        case 4: run(UInt32.self)
        case 8: run(UInt64.self)
        default: preconditionFailure("elements of \(elementSize) bytes")
        }
    }

    @inline(__always) private static func gather<Element: BitwiseCopyable>(
        _ source: UnsafePointer<Element>, _ from: Extent, _ target: UnsafeMutablePointer<Element>,
        _ x: ResampleAxis, _ y: ResampleAxis, _ z: ResampleAxis
    ) {
        let ny = y.lower.count
        let nz = z.lower.count
        z.lower.withUnsafeBufferPointer { zIndex in
            Parallel.forEach(x.lower.count) { i in
                for j in 0..<ny {
                    let row = source + (x.lower[i] * from.y + y.lower[j]) * from.z
                    let out = target + (i * ny + j) * nz
                    for k in 0..<nz { out[k] = row[zIndex[k]] }
                }
            }
        }
    }

    /// Trilinear: along z, then y, then x, each step rounded to float32. A step rounds 1 - weight, two
    /// products and a sum, so the error for these weights is within gamma(9) (see `KernelTable`) times
    /// the weighted sum of the eight neighbours' magnitudes.
    public static func linear(
        source: UnsafePointer<Float>, from: Extent, target: UnsafeMutablePointer<Float>,
        x: ResampleAxis, y: ResampleAxis, z: ResampleAxis
    ) {
        let nx = x.lower.count
        let ny = y.lower.count
        let nz = z.lower.count
        // Planes along x are interpolated in y and z once, not once for each use.
        let planes = FloatBuffer(count: from.x * ny * nz)
        Parallel.forEach(from.x) { i in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: from.y * nz) { rows in
                let rows = rows.baseAddress!
                for j in 0..<from.y {
                    expandRow(
                        source + (i * from.y + j) * from.z, z, into: rows + j * nz)
                }
                for j in 0..<ny {
                    blend(
                        rows + y.lower[j] * nz, rows + y.upper[j] * nz, y.weight[j],
                        into: planes.pointer + (i * ny + j) * nz, count: nz)
                }
            }
        }
        Parallel.forEach(nx) { i in
            blend(
                planes.pointer + x.lower[i] * ny * nz, planes.pointer + x.upper[i] * ny * nz,
                x.weight[i], into: target + i * ny * nz, count: ny * nz)
        }
    }

    private static func expandRow(
        _ row: UnsafePointer<Float>, _ axis: ResampleAxis, into out: UnsafeMutablePointer<Float>
    ) {
        axis.lower.withUnsafeBufferPointer { lower in
            axis.upper.withUnsafeBufferPointer { upper in
                axis.weight.withUnsafeBufferPointer { weight in
                    for k in 0..<lower.count {
                        out[k] = row[lower[k]] * (1 - weight[k]) + row[upper[k]] * weight[k]
                    }
                }
            }
        }
    }

    @inline(__always) private static func blend(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ weight: Float,
        into out: UnsafeMutablePointer<Float>, count: Int
    ) {
        if weight == 0 {
            out.update(from: a, count: count)
            return
        }
        let rest = 1 - weight
        for k in 0..<count { out[k] = a[k] * rest + b[k] * weight }
    }
}
