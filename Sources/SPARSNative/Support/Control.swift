import SPARSKernels

/// How long work reports progress and learns that its caller wants it to stop.
///
/// `Control.with(poll)` makes a control current for the calling thread. Long loops call
/// `Control.check()` between items; parallel regions poll by themselves between the items that
/// the calling thread runs, so that a stop is noticed within tens of milliseconds.
/// A stopped region leaves its output unfinished: whoever keeps results calls `check()` before
/// keeping them.
public enum Control {
    /// Runs `body` with `poll` current on this thread. `poll` takes work done and planned and
    /// returns true to stop; it is called about every 20 ms.
    public static func with<Result>(
        poll: @escaping (_ done: Int, _ planned: Int) -> Bool,
        _ body: () throws(SPARSError) -> Result
    ) throws(SPARSError) -> Result {
        let previous = PollContext.current
        PollContext.current = PollContext(poll: poll)
        defer { PollContext.current = previous }
        return try body()
    }

    /// Says how much of the current work is done, and throws `.interrupted` if it shall stop.
    public static func report(done: Int, planned: Int) throws(SPARSError) {
        guard let context = PollContext.current else { return }
        context.done = (context.part.index * planned + done) / context.part.count
        context.planned = planned
        try check()
    }

    /// Runs `body` as part `index` of `count` equal ones: what it reports as done counts for as much.
    static func part<Result>(
        _ index: Int, of count: Int, _ body: () throws(SPARSError) -> Result
    ) throws(SPARSError) -> Result {
        let context = PollContext.current
        let previous = context?.part
        context?.part = (index, count)
        defer { if let previous { context?.part = previous } }
        return try body()
    }

    /// Throws `.interrupted` if the current work shall stop.
    public static func check() throws(SPARSError) {
        guard let context = PollContext.current else { return }
        context.pollIfDue()
        if context.isStopped { throw .interrupted }
    }

    /// Runs `body` for 0..<count in runs of some 10,000 and looks between them whether to stop: for long
    /// loops without a parallel region.
    @inline(__always)
    public static func inRuns(
        _ count: Int, of length: Int = 1 << 14, _ body: (Range<Int>) throws(SPARSError) -> Void
    ) throws(SPARSError) {
        var start = 0
        while start < count {
            try check()
            let end = min(start + length, count)
            try body(start..<end)
            start = end
        }
    }

    /// The values of a buffer, copied in such runs: a first touch of much memory takes a while.
    public static func copy<Element>(
        _ source: UnsafeBufferPointer<Element>
    ) throws(SPARSError) -> [Element] {
        var values: [Element] = []
        values.reserveCapacity(source.count)
        try inRuns(source.count, of: 1 << 20) { unsafe values.append(contentsOf: source[$0]) }
        return values
    }

    /// The values in ascending order: sorted run by run, then merged, with looks at whether to stop.
    public static func sorted<Value: Comparable>(
        _ values: [Value]
    ) throws(SPARSError) -> [Value] {
        var (from, width) = (values, 1 << 16)
        try Control.inRuns(values.count, of: width) { from[$0].sort() }
        var to = from
        while width < values.count {
            for start in stride(from: 0, to: values.count, by: 2 * width) {
                let (middle, end) = (
                    min(start + width, values.count), min(start + 2 * width, values.count)
                )
                var (low, high) = (start, middle)
                try Control.inRuns(end - start) { run in
                    for i in run {
                        let takesLow = low < middle && (high == end || from[low] <= from[high])
                        to[start + i] = takesLow ? from[low] : from[high]
                        if takesLow { low += 1 } else { high += 1 }
                    }
                }
            }
            swap(&from, &to)
            width *= 2
        }
        return from
    }

    /// An array of one value, filled in runs.
    public static func filled<Element>(
        _ count: Int, with value: Element
    ) throws(SPARSError) -> [Element] {
        var values: [Element] = []
        values.reserveCapacity(count)
        try inRuns(count, of: 1 << 20) {
            values.append(contentsOf: repeatElement(value, count: $0.count))
        }
        return values
    }

    /// Runs `body` so that its parallel regions are never cut short: for short work that must be
    /// done whole or not at all. The stop is noticed by the next `check()` after it.
    public static func shielded<Result>(
        _ body: () throws(SPARSError) -> Result
    ) throws(SPARSError) -> Result {
        let context = PollContext.current
        PollContext.current = nil
        defer { PollContext.current = context }
        return try body()
    }
}
