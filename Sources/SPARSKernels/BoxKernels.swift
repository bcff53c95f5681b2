/// Where a box stands in an array whose last axis is contiguous.
public struct BoxGeometry: Sendable {
    /// The lowest corner's element.
    public let start: Int
    /// Extents along the two slow axes.
    public let rows: (Int, Int)
    /// Extent along the contiguous axis.
    public let length: Int
    /// Elements between neighbours along the two slow axes.
    public let strides: (Int, Int)

    public init(start: Int, rows: (Int, Int), length: Int, strides: (Int, Int)) {
        self.start = start
        self.rows = rows
        self.length = length
        self.strides = strides
    }

    @inline(__always)
    func forEachRow(_ body: (Int) -> Void) {
        for i in 0..<rows.0 {
            for j in 0..<rows.1 { body(start + i * strides.0 + j * strides.1) }
        }
    }

    /// Elements that an array must have to hold the box.
    var end: Int {
        start + (rows.0 - 1) * strides.0 + (rows.1 - 1) * strides.1 + length
    }
}

/// Adds `value` to every element of the box, each sum rounded once.
public func addToBox(_ array: UnsafeMutableBufferPointer<Float>, _ box: BoxGeometry, _ value: Float)
{
    precondition(box.start >= 0 && box.end <= array.count, "box beyond \(array.count) elements")
    // SAFETY: every row lies in start..<end, inside the array by the precondition.
    let base = array.baseAddress!
    box.forEachRow { row in
        for k in row..<row + box.length { base[k] += value }
    }
}

/// Raises every element of the box below `value` to it; exact.
public func raiseBox(_ array: UnsafeMutableBufferPointer<Float>, _ box: BoxGeometry, _ value: Float)
{
    precondition(box.start >= 0 && box.end <= array.count, "box beyond \(array.count) elements")
    // SAFETY: every row lies in start..<end, inside the array by the precondition.
    let base = array.baseAddress!
    box.forEachRow { row in
        for k in row..<row + box.length { base[k] = base[k] < value ? value : base[k] }
    }
}

/// Takes `value` into the running mean of every element of the box. Each of n steps rounds three
/// times, so the error of the mean of n values in [-m, m] is within 4 n 2^-24 m.
public func averageIntoBox(
    _ means: UnsafeMutableBufferPointer<Float>, _ counts: UnsafeMutableBufferPointer<Int32>,
    _ box: BoxGeometry, _ value: Float
) {
    precondition(
        box.start >= 0 && box.end <= means.count && means.count == counts.count,
        "box beyond \(means.count) elements")
    // SAFETY: every row lies in start..<end, inside both arrays by the precondition.
    let (mean, count) = (means.baseAddress!, counts.baseAddress!)
    box.forEachRow { row in
        for k in row..<row + box.length {
            let n = count[k] &+ 1
            count[k] = n
            mean[k] += (value - mean[k]) / Float(n)
        }
    }
}
