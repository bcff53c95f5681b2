import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct InitialisationTests {
    @Test(arguments: Seeds.few) func followsPyTorchsLaw(seed: UInt64) throws {
        let architecture = try NetworkArchitecture()
        let parameters = try architecture.initialParameters(seed: seed)
        try architecture.check(parameters)
        var fanIn = 1
        for (name, shape) in architecture.parameterShapes {
            let values = parameters[name]!.values
            if name.hasPrefix("bn") {
                let identity: Float =
                    name.hasSuffix("weight") || name.hasSuffix("running_var") ? 1 : 0
                #expect(values.allSatisfy { $0 == identity }, "\(name)")
                continue
            }
            if name.hasSuffix("weight") { fanIn = shape.dropFirst().reduce(1, *) }
            let bound = 1 / Double(fanIn).squareRoot()
            let n = Double(values.count)
            let mean = values.reduce(0) { $0 + Double($1) } / n
            let variance = values.reduce(0) { $0 + Double($1) * Double($1) } / n
            #expect(values.allSatisfy { abs(Double($0)) <= bound }, "\(name)")
            // Six standard errors of a uniform law's mean and second moment.
            #expect(abs(mean) < 6 * bound / (3 * n).squareRoot(), "\(name), seed \(seed)")
            #expect(
                abs(variance - bound * bound / 3)
                    < 6 * bound * bound * (4.0 / 45 / n).squareRoot(), "\(name), seed \(seed)")
        }
    }

    @Test func dependsOnTheSeedOnly() throws {
        let architecture = try NetworkArchitecture(input: Extent(108, 108, 108))
        let first = try architecture.initialParameters(seed: 1)
        #expect(try first == architecture.initialParameters(seed: 1))
        #expect(
            try first["conv1.weight"] != architecture.initialParameters(seed: 2)["conv1.weight"])
    }
}
