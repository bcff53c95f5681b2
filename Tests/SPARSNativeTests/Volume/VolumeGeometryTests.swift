import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct VolumeGeometryTests {
    private static let turned: [Double] = [0, -2, 0, 5, 3, 0, 0, 6, 0, 0, 4, 7, 0, 0, 0, 1]

    @Test func spacingIsTheLengthOfTheColumns() throws {
        let geometry = try Geometry(affine: VolumeGeometryTests.turned)
        #expect(geometry.spacing == [3, 2, 4])
        #expect(geometry.point(1, 2, 3) == [1, 9, 19])
    }

    @Test(arguments: [
        [], [Double](repeating: 0, count: 16), [Double](repeating: .nan, count: 16),
        [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2],
        [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
        [1, 0, 0, .infinity, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
        [1e200, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
    ]) func whatPlacesNothingIsRefused(affine: [Double]) {
        #expect(throws: SPARSError.self) { try Geometry(affine: affine) }
    }

    @Test func resamplingKeepsTheBoxInSpace() throws {
        let geometry = try Geometry(affine: VolumeGeometryTests.turned)
        let (from, to) = (Extent(10, 7, 4), Extent(5, 21, 9))
        let resampled = geometry.resampled(from: from, to: to)
        for corner in [(0.0, 0.0, 0.0), (1, 1, 1), (1, 0, 1)] {
            func place(_ geometry: Geometry, _ extent: Extent) -> [Double] {
                geometry.point(
                    corner.0 * Double(extent.x) - 0.5, corner.1 * Double(extent.y) - 0.5,
                    corner.2 * Double(extent.z) - 0.5)
            }
            for (a, b) in zip(place(geometry, from), place(resampled, to)) {
                #expect(abs(a - b) < 1e-12)
            }
        }
    }
}
