/// The edges of a voxel along x, y and z, mm.
///
/// A place in millimetres counts from the centre of the volume's first voxel: voxel (x, y, z) lies at
/// (x, y, z) times the spacing.
public struct Spacing: Hashable, Sendable {
    public let x: Double
    public let y: Double
    public let z: Double

    /// mm that an edge may have.
    public static let allowed = 0.1...50.0

    /// - Parameters:
    ///   - x: edge along x, mm.
    ///   - y: edge along y, mm.
    ///   - z: edge along z, mm.
    ///   - owner: what takes the spacing, for the error.
    /// - Throws: `outOfRange` unless each edge is in 0.1...50 mm.
    public init(_ x: Double, _ y: Double, _ z: Double, of owner: SPARSError.Subject)
        throws(SPARSError)
    {
        for edge in [x, y, z] where !Self.allowed.contains(edge) {
            throw .range(
                "spacing", of: owner, mustBe: "three floats in the range [0.1, 50.0] mm",
                got: (x, y, z))
        }
        self.x = x
        self.y = y
        self.z = z
    }

    /// x, y and z as axes 0, 1 and 2.
    public subscript(axis: Int) -> Double { axis == 0 ? x : axis == 1 ? y : z }

    /// The same three edges as float32.
    var edges: SIMD3<Float> { SIMD3(Float(x), Float(y), Float(z)) }

    /// Where a voxel's centre lies, mm.
    func millimetres(_ voxel: Voxel) -> SIMD3<Float> {
        SIMD3(Float(voxel.x), Float(voxel.y), Float(voxel.z)) * edges
    }

    /// The voxel whose centre is nearest to a place in millimetres.
    func voxel(_ millimetres: SIMD3<Float>) -> Voxel {
        let place = (millimetres / edges).rounded(.toNearestOrAwayFromZero)
        return Voxel(Int(place.x), Int(place.y), Int(place.z))
    }
}
