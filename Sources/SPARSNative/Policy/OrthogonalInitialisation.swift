import SPARSKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Orthogonal initialisation (Saxe, McClelland and Ganguli, 2014) as stable-baselines3 applies it,
/// also of a first layer that is kept collapsed.
public enum OrthogonalInitialisation {
    /// gain times a Haar-random matrix (`outputs`, N), collapsed to (`outputs`, n) by summing the
    /// c_j columns of each input j; N is the sum of c_j. With all c_j = 1 this is
    /// `torch.nn.init.orthogonal_` in law.
    ///
    /// Summing c_j columns is a product with sqrt(c_j) times a unit vector, and those vectors are
    /// orthonormal. For N >= outputs the rows of the large matrix Q are orthonormal and Q's law does
    /// not change under rotations from the right, so the products with any n orthonormal vectors
    /// are, in law, Q's first n columns. Q = L^-1 [G H] with G and H Gaussian and L L^T = G G^T + H H^T
    /// is Haar; H enters only through H H^T, a Wishart(outputs, N - n) matrix, drawn by Bartlett's
    /// decomposition. For N < outputs the columns of Q are orthonormal, and so are the products:
    /// a Haar-random (`outputs`, n) matrix.
    public static func matrix(
        outputs: Int, multiplicity: [Int], gain: Double, _ random: inout RandomSource
    ) throws(SPARSError) -> [Double] {
        let inputs = multiplicity.count
        let total = multiplicity.reduce(0.0) { $0 + Double($1) }
        var matrix: [Double]
        if total >= Double(outputs) {
            matrix = try haarRows(
                outputs, inputs, hidden: total - Double(inputs), &random)
        } else {
            matrix = transposed(
                try haarRows(inputs, outputs, hidden: 0, &random), inputs, outputs)
        }
        for o in 0..<outputs {
            try Control.check()
            for j in 0..<inputs {
                matrix[o * inputs + j] *= gain * Double(multiplicity[j]).squareRoot()
            }
        }
        return matrix
    }

    /// The first `columns` columns of a Haar-random matrix of orthonormal rows with `hidden` more.
    private static func haarRows(
        _ rows: Int, _ columns: Int, hidden: Double, _ random: inout RandomSource
    ) throws(SPARSError) -> [Double] {
        while true {
            var visible = try gaussian(rows, columns, &random)
            var square = [Double](repeating: 0, count: rows * rows)
            addGram(visible, rows, columns, to: &square)
            try addWishart(rows, degrees: hidden, to: &square, &random)
            // A product that was stopped would look singular for ever.
            try Control.check()
            // Singular with probability zero, and then drawn again.
            guard
                unsafe square.withUnsafeMutableBufferPointer({
                    unsafe Orthonormalisation.factorise($0.baseAddress!, rows: rows)
                })
            else { continue }
            unsafe visible.withUnsafeMutableBufferPointer { visible in
                unsafe Orthonormalisation.solve(
                    square, visible.baseAddress!, rows: rows, columns: columns)
            }
            return visible
        }
    }

    private static func gaussian(
        _ rows: Int, _ columns: Int, _ random: inout RandomSource
    ) throws(SPARSError) -> [Double] {
        var numbers: [Double] = []
        numbers.reserveCapacity(rows * columns)
        try Control.inRuns(rows * columns) { for _ in $0 { numbers.append(random.normal()) } }
        return numbers
    }

    private static func addGram(
        _ matrix: [Double], _ rows: Int, _ columns: Int, to square: inout [Double]
    ) {
        unsafe square.withUnsafeMutableBufferPointer {
            unsafe Orthonormalisation.addGram(
                of: matrix, rows: rows, columns: columns, to: $0.baseAddress!)
        }
    }

    /// Adds H H^T for H Gaussian (rows, degrees).
    static func addWishart(
        _ rows: Int, degrees: Double, to square: inout [Double], _ random: inout RandomSource
    ) throws(SPARSError) {
        if degrees < Double(rows) {
            let columns = Int(degrees)
            guard columns > 0 else { return }
            addGram(try gaussian(rows, columns, &random), rows, columns, to: &square)
            return
        }
        var factor = [Double](repeating: 0, count: rows * rows)
        for i in 0..<rows {
            for k in 0..<i { factor[i * rows + k] = random.normal() }
            factor[i * rows + i] = chiSquared(degrees - Double(i), &random).squareRoot()
        }
        addGram(factor, rows, rows, to: &square)
    }

    /// Marsaglia and Tsang, 2000, "A simple method for generating gamma variables", with their
    /// power of a uniform number below shape 1.
    static func chiSquared(_ degrees: Double, _ random: inout RandomSource) -> Double {
        let shape = degrees / 2
        if shape < 1 {
            let boosted = chiSquared(degrees + 2, &random)
            return boosted * pow(1 - random.uniform(), 1 / shape)
        }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = random.normal()
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            guard v > 0 else { continue }
            let u = 1 - random.uniform()
            if log(u) < 0.5 * x * x + d - d * v + d * log(v) { return 2 * d * v }
        }
    }

    private static func transposed(_ matrix: [Double], _ rows: Int, _ columns: Int) -> [Double] {
        (0..<rows * columns).map { matrix[($0 % rows) * columns + $0 / rows] }
    }
}

extension ActorCritic {
    /// A new network: orthogonal weights with gain sqrt(2), 0.01 for the action head and 1 for the
    /// value head, biases 0.
    ///
    /// - Throws: `outOfRange` unless `multiplicity` is nil or one positive integer an input.
    public init(
        shape: PolicyShape, multiplicity: [Int]? = nil, random: RandomSource
    ) throws(SPARSError) {
        let counts = try checkedMultiplicity(multiplicity, inputs: shape.inputs)
        var parameters: [S] = []
        parameters.reserveCapacity(shape.parameterCount)
        for (i, (name, extents)) in shape.parameters.enumerated() {
            guard extents.count > 1 else {
                parameters += [S](repeating: 0, count: extents[0])
                continue
            }
            // A stream a matrix: one network's size does not change the other's numbers.
            var stream = random.stream(UInt64(i))
            let isFirst = name.hasSuffix("_net.0.weight")
            let gain =
                switch name {
                case "action_net.weight": 0.01
                case "value_net.weight": 1.0
                default: 2.0.squareRoot()
                }
            let columns = extents.dropFirst().reduce(1, *)
            let matrix = try OrthogonalInitialisation.matrix(
                outputs: extents[0],
                multiplicity: isFirst ? counts : Array(repeating: 1, count: columns), gain: gain,
                &stream)
            try Control.inRuns(matrix.count) { for i in $0 { parameters.append(S(matrix[i])) } }
        }
        try self.init(shape: shape, parameters: parameters)
    }
}

/// `multiplicity`, or all ones for nil.
func checkedMultiplicity(_ multiplicity: [Int]?, inputs: Int) throws(SPARSError) -> [Int] {
    let counts = multiplicity ?? Array(repeating: 1, count: inputs)
    guard counts.count == inputs, counts.allSatisfy({ $0 >= 1 && $0 <= 1 << 40 }) else {
        throw .range(
            "multiplicity", of: .ppo, mustBe: "\(inputs) positive integers, one an input",
            got: "\(counts.count) numbers from \(counts.min() ?? 0)")
    }
    return counts
}
