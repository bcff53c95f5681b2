import SPARSNative
import SPARSTestSupport
import Testing

@Suite struct AdamTests {
    @Test(arguments: Seeds.few, [1e-8, 1e-5]) func equalsTheFormula(
        seed: UInt64, epsilon: Double
    ) throws {
        let count = 57
        var random = RandomSource(seed: seed)
        var parameters = Parameters()
        parameters["a"] = Tensor(
            shape: [count], values: (0..<count).map { _ in Float(random.normal()) })
        var exact = parameters["a"]!.values.map(Double.init)
        var mean = [Double](repeating: 0, count: count)
        var square = mean
        var adam = Adam(epsilon: epsilon)
        for step in 1...20 {
            let gradient = (0..<count).map { _ in Float(random.normal() * 1e-3) }
            var gradients = Parameters()
            gradients["a"] = Tensor(shape: [count], values: gradient)
            try adam.step(&parameters, gradients: gradients, learningRate: 1e-3)
            var correction1 = 1.0
            var correction2 = 1.0
            for _ in 0..<step {
                correction1 *= 0.9
                correction2 *= 0.999
            }
            for i in 0..<count {
                let g = Double(gradient[i])
                mean[i] = 0.9 * mean[i] + 0.1 * g
                square[i] = 0.999 * square[i] + 0.001 * g * g
                exact[i] -=
                    1e-3 * (mean[i] / (1 - correction1))
                    / ((square[i] / (1 - correction2)).squareRoot() + epsilon)
            }
        }
        // Twenty steps of float32 arithmetic, each off by at most a few units in the last place.
        expectClose(parameters["a"]!.values, exact, within: 2e-6, "seed \(seed)")
        #expect(adam.stepCount == 20)
    }

    @Test func whatHasNoGradientStays() throws {
        var parameters = Parameters()
        parameters["moved"] = Tensor(shape: [1], values: [1])
        parameters["kept"] = Tensor(shape: [1], values: [1])
        var gradients = Parameters()
        gradients["moved"] = Tensor(shape: [1], values: [3])
        var adam = Adam()
        try adam.step(&parameters, gradients: gradients, learningRate: 0.5)
        #expect(parameters["kept"]!.values == [1])
        // The first step has the learning rate's length, whatever the gradient's.
        #expect(abs(parameters["moved"]!.values[0] - 0.5) < 1e-6)
        #expect(parameters.names == ["moved", "kept"])
    }
}
