/// Sums of conv1's 27 taps and of their products over all places of an input that repeats source
/// voxels: what `TapMoments` gathers place by place.
///
/// Along one axis, how often taps a and b fall on source voxels u and u + d depends on the axis alone.
/// So a sum of products over places is a sum over source voxels u and displacements d of
/// x[u] x[u + d], weighted by the three axes' counts. A row is summed in float32, eight lanes at a
/// time, and rows in float64: with Z source voxels a row, a sum of products is within
/// gamma(ceil(Z / 8) + 5) (see `KernelTable`) times the sum of their magnitudes.
struct RepeatedMoments {
    /// One for each tap.
    private(set) var sums = [Double](repeating: 0, count: 27)
    /// One for taps i and j, [27, 27], where i <= j.
    private(set) var products = [Double](repeating: 0, count: 27 * 27)

    /// How often a pair of taps falls on two source voxels, along one axis.
    private struct PairCounts {
        let a: Int
        let b: Int
        /// For each first voxel.
        let counts: [Float]
    }

    /// The pairs of taps that can be `displacement` voxels apart.
    private static func pairs(_ axis: RepeatedAxis, _ voxels: Int, _ displacement: Int)
        -> [PairCounts]
    {
        var pairs: [PairCounts] = []
        for a in 0..<3 {
            for b in 0..<3 {
                var counts = [Float](repeating: 0, count: voxels)
                for i in 0..<axis.length - 2
                where axis.source[i + b] - axis.source[i + a] == displacement {
                    counts[axis.source[i + a]] += 1
                }
                if counts.contains(where: { $0 > 0 }) {
                    pairs.append(PairCounts(a: a, b: b, counts: counts))
                }
            }
        }
        return pairs
    }

    init(_ input: RepeatedInput) {
        let shape = input.sourceShape
        let tables = Tables(input)
        let width = 27 + 27 * 27
        let all = orderedSums(items: shape.x, width: width) { x, sums in
            tables.addPlane(x, input, sums)
        }
        sums = Array(all[..<27])
        products = Array(all[27...])
    }

    /// The counts of all three axes, by displacement.
    private struct Tables {
        let x: [[PairCounts]]
        let y: [[PairCounts]]
        /// Padded to whole vectors.
        let z: [[PairCounts]]
        let rowLength: Int

        init(_ input: RepeatedInput) {
            let shape = input.sourceShape
            let padded = (shape.z + 7) / 8 * 8
            rowLength = padded
            x = (0...2).map { RepeatedMoments.pairs(input.x, shape.x, $0) }
            y = (-2...2).map { RepeatedMoments.pairs(input.y, shape.y, $0) }
            z = (-2...2).map { RepeatedMoments.pairs(input.z, padded, $0) }
        }

        /// Adds what pairs whose first voxel lies in plane x contribute.
        func addPlane(_ x: Int, _ input: RepeatedInput, _ sums: UnsafeMutablePointer<Double>) {
            let shape = input.sourceShape
            let length = rowLength
            // A row with zeros behind it, and another with two zeros before it as well.
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * length + 16) { buffer in
                buffer.update(repeating: 0)
                let row = buffer.baseAddress!
                let other = row + length + 4
                var byYZ = [Double](repeating: 0, count: 81)
                for dx in 0...2 where x + dx < shape.x && !self.x[dx].isEmpty {
                    for dy in -2...2 where abs(dy) < shape.y {
                        for i in byYZ.indices { byYZ[i] = 0 }
                        for y in max(0, -dy)..<min(shape.y, shape.y - dy) {
                            let source = input.source.pointer
                            row.update(
                                from: source + (x * shape.y + y) * shape.z, count: shape.z)
                            other.update(
                                from: source + ((x + dx) * shape.y + y + dy) * shape.z,
                                count: shape.z)
                            addRow(row, other, y: y, dy: dy, to: &byYZ)
                        }
                        spread(byYZ, x: x, dx: dx, dy: dy, to: sums + 27)
                    }
                }
                addSums(x, input, sums)
            }
        }

        /// byYZ[(3 ay + by) 9 + 3 az + bz] += the row's products.
        private func addRow(
            _ row: UnsafePointer<Float>, _ other: UnsafePointer<Float>, y: Int, dy: Int,
            to byYZ: inout [Double]
        ) {
            for dz in -2...2 {
                for zPair in z[dz + 2] {
                    var sum = SIMD8<Float>.zero
                    zPair.counts.withUnsafeBufferPointer { counts in
                        for k in stride(from: 0, to: rowLength, by: 8) {
                            sum +=
                                vector(row + k) * vector(other + k + dz)
                                * vector(counts.baseAddress! + k)
                        }
                    }
                    let value = Double(sum.sum())
                    for yPair in self.y[dy + 2] {
                        byYZ[(3 * yPair.a + yPair.b) * 9 + 3 * zPair.a + zPair.b] +=
                            Double(yPair.counts[y]) * value
                    }
                }
            }
        }

        private func spread(
            _ byYZ: [Double], x: Int, dx: Int, dy: Int, to products: UnsafeMutablePointer<Double>
        ) {
            for xPair in self.x[dx] where xPair.a <= xPair.b {
                let weight = Double(xPair.counts[x])
                if weight == 0 { continue }
                for yPair in self.y[dy + 2] {
                    for az in 0..<3 {
                        for bz in 0..<3 {
                            let i = 9 * xPair.a + 3 * yPair.a + az
                            let j = 9 * xPair.b + 3 * yPair.b + bz
                            if i > j { continue }
                            products[27 * i + j] +=
                                weight * byYZ[(3 * yPair.a + yPair.b) * 9 + 3 * az + bz]
                        }
                    }
                }
            }
        }

        private func addSums(
            _ x: Int, _ input: RepeatedInput, _ sums: UnsafeMutablePointer<Double>
        ) {
            let shape = input.sourceShape
            // A tap falls on a voxel as often as it does together with itself.
            for y in 0..<shape.y {
                let row = input.source.pointer + (x * shape.y + y) * shape.z
                for zPair in z[2] where zPair.a == zPair.b {
                    var sum = 0.0
                    for k in 0..<shape.z { sum += Double(row[k]) * Double(zPair.counts[k]) }
                    for yPair in self.y[2] where yPair.a == yPair.b {
                        for xPair in self.x[0] where xPair.a == xPair.b {
                            sums[9 * xPair.a + 3 * yPair.a + zPair.a] +=
                                sum * Double(yPair.counts[y]) * Double(xPair.counts[x])
                        }
                    }
                }
            }
        }
    }
}

@inline(__always) private func vector(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    // SAFETY: rows and counts are padded to whole vectors.
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
}
