import SPARSKernels

/// A Gaussian mean over the organ's voxels alone, so that what lies around does not mix in.
///
/// At each voxel: the sum of weight times value over the sum of weights, both over the organ's
/// voxels within three standard deviations along each axis.
struct OrganSmoothing {
    /// The mean at each of the organ's voxels; 0 elsewhere.
    let mean: [Float]
    /// The share of the kernel's weight that met the organ, 0 to 1, at each voxel.
    let inside: [Float]

    /// - Parameters:
    ///   - values: finite inside the organ; not read outside.
    ///   - organ: non-zero inside.
    ///   - deviations: the Gaussian's along x, y and z, voxels.
    init(
        _ values: [Float], _ organ: [UInt8], _ extent: Extent, deviations: SIMD3<Float>
    ) {
        precondition(
            values.count == extent.count && organ.count == extent.count,
            "\(values.count) values and \(organ.count) voxels for \(extent)")
        var sums = [Float](repeating: 0, count: extent.count)
        var weights = sums
        let slab = extent.y * extent.z
        let (kernelX, kernelY, kernelZ) = (
            Self.kernel(deviations.x), Self.kernel(deviations.y), Self.kernel(deviations.z)
        )
        // Along z and y within slabs of one x, then along x into new slabs.
        Parallel.forEachSlab(extent.x, of: &sums, and: &weights) { x, sums, weights in
            for i in 0..<slab where organ[x * slab + i] != 0 {
                sums[i] = values[x * slab + i]
                weights[i] = 1
            }
            for kernel in [(kernelZ, 1, extent.z), (kernelY, extent.z, slab)] {
                Self.pass(&sums, kernel.0, step: kernel.1, period: kernel.2)
                Self.pass(&weights, kernel.0, step: kernel.1, period: kernel.2)
            }
        }
        let (slabSums, slabWeights) = (sums, weights)
        let radius = kernelX.count / 2
        Parallel.forEachSlab(extent.x, of: &sums, and: &weights) { x, sums, weights in
            for i in 0..<slab {
                sums[i] = 0
                weights[i] = 0
            }
            for (k, weight) in kernelX.enumerated() {
                let other = x + k - radius
                if other < 0 || other >= extent.x { continue }
                let range = other * slab..<(other + 1) * slab
                Rows.add(weight, slabSums.span.extracting(range), to: &sums, at: 0)
                Rows.add(weight, slabWeights.span.extracting(range), to: &weights, at: 0)
            }
            for i in 0..<slab {
                sums[i] = organ[x * slab + i] != 0 ? sums[i] / weights[i] : 0
            }
        }
        mean = sums
        inside = weights
    }

    /// Weights at steps -n to n that add up to 1; `deviation` in steps.
    static func kernel(_ deviation: Float) -> [Float] {
        let radius = Int((3 * deviation).rounded(.up))
        let weights = (-radius...radius).map {
            exponential(-Float($0 * $0) / (2 * deviation * deviation))
        }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// Convolves the lines of a slab whose elements are `step` apart and which begin anew every
    /// `period` elements; beyond a line's ends is nothing.
    private static func pass(
        _ slab: inout MutableSpan<Float>, _ kernel: [Float], step: Int, period: Int
    ) {
        let radius = kernel.count / 2
        if radius == 0 { return }
        let source = unsafe Array(unsafeUninitializedCapacity: slab.count) { copy, count in
            for i in 0..<slab.count { unsafe copy.initializeElement(at: i, to: slab[i]) }
            count = slab.count
        }
        for i in 0..<slab.count { slab[i] *= kernel[radius] }
        for start in stride(from: 0, to: slab.count, by: period) {
            for (k, weight) in kernel.enumerated() where k != radius {
                // Element i of the line takes element i + shift.
                let shift = (k - radius) * step
                let length = period - abs(shift)
                if length <= 0 { continue }
                let from = start + max(shift, 0)
                let to = start + max(-shift, 0)
                Rows.add(
                    weight, source.span.extracting(from..<from + length), to: &slab, at: to)
            }
        }
    }
}
