import SPARSKernelTable
import SPARSKernels
import SPARSTestSupport
import Testing

/// The wide layer against its plain twins on the instruction set in use: `make test-core` runs these
/// once for each, as a choice among tables in the layer would cost every tile.
@Suite(.serialized) struct FirstLayerTests {
    /// Odd rows, columns around the lanes, the blocks and none of both, odd batches.
    static let shapes: [(rows: Int, columns: Int, batch: Int)] = [
        (1, 1, 1), (3, 7, 2), (4, 8, 1), (5, 9, 3), (6, 2_047, 2), (7, 2_048, 1), (9, 2_049, 5),
        (21, 4_100, 8), (5, 6_151, 17), (22, 4_100, 19), (6, 2_100, 34), (13, 1_048, 50),
    ]

    private func numbers<S: PolicyScalar>(_ count: Int, _ seed: UInt64) -> [S] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return S(Double(state >> 33) / Double(1 << 30) - 1)
        }
    }

    private func multiply<S: PolicyScalar>(
        _ layer: FirstLayer<S>, _ weights: [S], _ x: [S], _ batch: Int, rows: Range<Int>? = nil
    ) -> [S] {
        var outputs = [S](repeating: 9, count: batch * layer.rows)
        outputs.withUnsafeMutableBufferPointer {
            layer.multiply(
                weights: weights, rows: rows ?? 0..<layer.rows, observations: x, batch: batch,
                outputs: $0.baseAddress!)
        }
        return outputs
    }

    private func expectClose<S: PolicyScalar>(_ values: [S], _ wanted: [S], _ bound: [Double]) {
        for i in values.indices {
            #expect(abs(Double(values[i]) - Double(wanted[i])) <= bound[i], "element \(i)")
        }
    }

    @Test(arguments: shapes) func productsStayWithinTheStatedBound(
        shape: (rows: Int, columns: Int, batch: Int)
    ) {
        func check<S: PolicyScalar>(_ type: S.Type) {
            let layer = FirstLayer<S>(rows: shape.rows, columns: shape.columns)
            let weights: [S] = numbers(shape.rows * shape.columns, 1)
            let x: [S] = numbers(shape.batch * shape.columns, 2)
            let outputs = multiply(layer, weights, x, shape.batch)
            let wanted = layer.multiplyReference(
                weights: weights, observations: x, batch: shape.batch)
            let terms = Double(shape.columns) / 1_024 + 1_024 / 8 + 4
            let magnitude = layer.multiplyReference(
                weights: weights.map(abs), observations: x.map(abs), batch: shape.batch)
            expectClose(
                outputs, wanted, magnitude.map { terms * Double(S.ulpOfOne) * Double($0) + 1e-300 })
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: shapes) func aProductHasTheSameBitsInAnyBatchAndAnyRows(
        shape: (rows: Int, columns: Int, batch: Int)
    ) {
        let layer = FirstLayer<Float>(rows: shape.rows, columns: shape.columns)
        let weights: [Float] = numbers(shape.rows * shape.columns, 3)
        let x: [Float] = numbers(shape.batch * shape.columns, 4)
        let together = multiply(layer, weights, x, shape.batch)
        for b in 0..<shape.batch {
            let row = Array(x[b * shape.columns..<(b + 1) * shape.columns])
            #expect(
                multiply(layer, weights, row, 1)
                    == Array(together[b * shape.rows..<(b + 1) * shape.rows]))
        }
        let some = shape.rows / 3..<shape.rows
        let partial = multiply(layer, weights, x, shape.batch, rows: some)
        for b in 0..<shape.batch {
            for o in 0..<shape.rows {
                #expect(
                    partial[b * shape.rows + o]
                        == (some.contains(o) ? together[b * shape.rows + o] : 9))
            }
        }
    }

    @Test(arguments: shapes) func oneAdamStepAndTheNextProducts(
        shape: (rows: Int, columns: Int, batch: Int)
    ) {
        func check<S: PolicyScalar>(_ type: S.Type) {
            let layer = FirstLayer<S>(rows: shape.rows, columns: shape.columns)
            let count = shape.rows * shape.columns
            let (x, next): ([S], [S]) = (
                numbers(shape.batch * shape.columns, 5), numbers(2 * shape.columns, 6)
            )
            let delta: [S] = numbers(shape.batch * shape.rows, 7)
            let multiplicity = (0..<shape.columns).map { S(1 + $0 % 5) }
            let before: [S] = numbers(count, 8)
            var weights = before
            var mean: [S] = numbers(count, 9)
            var square = (numbers(count, 10) as [S]).map(abs)
            let (mean0, square0) = (mean, square)
            let step = AdamStep<S>(
                gradientScale: 0.25, learningRate: 1e-2, epsilon: 1e-5, count: 3)
            var products = [S](repeating: 0, count: 2 * shape.rows)
            layer.descend(
                weights: &weights, mean: &mean, square: &square, delta: delta, observations: x,
                batch: shape.batch, multiplicity: multiplicity, step: step, next: next,
                nextBatch: 2, nextOutputs: &products)
            let gradient = layer.gradientReference(
                delta: delta, observations: x, batch: shape.batch)
            var worst = 0.0
            for i in 0..<count {
                var (w, m, s) = (before[i], mean0[i], square0[i])
                step.move(
                    &w, mean: &m, square: &s, gradient: gradient[i],
                    multiplicity: multiplicity[i % shape.columns])
                worst = max(worst, abs(Double(w - weights[i])), abs(Double(m - mean[i])))
            }
            #expect(worst <= 64 * Double(S.ulpOfOne))
            #expect(products == multiply(layer, weights, next, 2))
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: shapes) func theNormCountsEveryReplica(
        shape: (rows: Int, columns: Int, batch: Int)
    ) {
        let layer = FirstLayer<Double>(rows: shape.rows, columns: shape.columns)
        let x: [Double] = numbers(shape.batch * shape.columns, 11)
        let delta: [Double] = numbers(shape.batch * shape.rows, 12)
        let multiplicity = (0..<shape.columns).map { Double(1 + $0 % 7) }
        let norm = layer.gradientNormSquared(
            delta: delta, observations: x, batch: shape.batch, multiplicity: multiplicity)
        let gradient = layer.gradientReference(delta: delta, observations: x, batch: shape.batch)
        let wanted = gradient.enumerated().reduce(0.0) {
            $0 + multiplicity[$1.offset % shape.columns] * $1.element * $1.element
        }
        #expect(abs(norm - wanted) <= 1e-12 * wanted)
    }

    /// Observations in pairs whose derivatives all but cancel: what is left of the norm is a millionth
    /// of its terms, and the stated bound is in these.
    @Test(arguments: shapes) func aNormOfWhatCancelsIsWithinItsBound(
        shape: (rows: Int, columns: Int, batch: Int)
    ) {
        let layer = FirstLayer<Float>(rows: shape.rows, columns: shape.columns)
        let batch = 2 * shape.batch
        let half: [Float] = numbers(shape.batch * shape.columns, 21)
        let away: [Float] = numbers(shape.batch * shape.rows, 22)
        let x = half + half
        let delta = away + away.map { -$0 * (1 - 0x1p-10) }
        let multiplicity = (0..<shape.columns).map { Float(1 + $0 % 7) }
        let norm = layer.gradientNormSquared(
            delta: delta, observations: x, batch: batch, multiplicity: multiplicity)
        var (wanted, lost, magnitude) = (0.0, 0.0, 0.0)
        for o in 0..<shape.rows {
            for j in 0..<shape.columns {
                // Products of float32 numbers are exact in float64.
                let terms = (0..<batch).map {
                    Double(delta[$0 * shape.rows + o]) * Double(x[$0 * shape.columns + j])
                }
                let (sum, size) = (terms.reduce(0, +), terms.reduce(0) { $0 + abs($1) })
                let term = Double(multiplicity[j]) * sum * sum - lost
                let next = wanted + term
                lost = (next - wanted) - term
                wanted = next
                magnitude += Double(multiplicity[j]) * size * size
            }
        }
        let roundings = shape.columns / 4 + shape.rows + batch * batch + 8
        // The twin's own sums over a batch are rounded as well.
        let bound = Double(roundings + 2 * batch + 4) * 0x1p-53 * 1.01 * magnitude
        #expect(abs(norm - wanted) <= bound)
        #expect(wanted < 1e-5 * magnitude)
    }

    /// Norm, moved weights and next products through the gradient written down, against forming it
    /// on the way; the bound on the norm is the one that `gradient` states.
    @Test(arguments: shapes) func aGradientThatIsKeptMovesTheSameWay(
        shape: (rows: Int, columns: Int, batch: Int)
    ) {
        func check<S: PolicyScalar>(_ type: S.Type) {
            let layer = FirstLayer<S>(rows: shape.rows, columns: shape.columns)
            let count = shape.rows * shape.columns
            let x: [S] = numbers(shape.batch * shape.columns, 15)
            let next: [S] = numbers(11 * shape.columns, 16)
            let delta: [S] = numbers(shape.batch * shape.rows, 17)
            let multiplicity = (0..<shape.columns).map { S(1 + $0 % 5) }
            var kept = [S](repeating: .nan, count: layer.gradientCount)
            let norm = kept.withUnsafeMutableBufferPointer {
                layer.gradient(
                    delta: delta, observations: x, batch: shape.batch, multiplicity: multiplicity,
                    into: $0.baseAddress!)
            }
            let reference = layer.gradientReference(
                delta: delta, observations: x, batch: shape.batch)
            let magnitude = layer.gradientReference(
                delta: delta.map(abs), observations: x.map(abs), batch: shape.batch)
            let (eps, terms) = (Double(S.ulpOfOne), Double(shape.batch))
            var (wanted, bound) = (0.0, 0.0)
            for i in 0..<count {
                let (c, g) = (Double(multiplicity[i % shape.columns]), Double(reference[i]))
                let error = terms * eps * Double(magnitude[i])
                wanted += c * g * g
                bound += c * (2 * abs(g) + error) * error
            }
            // Both running sums in float64, this test's and the kernel's, have at most `count` terms.
            let rounding = 5 * eps + Double(count) * Double.ulpOfOne
            #expect(abs(norm - wanted) <= bound + rounding * (wanted + bound))

            let step = AdamStep<S>(
                gradientScale: 0.25, learningRate: 1e-2, epsilon: 1e-5, count: 3)
            func moved(_ gradient: [S]?) -> [[S]] {
                var weights: [S] = numbers(count, 18)
                var mean: [S] = numbers(count, 19)
                var square = (numbers(count, 20) as [S]).map(abs)
                var products = [S](repeating: 0, count: 11 * shape.rows)
                layer.descend(
                    weights: &weights, mean: &mean, square: &square, delta: delta, observations: x,
                    batch: shape.batch, multiplicity: multiplicity, gradient: gradient, step: step,
                    next: next, nextBatch: 11, nextOutputs: &products)
                #expect(products == multiply(layer, weights, next, 11))
                return [weights, mean, square, products]
            }
            #expect(moved(kept) == moved(nil))
        }
        check(Float.self)
        check(Double.self)
    }

    @Test(arguments: [2, 3, 7]) func theSameBitsForAnyThreadCount(threads: Int) {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let layer = FirstLayer<Float>(rows: 128, columns: 9_001)
        let weights: [Float] = numbers(128 * 9_001, 13)
        let x: [Float] = numbers(4 * 9_001, 14)
        Parallel.threadCount = 1
        let alone = multiply(layer, weights, x, 4)
        Parallel.threadCount = threads
        #expect(multiply(layer, weights, x, 4) == alone)
    }

    @Test(arguments: [2, 3, 7]) func theKeptGradientHasTheSameBitsForAnyThreadCount(threads: Int) {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let (rows, columns, batch) = (30, 5_003, 40)
        let layer = FirstLayer<Float>(rows: rows, columns: columns)
        let x: [Float] = numbers(batch * columns, 21)
        let delta: [Float] = numbers(batch * rows, 22)
        let multiplicity = [Float](repeating: 2, count: columns)
        func kept() -> (norm: Double, gradient: [Float]) {
            var gradient = [Float](repeating: 0, count: layer.gradientCount)
            let norm = gradient.withUnsafeMutableBufferPointer {
                layer.gradient(
                    delta: delta, observations: x, batch: batch, multiplicity: multiplicity,
                    into: $0.baseAddress!)
            }
            return (norm, gradient)
        }
        Parallel.threadCount = 1
        let alone = kept()
        Parallel.threadCount = threads
        let together = kept()
        #expect(together.norm == alone.norm && together.gradient == alone.gradient)
    }
}
