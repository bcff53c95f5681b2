extension NetworkArchitecture {
    /// Parameters drawn by PyTorch's default law: convolutions and fully connected layers uniform in
    /// +-1/sqrt(fan_in), weights (Kaiming uniform with a = sqrt 5) and biases alike; batch norm
    /// starts as the identity with running mean 0 and variance 1.
    ///
    /// Each tensor has a random stream of its own. The law is PyTorch's, its random numbers are not.
    ///
    /// - Throws: `interrupted`.
    public func initialParameters(seed: UInt64) throws(SPARSError) -> Parameters {
        let source = RandomSource(seed: seed)
        var parameters = Parameters()
        var bound = 0.0
        for (index, (name, shape)) in parameterShapes.enumerated() {
            let field = name.split(separator: ".")[1]
            let count = shape.reduce(1, *)
            if name.hasPrefix("bn") {
                let value: Float = field == "weight" || field == "running_var" ? 1 : 0
                parameters[name] = Tensor(
                    shape: shape, values: Array(repeating: value, count: count))
                continue
            }
            // A layer's bias follows its weight and shares its fan-in.
            if field == "weight" { bound = 1 / Double(count / shape[0]).squareRoot() }
            var stream = source.stream(UInt64(index))
            var values: [Float] = []
            values.reserveCapacity(count)
            try Control.inRuns(count) { run in
                for _ in run { values.append(Float(stream.uniform(-bound, bound))) }
            }
            parameters[name] = Tensor(shape: shape, values: values)
        }
        return parameters
    }
}
