import SPARSKernels
import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite(.serialized) struct TrainerTests {
    private static let input = Extent(108, 108, 108)
    private static let scanExtent = Extent(24, 24, 24)

    /// Two scans of noise: in the second, everything is a little brighter.
    private static func scans(seed: UInt64) -> [[Float]] {
        var random = RandomSource(seed: seed)
        return [Float(0), 60].map { shift in
            (0..<scanExtent.count).map { _ in 40 + shift + Float(random.normal()) * 20 }
        }
    }

    private static func trainer(
        _ classifier: Classifier, interpolation: Interpolation = .nearest,
        cropsPerScan: Int = 1, pooling: CropPooling = .none
    ) throws -> Trainer {
        let rule = CropRule(
            label: .image, extent: Extent(12, 12, 12), interpolation: interpolation,
            border: .full, foregroundThreshold: nil)
        return Trainer(
            classifier,
            try TrainingConfiguration(
                rule: rule, cropsPerScan: cropsPerScan, pooling: pooling, seed: 5))
    }

    private static func add(_ scans: [[Float]], _ indices: [Int], to trainer: Trainer) throws {
        for i in indices {
            try scans[i].withUnsafeBufferPointer { values in
                try trainer.add(
                    TrainingScan(values: values, extent: scanExtent, hasTumour: i, mask: nil))
            }
        }
    }

    private static func classifier(seed: UInt64) throws -> Classifier {
        try Classifier(
            input: input, seed: seed, intensityWindow: IntensityWindow(level: 70, width: 200))
    }

    @Test func learnsToTellBrightFromDark() throws {
        let classifier = try Self.classifier(seed: 1)
        let trainer = try Self.trainer(classifier)
        let scans = Self.scans(seed: 2)
        var losses: [Double] = []
        for step in 0..<6 {
            _ = try trainer.drawScans(2, of: 2, phase: .training, batch: step)
            try Self.add(scans, [0, 1], to: trainer)
            losses.append(try trainer.step(learningRate: 1e-3))
        }
        #expect(abs(losses[0] - 0.693) < 0.1, "\(losses)")
        #expect(losses[5] < 0.3, "\(losses)")
        #expect(classifier.batchesTracked == 6)
    }

    @Test func theSameBitsForAnyThreadCount() throws {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        var results: [Parameters] = []
        for threads in [1, 3] {
            Parallel.threadCount = threads
            let classifier = try Self.classifier(seed: 1)
            let trainer = try Self.trainer(classifier)
            let scans = Self.scans(seed: 2)
            for step in 0..<2 {
                let drawn = try trainer.drawScans(2, of: 2, phase: .training, batch: step)
                try Self.add(scans, drawn, to: trainer)
                _ = try trainer.step(learningRate: 1e-3)
            }
            results.append(classifier.parameters)
        }
        #expect(results[0] == results[1])
    }

    @Test func aStepIsLossGradientsAdamAndRunningStatistics() throws {
        let classifier = try Self.classifier(seed: 4)
        let start = classifier.parameters
        let trainer = try Self.trainer(classifier, interpolation: .linear)
        let scans = Self.scans(seed: 3)
        let drawn = try trainer.drawScans(2, of: 2, phase: .training, batch: 0)
        try Self.add(scans, drawn, to: trainer)
        let loss = try trainer.step(learningRate: 1e-3)

        // The same by hand, from crops drawn with the same stream.
        var random = RandomSource(seed: 5).stream(0)
        #expect(drawn == (0..<2).map { _ in random.integer(below: 2) })
        var inputs: [(values: [Float], extent: Extent)] = []
        for i in drawn {
            let crops = try scans[i].withUnsafeBufferPointer { values in
                try trainer.configuration.rule.draw(
                    1,
                    from: TrainingScan(
                        values: values, extent: Self.scanExtent, hasTumour: i, mask: nil),
                    using: &random)
            }
            for crop in crops {
                inputs.append((crop.values.map(classifier.intensityWindow!.scaled), crop.extent))
            }
        }
        let pass = try lossAndGradients(
            architecture: classifier.architecture, parameters: start, count: 2,
            crops: TrainingCrops(resizedTo: Self.input, by: .linear) { [inputs] in inputs[$0] },
            hasTumour: drawn)
        #expect(pass.loss == loss)
        var expected = start
        var adam = Adam()
        try adam.step(&expected, gradients: pass.gradients, learningRate: 1e-3)
        let after = classifier.parameters
        for name in classifier.architecture.trainableNames {
            #expect(after[name] == expected[name], "\(name)")
        }
        for i in 1...4 {
            let mean = start["bn\(i).running_mean"]!.values
            let variance = start["bn\(i).running_var"]!.values
            expectClose(
                after["bn\(i).running_mean"]!.values,
                zip(mean, pass.statistics[i - 1].mean).map { 0.9 * Double($0) + 0.1 * Double($1) },
                within: 1e-6)
            expectClose(
                after["bn\(i).running_var"]!.values,
                zip(variance, pass.statistics[i - 1].unbiasedVariance).map {
                    0.9 * Double($0) + 0.1 * Double($1)
                }, within: 1e-6)
        }
    }

    @Test(arguments: [Interpolation.nearest, .linear]) func evaluationScoresEveryCrop(
        interpolation: Interpolation
    ) throws {
        let classifier = try Self.classifier(seed: 6)
        let trainer = try Self.trainer(classifier, interpolation: interpolation)
        let scans = Self.scans(seed: 3)
        let before = classifier.parameters
        _ = try trainer.drawScans(2, of: 2, phase: .validation, batch: 0)
        try Self.add(scans, [1, 0], to: trainer)
        let (scores, labels) = try trainer.evaluate()
        #expect(labels == [1, 0])
        #expect(scores.count == 2 && scores.allSatisfy { (0...1).contains($0) })
        #expect(classifier.parameters == before)
        #expect(throws: SPARSError.self) { try trainer.evaluate() }
    }

    @Test func aBatchIsItsNumberAndPhaseAlone() throws {
        let trainer = try Self.trainer(try Self.classifier(seed: 1))
        func drawn(_ batch: Int, _ phase: Trainer.Phase) throws -> [Int] {
            try trainer.drawScans(4, of: 1000, phase: phase, batch: batch)
        }
        let batches = try (0..<5).map { try drawn($0, .training) }
        let validation = try (0..<5).map { try drawn($0, .validation) }
        for batch in [3, 0, 4, 1, 2] {
            #expect(try drawn(batch, .validation) == validation[batch])
            #expect(try drawn(batch, .training) == batches[batch])
        }
        #expect(Set(batches + validation).count == 10)
    }

    @Test func aStoppedStepLeavesTheClassifierAlone() throws {
        let classifier = try Self.classifier(seed: 1)
        let trainer = try Self.trainer(classifier)
        let before = classifier.parameters
        _ = try trainer.drawScans(2, of: 2, phase: .training, batch: 0)
        try Self.add(Self.scans(seed: 2), [0, 1], to: trainer)
        #expect(throws: SPARSError.interrupted) {
            try Control.with(
                poll: { _, _ in true },
                { () throws(SPARSError) in _ = try trainer.step(learningRate: 1e-3) })
        }
        #expect(classifier.parameters == before)
        #expect(classifier.batchesTracked == 0)
    }

    @Test func leavingTheFiniteNumbersNamesATensor() throws {
        let classifier = try Self.classifier(seed: 1)
        let trainer = try Self.trainer(classifier)
        var failure: SPARSError?
        for _ in 0..<3 where failure == nil {
            let before = classifier.parameters
            _ = try trainer.drawScans(2, of: 2, phase: .training, batch: 0)
            try Self.add(Self.scans(seed: 2), [0, 1], to: trainer)
            do { _ = try trainer.step(learningRate: 1e38) } catch {
                failure = error
                #expect(classifier.parameters == before)
            }
        }
        guard case .notFinite(let tensor, let message) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(!tensor.isEmpty && message.contains(tensor))
    }

    @Test func configurationsOutOfRangeAreRefused() throws {
        let rule = CropRule(
            label: .image, extent: Extent(4, 4, 4), interpolation: .nearest, border: .full,
            foregroundThreshold: nil)
        func refuses(
            _ rule: CropRule, _ crops: Int, pooling: CropPooling = .none, weights: [Float] = [1, 1]
        ) {
            #expect(throws: SPARSError.self) {
                try TrainingConfiguration(
                    rule: rule, cropsPerScan: crops, pooling: pooling, classWeights: weights,
                    seed: 0)
            }
        }
        refuses(rule, 0)
        refuses(rule, 3, pooling: .highest(0))
        refuses(rule, 3, pooling: .highest(4))
        refuses(rule, 3, weights: [1])
        refuses(rule, 3, weights: [1, 0])
        var bad = rule
        bad.extent = Extent(0, 4, 4)
        refuses(bad, 1)
        bad = rule
        bad.label = .voxel
        refuses(bad, 3, pooling: .logSumExp)
        bad = rule
        bad.foregroundThreshold = .nan
        refuses(bad, 1)
        let trainer = try Self.trainer(try Self.classifier(seed: 1))
        #expect(throws: SPARSError.self) {
            try trainer.drawScans(0, of: 1, phase: .training, batch: 0)
        }
        #expect(throws: SPARSError.self) {
            try trainer.drawScans(1, of: 0, phase: .training, batch: 0)
        }
        for batch in [-1, (1 << 53) + 1] {
            #expect(throws: SPARSError.self) {
                try trainer.drawScans(1, of: 1, phase: .validation, batch: batch)
            }
        }
        #expect(throws: SPARSError.self) { try trainer.step(learningRate: 1e-3) }
        for rate in [0, -1, .nan, .infinity] {
            _ = try trainer.drawScans(1, of: 2, phase: .training, batch: 0)
            try Self.add(Self.scans(seed: 2), [0], to: trainer)
            #expect(throws: SPARSError.self) { try trainer.step(learningRate: rate) }
        }
    }

    @Test func balancedScansTakeTurns() throws {
        let trainer = try Self.trainer(try Self.classifier(seed: 1))
        let labels = [1, 0, 1, 1, 0, 1]
        var seen: Set<Int> = []
        for batch in 0..<40 {
            let drawn = try trainer.drawScans(
                5, of: 6, phase: .training, batch: batch, balancing: labels)
            #expect(drawn.map { labels[$0] } == [0, 1, 0, 1, 0])
            seen.formUnion(drawn)
        }
        #expect(seen.count == 6)
        for bad in [[0, 0], [1, 1], [0, 2]] {
            #expect(throws: SPARSError.self) {
                try trainer.drawScans(1, of: 2, phase: .training, batch: 0, balancing: bad)
            }
        }
    }

    @Test func windowsAreCropsOfScansThatAreNoLarger() throws {
        let extent = Extent(12, 12, 12)
        let values = Self.scans(seed: 3).flatMap { $0.prefix(extent.count) }
        func stepped(_ add: (Trainer) throws -> Void) throws -> (Double, [Float], Parameters) {
            let classifier = try Self.classifier(seed: 1)
            let trainer = try Self.trainer(classifier)
            try add(trainer)
            let scores = try trainer.evaluate().scores
            try add(trainer)
            return (try trainer.step(learningRate: 1e-3), scores, classifier.parameters)
        }
        let windows = try stepped { trainer in
            try values.withUnsafeBufferPointer {
                try trainer.add(windows: $0, extent: extent, hasTumour: [0, 1])
            }
        }
        let scans = try stepped { trainer in
            for label in [0, 1] {
                let start = label * extent.count
                try Array(values[start..<start + extent.count]).withUnsafeBufferPointer {
                    try trainer.add(
                        TrainingScan(values: $0, extent: extent, hasTumour: label, mask: nil))
                }
            }
        }
        #expect(windows == scans)
    }

    @Test func windowsThatDoNotFitAreRefused() throws {
        let extent = Extent(12, 12, 12)
        func refusal(
            _ trainer: Trainer, extent: Extent = extent, windows: Int = 2, labels: [Int] = [0, 1],
            value: Float = 0
        ) -> SPARSError? {
            let values = [Float](repeating: value, count: windows * extent.count)
            return values.withUnsafeBufferPointer { values in
                do {
                    try trainer.add(windows: values, extent: extent, hasTumour: labels)
                    return nil
                } catch { return error as? SPARSError }
            }
        }
        let classifier = try Self.classifier(seed: 1)
        let trainer = try Self.trainer(classifier)
        #expect(refusal(trainer) == nil)
        #expect(refusal(trainer, extent: Extent(12, 12, 11)) != nil)
        #expect(refusal(trainer, windows: 1) != nil)
        #expect(refusal(trainer, labels: [0, 2]) != nil)
        #expect(refusal(trainer, windows: 0, labels: []) != nil)
        for value in [Float.nan, .infinity] {
            guard case .notFinite(let tensor, _)? = refusal(trainer, value: value) else {
                Issue.record("not refused: \(value)")
                continue
            }
            #expect(tensor == "window 0")
        }
        #expect(refusal(try Self.trainer(classifier, interpolation: .linear)) != nil)
        let rule = CropRule(
            label: .voxel, extent: extent, interpolation: .nearest, border: .full,
            foregroundThreshold: nil)
        let labelled = Trainer(
            classifier, try TrainingConfiguration(rule: rule, cropsPerScan: 1, seed: 1))
        #expect(refusal(labelled) != nil)
    }

    /// In a scan with tumours one octant is brighter, so that most crops show nothing.
    @Test func pooledCropsLearnFromTheScansLabel() throws {
        let classifier = try Self.classifier(seed: 1)
        let trainer = try Self.trainer(classifier, cropsPerScan: 4, pooling: .highest(1))
        var losses: [Double] = []
        for step in 0..<12 {
            var scans = Self.scans(seed: UInt64(step))
            for i in scans[1].indices {
                let place = [i / 576, i / 24 % 24, i % 24]
                if place.contains(where: { $0 < 12 }) { scans[1][i] -= 60 }
            }
            _ = try trainer.drawScans(2, of: 2, phase: .training, batch: step)
            try Self.add(scans, [0, 1], to: trainer)
            losses.append(try trainer.step(learningRate: 1e-3))
        }
        #expect(losses.suffix(3).reduce(0, +) / 3 < 0.5, "\(losses)")
    }
}
