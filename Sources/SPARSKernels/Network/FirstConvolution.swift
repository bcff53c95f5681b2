import SPARSKernelTable

/// conv1's weights, transformed for `FirstConvolution`.
public struct FirstConvolutionWeights: Sendable {
    /// [6 along z, 4 along y, 3 taps along x, 8].
    let packed: FloatBuffer

    /// G of F(4, 3) at the points 0, 1, -1, 2, -2 and infinity.
    private static let alongZ: [[Double]] = [
        [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1],
    ]

    /// G of F(2, 3) at the points 0, 1, -1 and infinity.
    private static let alongY: [[Double]] = [
        [1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1],
    ]

    /// - Parameters:
    ///   - weights: [8, 1, 3, 3, 3], PyTorch's layout.
    ///   - scale: each output's weights are multiplied by this, if given.
    public init(_ weights: [Float], scale: [Float]? = nil) {
        precondition(weights.count == 27 * 8, "\(weights.count) weights")
        packed = FloatBuffer(count: 6 * 4 * 3 * 8)
        var place = 0
        for g in FirstConvolutionWeights.alongZ {
            for h in FirstConvolutionWeights.alongY {
                for x in 0..<3 {
                    for o in 0..<8 {
                        var sum = 0.0
                        for y in 0..<3 {
                            for z in 0..<3 {
                                let weight = weights[27 * o + 9 * x + 3 * y + z] * (scale?[o] ?? 1)
                                sum += g[z] * h[y] * Double(weight)
                            }
                        }
                        packed.pointer[place] = Float(sum)
                        place += 1
                    }
                }
            }
        }
    }
}

/// conv1 (1 to 8 channels, 3 x 3 x 3, stride 1) with shift, ReLU and max-pool over every place of
/// an input, by Winograd's minimal filtering.
///
/// Two neighbouring sums of three products need four products, not six, and four need six, not
/// twelve: with B, G and A of F(2, 3) and F(4, 3),
///
///     y = A' [(G w) (B' x)]
///
/// (Toom and Cook; S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin and S. Gray,
/// Fast Algorithms for Convolutional Neural Networks, 2016). F(4, 3) runs along z and F(2, 3) along
/// y, where the pairs are those of the max-pool. Along x the products' taps are added before A' is
/// applied: 72 products and 32 sums for eight voxels and one channel, where the definition takes
/// 216. B' x is made once for all channels and taps, a row at a time.
///
/// Every value is an exact identity of the definition's; rounding differs. No value is rounded more
/// than 17 times, so that an error is within gamma(17) (see `KernelTable`) times
///
///     |A|' [(|G| |w|) (|B|' |x|)]
///
/// and the shift's magnitude: each value's own bound, which the tests compute. With M the sum of the
/// 27 weights' magnitudes times the largest magnitude among the 3 x 4 x 6 inputs of a tile, that is
/// within 2,100 2^-24 M: 118 is the largest sum of |A| |G| |B| over a tap's inputs (29.4 along z, 4
/// along y). Inputs must be finite, and below 1e37 in magnitude.
///
/// Tiles begin at the first place of a row and of a pair: bits do not depend on threads, slabs or
/// what is asked for at once.
public enum FirstConvolution {
    /// Pooled rows and planes that one thread makes in one go: the transformed rows of four planes
    /// stay in the second-level cache, at most two rows and planes are transformed twice.
    private static let rowsAtOnce = 10
    private static let planesAtOnce = 32

    /// pooled[q, o] = max(0, max over q's voxels + shift[o]), for pooled planes `planes` of x.
    ///
    /// - Parameters:
    ///   - shape: of the input as it lies in memory.
    ///   - seen: the part of it, from its first voxel, that the convolution takes; 4 or more along
    ///     each axis. What lies behind it is not read.
    ///   - pooled: begins at the first of `planes`.
    ///   - choice: receives, if given, which voxel each value is from: 4 x + 2 y + z.
    public static func pooled(
        input: UnsafePointer<Float>, shape: Extent, seen: Extent,
        weights: FirstConvolutionWeights, shift: UnsafePointer<Float>, planes: Range<Int>,
        pooled: UnsafeMutablePointer<Float>, choice: UnsafeMutablePointer<UInt8>? = nil,
        on set: InstructionSet = .current
    ) {
        let pass = FirstConvolutionPass(
            input: input, shape: shape, half: seen.convolved(stride: 1).halved, weights: weights,
            shift: shift, kernels: Kernels.of(set).first)
        let (rows, rowParts) = parts(pass.half.y, atMost: rowsAtOnce)
        let (columns, columnParts) = parts(planes.count, atMost: planesAtOnce)
        let planeLength = pass.half.y * pass.half.z * 8
        Parallel.forEach(rowParts * columnParts) { item in
            let x = item / rowParts * columns
            let y = item % rowParts * rows
            pass.run(
                planes.lowerBound + x..<min(planes.lowerBound + x + columns, planes.upperBound),
                y..<min(y + rows, pass.half.y), pooled: pooled + x * planeLength,
                choice: choice.map { $0 + x * planeLength })
        }
    }

    /// How many of `count` one part takes and how many parts there are, equal but for the last.
    private static func parts(_ count: Int, atMost limit: Int) -> (size: Int, count: Int) {
        let parts = (count + limit - 1) / limit
        let size = parts == 0 ? 1 : (count + parts - 1) / parts
        return (size, (count + size - 1) / size)
    }
}

private struct FirstConvolutionPass {
    let input: UnsafePointer<Float>
    let shape: Extent
    /// The shape behind the pool.
    let half: Extent
    let weights: FirstConvolutionWeights
    let shift: UnsafePointer<Float>
    let kernels: FirstKernelTable

    /// Groups of eight tiles of four voxels in a row.
    private var groups: Int { (half.z + 15) / 16 }
    private var rowLength: Int { groups * 6 * 8 }

    /// Pooled rows `rows` of pooled planes `planes`; `pooled` and `choice` begin at the first plane.
    func run(
        _ planes: Range<Int>, _ rows: Range<Int>, pooled: UnsafeMutablePointer<Float>,
        choice: UnsafeMutablePointer<UInt8>?
    ) {
        let room = FirstKernelTable.room(groups)
        let planeLength = rows.count * 4 * rowLength
        BufferPool.shared.withBuffer(4 * planeLength + 4 * rowLength + room) { buffer in
            // Four planes of transformed pairs, in turn; four transformed rows, in turn.
            let ring = buffer.pointer
            let recent = ring + 4 * planeLength
            let scratch = recent + 4 * rowLength
            var ready = 2 * planes.lowerBound
            for x in planes {
                while ready < 2 * x + 4 {
                    transform(
                        ready, rows, recent: recent, scratch: scratch,
                        to: ring + ready % 4 * planeLength)
                    ready += 1
                }
                for y in rows {
                    let row = ring + (y - rows.lowerBound) * 4 * rowLength
                    let four = FourRows(
                        row + 2 * x % 4 * planeLength, row + (2 * x + 1) % 4 * planeLength,
                        row + (2 * x + 2) % 4 * planeLength, row + (2 * x + 3) % 4 * planeLength)
                    let target = ((x - planes.lowerBound) * half.y + y) * half.z * 8
                    if let choice {
                        kernels.pooledChoice(
                            four, weights.packed.pointer, half.z, scratch, shift, pooled + target,
                            choice + target)
                    } else {
                        kernels.pooled(
                            four, weights.packed.pointer, half.z, scratch, shift, pooled + target)
                    }
                }
            }
        }
    }

    /// Transforms the rows of input plane x that pooled rows `rows` see, pair by pair.
    private func transform(
        _ x: Int, _ rows: Range<Int>, recent: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, to plane: UnsafeMutablePointer<Float>
    ) {
        func slot(_ y: Int) -> UnsafeMutablePointer<Float> { recent + y % 4 * rowLength }
        var ready = 2 * rows.lowerBound
        for q in rows {
            while ready < 2 * q + 4 {
                kernels.transformRow(
                    input + (x * shape.y + ready) * shape.z, 2 * half.z + 2, groups, scratch,
                    slot(ready))
                ready += 1
            }
            kernels.transformPairs(
                FourRows(slot(2 * q), slot(2 * q + 1), slot(2 * q + 2), slot(2 * q + 3)),
                groups, plane + (q - rows.lowerBound) * 4 * rowLength)
        }
    }
}
