@testable import SPARSNative

/// A lesion painted voxel by voxel from its fields in float64, without boxes, rows or early ends.
struct LesionTwin {
    let lesion: Lesion
    let texture: SmoothNoise
    let level: Double

    private func vector(_ p: SIMD3<Float>) -> [Double] { (0..<3).map { Double(p[$0]) } }

    private func noise(_ p: [Double]) -> Double {
        Double(texture(SIMD3(Float(p[0]), Float(p[1]), Float(p[2]))))
    }

    private func length(_ p: [Double]) -> Double { p.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    private func smoothStep(_ low: Double, _ high: Double, _ x: Double) -> Double {
        let t = min(max((x - low) / (high - low), 0), 1)
        return t * t * (3 - 2 * t)
    }

    /// HU and the lesion's part at `place` (mm), over `value`; `smooth` is the smoothed host there and
    /// `deviation` the standard deviation of its fine noise.
    func painted(
        over value: Double, place: [Double], host: Double, smooth: Double, deviation: Double
    ) -> (value: Double, part: Double) {
        let offset = zip(place, vector(lesion.centre)).map { $0 - $1 }
        let own = lesion.axes.map { axis in
            zip(offset, vector(axis)).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let radius = Double(lesion.radius)
        let q = zip(own, vector(lesion.radii)).map { $0 / $1 }
        let gradient = length(zip(q, vector(lesion.radii)).map { $0 / $1 })
        var distance =
            gradient > 1e-6
            ? length(q) * (length(q) - 1) / gradient : -Double(lesion.radii.min())
        let begin = vector(lesion.noiseOffset)
        // Octaves 2.2 times finer and 0.55 as strong each, none finer than 1.5 mm but the first.
        var octaves: [(Double, Double)] = []
        for k in 0..<4 {
            let finer = (0..<k).reduce(1.0) { power, _ in power * 2.2 }
            let weight = (0..<k).reduce(1.0) { power, _ in power * 0.55 }
            if k == 0 || radius / (1.3 * finer) >= 1.5 {
                octaves.append((1.3 * finer / radius, weight))
            }
        }
        let power = octaves.reduce(0) { $0 + $1.1 * $1.1 }.squareRoot()
        for (frequency, weight) in octaves {
            let at = zip(own, begin).map { $0 * frequency + $1 }
            distance -= Double(lesion.boundary) * weight / (0.31 * power) * noise(at)
        }
        let rise = Double(lesion.vesselRise)
        let spared =
            lesion.isOverVessels ? 1 : 1 - smoothStep(0.6 * rise, 1.4 * rise, smooth - level)
        let part = spared / (1 + exponential(distance / Double(lesion.edge)))
        var hu = level + Double(lesion.contrast)
        let grains = zip(own, begin).map { $0 / Double(lesion.grain) + $1 + 11.37 }
        hu += Double(lesion.texture) / 0.31 * noise(grains)
        let edge = 1 - Double(lesion.coreSize)
        hu += Double(lesion.core) * smoothStep(edge - 0.12, edge + 0.12, -distance / radius)
        let rim = Double(lesion.rimWidth) / 2
        hu += Double(lesion.rim) * max(1 - abs(distance + rim) / rim, 0)
        let limit = 3 * deviation
        hu += Double(lesion.noiseShare) * min(max(host - smooth, -limit), limit)
        let half = Double(lesion.capsuleWidth) / 2
        let capsule = Double(lesion.capsule) * spared * max(1 - abs(distance - half) / half, 0)
        return (value + part * (hu - value) + capsule, part)
    }
}
