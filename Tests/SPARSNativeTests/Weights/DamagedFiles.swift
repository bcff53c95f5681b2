import SPARSTestSupport
import Testing

@testable import SPARSNative

/// Changes up to four bytes of `whole` in each round, and expects what opens nevertheless to give
/// every tensor at its shape's size or an error, never a trap.
func expectSurvivesDamage(
    _ whole: [UInt8], rounds: Int, seed: UInt64, open: ([UInt8]) throws -> any WeightFile
) {
    var random = RandomSource(seed: seed)
    for round in 0..<rounds {
        var bytes = whole
        for _ in 0...random.integer(below: 4) {
            bytes[random.integer(below: bytes.count)] = UInt8(random.integer(below: 256))
        }
        guard let file = try? open(bytes) else { continue }
        for name in file.names {
            guard let values = try? file.values(of: name) else { continue }
            let count = file.shape(of: name)?.reduce(1, *)
            #expect(values.count == count, "seed \(seed), round \(round), \(name)")
        }
    }
}
