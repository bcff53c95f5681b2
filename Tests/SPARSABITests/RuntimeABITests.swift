import CSPARS
import SPARSABI
import Testing

@Suite struct RuntimeABITests {
    @Test(arguments: [Int64.min, -1, 0, 257, .max]) func aThreadCountOutOfRangeIsAnError(
        count: Int64
    ) {
        var error = spars_error()
        #expect(spars_set_thread_count(count, &error) == Int32(SPARS_INVALID_ARGUMENT.rawValue))
        let message = withUnsafeBytes(of: &error.message) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        #expect(
            message
                == "The 'count' parameter of set_thread_count must be an integer in the range [1, 256]. Got \(count) instead."
        )
    }

    @Test func releasingWhatDoesNotLiveDoesNothing() {
        spars_release(0)
        spars_release(.max)
    }
}
