import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite(.serialized) struct TrainerStateTests {
    private static let scanExtent = Extent(12, 12, 12)

    private static func classifier(seed: UInt64) throws -> Classifier {
        try Classifier(input: Extent(108, 108, 108), seed: seed)
    }

    private static func trainer(_ classifier: Classifier) throws -> Trainer {
        let rule = CropRule(
            label: .image, extent: Extent(8, 8, 8), interpolation: .nearest, border: .full,
            foregroundThreshold: nil)
        return Trainer(
            classifier,
            try TrainingConfiguration(
                rule: rule, cropsPerScan: 1,
                augmentation: Augmentation(flips: [true, true, true], shift: [2, 2, 2], noise: 5),
                seed: 5))
    }

    private static func step(_ trainer: Trainer, _ phase: Trainer.Phase = .training) throws {
        var random = RandomSource(seed: 3)
        let values = (0..<scanExtent.count).map { _ in Float(random.normal() * 50) }
        for i in try trainer.drawScans(2, of: 2, phase: phase, batch: trainer.stepCount) {
            try values.withUnsafeBufferPointer { values in
                try trainer.add(
                    TrainingScan(values: values, extent: scanExtent, hasTumour: i, mask: nil))
            }
        }
        switch phase {
        case .training: _ = try trainer.step(learningRate: 1e-3)
        case .validation: _ = try trainer.evaluate()
        }
    }

    @Test func anotherTrainerGoesOnToTheBit() throws {
        let whole = try Self.classifier(seed: 1)
        let trainer = try Self.trainer(whole)
        for _ in 0..<2 { try Self.step(trainer) }
        try Self.step(trainer, .validation)
        let other = try Self.classifier(seed: 9)
        let resumed = try Self.trainer(other)
        // What the new trainer did before does not matter.
        try Self.step(resumed)
        try other.replace(whole.parameters, batchesTracked: whole.batchesTracked)
        try resumed.restore(moments: trainer.moments, stepCount: trainer.stepCount)
        for trainer in [trainer, resumed] {
            try Self.step(trainer, .validation)
            try Self.step(trainer)
        }
        #expect(whole.parameters == other.parameters)
        #expect(trainer.moments == resumed.moments)
        #expect(resumed.stepCount == 3 && other.batchesTracked == 3)
    }

    @Test func whatNoTrainingCanHaveIsRefusedAndChangesNothing() throws {
        let classifier = try Self.classifier(seed: 1)
        let trainer = try Self.trainer(classifier)
        try Self.step(trainer)
        let (moments, before) = (trainer.moments, classifier.parameters)
        #expect(moments.count == trainer.momentCount)
        func refuses(_ moments: [Float], _ steps: Int) {
            #expect(throws: SPARSError.self) {
                try trainer.restore(moments: moments, stepCount: steps)
            }
        }
        refuses(Array(moments.dropLast()), 1)
        refuses(moments, -1)
        refuses(moments, .max)
        var bad = moments
        bad[bad.count - 1] = -1
        refuses(bad, 1)
        bad[bad.count - 1] = .nan
        refuses(bad, 1)
        #expect(trainer.moments == moments && trainer.stepCount == 1)

        var parameters = before
        parameters["bn1.running_var"]!.values[0] = -1
        #expect(throws: SPARSError.self) {
            try classifier.replace(parameters, batchesTracked: 0)
        }
        #expect(throws: SPARSError.self) { try classifier.replace(before, batchesTracked: -1) }
        #expect(classifier.parameters == before && classifier.batchesTracked == 1)
    }

    @Test func replacedParametersAreThoseThatScore() throws {
        let (first, second) = (try Self.classifier(seed: 1), try Self.classifier(seed: 2))
        let inputs = [Float](repeating: 0.5, count: first.architecture.input.count)
        func logits(_ classifier: Classifier) throws -> [Float] {
            try inputs.withUnsafeBufferPointer { try classifier.logits($0, count: 1) }
        }
        let before = try logits(first)
        // The count of steps is the same; what was made ready for the old ones must go all the same.
        try first.replace(second.parameters, batchesTracked: 0)
        #expect(try logits(first) == logits(second))
        #expect(try logits(first) != before)
    }

    @Test func theFirstTensorThatIsNotFiniteIsNamed() throws {
        let classifier = try Self.classifier(seed: 1)
        for name in classifier.architecture.parameterShapes.map(\.name) {
            for value in [Float.nan, .infinity, -.infinity] {
                var parameters = classifier.parameters
                parameters[name]!.values[0] = value
                parameters["fc5.bias"]!.values[1] = .nan
                do {
                    try classifier.architecture.check(parameters)
                    Issue.record("\(name)")
                } catch {
                    guard case .notFinite(let tensor, let message) = error else {
                        Issue.record("\(error)")
                        return
                    }
                    #expect(tensor == name && message.contains("'\(name)' holds"))
                }
            }
        }
    }
}
