/// Copies a box into contiguous memory, row by row.
public func copyBox(
    _ array: UnsafeBufferPointer<Float>, _ box: BoxGeometry,
    into target: UnsafeMutableBufferPointer<Float>
) {
    precondition(box.start >= 0 && box.end <= array.count, "box beyond \(array.count) elements")
    precondition(target.count == box.rows.0 * box.rows.1 * box.length, "\(target.count) elements")
    // SAFETY: every row lies inside the array, and rows x length elements fill the target.
    let source = array.baseAddress!
    var next = target.baseAddress!
    box.forEachRow { row in
        next.update(from: source + row, count: box.length)
        next += box.length
    }
}

/// Over the box, the sums of weight and of mark where the value is above the threshold; an
/// element's weight is the product of its three axes' weights.
public func sumAbove(
    _ threshold: Float, _ values: UnsafeBufferPointer<Float>, marks: UnsafeBufferPointer<Int32>,
    _ box: BoxGeometry, weights: (x: [Int32], y: [Int32], z: [Int32])
) -> (weight: Int, mark: Int) {
    precondition(
        box.start >= 0 && box.end <= values.count && values.count == marks.count
            && weights.x.count == box.rows.0 && weights.y.count == box.rows.1
            && weights.z.count == box.length, "box beyond \(values.count) elements")
    // SAFETY: every row lies inside both arrays by the precondition.
    let (value, mark) = (values.baseAddress!, marks.baseAddress!)
    return weights.z.withUnsafeBufferPointer { zWeights in
        let zWeight = zWeights.baseAddress!
        var total = (weight: 0, mark: 0)
        for i in 0..<box.rows.0 {
            for j in 0..<box.rows.1 {
                let row = box.start + i * box.strides.0 + j * box.strides.1
                var rowWeight: Int32 = 0
                var rowMark: Int32 = 0
                for k in 0..<box.length {
                    let isAbove = value[row + k] > threshold
                    rowWeight &+= isAbove ? zWeight[k] : 0
                    rowMark &+= isAbove ? mark[row + k] : 0
                }
                total.weight += Int(weights.x[i]) * Int(weights.y[j]) * Int(rowWeight)
                total.mark += Int(rowMark)
            }
        }
        return total
    }
}
