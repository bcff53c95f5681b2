import SPARSTestSupport
import Testing

@testable import SPARSNative

/// Gradients of training mode against central differences of the float64 twin: along a direction of
/// random signs over all of a tensor, and for entries alone.
@Suite struct FiniteDifferencesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let seed: UInt64
        let input: Extent
        /// The crops' own extent and how they are enlarged; nil for crops on the grid.
        let enlarged: (window: Extent, by: Interpolation)?
        var testDescription: String {
            "seed \(seed), input \(input), \(String(describing: enlarged))"
        }
    }

    static let cases = [
        Case(seed: 1, input: Extent(109, 112, 117), enlarged: nil),
        Case(seed: 2, input: Extent(115, 108, 111), enlarged: (Extent(24, 19, 17), .nearest)),
        Case(seed: 3, input: Extent(108, 113, 109), enlarged: (Extent(13, 16, 12), .linear)),
    ]
    private static let hasTumour = [0, 1, 1]

    private static func crops(_ test: Case) -> [[Float]] {
        let count = (test.enlarged?.window ?? test.input).count
        return hasTumour.indices.map { n in
            goldenUniform(seed: 60 + 10 * test.seed + UInt64(n), count: count).map {
                400 * $0 - 150 + 40 * Float(n)
            }
        }
    }

    private static func pass(_ test: Case, _ parameters: Parameters) throws -> TrainingPass {
        let values = crops(test)
        let crops =
            if let (window, interpolation) = test.enlarged {
                TrainingCrops(resizedTo: test.input, by: interpolation) { (values[$0], window) }
            } else {
                TrainingCrops { n, crop in _ = crop.update(from: values[n]) }
            }
        return try lossAndGradients(
            architecture: try NetworkArchitecture(input: test.input), parameters: parameters,
            count: values.count, crops: crops, hasTumour: hasTumour)
    }

    @Test(arguments: cases) func gradientsAreTheSlopesOfTheLoss(test: Case) throws {
        let architecture = try NetworkArchitecture(input: test.input)
        let parameters = goldenParameters(architecture, seed: test.seed)
        let pass = try Self.pass(test, parameters)
        let exact = Dictionary(
            uniqueKeysWithValues: parameters.names.map {
                ($0, parameters[$0]!.values.map(Double.init))
            })
        let twin = DoubleTraining(
            architecture: architecture, parameters: exact,
            crops: Self.crops(test).map { crop in
                guard let (window, interpolation) = test.enlarged else {
                    return crop.map(Double.init)
                }
                return enlarged(crop, window, to: test.input, by: interpolation)
            }, hasTumour: Self.hasTumour)
        #expect(abs(pass.loss - twin.loss(exact)) < 1e-5 * pass.loss)
        var random = RandomSource(seed: test.seed)
        for name in architecture.trainableNames {
            let gradient = pass.gradients[name]!.values
            // Batch norm takes a convolution's bias away: a gradient of zero gives entries no scale.
            let isZero = name.hasPrefix("conv") && name.hasSuffix("bias")
            for isWhole in isZero ? [true] : [true, false] {
                let alone = random.integer(below: gradient.count)
                let direction = gradient.indices.map { i in
                    isWhole ? (random.integer(below: 2) == 0 ? -1.0 : 1) : (i == alone ? 1 : 0)
                }
                // Many entries at once cross a ReLU's zero or change a pool's choice sooner than one.
                let step = isWhole ? 1e-8 : 1e-6
                let slope = Self.slope(of: twin, at: exact, name, along: direction, step: step)
                let ours = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * $1.1 }
                let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                let scale = isWhole ? norm : norm / Double(gradient.count).squareRoot()
                #expect(
                    abs(ours - slope) <= Self.tolerance(name) * scale + 1e-14 / step,
                    "\(name), whole: \(isWhole), \(test): \(ours) for \(slope)")
            }
        }
    }

    /// A share of the norm of a tensor's gradient along a whole direction, of an entry's root mean
    /// square alone. Float64 rounds the loss by less than 1e-14, which the step divides; the step's square
    /// is below that. What is left is float32's: in front of a pool rounding picks another of two
    /// nearly equal places, and one of a few thousand gradients moves (at most 4e-3 was measured);
    /// conv4 sees their sums (2e-4); behind its batch norm are only sums and products (1.2e-5). Each
    /// bound is five to eight times that.
    private static func tolerance(_ name: String) -> Double {
        if name.hasPrefix("fc") || name.hasPrefix("bn4") { return 1e-4 }
        return name.hasPrefix("conv4") ? 1e-3 : 2e-2
    }

    private static func slope(
        of twin: DoubleTraining, at parameters: DoubleTraining.Values, _ name: String,
        along direction: [Double], step: Double
    ) -> Double {
        let losses = [step, -step].map { step in
            var moved = parameters
            moved[name] = zip(parameters[name]!, direction).map { $0 + step * $1 }
            return twin.loss(moved, changed: name)
        }
        return (losses[0] - losses[1]) / (2 * step)
    }
}
