import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct OrthogonalInitialisationTests {
    @Test(arguments: Seeds.few) func rowsAreOrthonormalTimesTheGain(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let (outputs, inputs) = (6, 40)
        let matrix = try OrthogonalInitialisation.matrix(
            outputs: outputs, multiplicity: Array(repeating: 1, count: inputs), gain: 2, &random)
        for i in 0..<outputs {
            for k in 0..<outputs {
                let product = (0..<inputs).reduce(0.0) {
                    $0 + matrix[i * inputs + $1] * matrix[k * inputs + $1]
                }
                #expect(abs(product - (i == k ? 4 : 0)) < 1e-12)
            }
        }
    }

    /// As many hidden columns as Bartlett's decomposition and the explicit sum both allow.
    @Test(arguments: [0.0, 3, 4, 9]) func wishartMatricesHaveTheirMean(degrees: Double) throws {
        var random = RandomSource(seed: 7)
        let (rows, draws) = (4, 4_000)
        var mean = [Double](repeating: 0, count: rows * rows)
        for _ in 0..<draws {
            var square = [Double](repeating: 0, count: rows * rows)
            try OrthogonalInitialisation.addWishart(rows, degrees: degrees, to: &square, &random)
            for i in square.indices { mean[i] += square[i] / Double(draws) }
        }
        for i in 0..<rows {
            for k in 0..<rows {
                // Variances are 2 n on the diagonal and n beside it; five standard errors.
                let bound = 5 * ((i == k ? 2 : 1) * degrees / Double(draws)).squareRoot()
                #expect(abs(mean[i * rows + k] - (i == k ? degrees : 0)) <= bound)
            }
        }
    }

    @Test(arguments: [0.5, 1, 3, 50, 1e7]) func chiSquaredHasItsFirstTwoMoments(degrees: Double) {
        var random = RandomSource(seed: 11)
        let n = 20_000
        let draws = (0..<n).map { _ in OrthogonalInitialisation.chiSquared(degrees, &random) }
        let mean = draws.reduce(0, +) / Double(n)
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
        #expect(abs(mean - degrees) < 5 * (2 * degrees / Double(n)).squareRoot())
        // The fourth moment gives the variance of the variance: (12 / k + 2) (2 k)^2 / n.
        let spread = 2 * degrees * ((12 / degrees + 2) / Double(n)).squareRoot()
        #expect(abs(variance - 2 * degrees) < 6 * spread)
    }
}
