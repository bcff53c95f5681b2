import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct NetworkEvaluatorTests {
    @Test func logitsOfTheExtentOfRecordEqualPyTorchs() throws {
        let architecture = try NetworkArchitecture()
        #expect(architecture.featureCount == 1152)
        let evaluator = try NetworkEvaluator(
            architecture: architecture, parameters: goldenParameters(architecture, seed: 11))
        let input = goldenUniform(seed: 18, count: architecture.input.count).map {
            400 * ($0 - 0.5)
        }
        let logits = try input.withUnsafeBufferPointer { input throws(SPARSError) in
            try evaluator.logits(input, count: 1)
        }
        expectClose(
            logits, try Fixture.numbers("network_golden.json")["eval_logits"]!, within: 1e-5)
    }

    @Test func windowLogitsEqualPyTorchs() throws {
        let architecture = try NetworkArchitecture()
        let evaluator = try NetworkEvaluator(
            architecture: architecture, parameters: goldenParameters(architecture, seed: 11))
        let golden = try Fixture.numbers("network_golden.json")
        let crops = try Fixture.floats("window_crops.f32")
        var start = 0
        for i in 0..<4 {
            let sizes = golden["window \(i)"]!.map { Int($0) }
            let window = Extent(sizes[0], sizes[1], sizes[2])
            let crop = Array(crops[start..<start + window.count])
            start += window.count
            let logits = try crop.withUnsafeBufferPointer { crop throws(SPARSError) in
                try evaluator.windowLogits(
                    volume: crop, extent: window, origins: [Voxel(0, 0, 0)], window: window,
                    intensityWindow: nil)
            }
            expectClose(logits, golden["logits \(i)"]!, within: 1e-5)
        }
    }

    @Test(arguments: [
        (Extent(107, 256, 180), "conv4"), (Extent(256, 2, 180), "conv1"),
        (Extent(256, 256, 20), "conv3"), (Extent(3, 256, 180), "max-pool after conv1"),
    ]) func tooSmallInputsNameTheStage(extent: Extent, stage: String) {
        let error = #expect(throws: SPARSError.self) { try NetworkArchitecture(input: extent) }
        #expect("\(error!)".contains(stage), "\(error!)")
    }

    @Test func smallestInputPassesEveryStage() throws {
        let architecture = try NetworkArchitecture(input: Extent(108, 108, 108))
        #expect(architecture.stageOutputs[3] == Extent(1, 1, 1))
    }

    @Test func hugeInputsAreRefused() {
        #expect(throws: SPARSError.self) {
            try NetworkArchitecture(input: Extent(Int.max, Int.max, Int.max))
        }
        #expect(throws: SPARSError.self) { try NetworkArchitecture(input: Extent(-1, 256, 180)) }
    }

    @Test func badInputsAreRejectedByName() throws {
        let evaluator = try smallEvaluator(seed: 1)
        let extent = evaluator.architecture.input
        var input = goldenUniform(seed: 3, count: extent.count)
        input[17] = .nan
        let error = #expect(throws: SPARSError.self) {
            try input.withUnsafeBufferPointer { input throws(SPARSError) in
                try evaluator.logits(input, count: 1)
            }
        }
        #expect(error == .notFinite(tensor: "x", message: "'x' holds nan at flat index 17."))
        #expect(throws: SPARSError.self) {
            try input.withUnsafeBufferPointer { input throws(SPARSError) in
                try evaluator.logits(input, count: 2)
            }
        }
        // A NaN outside every window does no harm; inside one it is named.
        for (origin, isBad) in [(Voxel(1, 0, 0), false), (Voxel(0, 0, 10), true)] {
            let score = {
                try input.withUnsafeBufferPointer { input throws(SPARSError) in
                    try evaluator.windowLogits(
                        volume: input, extent: extent, origins: [origin],
                        window: Extent(8, 8, 8), intensityWindow: nil)
                }
            }
            if isBad {
                #expect(throws: SPARSError.self) { try score() }
            } else {
                #expect(try score().allSatisfy(\.isFinite))
            }
        }
    }

    @Test(arguments: [
        (Voxel(-1, 0, 0), Extent(8, 8, 8)), (Voxel(101, 0, 0), Extent(8, 8, 8)),
        (Voxel(0, 0, 0), Extent(109, 8, 8)), (Voxel(0, 0, 0), Extent(8, 0, 8)),
    ]) func windowsOutsideAreRefused(origin: Voxel, window: Extent) throws {
        let evaluator = try smallEvaluator(seed: 1)
        let input = goldenUniform(seed: 3, count: evaluator.architecture.input.count)
        #expect(throws: SPARSError.self) {
            try input.withUnsafeBufferPointer { input throws(SPARSError) in
                try evaluator.windowLogits(
                    volume: input, extent: Extent(108, 108, 108), origins: [origin],
                    window: window, intensityWindow: nil)
            }
        }
    }

    @Test func brokenParametersAreNamed() throws {
        let architecture = try NetworkArchitecture(input: Extent(108, 108, 108))
        let good = goldenParameters(architecture, seed: 1)
        let breaks: [(String, (inout Parameters) -> Void)] = [
            ("bn2.bias", { $0["bn2.bias"] = nil }),
            ("fc5.bias", { $0["fc5.bias"] = Tensor(zeros: [3]) }),
            ("conv1.bias", { $0["conv1.bias"]!.values[3] = .infinity }),
            ("bn4.running_var", { $0["bn4.running_var"]!.values[0] = -1 }),
        ]
        for (name, break_) in breaks {
            var parameters = good
            break_(&parameters)
            let error = #expect(throws: SPARSError.self) {
                try NetworkEvaluator(architecture: architecture, parameters: parameters)
            }
            #expect("\(error!)".contains("'\(name)'"), "\(error!)")
        }
    }

    private func smallEvaluator(seed: UInt64) throws -> NetworkEvaluator {
        let architecture = try NetworkArchitecture(input: Extent(108, 108, 108))
        return try NetworkEvaluator(
            architecture: architecture, parameters: goldenParameters(architecture, seed: seed))
    }
}
