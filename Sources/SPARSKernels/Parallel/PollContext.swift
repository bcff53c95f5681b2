#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One long call's wish to be told of progress and to be stopped; see `Control` in SPARSNative.
/// Belongs to the thread that made it and is only ever used there.
public final class PollContext {
    private let poll: (Int, Int) -> Bool
    private var lastPoll: UInt64 = 0
    public var done = 0
    public var planned = 0
    /// Which part of the work what is reported belongs to, of how many equal ones.
    public var part = (index: 0, count: 1)
    public private(set) var isStopped = false

    public init(poll: @escaping (_ done: Int, _ planned: Int) -> Bool) { self.poll = poll }

    /// Calls `poll` if the last call is 20 ms or more ago. Once stopped, stays stopped.
    public func pollIfDue() {
        let now = monotonicNanoseconds()
        if isStopped || now &- lastPoll < 20_000_000 { return }
        lastPoll = now
        isStopped = poll(done, planned)
    }

    /// The calling thread's context, if it is inside a long call.
    public static var current: PollContext? {
        get {
            guard let raw = pthread_getspecific(threadKey) else { return nil }
            // SAFETY: only `set` below stores here, always a retained PollContext.
            return Unmanaged<PollContext>.fromOpaque(raw).takeUnretainedValue()
        }
        set {
            let old = pthread_getspecific(threadKey)
            pthread_setspecific(threadKey, newValue.map { Unmanaged.passRetained($0).toOpaque() })
            // SAFETY: balances the retain of the `set` that stored it.
            if let old { Unmanaged<PollContext>.fromOpaque(old).release() }
        }
    }

    private static let threadKey: pthread_key_t = {
        var key = pthread_key_t()
        let code = pthread_key_create(&key, nil)
        precondition(code == 0, "pthread_key_create failed with \(code)")
        return key
    }()
}

/// Time since an arbitrary start, for intervals only.
func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
}
