@testable import SPARSNative

/// Organs made for tests: a ball or a box of even HU with noise, and by wish a bright vessel through
/// its middle along z.
struct MadeOrgan {
    let extent: Extent
    let spacing: Spacing
    var values: [Float]
    var organ: [UInt8]

    init(
        _ extent: Extent = Extent(40, 36, 32), edge: (Double, Double, Double) = (1.5, 1.5, 1.5),
        level: Float = 110, noise: Float = 10, vessel: Float = 0, isBox: Bool = false,
        seed: UInt64
    ) throws {
        self.extent = extent
        spacing = try Spacing(edge.0, edge.1, edge.2, of: "test")
        var random = RandomSource(seed: seed)
        values = [Float](repeating: -700, count: extent.count)
        organ = [UInt8](repeating: 0, count: extent.count)
        for x in 0..<extent.x {
            for y in 0..<extent.y {
                for z in 0..<extent.z {
                    func part(_ i: Int, _ n: Int) -> Double { 2 * Double(i) / Double(n - 1) - 1 }
                    let place = [part(x, extent.x), part(y, extent.y), part(z, extent.z)]
                    let isInside =
                        isBox
                        ? place.allSatisfy { abs($0) < 0.95 }
                        : place.reduce(0) { $0 + $1 * $1 } < 0.9
                    if !isInside { continue }
                    let isVessel = place[0] * place[0] + place[1] * place[1] < 0.03
                    let i = extent.offset(x, y, z)
                    organ[i] = 1
                    values[i] =
                        level + noise * Float(random.normal()) + (isVessel ? vessel : 0)
                }
            }
        }
    }

    func host(level: Double? = nil) throws -> LesionHost {
        try LesionHost(
            values: values, organ: organ, extent: extent, spacing: spacing, level: level)
    }
}

/// The law without chance but for size, place and shape: dark, without parts.
extension LesionLaw {
    static var even: LesionLaw {
        var law = LesionLaw()
        (law.brightChance, law.coreChance, law.rimChance) = (0, 0, 0)
        (law.capsuleChance, law.clusterChance, law.overVesselsChance) = (0, 0, 1)
        law.texture = Interval(0, 0)
        return law
    }
}

/// The parameter that an error names, "not finite" for one of that kind, nil without error.
func refusedParameter(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch SPARSError.outOfRange(let value) {
        return value.parameter
    } catch SPARSError.notFinite {
        return "not finite"
    } catch {
        return "\(error)"
    }
}
