/// Where a volume's voxels lie: the affine from voxel indices to millimetres, RAS+ as in NIfTI.
public struct Geometry: Hashable, Sendable {
    /// 4 x 4, row by row; the last row is 0, 0, 0, 1.
    public let affine: [Double]

    /// Voxels of 1 mm with the first at the origin.
    public static let identity = Geometry(
        unchecked: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])

    /// - Throws: `outOfRange` unless the matrix is finite and invertible and ends in 0, 0, 0, 1.
    public init(affine: [Double]) throws(SPARSError) {
        guard Geometry.isPlacing(affine) else {
            throw .range(
                "affine", of: .geometry,
                mustBe: "a finite invertible 4 x 4 matrix with (0, 0, 0, 1) as its last row",
                got: affine)
        }
        self.affine = affine
    }

    init(unchecked affine: [Double]) { self.affine = affine }

    /// The voxel's edges in mm: the lengths of the affine's columns.
    public var spacing: [Double] { (0..<3).map { Geometry.length(ofColumn: $0, of: affine) } }

    /// The place in mm of a voxel's centre, or of a point between voxels.
    public func point(_ x: Double, _ y: Double, _ z: Double) -> [Double] {
        (0..<3).map { row in
            let r = 4 * row
            let turned: Double = affine[r] * x + affine[r + 1] * y + affine[r + 2] * z
            return turned + affine[r + 3]
        }
    }

    /// The geometry after resampling from one extent to another: the same box in space, cut into
    /// other voxels. Index i of the new volume lies at (i + 0.5) * from / to - 0.5 of the old.
    public func resampled(from: Extent, to: Extent) -> Geometry {
        var result = affine
        let first = (0..<3).map { (Double(from[$0]) / Double(to[$0]) - 1) / 2 }
        let corner = point(first[0], first[1], first[2])
        for row in 0..<3 {
            for axis in 0..<3 { result[4 * row + axis] *= Double(from[axis]) / Double(to[axis]) }
            result[4 * row + 3] = corner[row]
        }
        return Geometry(unchecked: result)
    }

    /// Whether both are the same up to how their affines were computed: to 1e-8 of the largest
    /// entry, a sixth of what rounding to float32 changes.
    func isClose(to other: Geometry) -> Bool {
        let largest = affine.reduce(0) { max($0, abs($1)) }
        return zip(affine, other.affine).allSatisfy { abs($0 - $1) <= 1e-8 * largest }
    }

    /// Whether the matrix places voxels in space: finite, 0, 0, 0, 1 at its end, and columns that,
    /// scaled to length 1, span a volume that float32 can tell from none.
    static func isPlacing(_ affine: [Double]) -> Bool {
        guard affine.count == 16, affine.allSatisfy(\.isFinite), affine[12...] == [0, 0, 0, 1]
        else { return false }
        let lengths = (0..<3).map { length(ofColumn: $0, of: affine) }
        guard lengths.allSatisfy({ $0 > 0 && $0.isFinite }) else { return false }
        return abs(determinant(directions(of: affine))) > 1e-6
    }

    /// The affine's columns scaled to length 1: 3 x 3, row by row.
    static func directions(of affine: [Double]) -> [Double] {
        var unit: [Double] = []
        let lengths = (0..<3).map { length(ofColumn: $0, of: affine) }
        for row in 0..<3 {
            for column in 0..<3 { unit.append(affine[4 * row + column] / lengths[column]) }
        }
        return unit
    }

    static func length(ofColumn column: Int, of affine: [Double]) -> Double {
        let parts: [Double] = (0..<3).map { affine[4 * $0 + column] }
        return parts.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    /// The determinant of a 3 x 3 matrix given row by row.
    static func determinant(_ m: [Double]) -> Double {
        let first: Double = m[0] * (m[4] * m[8] - m[5] * m[7])
        let second: Double = m[1] * (m[3] * m[8] - m[5] * m[6])
        let third: Double = m[2] * (m[3] * m[7] - m[4] * m[6])
        return first - second + third
    }
}
