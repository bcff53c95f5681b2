import SPARSNative

/// The counter-based numbers that golden inputs are made of: SplitMix64's mixer on
/// (seed << 32) + 1 + i, upper 24 bits over 2^24.
public func goldenUniform(seed: UInt64, count: Int) -> [Float] {
    (0..<UInt64(count)).map { i in
        var z = ((seed << 32) &+ 1 &+ i) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Float((z ^ (z >> 31)) >> 40) / 0x1p24
    }
}

/// Parameters by formula. Tensor t of `state_dict`, `num_batches_tracked` counted, comes from seed
/// 1000 S + t: weights and biases (2u - 1) sqrt(3 / fan in), scales and variances 0.5 + u, offsets
/// and means u - 0.5.
public func goldenParameters(_ architecture: NetworkArchitecture, seed: UInt64) -> Parameters {
    var parameters = Parameters()
    var t: UInt64 = 0
    var fanIn = 1
    for (name, shape) in architecture.parameterShapes {
        let u = goldenUniform(seed: 1000 * seed + t, count: shape.reduce(1, *))
        let values: [Float]
        if name.hasPrefix("bn") {
            let isPositive = name.hasSuffix("weight") || name.hasSuffix("running_var")
            values = u.map { isPositive ? 0.5 + $0 : $0 - 0.5 }
        } else {
            if name.hasSuffix("weight") { fanIn = shape.dropFirst().reduce(1, *) }
            let bound = (3 / Double(fanIn)).squareRoot()
            values = u.map { Float((2 * Double($0) - 1) * bound) }
        }
        parameters[name] = Tensor(shape: shape, values: values)
        t += name.hasSuffix("running_var") ? 2 : 1
    }
    return parameters
}
