import SPARSTestSupport
import Testing

@testable import SPARSKernels

@Suite struct InputKernelsTests {
    /// Wherever it stands: in a whole vector, behind the last, at a block's border.
    @Test(arguments: [1, 15, 16, 33, 65_536, 131_077], Seeds.few)
    func theFirstNotFiniteValue(count: Int, seed: UInt64) {
        let values = randomBuffer(count, seed: seed).values.map { $0 * .greatestFiniteMagnitude }
        #expect(values.withUnsafeBufferPointer(InputKernels.firstNotFinite) == nil)
        for bad in [Float.nan, .infinity, -.infinity] {
            for place in [0, count / 2, count - 1] {
                var spoilt = values
                spoilt[count - 1] = bad
                spoilt[place] = bad
                let found = spoilt.withUnsafeBufferPointer(InputKernels.firstNotFinite)
                #expect(found == place, "\(bad), seed \(seed)")
            }
        }
    }
}
