import SPARSTestSupport
import Testing

@testable import SPARSNative

/// The law of the collapsed first layer against what it stands for: orthogonal initialisation of the
/// whole layer as stable-baselines3 does it, with gain sqrt(2), its columns then summed.
///
/// Compared are the means over draws of every weight W_oj, every W_oj^2, every element of the Gram
/// matrix W W^T and its square. A mean of n draws is normal to a good approximation, so each
/// difference in units of its standard error, estimated from the draws, is a standard normal number
/// where the laws agree. At most 98 are compared, and a bound of 5.8 is passed by one of them with a
/// probability of at most 98 x 6.6e-9 = 6.5e-7: the false-alarm rate of a seed.
@Suite struct CollapsedInitialisationTests {
    struct Size: CustomTestStringConvertible, Sendable {
        let outputs: Int
        let multiplicity: [Int]
        var total: Int { multiplicity.reduce(0, +) }
        var testDescription: String { "\(outputs) outputs of inputs repeated \(multiplicity)" }
    }

    /// Fewer, exactly as many, and more outputs than inputs of the whole layer; in the first the
    /// hidden columns are drawn by Bartlett's decomposition, in the second as they are.
    static let sizes = [
        Size(outputs: 3, multiplicity: [1, 2, 3, 2]), Size(outputs: 4, multiplicity: [2, 1, 3]),
        Size(outputs: 5, multiplicity: [2, 3]), Size(outputs: 6, multiplicity: [1, 2, 1]),
    ]
    static let draws = 20_000
    static let bound = 5.8
    static let gain = 2.0.squareRoot()

    /// `torch.nn.init.orthogonal_`: the orthonormal factor of a Gaussian matrix, tall side first,
    /// with the signs that make the triangular factor's diagonal positive (Gram and Schmidt's are).
    private func explicit(_ size: Size, _ random: inout RandomSource) -> [Double] {
        let (outputs, total) = (size.outputs, size.total)
        let (count, length) = (min(outputs, total), max(outputs, total))
        var vectors: [[Double]] = []
        for _ in 0..<count {
            var vector = (0..<length).map { _ in random.normal() }
            // Twice: once leaves rounding of the size that was taken away.
            for _ in 0..<2 {
                for other in vectors {
                    let product = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                    for i in vector.indices { vector[i] -= product * other[i] }
                }
            }
            let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            vectors.append(vector.map { $0 / norm })
        }
        var collapsed: [Double] = []
        for o in 0..<outputs {
            var column = 0
            for repeats in size.multiplicity {
                collapsed.append(
                    Self.gain
                        * (column..<column + repeats).reduce(0) {
                            $0 + (outputs <= total ? vectors[o][$1] : vectors[$1][o])
                        })
                column += repeats
            }
        }
        return collapsed
    }

    private func collapsed(_ size: Size, _ random: inout RandomSource) throws -> [Double] {
        try OrthogonalInitialisation.matrix(
            outputs: size.outputs, multiplicity: size.multiplicity, gain: Self.gain, &random)
    }

    private func squared(_ values: [Double]) -> [Double] { values.map { $0 * $0 } }

    /// What is averaged: weights, their squares, the Gram matrix's upper triangle, its squares.
    private func statistics(_ weights: [Double], _ outputs: Int) -> [Double] {
        let inputs = weights.count / outputs
        var gram: [Double] = []
        for o in 0..<outputs {
            for p in o..<outputs {
                gram.append(
                    (0..<inputs).reduce(0) {
                        $0 + weights[o * inputs + $1] * weights[p * inputs + $1]
                    })
            }
        }
        return weights + squared(weights) + gram + squared(gram)
    }

    private struct Sample {
        var sums: [Double]
        var squares: [Double]
        let draws = Double(CollapsedInitialisationTests.draws)

        func mean(_ i: Int) -> Double { sums[i] / draws }
        /// The mean's error, squared.
        func error(_ i: Int) -> Double {
            max(0, squares[i] / draws - mean(i) * mean(i)) / (draws - 1)
        }
    }

    private func sample(
        _ size: Size, _ seed: UInt64, _ draw: (inout RandomSource) throws -> [Double]
    ) rethrows -> Sample {
        var random = RandomSource(seed: seed)
        var sample = Sample(sums: [], squares: [])
        for _ in 0..<Self.draws {
            let values = statistics(try draw(&random), size.outputs)
            if sample.sums.isEmpty {
                sample.sums = values.map { _ in 0 }
                sample.squares = sample.sums
            }
            for (i, value) in values.enumerated() {
                sample.sums[i] += value
                sample.squares[i] += value * value
            }
        }
        return sample
    }

    /// The largest difference in standard errors; 1e-9 is for what does not vary but by rounding.
    private func farthest(_ a: Sample, _ b: Sample) -> Double {
        a.sums.indices.map {
            abs(a.mean($0) - b.mean($0)) / ((a.error($0) + b.error($0)).squareRoot() + 1e-9)
        }.max()!
    }

    @Test(arguments: sizes, Seeds.few)
    func theLawHasTheMomentsOfTheWholeLayer(size: Size, seed: UInt64) throws {
        let whole = sample(size, seed) { explicit(size, &$0) }
        let ours = try sample(size, seed &+ 1_000) { try collapsed(size, &$0) }
        #expect(whole.sums.count <= 98)
        let distance = farthest(whole, ours)
        #expect(distance < Self.bound, "seed \(seed)")
        // What both must be: mean 0, variance gain^2 c_j / max(N, outputs).
        for (i, c) in (0..<size.outputs).flatMap({ _ in size.multiplicity }).enumerated() {
            let variance = 2 * Double(c) / Double(max(size.total, size.outputs))
            let square = i + size.outputs * size.multiplicity.count
            for sample in [whole, ours] {
                #expect(
                    abs(sample.mean(i)) < Self.bound * sample.error(i).squareRoot() + 1e-9,
                    "seed \(seed)")
                #expect(
                    abs(sample.mean(square) - variance)
                        < Self.bound * sample.error(square).squareRoot() + 1e-9, "seed \(seed)")
            }
        }
    }

    /// Independent normal weights of the same means and variances are told apart: by the Gram matrix.
    @Test(arguments: sizes) func theComparisonSeesAnotherLaw(size: Size) {
        let whole = sample(size, 1) { explicit(size, &$0) }
        let other = sample(size, 2) { random in
            (0..<size.outputs).flatMap { _ in
                size.multiplicity.map { c in
                    (2 * Double(c) / Double(max(size.total, size.outputs))).squareRoot()
                        * random.normal()
                }
            }
        }
        #expect(farthest(whole, other) > 4 * Self.bound)
    }
}
