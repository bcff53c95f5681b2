import SPARSTestSupport
import Testing

@testable import SPARSKernels

/// conv1's minimal filtering against the definition in float64, on every instruction set.
@Suite struct FirstConvolutionTests {
    /// Rows of one tile, of one group of tiles and a value more or less, of two groups; odd ends.
    static let shapes = [
        Extent(4, 4, 4), Extent(5, 6, 7), Extent(6, 9, 34), Extent(4, 5, 35), Extent(7, 4, 38),
        Extent(9, 30, 70), Extent(70, 5, 12),
    ]

    private struct Case {
        let shape: Extent
        let half: Extent
        let input: FloatBuffer
        let weights: [Float]
        let scale: [Float]
        let shift: FloatBuffer

        /// - Parameters:
        ///   - low: inputs are uniform in [low, high).
        init(_ shape: Extent, seed: UInt64, low: Float = -1, high: Float = 1) {
            self.shape = shape
            half = shape.convolved(stride: 1).halved
            let unit = randomBuffer(shape.count, seed: seed).values
            input = FloatBuffer(unit.map { low + (high - low) * ($0 + 1) / 2 })
            weights = randomBuffer(27 * 8, seed: seed + 1).values
            // Of both signs: the maximum must be taken behind the scale.
            scale = randomBuffer(8, seed: seed + 2).values
            shift = randomBuffer(8, seed: seed + 3)
        }

        var packed: FirstConvolutionWeights { FirstConvolutionWeights(weights, scale: scale) }

        /// conv1 at a place for channel o, in float64.
        func exact(_ x: Int, _ y: Int, _ z: Int, _ o: Int) -> Double {
            (0..<27).reduce(0) { sum, t in
                let place =
                    ((x + t / 9) * shape.y + y + t / 3 % 3) * shape.z + z + t % 3
                return sum + Double(input.pointer[place])
                    * Double(weights[27 * o + t] * scale[o])
            }
        }

        /// The pooled value of channel o at a place, and which of eight voxels it is.
        func pooled(_ x: Int, _ y: Int, _ z: Int, _ o: Int) -> (value: Double, choice: Int) {
            var best = (value: -Double.infinity, choice: 0)
            for k in 0..<8 {
                let value = exact(2 * x + k / 4, 2 * y + k / 2 % 2, 2 * z + k % 2, o)
                if value > best.value { best = (value, k) }
            }
            return (max(0, best.value + Double(shift.pointer[o])), best.choice)
        }

        /// M of the documentation's second bound for channel o, were every tile the largest.
        func coarseMagnitude(_ o: Int) -> Double {
            let largest = Double(input.values.map(abs).max()!)
            return (0..<27).reduce(0) { $0 + Double(abs(weights[27 * o + $1] * scale[o])) }
                * largest
        }

        func run(
            _ planes: Range<Int>, seen: Extent? = nil, choice: ChoiceBuffer? = nil,
            on set: InstructionSet
        ) -> FloatBuffer {
            let half = (seen ?? shape).convolved(stride: 1).halved
            let output = FloatBuffer(count: planes.count * half.y * half.z * 8)
            FirstConvolution.pooled(
                input: input.pointer, shape: shape, seen: seen ?? shape, weights: packed,
                shift: shift.pointer, planes: planes, pooled: output.pointer,
                choice: choice?.pointer, on: set)
            return output
        }
    }

    /// Unit inputs, and raw Hounsfield units far from zero.
    @Test(arguments: shapes, [Float(-1), -1024, 900]) func againstTheDefinition(
        shape: Extent, low: Float
    ) {
        for seed in Seeds.few {
            let test = Case(shape, seed: seed, low: low, high: low == -1024 ? 3071 : low + 2)
            let half = test.half
            let magnitudes = FilterMagnitudes(test.input, shape, test.weights, test.scale)
                .pooled(shift: test.shift)
            let coarse = (0..<8).map { 118 * test.coarseMagnitude($0) + 1 }
            #expect(magnitudes.enumerated().allSatisfy { $1 <= coarse[$0 % 8] }, "seed \(seed)")
            let exact = (0..<half.count * 8).map { i in
                let q = i / 8
                return test.pooled(q / (half.y * half.z), q / half.z % half.y, q % half.z, i % 8)
            }
            for set in InstructionSet.available {
                let choice = ChoiceBuffer(count: half.count * 8)
                let output = test.run(0..<half.x, on: set)
                let chosen = test.run(0..<half.x, choice: choice, on: set)
                #expect(output.values == chosen.values, "\(set), seed \(seed)")
                #expect(output.values.contains { $0 > 0 })
                let worst = worstError(
                    output.values, exact.map(\.value), magnitudes: magnitudes, roundings: 17)
                #expect(worst <= 1, "\(set), seed \(seed)")
                for i in exact.indices where Int(choice.pointer[i]) != exact[i].choice {
                    // Another voxel may be chosen where both are equal but for rounding.
                    let (q, k) = (i / 8, Int(choice.pointer[i]))
                    let mine = test.exact(
                        2 * (q / (half.y * half.z)) + k / 4, 2 * (q / half.z % half.y) + k / 2 % 2,
                        2 * (q % half.z) + k % 2, i % 8)
                    let shifted = max(0, mine + Double(test.shift.pointer[i % 8]))
                    #expect(k < 8, "\(set), seed \(seed)")
                    #expect(
                        exact[i].value - shifted <= 2 * gamma(17) * magnitudes[i],
                        "\(set), seed \(seed)")
                }
            }
        }
    }

    /// Planes asked for one by one or together, and by any number of threads, have the same bits.
    @Test(arguments: Seeds.few) func partsHaveTheBitsOfTheWhole(seed: UInt64) {
        let test = Case(Extent(72, 47, 21), seed: seed)
        for set in InstructionSet.available {
            let whole = test.run(0..<test.half.x, on: set)
            let plane = test.half.y * test.half.z * 8
            for planes in [0..<1, 3..<5, 7..<35, 34..<35] {
                #expect(
                    test.run(planes, on: set).values
                        == Array(
                            whole.values[planes.lowerBound * plane..<planes.upperBound * plane]),
                    "\(set), seed \(seed)")
            }
        }
    }

    /// What lies behind the part that is seen is not looked at.
    @Test(arguments: Seeds.few) func placesBehindWhatIsSeen(seed: UInt64) {
        let shape = Extent(11, 12, 41)
        let seen = Extent(8, 10, 36)
        let test = Case(shape, seed: seed)
        let half = seen.convolved(stride: 1).halved
        for set in InstructionSet.available {
            let plain = test.run(0..<half.x, seen: seen, on: set).values
            let spoilt = test
            for i in 0..<shape.count {
                let place = (i / (shape.y * shape.z), i / shape.z % shape.y, i % shape.z)
                if place.0 >= seen.x || place.1 >= seen.y || place.2 >= seen.z {
                    spoilt.input.pointer[i] = .nan
                }
            }
            #expect(spoilt.run(0..<half.x, seen: seen, on: set).values == plain, "\(set)")
        }
    }
}
