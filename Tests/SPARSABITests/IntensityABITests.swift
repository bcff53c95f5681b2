import CSPARS
import SPARSABI
import Testing

/// Nothing from outside may trap: the function is called with what it must refuse.
@Suite struct IntensityABITests {
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)

    @Test func whatCannotBeIsRefused() {
        let shape: [Int64] = [6, 5, 4]
        let organ = [UInt8](repeating: 1, count: 120)
        var (mask, level) = ([UInt8](repeating: 9, count: 120), 0.0)
        let even = [Float](repeating: 90, count: 120)
        func found(
            _ values: [Float]?, _ organ: [UInt8]?, spacing: [Double] = [1, 1, 1],
            rule change: (inout spars_intensity_rule) -> Void = { _ in }
        ) -> Int32 {
            var rule = spars_intensity_rule(below: 20, sigma: 2, edge: 3, opening: 1)
            change(&rule)
            return spars_intensity_mask(
                values, organ, shape, spacing, &rule, &mask, nil, &level, nil)
        }
        #expect(found(even, organ) == 0)
        #expect(mask.allSatisfy { $0 == 0 } && abs(level - 90) < 1)
        #expect(found(nil, organ) == invalid)
        #expect(found(even, nil) == invalid)
        #expect(found(even, [UInt8](repeating: 0, count: 120)) == invalid)
        #expect(found(even, organ, spacing: [1, 0, 1]) == invalid)
        #expect(found(even, organ) { $0.below = .nan } == invalid)
        #expect(found(even, organ) { $0.sigma = -1 } == invalid)
        #expect(found(even, organ) { $0.edge = 101 } == invalid)
        #expect(found(even, organ) { $0.opening = .max } == invalid)
        let broken = [Float](repeating: .nan, count: 120)
        #expect(found(broken, organ) == Int32(SPARS_NOT_FINITE.rawValue))
        let huge = [Float](repeating: 1e30, count: 120)
        #expect(found(huge, organ) == invalid)
        var rule = spars_intensity_rule(below: 20, sigma: 2, edge: 3, opening: 1)
        #expect(
            spars_intensity_mask(even, organ, shape, nil, &rule, &mask, nil, &level, nil)
                == invalid)
        #expect(
            spars_intensity_mask(even, organ, shape, [1, 1, 1], nil, &mask, nil, &level, nil)
                == invalid)
        #expect(
            spars_intensity_mask(even, organ, shape, [1, 1, 1], &rule, nil, nil, &level, nil)
                == invalid)
        #expect(
            spars_intensity_mask(even, organ, shape, [1, 1, 1], &rule, &mask, nil, nil, nil)
                == invalid)
    }

    @Test func cavitiesRefuseWhatCannotBe() {
        let shape: [Int64] = [6, 5, 4]
        let organ = [UInt8](repeating: 1, count: 120)
        let even = [Float](repeating: 90, count: 120)
        var (filled, taken, left) = ([UInt8](repeating: 9, count: 120), Int64(-1), Int64(-1))
        func found(
            _ values: [Float]?, _ organ: [UInt8]?, _ shape: [Int64]?, _ spacing: [Double]?
        ) -> Int32 {
            spars_organ_cavities(
                values, organ, shape, spacing, &filled, nil, &taken, &left, nil)
        }
        #expect(found(even, organ, shape, [1, 1, 1]) == 0)
        #expect(taken == 0 && left == 0 && filled == organ)
        #expect(found(nil, organ, shape, [1, 1, 1]) == invalid)
        #expect(found(even, nil, shape, [1, 1, 1]) == invalid)
        #expect(found(even, organ, nil, [1, 1, 1]) == invalid)
        #expect(found(even, organ, [6, -5, 4], [1, 1, 1]) == invalid)
        #expect(found(even, organ, shape, nil) == invalid)
        #expect(found(even, organ, shape, [1, .nan, 1]) == invalid)
        #expect(
            spars_organ_cavities(even, organ, shape, [1, 1, 1], nil, nil, &taken, &left, nil)
                == invalid)
        #expect(
            spars_organ_cavities(even, organ, shape, [1, 1, 1], &filled, nil, nil, &left, nil)
                == invalid)
        #expect(
            spars_organ_cavities(even, organ, shape, [1, 1, 1], &filled, nil, &taken, nil, nil)
                == invalid)
    }
}
