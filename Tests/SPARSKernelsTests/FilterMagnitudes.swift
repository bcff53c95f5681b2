@testable import SPARSKernels

/// What the error of conv1's minimal filtering is bounded by at each of its values, in float64:
/// |A|' [(|G| |w|) (|B|' |x|)] with the matrices of `FirstConvolution`, its sum of magnitudes.
struct FilterMagnitudes {
    /// |A|', |G| and |B|' of one axis.
    private struct Filter {
        let output: [[Double]]
        let weights: [[Double]]
        let input: [[Double]]
    }

    private static let sixth = 1.0 / 6
    /// F(4, 3).
    private static let alongZ = Filter(
        output: [
            [1, 1, 1, 1, 1, 0], [0, 1, 1, 2, 2, 0], [0, 1, 1, 4, 4, 0], [0, 1, 1, 8, 8, 1],
        ],
        weights: [
            [0.25, 0, 0], [sixth, sixth, sixth], [sixth, sixth, sixth],
            [sixth / 4, sixth / 2, sixth], [sixth / 4, sixth / 2, sixth], [0, 0, 1],
        ],
        input: [
            [4, 0, 5, 0, 1, 0], [0, 4, 4, 1, 1, 0], [0, 4, 4, 1, 1, 0], [0, 2, 1, 2, 1, 0],
            [0, 2, 1, 2, 1, 0], [0, 4, 0, 5, 0, 1],
        ])
    /// F(2, 3).
    private static let alongY = Filter(
        output: [[1, 1, 1, 0], [0, 1, 1, 1]],
        weights: [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0, 0, 1]],
        input: [[1, 0, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 0, 1]])

    private let half: Extent
    private let tiles: Int
    /// [8, 3 taps along x, 6 along z, 4 along y].
    private var weights: [Double] = []
    /// [X, pairs along y, tiles along z, 6 along z, 4 along y].
    private var inputs: [Double] = []

    /// - Parameters:
    ///   - weights: [8, 1, 3, 3, 3].
    ///   - scale: of each channel's weights.
    init(_ input: FloatBuffer, _ shape: Extent, _ weights: [Float], _ scale: [Float]) {
        half = shape.convolved(stride: 1).halved
        tiles = (half.z + 1) / 2
        for o in 0..<8 {
            for x in 0..<3 {
                self.weights += FilterMagnitudes.transformed(
                    FilterMagnitudes.alongZ.weights, FilterMagnitudes.alongY.weights
                ) { y, z in Double(abs(weights[27 * o + 9 * x + 3 * y + z] * scale[o])) }
            }
        }
        for x in 0..<shape.x {
            for pair in 0..<half.y {
                for tile in 0..<tiles {
                    inputs += FilterMagnitudes.transformed(
                        FilterMagnitudes.alongZ.input, FilterMagnitudes.alongY.input
                    ) { y, z in
                        // Zeros lie behind a row.
                        if 4 * tile + z >= shape.z { return 0 }
                        let row = (x * shape.y + 2 * pair + y) * shape.z
                        return Double(abs(input.pointer[row + 4 * tile + z]))
                    }
                }
            }
        }
    }

    private static func transformed(
        _ alongZ: [[Double]], _ alongY: [[Double]], _ value: (_ y: Int, _ z: Int) -> Double
    ) -> [Double] {
        var values: [Double] = []
        for g in alongZ {
            for h in alongY {
                var sum = 0.0
                for (y, b) in h.enumerated() where b != 0 {
                    for (z, a) in g.enumerated() where a != 0 { sum += a * b * value(y, z) }
                }
                values.append(sum)
            }
        }
        return values
    }

    /// The magnitude of conv1 at a place for channel o.
    private func convolution(_ x: Int, _ y: Int, _ z: Int, _ o: Int) -> Double {
        let (a, b) = (FilterMagnitudes.alongZ.output[z % 4], FilterMagnitudes.alongY.output[y % 2])
        var sum = 0.0
        for tap in 0..<3 {
            let w = (3 * o + tap) * 24
            let v = (((x + tap) * half.y + y / 2) * tiles + z / 4) * 24
            for i in 0..<24 { sum += a[i / 4] * b[i % 4] * weights[w + i] * inputs[v + i] }
        }
        return sum
    }

    /// The magnitude of each pooled value: the largest of its eight voxels', and the shift's.
    func pooled(shift: FloatBuffer) -> [Double] {
        (0..<half.count * 8).map { i in
            let q = i / 8
            let (x, y, z) = (q / (half.y * half.z), q / half.z % half.y, q % half.z)
            let largest = (0..<8).reduce(0) {
                max($0, convolution(2 * x + $1 / 4, 2 * y + $1 / 2 % 2, 2 * z + $1 % 2, i % 8))
            }
            return largest + Double(abs(shift.pointer[i % 8]))
        }
    }
}
