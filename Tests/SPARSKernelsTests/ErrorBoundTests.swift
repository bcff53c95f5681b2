import SPARSKernelTable
import SPARSTestSupport
import Testing

@testable import SPARSKernels

/// The error bounds that kernels state, against float64 and with magnitudes summed in float64; the
/// convolutions' stand in `ConvolutionKernelsTests`, conv1's in `FirstConvolutionTests`.
@Suite struct ErrorBoundTests {
    @Test(arguments: [(1, 5, 2), (3, 17, 4), (13, 100, 17), (40, 33, 7)], Seeds.few)
    func denseGradients(sizes: (Int, Int, Int), seed: UInt64) {
        let (count, inputs, outputs) = sizes
        let input = randomBuffer(count * inputs, seed: seed)
        let weights = randomBuffer(outputs * inputs, seed: seed + 1)
        let gradient = randomBuffer(count * outputs, seed: seed + 2)
        // Half of the units are dead, and left out.
        for i in 0..<gradient.count where gradient.pointer[i] < 0 { gradient.pointer[i] = 0 }
        let (x, w, g) = (input.doubles, weights.doubles, gradient.doubles)
        for set in InstructionSet.available {
            let ofWeights = FloatBuffer(count: outputs * inputs)
            let ofBias = FloatBuffer(count: outputs)
            DenseKernels.parameterGradients(
                count: count, inputs: inputs, outputs: outputs, input: input.pointer,
                outputGradient: gradient.pointer, weights: ofWeights.pointer,
                bias: ofBias.pointer, on: set)
            let ofInput = FloatBuffer(count: count * inputs)
            DenseKernels.inputGradient(
                count: count, inputs: inputs, outputs: outputs, weights: weights.pointer,
                outputGradient: gradient.pointer, gradient: ofInput.pointer, on: set)
            for o in 0..<outputs {
                let column = (0..<count).map { g[$0 * outputs + o] }
                let bias = column.reduce(0, +)
                #expect(abs(Double(ofBias.pointer[o]) - bias) <= gamma(1) * bias + 1e-30)
                for k in 0..<inputs {
                    let terms = (0..<count).map { column[$0] * x[$0 * inputs + k] }
                    expectSum(ofWeights.pointer[o * inputs + k], terms, roundings: count, seed)
                }
            }
            for n in 0..<count {
                for k in 0..<inputs {
                    let terms = (0..<outputs).map { g[n * outputs + $0] * w[$0 * inputs + k] }
                    expectSum(ofInput.pointer[n * inputs + k], terms, roundings: outputs, seed)
                }
            }
        }
    }

    private func expectSum(
        _ value: Float, _ terms: [Double], roundings: Int, _ seed: UInt64
    ) {
        let magnitude = terms.reduce(0) { $0 + abs($1) }
        #expect(
            abs(Double(value) - terms.reduce(0, +)) <= gamma(roundings) * magnitude,
            "seed \(seed)")
    }

    @Test(arguments: [Extent(2, 2, 2), Extent(3, 5, 7), Extent(6, 4, 33)], Seeds.few)
    func batchNormStatistics(shape: Extent, seed: UInt64) {
        for channels in [16, 48] { checkBatchNormStatistics(shape, channels, seed) }
    }

    private func checkBatchNormStatistics(_ shape: Extent, _ channels: Int, _ seed: UInt64) {
        let raw = randomBuffer(shape.count * channels, seed: seed)
        let centre = randomBuffer(channels, seed: seed + 1).doubles
        for set in InstructionSet.available {
            let sums = BatchNormKernels.sums(
                raw.pointer, shape: shape, channels: channels, on: set)
            let squares = BatchNormKernels.squares(
                raw.pointer, shape: shape, channels: channels, mean: centre, on: set)
            for c in 0..<channels {
                let column = (0..<shape.count).map { Double(raw.pointer[$0 * channels + c]) }
                let magnitude = column.reduce(0) { $0 + abs($1) }
                #expect(
                    abs(sums[c] - column.reduce(0, +)) <= gamma(shape.z) * magnitude,
                    "\(set), seed \(seed)")
                // Differences are rounded before they are squared, twice therefore, and their
                // centre is float32 here as there.
                let exact = column.reduce(0) { $0 + ($1 - centre[c]) * ($1 - centre[c]) }
                #expect(
                    abs(squares[c] - exact) <= gamma(shape.z + 3) * exact, "\(set), seed \(seed)")
            }
        }
    }

    @Test(arguments: [Extent(2, 2, 2), Extent(4, 7, 9), Extent(5, 6, 34)], Seeds.few)
    func batchNormPoolsAndGradients(shape: Extent, seed: UInt64) {
        for channels in [16, 32] { checkBatchNormPoolsAndGradients(shape, channels, seed) }
    }

    private func checkBatchNormPoolsAndGradients(_ shape: Extent, _ channels: Int, _ seed: UInt64) {
        let raw = randomBuffer(shape.count * channels, seed: seed)
        let scale = randomBuffer(channels, seed: seed + 1)
        let shift = randomBuffer(channels, seed: seed + 2)
        let size = shape.halved.count * channels
        let gradient = randomBuffer(size, seed: seed + 3)
        let gain = randomBuffer(channels, seed: seed + 4).values
        let wanted = exactPools(raw, shape, channels, scale: scale, shift: shift)
        for set in InstructionSet.available {
            let output = FloatBuffer(count: size)
            let choice = ChoiceBuffer(count: size)
            BatchNormKernels.pool(
                raw.pointer, shape: shape, channels: channels, scale: scale.pointer,
                shift: shift.pointer, pooled: output.pointer, choice: choice.pointer, on: set)
            for (i, pool) in wanted.enumerated() {
                let bound = gamma(2) * pool.magnitude
                let largest = pool.values.max()!
                #expect(
                    abs(Double(output.pointer[i]) - max(0, largest)) <= bound,
                    "\(set), seed \(seed)")
                // Another voxel may be chosen where both are equal but for rounding.
                let chosen = pool.values[Int(choice.pointer[i])]
                #expect(largest - chosen <= 2 * bound, "\(set), seed \(seed)")
            }
            let stage = PooledStage(
                rawShape: shape, channels: channels, output: output, choice: choice)
            let rowSize = (shape.z + 2) * channels
            let padded = FloatBuffer(count: shape.x * shape.y * rowSize)
            BatchNormKernels.gradient(
                stage, raw: raw.pointer, gradient: gradient.pointer, slope: scale.pointer,
                offset: shift.pointer, gain: gain, padded: padded.pointer, on: set)
            var exact = [Double](repeating: 0, count: padded.count)
            var magnitudes = exact
            for v in 0..<shape.count {
                for c in 0..<channels {
                    let i = (v + 2 * (v / shape.z) + 1) * channels + c
                    let term = Double(scale.pointer[c]) * Double(raw.pointer[v * channels + c])
                    exact[i] = term + Double(shift.pointer[c])
                    magnitudes[i] = abs(term) + Double(abs(shift.pointer[c]))
                }
            }
            for x in 0..<shape.halved.x {
                stage.forEachActive(x) { v, c, i in
                    let term = Double(gain[c]) * Double(gradient.pointer[i])
                    let place = (v + 2 * (v / shape.z) + 1) * channels + c
                    exact[place] += term
                    magnitudes[place] += abs(term)
                }
            }
            let back = worstError(padded.values, exact, magnitudes: magnitudes, roundings: 3)
            #expect(back <= 1, "\(set), seed \(seed)")
        }
    }

    /// The scaled and shifted values of each pool's eight voxels, x slowest, and the largest sum of
    /// magnitudes among them.
    private func exactPools(
        _ raw: FloatBuffer, _ shape: Extent, _ channels: Int, scale: FloatBuffer,
        shift: FloatBuffer
    ) -> [(values: [Double], magnitude: Double)] {
        let half = shape.halved
        return (0..<half.count * channels).map { i in
            let (q, c) = (i / channels, i % channels)
            let (x, y, z) = (q / (half.y * half.z), q / half.z % half.y, q % half.z)
            let terms = (0..<8).map { k in
                let v =
                    ((2 * x + k / 4) * shape.y + 2 * y + k / 2 % 2) * shape.z + 2 * z + k % 2
                return Double(scale.pointer[c]) * Double(raw.pointer[v * channels + c])
            }
            let added = Double(shift.pointer[c])
            return (terms.map { $0 + added }, terms.map(abs).max()! + abs(added))
        }
    }

    @Test(
        arguments: [
            (Extent(3, 4, 5), Extent(11, 9, 13)), (Extent(9, 12, 7), Extent(4, 5, 7)),
            (Extent(1, 2, 31), Extent(6, 2, 5)), (Extent(5, 5, 5), Extent(5, 5, 5)),
        ], Seeds.few)
    func trilinearResampling(shapes: (Extent, Extent), seed: UInt64) {
        let (from, to) = shapes
        let x = ResampleAxis.linear(from: from.x, to: to.x)
        let y = ResampleAxis.linear(from: from.y, to: to.y)
        let z = ResampleAxis.linear(from: from.z, to: to.z)
        let source = randomBuffer(from.count, seed: seed)
        for i in 0..<source.count { source.pointer[i] *= 3071 }
        let target = FloatBuffer(count: to.count)
        ResampleKernels.linear(
            source: source.pointer, from: from, target: target.pointer, x: x, y: y, z: z)
        var exact: [Double] = []
        var magnitudes: [Double] = []
        for i in 0..<to.x {
            for j in 0..<to.y {
                for k in 0..<to.z {
                    var (sum, magnitude) = (0.0, 0.0)
                    for corner in 0..<8 {
                        let (a, u) = side(x, i, corner / 4)
                        let (b, v) = side(y, j, corner / 2 % 2)
                        let (c, w) = side(z, k, corner % 2)
                        let term =
                            u * v * w * Double(source.pointer[(a * from.y + b) * from.z + c])
                        sum += term
                        magnitude += abs(term)
                    }
                    exact.append(sum)
                    magnitudes.append(magnitude)
                }
            }
        }
        let worst = worstError(target.values, exact, magnitudes: magnitudes, roundings: 9)
        #expect(worst <= 1, "\(shapes), seed \(seed)")
    }

    private func side(_ axis: ResampleAxis, _ i: Int, _ upper: Int) -> (Int, Double) {
        let weight = Double(axis.weight[i])
        return upper == 1 ? (axis.upper[i], weight) : (axis.lower[i], 1 - weight)
    }

    /// The covariances of conv1's taps: float32 over eight rows by lanes, float64 from there.
    @Test(arguments: [Extent(4, 4, 4), Extent(5, 6, 7), Extent(6, 13, 53)], Seeds.few)
    func tapMoments(shape: Extent, seed: UInt64) {
        let input = randomBuffer(shape.count, seed: seed)
        let places = shape.convolved(stride: 1)
        let n = Double(places.count)
        func tap(_ place: Int, _ t: Int) -> Double {
            let (x, y, z) = (
                place / (places.y * places.z), place / places.z % places.y, place % places.z
            )
            return Double(
                input.pointer[
                    ((x + t / 9) * shape.y + y + t / 3 % 3) * shape.z + z + t % 3])
        }
        let taps = (0..<27).map { t in (0..<places.count).map { tap($0, t) } }
        let means = taps.map { $0.reduce(0, +) / n }
        for set in InstructionSet.available {
            var moments = TapMoments(shape: shape)
            moments.add(input.pointer, on: set)
            let covariance = moments.covariance
            for i in 0..<27 {
                for j in i..<27 {
                    let products = zip(taps[i], taps[j]).map(*)
                    let exact = products.reduce(0, +) / n - means[i] * means[j]
                    let magnitude = products.reduce(0) { $0 + abs($1) } / n
                    #expect(
                        abs(covariance[27 * i + j] - exact)
                            <= gamma(places.z / 2 + 24) * magnitude + 1e-14,
                        "\(set), taps \(i) and \(j), seed \(seed)")
                }
            }
        }
    }

    /// Sums, running means and weighted rows of n values.
    @Test(arguments: [1, 2, 7, 400], Seeds.few) func boxesAndRows(n: Int, seed: UInt64) {
        let values = randomBuffer(n, seed: seed).values
        let box = BoxGeometry(start: 1, rows: (1, 2), length: 3, strides: (9, 4))
        var sums = [Float](repeating: 0, count: 10)
        var (means, largest) = (sums, [Float](repeating: -2, count: 10))
        var counts = [Int32](repeating: 0, count: 10)
        let row = (1...5).map { Float($0) / 3 }
        var weighted = [Float](repeating: 0, count: 5)
        for value in values {
            sums.withUnsafeMutableBufferPointer { addToBox($0, box, value) }
            largest.withUnsafeMutableBufferPointer { raiseBox($0, box, value) }
            means.withUnsafeMutableBufferPointer { means in
                counts.withUnsafeMutableBufferPointer { averageIntoBox(means, $0, box, value) }
            }
            Rows.add(value, row.span, to: &weighted)
        }
        let exact = values.reduce(0.0) { $0 + Double($1) }
        let magnitude = values.reduce(0.0) { $0 + Double(abs($1)) }
        for i in 0..<10 {
            let isInside = [1, 2, 3, 5, 6, 7].contains(i)
            #expect(largest[i] == (isInside ? values.max()! : -2))
            let wanted = isInside ? exact : 0
            #expect(abs(Double(sums[i]) - wanted) <= gamma(n) * magnitude, "seed \(seed)")
            #expect(
                abs(Double(means[i]) - wanted / Double(n)) <= 4 * Double(n) * 0x1p-24,
                "seed \(seed)")
        }
        for (sum, factor) in zip(weighted, row) {
            #expect(
                abs(Double(sum) - exact * Double(factor))
                    <= gamma(n + 1) * magnitude * Double(factor), "seed \(seed)")
        }
    }

    /// A policy's narrow layer and the products of its observations.
    @Test(arguments: [(1, 1, 1), (3, 7, 4), (5, 64, 6), (9, 129, 2)], Seeds.few)
    func policyLayers(sizes: (Int, Int, Int), seed: UInt64) {
        let (batch, columns, rows) = sizes
        let weights = randomBuffer(rows * columns, seed: seed)
        let bias = randomBuffer(rows, seed: seed + 1)
        let inputs = randomBuffer(batch * columns, seed: seed + 2)
        let upper = randomBuffer(batch * rows, seed: seed + 3)
        let (w, x, d) = (weights.doubles, inputs.doubles, upper.doubles)
        for set in InstructionSet.available {
            let kernels = Kernels.of(set).policyFloat
            let outputs = FloatBuffer(count: batch * rows)
            kernels.dense(
                DenseForward(
                    weights: weights.pointer, bias: bias.pointer, inputs: inputs.pointer,
                    outputs: outputs.pointer, batch: batch, rows: rows, columns: columns,
                    appliesTanh: false))
            let ofWeights = FloatBuffer(zeros: rows * columns)
            let lower = FloatBuffer(count: batch * columns)
            kernels.denseBack(
                DenseBackward(
                    weights: weights.pointer, inputs: inputs.pointer, upper: upper.pointer,
                    weightGradient: ofWeights.pointer, lower: lower.pointer, batch: batch,
                    rows: rows, columns: columns))
            for b in 0..<batch {
                for o in 0..<rows {
                    let terms =
                        (0..<columns).map { w[o * columns + $0] * x[b * columns + $0] }
                        + [Double(bias.pointer[o])]
                    // Eight lanes, three sums of them, the tile's and the bias.
                    expectSum(
                        outputs.pointer[b * rows + o], terms, roundings: columns / 8 + 6, seed)
                }
                for k in 0..<columns {
                    let slope = 1 - x[b * columns + k] * x[b * columns + k]
                    let terms = (0..<rows).map { d[b * rows + $0] * w[$0 * columns + k] }
                    let magnitude = terms.reduce(0) { $0 + abs($1) }
                    // 1 - x^2 cancels where tanh is flat: its own error is two roundings of one.
                    #expect(
                        abs(Double(lower.pointer[b * columns + k]) - slope * terms.reduce(0, +))
                            <= (gamma(rows + 1) * slope + gamma(2) * (1 + gamma(rows + 1)))
                                * magnitude,
                        "\(set), seed \(seed)")
                }
            }
            for o in 0..<rows {
                for k in 0..<columns {
                    let terms = (0..<batch).map { d[$0 * rows + o] * x[$0 * columns + k] }
                    expectSum(ofWeights.pointer[o * columns + k], terms, roundings: batch + 1, seed)
                }
            }
        }
    }

    /// Factors and solutions: the backward errors of Cholesky's method and of substitution (Higham,
    /// theorems 10.3 and 8.5), and the bits of products by eight lanes.
    @Test(arguments: [(1, 3), (4, 9), (7, 250)], Seeds.few)
    func orthonormalisation(sizes: (Int, Int), seed: UInt64) {
        let (rows, columns) = sizes
        let u = 0x1p-53
        let matrix = randomBuffer(rows * columns, seed: seed).doubles
        var product = [Double](repeating: 0, count: rows * rows)
        matrix.withUnsafeBufferPointer { matrix in
            product.withUnsafeMutableBufferPointer {
                Orthonormalisation.addGram(
                    of: matrix.baseAddress!, rows: rows, columns: columns, to: $0.baseAddress!)
            }
        }
        for i in 0..<rows {
            for k in 0..<rows {
                // Products of float32 numbers are exact in float64.
                let terms = (0..<columns).map {
                    matrix[i * columns + $0] * matrix[k * columns + $0]
                }
                let magnitude = terms.reduce(0) { $0 + abs($1) }
                #expect(
                    abs(product[i * rows + k] - terms.reduce(0, +))
                        <= 2 * gamma(columns, unit: u) * magnitude, "seed \(seed)")
            }
        }
        var factor = product
        let isPositive = factor.withUnsafeMutableBufferPointer {
            Orthonormalisation.factorise($0.baseAddress!, rows: rows)
        }
        #expect(isPositive)
        var solved = matrix
        factor.withUnsafeBufferPointer { factor in
            solved.withUnsafeMutableBufferPointer {
                Orthonormalisation.solve(
                    factor.baseAddress!, $0.baseAddress!, rows: rows, columns: columns)
            }
        }
        for i in 0..<rows {
            for k in 0...i {
                let terms = (0...k).map { factor[i * rows + $0] * factor[k * rows + $0] }
                let magnitude = terms.reduce(0) { $0 + abs($1) }
                #expect(
                    abs(product[i * rows + k] - terms.reduce(0, +))
                        <= gamma(rows + 2, unit: u) * magnitude, "seed \(seed)")
            }
            for j in 0..<columns {
                let terms = (0...i).map { factor[i * rows + $0] * solved[$0 * columns + j] }
                let magnitude = terms.reduce(0) { $0 + abs($1) }
                // The pivot's reciprocal is one rounding more.
                #expect(
                    abs(matrix[i * columns + j] - terms.reduce(0, +))
                        <= gamma(rows + 3, unit: u) * magnitude, "seed \(seed)")
            }
        }
    }
}
