import Testing

@testable import SPARSNative

@Suite struct SelfPlayCountersTests {
    private func counters(games: Int) -> SelfPlayCounters {
        SelfPlayCounters(
            adamSteps: 1, updates: 2, randomWords: [3, 4, 5, .max], iterations: 6, steps: 7,
            opponent: .frozen,
            games: (0..<games).map { game in
                let first = 100 * game
                return SelfPlayCounters.Game(
                    steps: 8 + first, startsEpisode: game % 2 == 0,
                    windows: PerAgent(
                        learner: Voxel(11 + first, 12 + first, -13),
                        opponent: Voxel(14 + first, 15 + first, 16 + first)))
            })
    }

    /// The order of files that were written before.
    @Test func theOrderOfNumbersStays() {
        #expect(
            counters(games: 2).encoded
                == [1, 2, 3, 4, 5, -1, 6, 7, 8, 1, 2, 11, 12, -13, 14, 15, 16]
                + [108, 0, 111, 112, -13, 114, 115, 116])
    }

    @Test(arguments: [1, 2, 5]) func whatIsEncodedIsDecoded(games: Int) {
        let counters = counters(games: games)
        #expect(counters.encoded.count == SelfPlayCounters.count(games: games))
        #expect(SelfPlayCounters(decoding: counters.encoded, games: games) == counters)
    }

    @Test func whatNoRunHasIsRefused() {
        let whole = counters(games: 2).encoded
        #expect(SelfPlayCounters(decoding: whole, games: 1) == nil)
        #expect(SelfPlayCounters(decoding: whole, games: 3) == nil)
        #expect(SelfPlayCounters(decoding: [], games: 1) == nil)
        for (index, bad) in [
            (0, -1), (1, .min), (6, -1), (6, (1 << 53) + 1), (7, -1), (8, .max), (9, -1), (10, 3),
            (10, -1),
        ] as [(Int, Int64)] {
            var numbers = whole
            numbers[index] = bad
            #expect(SelfPlayCounters(decoding: numbers, games: 2) == nil, "\(index): \(bad)")
        }
    }
}
