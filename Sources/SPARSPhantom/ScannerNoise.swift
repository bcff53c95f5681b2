import SPARSKernels
import SPARSNative

/// Noise like that of a CT slice made by filtered back-projection: no power at the lowest
/// frequencies, most in the middle ones, little at the finest (Riederer, Pelc and Chesler, 1978),
/// slightly longer across than along, and weakly correlated between slices.
///
/// White noise passes the difference of two Gaussians in the slice and three taps along z. The
/// kernel is scaled so that the result has unit variance.
struct ScannerNoise: Sendable {
    private let seed: UInt64
    private let fineX: [Float]
    private let fineY: [Float]
    private let wideX: [Float]
    private let wideY: [Float]
    private static let alongZ: [Float] = [0.3, 1, 0.3]
    /// Slices made at a time; bounds the memory of the passes.
    private static let block = 24

    init(seed: UInt64, spacing: SIMD3<Float>) {
        self.seed = seed
        // Detail of 0.75 mm, or of the voxel where that is coarser.
        let fine = max(0.55, 0.75 / min(spacing.x, spacing.y))
        let fx = Self.gaussian(fine * 1.15)
        let fy = Self.gaussian(fine)
        var wx = Self.gaussian(fine * 1.15 * 2.3)
        let wy = Self.gaussian(fine * 2.3)
        // The difference has no response at frequency zero; 0.9 leaves the little that scans show.
        wx = wx.map { $0 * 0.9 }
        let power = Self.power(fx, fy, wx, wy) * Self.alongZ.reduce(0) { $0 + $1 * $1 }
        let scale = 1 / (power * Self.whiteVariance).squareRoot()
        fineX = fx.map { $0 * scale }
        wideX = wx.map { $0 * scale }
        fineY = fy
        wideY = wy
    }

    private static func gaussian(_ sigma: Float) -> [Float] {
        let radius = Int((sigma * 3).rounded(.up))
        let taps = (-radius...radius).map { exponential(-Float($0 * $0) / (2 * sigma * sigma)) }
        let sum = taps.reduce(0, +)
        return taps.map { $0 / sum }
    }

    /// Sum of squares of the two-dimensional kernel fx fy - wx wy.
    private static func power(_ fx: [Float], _ fy: [Float], _ wx: [Float], _ wy: [Float]) -> Float {
        func inner(_ a: [Float], _ b: [Float]) -> Float {
            let shift = (b.count - a.count) / 2
            return a.indices.reduce(0) { $0 + a[$1] * b[$1 + shift] }
        }
        return inner(fx, fx) * inner(fy, fy) + inner(wx, wx) * inner(wy, wy)
            - 2 * inner(fx, wx) * inner(fy, wy)
    }

    /// The sum of four 16-bit parts of a hash of the voxel's place: mean 0, variance 4/12. Nearly
    /// normal already; the kernels add dozens of them.
    private func white(_ x: Int, _ y: Int, _ z: Int) -> Float {
        let place =
            UInt64(UInt32(x + 64)) << 42 | UInt64(UInt32(y + 64)) << 21 | UInt64(UInt32(z + 64))
        var h = (place ^ seed) &* 0x9E37_79B9_7F4A_7C15
        h = (h ^ (h >> 30)) &* 0xBF58_476D_1CE4_E5B9
        h = (h ^ (h >> 27)) &* 0x94D0_49BB_1331_11EB
        h ^= h >> 31
        let sum = (h & 0xFFFF) + (h >> 16 & 0xFFFF) + (h >> 32 & 0xFFFF) + (h >> 48)
        return Float(Int(sum) - 131_070) * (1 / 65_536)
    }

    private static let whiteVariance: Float = 4.0 / 12.0

    /// Adds the noise to `values`, each voxel's share times `amplitude(x, y, value)`.
    func add(
        to values: inout [Float], _ extent: Extent,
        amplitude: @Sendable (_ x: Int, _ y: Int, _ value: Float) -> Float
    ) throws(SPARSError) {
        var first = 0
        while first < extent.z {
            let depth = min(Self.block, extent.z - first)
            addBlock(first..<first + depth, to: &values, extent, amplitude)
            first += depth
            try Control.check()
        }
    }

    private func addBlock(
        _ slices: Range<Int>, to values: inout [Float], _ extent: Extent,
        _ amplitude: @Sendable (Int, Int, Float) -> Float
    ) {
        let depth = slices.count
        let reach = wideX.count / 2
        let lines = extent.y * depth
        var fine = [Float](repeating: 0, count: (extent.x + 2 * reach) * lines)
        var wide = fine
        Parallel.forEachSlab(extent.x + 2 * reach, of: &fine, and: &wide) { i, fine, wide in
            filterAlongY(i - reach, slices, extent.y, &fine, &wide)
        }
        let (fineSums, wideSums) = (fine, wide)
        Parallel.forEachSlab(extent.x, of: &values) { x, slab in
            var sum = [Float](repeating: 0, count: lines)
            for (i, weight) in fineX.enumerated() {
                let start = (x + reach + i - fineX.count / 2) * lines
                Rows.add(weight, fineSums.span.extracting(start..<start + lines), to: &sum)
            }
            for (i, weight) in wideX.enumerated() {
                let start = (x + i) * lines
                Rows.add(-weight, wideSums.span.extracting(start..<start + lines), to: &sum)
            }
            for y in 0..<extent.y {
                for k in 0..<depth {
                    let at = y * extent.z + slices.lowerBound + k
                    slab[at] += sum[y * depth + k] * amplitude(x, y, slab[at])
                }
            }
        }
    }

    /// White noise of one x, filtered along z and along y with both kernels.
    private func filterAlongY(
        _ x: Int, _ slices: Range<Int>, _ rows: Int, _ fine: inout MutableSpan<Float>,
        _ wide: inout MutableSpan<Float>
    ) {
        let depth = slices.count
        let reach = wideY.count / 2
        var smooth = [Float](repeating: 0, count: (rows + 2 * reach) * depth)
        var line = [Float](repeating: 0, count: depth + 2)
        for y in 0..<rows + 2 * reach {
            for k in line.indices { line[k] = white(x, y - reach, slices.lowerBound + k - 1) }
            for k in 0..<depth {
                smooth[y * depth + k] =
                    Self.alongZ[0] * line[k] + Self.alongZ[1] * line[k + 1]
                    + Self.alongZ[2] * line[k + 2]
            }
        }
        let narrower = reach - fineY.count / 2
        for y in 0..<rows {
            for (i, weight) in fineY.enumerated() {
                let start = (y + i + narrower) * depth
                Rows.add(
                    weight, smooth.span.extracting(start..<start + depth), to: &fine, at: y * depth)
            }
            for (i, weight) in wideY.enumerated() {
                let start = (y + i) * depth
                Rows.add(
                    weight, smooth.span.extracting(start..<start + depth), to: &wide, at: y * depth)
            }
        }
    }
}
