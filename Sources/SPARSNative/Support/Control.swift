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
        context.done = done
        context.planned = planned
        try check()
    }

    /// Throws `.interrupted` if the current work shall stop.
    public static func check() throws(SPARSError) {
        guard let context = PollContext.current else { return }
        context.pollIfDue()
        if context.isStopped { throw .interrupted }
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
