/// Random changes of training crops, drawn anew for every crop.
///
/// In this order: the crop's place is shifted, by whole voxels, so that it still lies in the scan;
/// it is mirrored along each axis of `flips` with probability one half; every value v becomes
/// v (1 + s) + h + n with s and h drawn for the crop and n for each voxel. All of it happens in HU,
/// before the intensity window.
public struct Augmentation: Equatable, Sendable {
    /// HU a crop may be shifted by, or its noise deviate by, at most.
    public static let largestHU: Float = 10_000

    /// Whether crops are mirrored along x, y, z.
    public let flips: [Bool]
    /// The most voxels a crop is shifted by along each axis; the shift is uniform.
    public let shift: [Int]
    /// s is uniform in plus or minus this.
    public let huScale: Float
    /// h is uniform in plus or minus this, HU.
    public let huShift: Float
    /// n is normal with this standard deviation, HU.
    public let noise: Float

    /// - Throws: `outOfRange` naming the field that is out of range.
    public init(
        flips: [Bool] = [false, false, false], shift: [Int] = [0, 0, 0], huScale: Float = 0,
        huShift: Float = 0, noise: Float = 0
    ) throws(SPARSError) {
        let owner = SPARSError.Subject.augmentation
        guard flips.count == 3 else {
            throw .range("flips", of: owner, mustBe: "three, for x, y and z", got: flips)
        }
        guard shift.count == 3, shift.allSatisfy({ (0...65_536).contains($0) }) else {
            throw .range(
                "shift", of: owner, mustBe: "three integers in the range [0, 65536]", got: shift)
        }
        guard huScale >= 0, huScale < 1 else {
            throw .range(
                "hu_scale", of: owner, mustBe: "a float in the range [0.0, 1.0)", got: huScale)
        }
        for (name, value) in [("hu_shift", huShift), ("noise", noise)] {
            guard value >= 0, value <= Self.largestHU else {
                throw .range(
                    name, of: owner, mustBe: "a float in the range [0.0, \(Self.largestHU)]",
                    got: value)
            }
        }
        self.flips = flips
        self.shift = shift
        self.huScale = huScale
        self.huShift = huShift
        self.noise = noise
    }

    private init() {
        flips = [false, false, false]
        shift = [0, 0, 0]
        huScale = 0
        huShift = 0
        noise = 0
    }

    /// Leaves crops as they are.
    public static let none = Augmentation()

    /// How far a crop moves.
    func drawShift(using random: inout RandomSource) -> Voxel {
        let moved = shift.map { $0 == 0 ? 0 : random.integer(below: 2 * $0 + 1) - $0 }
        return Voxel(moved[0], moved[1], moved[2])
    }

    /// A crop's values, mirrored and changed in HU; computed in float64 and rounded once.
    public func applied(
        to values: [Float], extent: Extent, using random: inout RandomSource
    ) -> [Float] {
        let mirrored = flips.map { $0 && random.uniform() < 0.5 }
        var changed = Self.mirrored(values, extent, mirrored)
        let scale = huScale == 0 ? 0 : random.uniform(-Double(huScale), Double(huScale))
        let offset = huShift == 0 ? 0 : random.uniform(-Double(huShift), Double(huShift))
        if huScale == 0 && huShift == 0 && noise == 0 { return changed }
        for i in changed.indices {
            let deviation = noise == 0 ? 0 : Double(noise) * random.normal()
            changed[i] = Float(Double(changed[i]) * (1 + scale) + offset + deviation)
        }
        return changed
    }

    private static func mirrored(
        _ values: [Float], _ extent: Extent, _ flips: [Bool]
    ) -> [Float] {
        guard flips.contains(true) else { return values }
        var mirrored: [Float] = []
        mirrored.reserveCapacity(values.count)
        for x in 0..<extent.x {
            for y in 0..<extent.y {
                let start = extent.offset(
                    flips[0] ? extent.x - 1 - x : x, flips[1] ? extent.y - 1 - y : y, 0)
                let row = values[start..<start + extent.z]
                if flips[2] { mirrored += row.reversed() } else { mirrored += row }
            }
        }
        return mirrored
    }
}
