import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct CropPoolingTests {
    private static let poolings: [CropPooling] = [.highest(1), .highest(2), .logSumExp]

    private static func batch(seed: UInt64) -> (logits: [Float], bags: [Int], labels: [Int]) {
        var random = RandomSource(seed: seed)
        let sizes = (0..<3).map { _ in 2 + random.integer(below: 4) }
        let labels = sizes.enumerated().flatMap { Array(repeating: $0 % 2, count: $1) }
        return (
            labels.flatMap { _ in (0..<2).map { _ in Float(random.normal()) * 3 } }, sizes, labels
        )
    }

    @Test(arguments: 0..<8) func gradientsAreTheLosssSlope(seed: UInt64) {
        let (logits, sizes, labels) = Self.batch(seed: seed)
        for pooling in Self.poolings {
            let bags = CropBags(sizes: sizes, pooling: pooling)
            func loss(_ logits: [Float]) -> Double {
                CrossEntropy.lossAndGradient(
                    logits, hasTumour: labels, classWeights: [0.7, 2], bags: bags
                ).loss
            }
            let (_, gradient) = CrossEntropy.lossAndGradient(
                logits, hasTumour: labels, classWeights: [0.7, 2], bags: bags)
            for i in logits.indices {
                var up = logits
                var down = logits
                up[i] += 1e-3
                down[i] -= 1e-3
                let slope = (loss(up) - loss(down)) / Double(up[i] - down[i])
                #expect(abs(slope - Double(gradient[i])) < 1e-5, "seed \(seed), \(pooling), \(i)")
            }
        }
    }

    /// The pooled margins by hand.
    @Test func poolsAsDocumented() {
        let margins = [1.0, 3.0, -2.0, 2.0]
        #expect(CropPooling.highest(1).pooled(margins).margin == 3)
        #expect(CropPooling.highest(1).pooled(margins).gradient == [0, 1, 0, 0])
        #expect(CropPooling.highest(2).pooled(margins).margin == 2.5)
        #expect(CropPooling.highest(2).pooled(margins).gradient == [0, 0.5, 0, 0.5])
        #expect(CropPooling.highest(2).pooled([1, 1, 1]).gradient == [0.5, 0.5, 0])
        let soft = CropPooling.logSumExp.pooled(margins)
        let sum = margins.map { exponential($0) }.reduce(0, +)
        #expect(abs(soft.margin - logarithm(sum / 4)) < 1e-12)
        #expect(abs(soft.gradient.reduce(0, +) - 1) < 1e-12)
        #expect(CropPooling.logSumExp.pooled([800, -800]).margin.isFinite)
    }

    @Test(arguments: poolings) func bagsOfOneAreCrossEntropy(pooling: CropPooling) {
        let (logits, _, labels) = Self.batch(seed: 3)
        let plain = CrossEntropy.lossAndGradient(logits, hasTumour: labels, classWeights: nil)
        let single = CrossEntropy.lossAndGradient(
            logits, hasTumour: labels, classWeights: nil,
            bags: CropBags(
                sizes: labels.map { _ in 1 },
                pooling: pooling == .highest(2) ? .highest(1) : pooling))
        #expect(abs(plain.loss - single.loss) < 1e-12)
        for (a, b) in zip(plain.gradient, single.gradient) { #expect(abs(a - b) < 1e-6) }
    }

    @Test func bagsThatDoNotFitAreRefused() throws {
        let architecture = try NetworkArchitecture(input: Extent(108, 108, 108))
        let classifier = try Classifier(input: architecture.input, seed: 1, intensityWindow: nil)
        func refuses(_ sizes: [Int], _ pooling: CropPooling = .logSumExp) {
            #expect(throws: SPARSError.self) {
                try lossAndGradients(
                    architecture: architecture, parameters: classifier.parameters, count: 3,
                    crops: TrainingCrops { _, _ in }, hasTumour: [0, 0, 1],
                    bags: CropBags(sizes: sizes, pooling: pooling))
            }
        }
        refuses([3])
        refuses([2])
        refuses([2, 2])
        refuses([2, 0, 1])
        refuses([2, -1, 2])
        refuses([2, .max])
        refuses([2, 1], .highest(0))
    }
}
