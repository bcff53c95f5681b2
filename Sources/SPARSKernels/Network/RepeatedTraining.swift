import SPARSKernelTable

/// conv1, batch norm, ReLU and max-pool of training on an input that repeats source voxels: as
/// `FirstStageTraining`, over distinct places only. Places that see equal voxels are equal, so which
/// of them a pool chose makes no difference to any sum.
extension RepeatedInput {
    /// pooled[q, o] = max(0, max over q's voxels of conv + shift[o]) and which voxel it was; batch
    /// norm's scale is in `weights`. Error: gamma(14) (see `KernelTable`) times the sum of the
    /// magnitudes of 27 products and the shift: 9 products, 2 sums, the shift, and weights that are
    /// rounded twice.
    func trainingForward(
        weights: RepeatedWeights, shift: UnsafePointer<Float>,
        pooled: UnsafeMutablePointer<Float>, choice: UnsafeMutablePointer<UInt8>,
        on set: InstructionSet = .current
    ) {
        let kernels = Kernels.of(set)
        let height = y.pairFirst.count
        let rowLength = z.pairFirst.count * 8
        Parallel.forEach(x.pairFirst.count) { plane in
            withDistinctRows(zeroed: false) { scratch in
                var ready = -1
                for q in 0..<height {
                    while ready < y.pairSecond[q] {
                        ready += 1
                        for side in sides(plane) {
                            distinctRow(
                                x.pairFirst[plane] + side, ready, kernels: kernels,
                                weights: weights, partial: scratch.partial,
                                distinct: scratch.row(side, ready % 2))
                        }
                    }
                    let target = (plane * height + q) * rowLength
                    kernels.repeats.poolChoice(
                        FourRows(scratch.corners(self, plane, q)), pairIndex, z.pairFirst.count,
                        shift, pooled + target, choice + target)
                }
            }
        }
    }

    /// What the gradient behind the pool sends to each channel's taps, [8, 28], as
    /// `FirstStageTraining.tapSums`: gradients are gathered over equal pools, at distinct places, then
    /// at source voxels, and the taps that fall on one voxel share its product. Summed in float32
    /// within a run of planes of x, in float64 over runs: within gamma(Y Z + 4), pools of a plane (see
    /// `KernelTable`), of the sum of the products' magnitudes, beside what `gradient` rounds.
    ///
    /// - Parameter gradient: writes the sums of the gradient over a run of planes of x, for each run
    ///   of rows, [runs, Z, 8].
    func tapSums(
        pooled: UnsafePointer<Float>, choice: UnsafePointer<UInt8>,
        on set: InstructionSet = .current,
        gradient: (_ x: Range<Int>, _ y: [Range<Int>], _ sums: UnsafeMutablePointer<Float>) -> Void
    ) -> [Double] {
        let kernels = Kernels.of(set)
        let rowLength = z.pairFirst.count * 8
        let (planes, rows) = (x.pooledRuns, y.pooledRuns)
        return orderedSums(items: planes.count, width: 8 * 28) { run, sums in
            withUnsafeTemporaryAllocation(
                of: Float.self,
                capacity: rows.count * rowLength + 16 * RepeatedWeights.rowCount + 8
            ) { buffer in
                let values = buffer.baseAddress!
                let weights = values + rows.count * rowLength
                let total = weights + 16 * RepeatedWeights.rowCount
                weights.update(repeating: 0, count: 16 * RepeatedWeights.rowCount + 8)
                gradient(planes[run], rows, values)
                // Equal pools have chosen alike: the first of a run stands for all.
                let plane = planes[run].lowerBound
                let start = plane * y.pairFirst.count * rowLength
                addPlane(
                    plane, rows, values, pooled + start, choice + start, weights: weights,
                    total: total, kernels: kernels)
                RepeatedWeights.addToTaps(weights, sums)
                for c in 0..<8 { sums[28 * c + 27] += Double(total[c]) }
            }
        }
    }

    private func addPlane(
        _ plane: Int, _ rows: [Range<Int>], _ gradient: UnsafePointer<Float>,
        _ pooled: UnsafePointer<Float>, _ choice: UnsafePointer<UInt8>,
        weights: UnsafeMutablePointer<Float>, total: UnsafeMutablePointer<Float>,
        kernels: KernelTable
    ) {
        let rowLength = z.pairFirst.count * 8
        withDistinctRows(zeroed: true) { scratch in
            for run in rows.indices {
                let q = rows[run].lowerBound
                let place = q * rowLength
                kernels.repeats.scatter(
                    gradient + run * rowLength, pooled + place, choice + place, pairIndex,
                    z.pairFirst.count, scratch.corners(self, plane, q), total)
                // A row is complete once no later pool can choose it.
                let later = rows[run].upperBound
                let next = later < y.pairFirst.count ? y.pairFirst[later] : Int.max
                for yIndex in y.pairFirst[q]...y.pairSecond[q] where yIndex < next {
                    for side in sides(plane) {
                        fold(
                            scratch.row(side, yIndex % 2), x.pairFirst[plane] + side, yIndex,
                            partial: scratch.partial, weights: weights, kernels: kernels)
                    }
                }
            }
        }
    }

    /// Sends a row of gradients at distinct places to the weights of its pattern; zeroes the row.
    private func fold(
        _ row: UnsafeMutablePointer<Float>, _ xIndex: Int, _ yIndex: Int,
        partial: UnsafeMutablePointer<Float>, weights: UnsafeMutablePointer<Float>,
        kernels: KernelTable
    ) {
        partial.update(repeating: 0, count: partialLength)
        kernels.repeats.fold(row, termIndex, terms, z.base.count, partial)
        row.update(repeating: 0, count: z.base.count * 8)
        withOffsets(xIndex, yIndex) { offsets, groups in
            kernels.repeats.subsetGradients(
                source.pointer, offsets, groups, sourceShape.z, partial,
                weights
                    + (4 * x.pattern[xIndex] + y.pattern[yIndex]) * RepeatedWeights.rowCount)
        }
    }

    /// 0, and 1 if the planes under pooled plane x differ.
    private func sides(_ plane: Int) -> ClosedRange<Int> {
        0...x.pairSecond[plane] - x.pairFirst[plane]
    }

    /// Two slots of distinct rows for each of two distinct x, and room for partial products.
    struct DistinctRows {
        let rows: UnsafeMutablePointer<Float>
        let length: Int
        let partial: UnsafeMutablePointer<Float>

        func row(_ side: Int, _ slot: Int) -> UnsafeMutablePointer<Float> {
            rows + (2 * side + slot) * length
        }

        /// The rows under pool (x, q), 2 x + y.
        func corners(_ input: RepeatedInput, _ plane: Int, _ q: Int) -> FourMutableRows {
            let far = input.x.pairSecond[plane] - input.x.pairFirst[plane]
            let a = input.y.pairFirst[q] % 2
            let b = input.y.pairSecond[q] % 2
            return FourMutableRows(row(0, a), row(0, b), row(far, a), row(far, b))
        }
    }

    private func withDistinctRows(zeroed: Bool, _ body: (DistinctRows) -> Void) {
        let length = z.base.count * 8
        withUnsafeTemporaryAllocation(
            of: Float.self, capacity: 4 * length + partialLength
        ) { buffer in
            let rows = buffer.baseAddress!
            if zeroed { rows.update(repeating: 0, count: 4 * length) }
            (rows + 4 * length).update(repeating: 0, count: partialLength)
            body(DistinctRows(rows: rows, length: length, partial: rows + 4 * length))
        }
    }
}

extension RepeatedWeights {
    /// Adds gradients of the summed weights, laid out as `packed`, to those of the taps, [8, 28].
    static func addToTaps(_ gradient: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Double>) {
        for xPattern in 0..<4 {
            for yPattern in 0..<4 {
                var row = gradient + (4 * xPattern + yPattern) * rowCount
                for xTaps in RepeatedAxis.groups[xPattern] {
                    for yTaps in RepeatedAxis.groups[yPattern] {
                        for zTaps in RepeatedAxis.subsets {
                            for x in xTaps {
                                for y in yTaps {
                                    for z in zTaps {
                                        for c in 0..<8 {
                                            sums[28 * c + 9 * x + 3 * y + z] += Double(row[c])
                                        }
                                    }
                                }
                            }
                            row += 8
                        }
                    }
                }
            }
        }
    }
}
