import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct ScoreMapTests {
    private let grid = Extent(7, 6, 5)
    private let window = Extent(3, 2, 2)

    /// The plain twin: every voxel on its own, every visit in order.
    private func plain(
        _ map: ScoreMap, _ visits: [(Voxel, Float)]
    ) -> [Float] {
        var scores: [[Float]] = Array(repeating: [], count: grid.count)
        for (origin, score) in visits {
            guard let box = map.box(at: origin) else { continue }
            for x in 0..<grid.x {
                for y in 0..<grid.y {
                    for z in 0..<grid.z {
                        let voxel = Voxel(x, y, z)
                        let isInside = (0..<3).allSatisfy {
                            box.origin[$0] <= voxel[$0]
                                && voxel[$0] < box.origin[$0] + box.extent[$0]
                        }
                        if isInside { scores[grid.offset(x, y, z)].append(score) }
                    }
                }
            }
        }
        return scores.map { scores in
            switch map.accumulation {
            case .sum: scores.reduce(0, +)
            case .max: scores.max() ?? 0
            case .mean:
                Float(scores.map(Double.init).reduce(0, +) / Double(max(scores.count, 1)))
            }
        }
    }

    @Test(arguments: GameConfiguration.Accumulation.allCases, Seeds.few)
    func d14EachRuleIsWhatItsNameSays(rule: GameConfiguration.Accumulation, seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        var map = ScoreMap(grid: grid, window: window, accumulation: rule)
        let visits = (0..<300).map { _ in
            (
                Voxel(
                    random.integer(below: 24) - 12, random.integer(below: 24) - 12,
                    random.integer(below: 24) - 12), Float(random.uniform())
            )
        }
        for (i, (origin, score)) in visits.enumerated() {
            map.add(score, at: origin, by: .learner)
            if i == 150 { try map.settle() }
        }
        let expected = plain(map, visits)
        for (value, wanted) in zip(try map.settledValues(), expected) {
            #expect(abs(value - wanted) <= (rule == .mean ? 1e-6 : 0), "seed \(seed)")
        }
        #expect(expected.contains { $0 > 0 })
    }

    @Test func equalScoresHaveExactlyThatMean() throws {
        var map = ScoreMap(grid: grid, window: window, accumulation: .mean)
        for _ in 0..<1_000 { map.add(0.1, at: Voxel(1, 1, 1), by: .opponent) }
        #expect(try map.settledValues()[grid.offset(1, 1, 1)] == 0.1)
    }

    @Test func clearingAGameLeavesWhatTheOthersAdded() throws {
        for rule in GameConfiguration.Accumulation.allCases {
            var map = ScoreMap(grid: grid, window: window, accumulation: rule)
            var without = map
            for i in 0..<60 {
                let place = Voxel(i % 4, i % 3, i % 2)
                map.add(Float(i) / 64, at: place, by: .opponent, of: i % 3)
                if i % 3 != 1 { without.add(Float(i) / 64, at: place, by: .opponent, of: i % 3) }
                if i == 30 { try map.settle() }
            }
            map.clear(of: 1)
            #expect(map.visits == without.visits)
            #expect(try map.settledValues() == without.settledValues())
            try map.settle()
            map.clear(of: 1)
            #expect(map.settled == map.visits.count)
        }
    }

    @Test func slicesFollowNumPysRules() {
        // Checked against numpy 2: a = arange(7); a[s:s+3].
        let expected: [Int: Range<Int>?] = [
            -11: nil, -10: nil, -9: 0..<1, -8: 0..<2, -7: 0..<3, -5: 2..<5, -4: 3..<6, -3: nil,
            -1: nil, 0: 0..<3, 5: 5..<7, 6: 6..<7, 7: nil, 100: nil,
        ]
        for (start, range) in expected {
            let slice = numpySlice(start, start + 3, count: 7)
            #expect((slice.isEmpty ? nil : slice) == range, "start \(start)")
        }
    }

    @Test func theLogSaysWhichVisitsRaisedAVoxel() {
        var map = ScoreMap(grid: grid, window: window, accumulation: .sum)
        map.add(0.5, at: Voxel(0, 0, 0), by: .learner)
        map.add(0.6, at: Voxel(2, 1, 1), by: .opponent)
        map.add(0.7, at: Voxel(99, 0, 0), by: .learner)
        #expect(map.visits(touching: Voxel(2, 1, 1)) == [0, 1])
        #expect(map.visits(touching: Voxel(0, 0, 0)) == [0])
        #expect(map.visits.count == 2)
    }
}

@Suite struct ObservationCastTests {
    @Test func d12BytesWrapAsX86CastsThem() {
        let expected: [(Float, UInt8)] = [
            (0, 0), (1.9, 1), (-0.9, 0), (-1, 255), (-1000, 24), (255.5, 255), (256, 0),
            (3071, 255),
            (2_147_483_520, 128), (-2_147_483_648, 0), (4e9, 0), (.nan, 0), (.infinity, 0),
        ]
        for (value, byte) in expected { #expect(wrappedUInt8(value) == byte, "\(value)") }
    }

    @Test func d13TheOpponentSeesUncastNumbersWhenPublished() {
        let extent = Extent(8, 8, 8)
        var configuration = GameConfiguration.published(grid: extent, window: extent)
        #expect(configuration.seen(-1000, by: .learner) == 24.0 / 255)
        #expect(configuration.seen(-1000, by: .opponent) == -1000.0 / 255)
        configuration.opponentObservation = .same
        #expect(configuration.seen(-1000, by: .opponent) == 24.0 / 255)
        configuration.observationCast = .float32
        #expect(configuration.seen(-1000, by: .learner) == -1000)
    }
}
