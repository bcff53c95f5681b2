import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct RandomSourceTests {
    @Test(arguments: Seeds.few) func streamsDependOnSeedAndIndexOnly(seed: UInt64) {
        var used = RandomSource(seed: seed)
        _ = used.next()
        var a = used.stream(5)
        var b = RandomSource(seed: seed).stream(5)
        var other = RandomSource(seed: seed).stream(6)
        let first = a.next()
        #expect(first == b.next())
        #expect(first != other.next())
    }

    @Test(arguments: Seeds.few) func momentsOfDraws(seed: UInt64) {
        var source = RandomSource(seed: seed)
        let n = 20_000
        let normals = (0..<n).map { _ in source.normal() }
        let mean = normals.reduce(0, +) / Double(n)
        let variance = normals.reduce(0) { $0 + $1 * $1 } / Double(n) - mean * mean
        // Five standard errors: 1 / sqrt(n) for the mean, sqrt(2 / n) for the variance.
        #expect(abs(mean) < 5 / Double(n).squareRoot())
        #expect(abs(variance - 1) < 5 * (2 / Double(n)).squareRoot())
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<7_000 { counts[source.integer(below: 7)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 1000) < 150 }, "\(counts)")
    }

    @Test(arguments: Seeds.few) func permutationsHoldEachIndexOnce(seed: UInt64) {
        var source = RandomSource(seed: seed)
        #expect(source.permutation(100).sorted() == Array(0..<100))
        #expect(source.permutation(0).isEmpty)
    }
}
