import CSPARSProcessor
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs the items of a loop on several threads.
///
/// Items are handed out in order, one at a time, and may run on any thread: an item must write only
/// where no other item writes, and a sum over items is formed from per-item parts in item order.
/// Then the result has the same bits for any thread count.
public enum Parallel {
    /// How many threads a loop uses, the caller's included. Starts as the number of processors this
    /// process may use, or as `SPARS_NUM_THREADS`.
    ///
    /// Never more than those processors, counted when the number is set: threads without one of
    /// their own make the others wait, and a loop then takes longer than with fewer. A larger number
    /// sets that many. `SPARS_OVERSUBSCRIBE=1` has it followed all the same, which tests need to see
    /// that no result depends on it.
    public static var threadCount: Int {
        get { ThreadPool.shared.threadCount }
        set { ThreadPool.shared.threadCount = newValue }
    }

    public static let threadCountRange = 1...256

    /// The values of environment variables that were not followed: `SPARS_NUM_THREADS` where it is
    /// no number in the range, `SPARS_OVERSUBSCRIBE` where it is neither 0 nor 1.
    public static var refusedRequests: (threadCount: String?, oversubscription: String?) {
        (
            requestedThreadCount == nil ? environmentText("SPARS_NUM_THREADS") : nil,
            requestedOversubscription == nil ? environmentText("SPARS_OVERSUBSCRIBE") : nil
        )
    }

    static var requestedThreadCount: Int? {
        environmentText("SPARS_NUM_THREADS").flatMap { Int($0) }.flatMap {
            threadCountRange.contains($0) ? $0 : nil
        }
    }

    static var requestedOversubscription: Bool? {
        switch environmentText("SPARS_OVERSUBSCRIBE") {
        case "0": false
        case "1": true
        default: nil
        }
    }

    /// What becomes of a number of threads on so many processors.
    static func allowed(_ count: Int, processors: Int, oversubscribes: Bool) -> Int {
        oversubscribes ? count : min(count, processors)
    }

    /// Whether the calling thread's work shall stop, which it asks as often as a loop does. An item that
    /// takes long may return then, its output unfinished as that of items that are skipped.
    public static var isStopped: Bool {
        guard let poll = PollContext.current else { return false }
        poll.pollIfDue()
        return poll.isStopped
    }

    /// Runs `body(0)`, ..., `body(count - 1)` and returns when all are finished.
    ///
    /// Called from inside another loop, or while another thread's loop holds the workers, it runs
    /// all items on the calling thread. If the calling thread's `PollContext` is stopped, the
    /// remaining items are skipped.
    public static func forEach(_ count: Int, _ body: (Int) -> Void) {
        ThreadPool.shared.run(count, body)
    }
}

/// Worker threads that wait for a loop: first spinning, then on a condition variable.
///
/// Own threads rather than Dispatch: starting a region costs 1 to 6 us instead of 9 to 86, and a
/// forked child gets workers of its own again.
final class ThreadPool: @unchecked Sendable {
    // SAFETY: `job` is written only by the thread that holds `regionLock`, before `generation`
    // is raised (release), and read by workers after they saw it (acquire).
    static let shared = ThreadPool()

    private struct Job {
        var count = 0
        var workers = 0
        var body: (UnsafeRawPointer, Int) -> Void = { _, _ in }
        var context = UnsafeRawPointer(bitPattern: 1)!
    }

    private var job = Job()
    private let next = Atomic<Int>(0)
    private let working = Atomic<Int>(0)
    private let generation = Atomic<Int>(0)
    private let sleeping = Atomic<Int>(0)
    private let usedThreads: Atomic<Int>
    private var workers = 0
    private let regionLock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let sleepLock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    private init() {
        usedThreads = Atomic(ThreadPool.initialThreadCount())
        initialiseLocks()
        pthread_atfork(nil, nil) { ThreadPool.shared.rebirth() }
    }

    var threadCount: Int {
        get { usedThreads.load(ordering: .relaxed) }
        set {
            precondition(Parallel.threadCountRange.contains(newValue), "thread count \(newValue)")
            usedThreads.store(ThreadPool.allowed(newValue), ordering: .relaxed)
        }
    }

    func run(_ count: Int, _ body: (Int) -> Void) {
        let poll = PollContext.current
        let threads = min(threadCount, count)
        guard threads > 1, pthread_mutex_trylock(regionLock) == 0 else {
            for i in 0..<max(count, 0) {
                poll?.pollIfDue()
                if poll?.isStopped == true { return }
                body(i)
            }
            return
        }
        defer { pthread_mutex_unlock(regionLock) }
        startWorkers(threads - 1)
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { pointer in
                job = Job(
                    count: count, workers: threads - 1,
                    body: { context, i in
                        // SAFETY: `context` is `pointer` above, alive until this region returns.
                        context.assumingMemoryBound(to: ((Int) -> Void).self).pointee(i)
                    },
                    context: UnsafeRawPointer(pointer))
                next.store(0, ordering: .relaxed)
                working.store(workers, ordering: .relaxed)
                generation.add(1, ordering: .sequentiallyConsistent)
                if sleeping.load(ordering: .sequentiallyConsistent) > 0 {
                    pthread_mutex_lock(sleepLock)
                    pthread_cond_broadcast(wake)
                    pthread_mutex_unlock(sleepLock)
                }
                while true {
                    poll?.pollIfDue()
                    if poll?.isStopped == true { next.store(count, ordering: .relaxed) }
                    let i = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    if i >= count { break }
                    body(i)
                }
                waitForWorkers()
            }
        }
    }

    private func waitForWorkers() {
        var spins = 0
        while working.load(ordering: .acquiring) > 0 {
            spins += 1
            spars_processor_pause()
            if spins > 50 { sched_yield() }
        }
    }

    fileprivate func work(index: Int, seen: Int) {
        var seen = seen
        while true {
            seen = waitForGeneration(after: seen)
            let job = self.job
            // Workers beyond a lowered `threadCount` stay out of the loop.
            while index < job.workers {
                let i = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if i >= job.count { break }
                job.body(job.context, i)
            }
            working.subtract(1, ordering: .releasing)
        }
    }

    private func waitForGeneration(after seen: Int) -> Int {
        // About what it costs to be woken: by spinning as long, no wait costs twice the least.
        let end = monotonicNanoseconds() &+ 20_000
        repeat {
            for _ in 0..<16 {
                let now = generation.load(ordering: .acquiring)
                if now != seen { return now }
                spars_processor_pause()
            }
        } while monotonicNanoseconds() < end
        pthread_mutex_lock(sleepLock)
        sleeping.add(1, ordering: .sequentiallyConsistent)
        while generation.load(ordering: .sequentiallyConsistent) == seen {
            pthread_cond_wait(wake, sleepLock)
        }
        sleeping.subtract(1, ordering: .sequentiallyConsistent)
        pthread_mutex_unlock(sleepLock)
        return generation.load(ordering: .acquiring)
    }
}

extension ThreadPool {
    /// Starts workers until there are `count`. Called with `regionLock` held.
    private func startWorkers(_ count: Int) {
        while workers < count {
            let start = Unmanaged.passRetained(
                WorkerStart(index: workers, seen: generation.load(ordering: .relaxed)))
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { raw in
                    // SAFETY: `raw` is the retained `start` of this thread alone.
                    let start = Unmanaged<WorkerStart>.fromOpaque(raw!).takeRetainedValue()
                    ThreadPool.shared.work(index: start.index, seen: start.seen)
                    return nil
                }, start.toOpaque())
            if code != 0 {
                // Fewer workers give the same bits, only slower.
                start.release()
                return
            }
            pthread_detach(thread)
            workers += 1
        }
    }

    /// In a forked child no worker exists and a lock may be held by a thread that is gone.
    private func rebirth() {
        initialiseLocks()
        workers = 0
        working.store(0, ordering: .relaxed)
        sleeping.store(0, ordering: .relaxed)
    }

    private func initialiseLocks() {
        pthread_mutex_init(regionLock, nil)
        pthread_mutex_init(sleepLock, nil)
        pthread_cond_init(wake, nil)
    }

    private static func initialThreadCount() -> Int {
        if let count = Parallel.requestedThreadCount { return allowed(count) }
        return min(Int(spars_processor_count()), Parallel.threadCountRange.upperBound)
    }

    private static func allowed(_ count: Int) -> Int {
        Parallel.allowed(
            count, processors: Int(spars_processor_count()),
            oversubscribes: Parallel.requestedOversubscription ?? false)
    }
}

private final class WorkerStart {
    let index: Int
    let seen: Int
    init(index: Int, seen: Int) {
        self.index = index
        self.seen = seen
    }
}
