import SPARSTestSupport
import Testing

@testable import SPARSNative

/// Training that leaves the finite numbers names the first tensor that did, in the order of
/// computation. Every case starts from values that float32 holds.
@Suite struct FiniteGuardTests {
    private static let input = Extent(108, 108, 108)
    private static let window = Extent(12, 12, 12)
    private static let labels = [0, 1, 1, 0]

    struct Case: Sendable, CustomTestStringConvertible {
        let named: String
        let change: @Sendable (inout Parameters) -> Void
        var testDescription: String { named }
    }

    /// Layers from `first` on that pass the mean of what they get to each of their outputs.
    private static func average(from first: Int, _ parameters: inout Parameters) {
        for i in first...5 {
            let shape = parameters["fc\(i).weight"]!.shape
            parameters.fill("fc\(i).weight", 1 / Float(shape[1]))
            parameters.fill("fc\(i).bias", 0)
        }
    }

    static let forward = [
        Case(named: "batch mean of bn1") { $0.fill("conv1.weight", 3e38) },
        Case(named: "batch variance of bn1") { $0.fill("conv1.weight", 1e25) },
        Case(named: "scale of bn1") {
            $0.fill("conv1.weight", 0)
            $0.fill("bn1.weight", 3e38)
        },
        Case(named: "output of bn1") { $0.fill("bn1.weight", 3e38) },
        Case(named: "batch mean of bn2") { $0.fill("conv2.weight", 3e38) },
        Case(named: "scale of bn3") {
            $0.fill("conv3.weight", 0)
            $0.fill("bn3.weight", 3e38)
        },
        Case(named: "batch mean of bn4") { $0.fill("conv4.weight", 3e38) },
        Case(named: "scale of bn4") {
            $0.fill("conv4.weight", 0)
            $0.fill("bn4.weight", 3e38)
        },
        Case(named: "output of fc1") { $0.fill("bn4.bias", 3e38) },
        Case(named: "output of fc4") {
            $0.fill("fc3.bias", 1)
            $0.fill("fc4.weight", 3e38)
        },
        Case(named: "output of fc5") {
            $0.fill("fc4.bias", 1)
            $0.fill("fc5.weight", 3e38)
        },
    ]

    /// Activations so small that large weights behind them leave the way forward finite; the way
    /// back multiplies the weights alone.
    static let backward = [
        Case(named: "gradient of fc3.bias") {
            average(from: 5, &$0)
            $0.fill("fc3.weight", 0)
            $0.fill("fc3.bias", 1e-30)
            $0.fill("fc4.weight", 1e20)
            $0.set("fc5.weight", 128..<256, 1e20)
        },
        Case(named: "gradient of bn4.bias") {
            average(from: 2, &$0)
            $0.fill("bn4.weight", 0)
            $0.fill("bn4.bias", 1e-30)
            $0.fill("fc1.weight", 1e20)
            $0.fill("fc1.bias", 0)
            $0.set("fc5.weight", 128..<256, 1e30)
        },
    ]

    private static func parameters(_ change: (inout Parameters) -> Void) throws -> Parameters {
        let architecture = try NetworkArchitecture(input: input)
        var parameters = goldenParameters(architecture, seed: 3)
        change(&parameters)
        try architecture.check(parameters)
        return parameters
    }

    /// The crops differ, so that no batch variance is zero.
    private static func crops(spoilt value: Float? = nil) -> [[Float]] {
        (0..<labels.count).map { n in
            var crop = goldenUniform(seed: 40 + UInt64(n), count: window.count).map {
                400 * $0 - 150 + 30 * Float(n)
            }
            if n == 2, let value { crop[7] = value }
            return crop
        }
    }

    private static func firstBad(_ body: () throws -> Void) -> String? {
        do { try body() } catch SPARSError.notFinite(let tensor, let message) {
            return message.contains(tensor) || tensor.hasPrefix("crop") ? tensor : message
        } catch { return "\(error)" }
        return nil
    }

    /// What a pass over crops of `window` names.
    private static func firstBad(
        of crops: [[Float]], by interpolation: Interpolation, _ parameters: Parameters
    ) -> String? {
        firstBad {
            _ = try lossAndGradients(
                architecture: try NetworkArchitecture(input: input), parameters: parameters,
                count: crops.count,
                crops: TrainingCrops(resizedTo: input, by: interpolation) { (crops[$0], window) },
                hasTumour: labels)
        }
    }

    @Test(arguments: forward + backward, Interpolation.allCases) func theFirstBadTensorIsNamed(
        test: Case, interpolation: Interpolation
    ) throws {
        let parameters = try Self.parameters(test.change)
        let crops = Self.crops()
        let found = Self.firstBad(of: crops, by: interpolation, parameters)
        #expect(found == test.named)
    }

    @Test(arguments: [Float.nan, .infinity], Interpolation.allCases) func aBadCropIsNamed(
        value: Float, interpolation: Interpolation
    ) throws {
        let crops = Self.crops(spoilt: value)
        let parameters = try Self.parameters { _ in }
        let found = Self.firstBad(of: crops, by: interpolation, parameters)
        #expect(found == "crop 2")
    }

    /// Every gradient is finite, but one has a square that float32 does not hold.
    @Test func aStepNamesAdamsFirstBadMoment() throws {
        let parameters = try Self.parameters {
            $0.fill("fc3.weight", 0)
            $0.fill("fc3.bias", -1)
            $0.fill("fc4.weight", 0)
            $0.fill("fc4.bias", 1e-22)
            $0.fill("fc5.weight", 0)
            $0.set("fc5.weight", 128..<256, 1e22)
        }
        let classifier = try Classifier(
            architecture: NetworkArchitecture(input: Self.input), parameters: parameters)
        let rule = CropRule(
            label: .image, extent: Self.window, interpolation: .nearest, border: .full,
            foregroundThreshold: nil)
        let trainer = Trainer(
            classifier, try TrainingConfiguration(rule: rule, cropsPerScan: 1, seed: 1))
        _ = try trainer.drawScans(Self.labels.count, of: 4, phase: .training, batch: 0)
        for (crop, label) in zip(Self.crops(), Self.labels) {
            try crop.withUnsafeBufferPointer {
                try trainer.add(
                    TrainingScan(
                        values: $0, extent: Self.window, hasTumour: label, mask: nil))
            }
        }
        let found = Self.firstBad { _ = try trainer.step(learningRate: 1e-3) }
        #expect(found == "Adam's square of fc4.bias")
        #expect(classifier.parameters == parameters)
    }

    @Test(arguments: [(1, "Adam's mean of a"), (2, "Adam's mean of b"), (5, "Adam's square of b")])
    func badMomentsAreRefusedByName(place: Int, named: String) {
        var moments = [Float](repeating: 0, count: 6)
        moments[place] = .nan
        var adam = Adam()
        let found = Self.firstBad {
            try adam.restore(moments: moments, of: [("a", 2), ("b", 1)], stepCount: 1)
        }
        #expect(found == named)
    }
}

extension Parameters {
    fileprivate mutating func fill(_ name: String, _ value: Float) {
        set(name, 0..<self[name]!.values.count, value)
    }

    fileprivate mutating func set(_ name: String, _ places: Range<Int>, _ value: Float) {
        var tensor = self[name]!
        for i in places { tensor.values[i] = value }
        self[name] = tensor
    }
}
