import SPARSTestSupport
import Testing

@testable import SPARSKernels

/// Moments by source voxels against moments of the resampled input, in float64.
@Suite struct LinearMomentsTests {
    /// Voxels and places: the ratio of record, one voxel, exactly half, far fewer, rows longer than a
    /// vector.
    static let shapes: [(Extent, Extent)] = [
        (Extent(6, 5, 9), Extent(16, 14, 25)), (Extent(1, 2, 1), Extent(4, 6, 5)),
        (Extent(4, 3, 19), Extent(8, 6, 38)), (Extent(2, 3, 4), Extent(21, 7, 30)),
    ]

    private static func axis(_ from: Int, _ to: Int) -> ResampleAxis {
        .linear(from: from, to: to)
    }

    @Test(arguments: shapes, Seeds.few)
    func voxelsGiveTheMomentsOfPlaces(shapes: (Extent, Extent), seed: UInt64) throws {
        let (voxels, grid) = shapes
        let source = randomBuffer(voxels.count, seed: seed)
        let (x, y, z) = (
            Self.axis(voxels.x, grid.x), Self.axis(voxels.y, grid.y), Self.axis(voxels.z, grid.z)
        )
        let input = try #require(
            LinearInput(source: source, sourceShape: voxels, x: x, y: y, z: z))
        let dense = FloatBuffer(count: grid.count)
        ResampleKernels.linear(
            source: source.pointer, from: voxels, target: dense.pointer, x: x, y: y, z: z)
        let other = randomBuffer(grid.count, seed: seed + 1)
        let sourceMagnitudes = source.magnitudes
        let denseMagnitudes = FloatBuffer(count: grid.count)
        ResampleKernels.linear(
            source: sourceMagnitudes.pointer, from: voxels, target: denseMagnitudes.pointer, x: x,
            y: y, z: z)
        let magnitudes = MomentMagnitudes([denseMagnitudes, other], shape: grid)
        // Ours, then the plain sums, then the rounding of both factors where they were resampled, and
        // of their magnitudes.
        let unit = gamma(3 * ((voxels.z + 7) / 8) + 8 + grid.z / 2 + 24 + 4 * 9)
        for set in InstructionSet.available {
            var plain = TapMoments(shape: grid)
            var ours = TapMoments(shape: grid)
            plain.add(dense.pointer, on: set)
            ours.add(input, on: set)
            // Both kinds of input may stand in one batch.
            plain.add(other.pointer, on: set)
            ours.add(other.pointer, on: set)
            #expect(ours.count == plain.count)
            for (t, bound) in magnitudes.mean.enumerated() {
                #expect(abs(ours.mean[t] - plain.mean[t]) <= unit * bound, "\(set), seed \(seed)")
            }
            let (a, b) = (ours.covariance, plain.covariance)
            for (i, bound) in magnitudes.products.enumerated() {
                #expect(abs(a[i] - b[i]) <= unit * bound, "\(set), seed \(seed)")
            }
        }
    }

    @Test func threadsDoNotChangeABit() throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let voxels = Extent(9, 8, 10)
        let source = randomBuffer(voxels.count, seed: 3)
        let input = try #require(
            LinearInput(
                source: source, sourceShape: voxels, x: Self.axis(9, 24), y: Self.axis(8, 20),
                z: Self.axis(10, 31)))
        let covariances = [1, 2, 3, 7].map { threads in
            Parallel.threadCount = threads
            var moments = TapMoments(shape: input.shape)
            moments.add(input)
            return moments.covariance
        }
        #expect(covariances.allSatisfy { $0 == covariances[0] })
    }

    @Test func axesThatAreHardlyEnlargedAreRefused() {
        let voxels = Extent(4, 4, 5)
        let source = randomBuffer(voxels.count, seed: 1)
        #expect(
            LinearInput(
                source: source, sourceShape: voxels, x: Self.axis(4, 8), y: Self.axis(4, 8),
                z: Self.axis(5, 9)) == nil)
        #expect(
            LinearInput(
                source: source, sourceShape: voxels, x: Self.axis(4, 8), y: Self.axis(4, 8),
                z: Self.axis(5, 10)) != nil)
    }
}
