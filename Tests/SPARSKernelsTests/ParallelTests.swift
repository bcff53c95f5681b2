import SPARSKernels
import Testing

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
