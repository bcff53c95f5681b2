import SPARSKernels
import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct LossAndGradientsTests {
    struct Case: Sendable {
        let name: String
        let seed: UInt64
        let extent: Extent
        let hasTumour: [Int]
        let classWeights: [Float]?
    }

    static let cases = [
        Case(
            name: "odd", seed: 5, extent: Extent(109, 112, 117), hasTumour: [0, 1, 1],
            classWeights: nil),
        Case(
            name: "weighted", seed: 6, extent: Extent(116, 108, 111), hasTumour: [1, 0, 0, 1],
            classWeights: [0.5, 2]),
    ]

    @Test(arguments: cases) func gradientsEqualPyTorchs(test: Case) throws {
        let golden = try Fixture.numbers("network_training.json")
        let architecture = try NetworkArchitecture(input: test.extent)
        let parameters = goldenParameters(architecture, seed: test.seed)
        let pass = try self.pass(test, architecture, parameters)
        #expect(abs(pass.loss - golden["\(test.name) loss"]![0]) < 1e-5 * pass.loss)
        // Logits are small beside the activations they are sums of.
        expectClose(pass.logits, golden["\(test.name) logits"]!, within: 1e-4)
        #expect(pass.gradients.names == architecture.trainableNames)
        let scale = golden["\(test.name) norm conv1.weight"]![0]
        for name in architecture.trainableNames {
            let values = pass.gradients[name]!.values
            let norm = golden["\(test.name) norm \(name)"]![0]
            if name.hasPrefix("conv") && name.hasSuffix("bias") {
                // Zero but for rounding, there and here.
                #expect(norm < 1e-10 && values.allSatisfy { abs($0) < 1e-5 * Float(scale) })
                continue
            }
            let ours = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(ours - norm) < 1e-4 * norm, "\(name): \(ours) for \(norm)")
            let step = max(1, values.count / 32)
            let picked = stride(from: 0, to: values.count, by: step).map { values[$0] }
            expectClose(picked, golden["\(test.name) every \(name)"]!, within: 1e-3, name)
        }
        for (i, statistics) in pass.statistics.enumerated() {
            let moved = { (field: String, batch: [Float]) in
                zip(parameters["bn\(i + 1).running_\(field)"]!.values, batch).map {
                    0.9 * $0 + 0.1 * $1
                }
            }
            let after = "\(test.name) after bn\(i + 1).running_"
            expectClose(moved("mean", statistics.mean), golden[after + "mean"]!, within: 1e-5)
            expectClose(
                moved("var", statistics.unbiasedVariance), golden[after + "var"]!, within: 1e-5)
        }
    }

    @Test func badBatchesAreRefused() throws {
        let architecture = try NetworkArchitecture(input: Extent(108, 108, 108))
        let parameters = goldenParameters(architecture, seed: 1)
        func run(_ count: Int, _ labels: [Int], _ weights: [Float]?, bad: Bool = false) throws {
            _ = try lossAndGradients(
                architecture: architecture, parameters: parameters, count: count,
                crops: TrainingCrops { _, crop in
                    for i in crop.indices { crop[i] = Float(i % 7) }
                    if bad { crop[5] = .infinity }
                }, hasTumour: labels, classWeights: weights)
        }
        #expect(throws: SPARSError.self) { try run(0, [], nil) }
        #expect(throws: SPARSError.self) { try run(2, [0], nil) }
        #expect(throws: SPARSError.self) { try run(2, [0, 2], nil) }
        #expect(throws: SPARSError.self) { try run(2, [0, 1], [1]) }
        #expect(throws: SPARSError.self) { try run(2, [0, 1], [1, -1]) }
        #expect(throws: SPARSError.self) { try run(2, [0, 1], nil, bad: true) }
        // The last batch norm sees one voxel of the only crop: its variance does not exist.
        #expect(throws: SPARSError.self) { try run(1, [0], nil) }
    }

    private func pass(
        _ test: Case, _ architecture: NetworkArchitecture, _ parameters: Parameters
    ) throws -> TrainingPass {
        let voxels = architecture.input.count
        let all = goldenUniform(seed: test.seed + 7, count: test.hasTumour.count * voxels)
        return try lossAndGradients(
            architecture: architecture, parameters: parameters, count: test.hasTumour.count,
            crops: TrainingCrops { n, crop in
                for i in 0..<voxels { crop[i] = 400 * (all[n * voxels + i] - 0.5) }
            }, hasTumour: test.hasTumour, classWeights: test.classWeights)
    }
}
