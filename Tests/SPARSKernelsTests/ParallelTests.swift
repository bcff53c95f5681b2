import CSPARSProcessor
import Synchronization
import Testing

@testable import SPARSKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite(.serialized) struct ParallelTests {
    @Test(arguments: [1, 2, 3, 7, 16]) func everyItemRunsOnce(threads: Int) {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        Parallel.threadCount = threads
        for count in [0, 1, 2, 5, 1000] {
            var hits = [Int](repeating: 0, count: count)
            hits.withUnsafeMutableBufferPointer { buffer in
                nonisolated(unsafe) let hits = buffer
                Parallel.forEach(count) { hits[$0] += 1 }
            }
            #expect(hits.allSatisfy { $0 == 1 }, "count \(count)")
        }
    }

    @Test func noMoreThreadsThanProcessorsUnlessAskedFor() {
        for processors in [1, 2, 64, 1000] {
            for count in [1, 2, 3, 256] {
                let allowed = Parallel.allowed(
                    count, processors: processors, oversubscribes: false)
                #expect(allowed == (count > processors ? processors : count))
                let asked = Parallel.allowed(count, processors: processors, oversubscribes: true)
                #expect(asked == count)
            }
        }
    }

    /// Each item stays until as many are at work as there should be threads. Tries again, since
    /// another test may hold the workers or change their number meanwhile.
    @Test(arguments: [1, 2, 7]) func asManyThreadsAreAtWorkAsTheCountSays(threads: Int) {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        let wanted = Parallel.allowed(
            threads, processors: Int(spars_processor_count()),
            oversubscribes: Parallel.requestedOversubscription ?? false)
        let most = Atomic<Int>(0)
        for _ in 0..<1_000 where most.load(ordering: .relaxed) < wanted {
            Parallel.threadCount = threads
            let atWork = Atomic<Int>(0)
            let end = monotonicNanoseconds() + 20_000_000
            Parallel.forEach(wanted) { _ in
                most.max(atWork.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                while most.load(ordering: .relaxed) < wanted, monotonicNanoseconds() < end {
                    sched_yield()
                }
                atWork.subtract(1, ordering: .relaxed)
            }
        }
        #expect(most.load(ordering: .relaxed) == wanted)
    }

    @Test func nestedLoopsRunOnTheCallingThread() {
        var hits = [Int](repeating: 0, count: 64)
        hits.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let hits = buffer
            Parallel.forEach(8) { i in Parallel.forEach(8) { j in hits[8 * i + j] += 1 } }
        }
        #expect(hits.allSatisfy { $0 == 1 })
    }

    @Test func aStoppedRegionSkipsTheRest() {
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        // One thread: with more, a worker may finish every item before the caller polls.
        Parallel.threadCount = 1
        PollContext.current = PollContext { _, _ in true }
        defer { PollContext.current = nil }
        var ran = 0
        Parallel.forEach(1000) { _ in ran += 1 }
        #expect(ran == 0)
        #expect(PollContext.current!.isStopped)
    }
}
