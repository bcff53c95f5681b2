/// The random changes of one window, drawn for it: blur, noise, gain and offset within the organ,
/// then mirroring and another order of the axes.
struct WindowAugmentation {
    private let settings: LesionWindowSettings
    /// Standard deviation of the blur along x, y, z, voxels.
    private let blur: SIMD3<Float>
    private let noise: Float
    private let gain: Float
    private let offset: Float
    private let isFlipped: [Bool]
    /// Which axis of the window each axis of the result shows.
    private let order: [Int]

    /// A blur of fewer voxels changes nothing by more than 1/1000.
    private static let leastBlur: Float = 0.27

    init(
        _ settings: LesionWindowSettings, _ host: LesionHost, using random: inout RandomSource
    ) {
        self.settings = settings
        blur = Float(settings.blur.uniform(using: &random)) / host.spacing.edges
        noise = Float(settings.noise.uniform(using: &random))
        gain = Float(settings.gain.uniform(using: &random))
        offset = Float(settings.offset.uniform(using: &random))
        let flipped = (0..<3).map { _ in random.uniform() < 0.5 }
        isFlipped = settings.flips ? flipped : [false, false, false]
        let drawn = random.permutation(3)
        let isAlike = drawn.indices.allSatisfy {
            settings.window[$0] == settings.window[drawn[$0]]
                && settings.core[$0] == settings.core[drawn[$0]]
                && abs(host.spacing[$0] - host.spacing[drawn[$0]]) <= 0.01 * host.spacing[$0]
        }
        order = settings.transposes && isAlike ? drawn : [0, 1, 2]
    }

    func apply(
        to values: inout MutableSpan<Float>, _ region: Window<Native>, _ host: LesionHost,
        using random: inout RandomSource
    ) {
        if blur.max() >= Self.leastBlur { blurOrgan(&values, region, host) }
        let level = Float(host.organ.level)
        let shown = settings.levelAt.map { Float($0) } ?? level
        let outside = shown + Float(settings.outside)
        // Every voxel draws, so that a value does not depend on the organ's shape before it.
        var isOrgan = [Bool](repeating: false, count: values.count)
        host.forEachVoxel(of: region) { i, _ in isOrgan[i] = true }
        for i in 0..<values.count {
            let added = noise > 0 ? noise * random.nearlyNormal() : 0
            values[i] =
                isOrgan[i] ? shown + gain * (values[i] - level + added) + offset : outside
        }
        if isFlipped.contains(true) || order != [0, 1, 2] { turn(&values) }
    }

    private func blurOrgan(
        _ values: inout MutableSpan<Float>, _ region: Window<Native>, _ host: LesionHost
    ) {
        var isOrgan = [UInt8](repeating: 0, count: values.count)
        host.forEachVoxel(of: region) { i, _ in isOrgan[i] = 1 }
        let before = unsafe Array(unsafeUninitializedCapacity: values.count) { copy, count in
            for i in 0..<values.count { unsafe copy.initializeElement(at: i, to: values[i]) }
            count = values.count
        }
        let smoothed = OrganSmoothing(before, isOrgan, region.extent, deviations: blur)
        for i in 0..<values.count where isOrgan[i] != 0 { values[i] = smoothed.mean[i] }
    }

    private func turn(_ values: inout MutableSpan<Float>) {
        let extent = settings.window
        let before = unsafe Array(unsafeUninitializedCapacity: values.count) { copy, count in
            for i in 0..<values.count { unsafe copy.initializeElement(at: i, to: values[i]) }
            count = values.count
        }
        let strides = [extent.y * extent.z, extent.z, 1]
        var start = 0
        var steps = [0, 0, 0]
        for axis in 0..<3 {
            let source = order[axis]
            steps[axis] = isFlipped[axis] ? -strides[source] : strides[source]
            if isFlipped[axis] { start += (extent[source] - 1) * strides[source] }
        }
        var i = 0
        for x in 0..<extent.x {
            for y in 0..<extent.y {
                var from = start + x * steps[0] + y * steps[1]
                for _ in 0..<extent.z {
                    values[i] = before[from]
                    from += steps[2]
                    i += 1
                }
            }
        }
    }
}

extension RandomSource {
    /// The sum of four uniform numbers of 16 bits, scaled to mean 0 and variance 1: nearly normal, and
    /// within 3.47.
    mutating func nearlyNormal() -> Float {
        let h = next()
        let sum = (h & 0xFFFF) + (h >> 16 & 0xFFFF) + (h >> 32 & 0xFFFF) + (h >> 48)
        return Float(Int(sum) - 131_070) * (Float(3).squareRoot() / 65_536)
    }
}
