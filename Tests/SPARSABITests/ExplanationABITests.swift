import CSPARS
import SPARSABI
import Testing

/// What a foreign caller can get wrong when it asks for an explanation.
@Suite struct ExplanationABITests {
    private static let shape: [Int64] = [108, 108, 108]

    private struct Call {
        var origins: [Int64]? = [0, 0, 0]
        var windows = spars_windows(
            volume: nil, shape: (108, 108, 108), origins: nil, count: 1, window: (8, 8, 8))
        var plan = spars_explanation(
            method: 0, target: 0, is_seen: 0, baseline: .nan, layer: 3, steps: 2,
            patch: (4, 4, 4), patch_stride: (4, 4, 4))
        var hasMaps = true
        var value: Float = 1

        func run(_ classifier: spars_handle) -> Int32 {
            let volume = [Float](repeating: value, count: 108 * 108 * 108)
            var maps = [Float](repeating: 0, count: 512)
            var logits: [Float] = [0, 0]
            var (windows, plan) = (windows, plan)
            return withBuffer(volume) { volume in
                withBuffer(origins) { origins in
                    windows.volume = volume
                    windows.origins = origins
                    return maps.withUnsafeMutableBufferPointer { maps in
                        spars_classifier_attributions(
                            classifier, &windows, &plan, hasMaps ? maps.baseAddress : nil, &logits,
                            nil, nil)
                    }
                }
            }
        }
    }

    @Test func badCallsAreRefused() {
        var handle: spars_handle = 0
        #expect(spars_classifier_create(Self.shape, 1, nil, &handle, nil) == 0)
        defer { spars_release(handle) }
        #expect(Call().run(handle) == 0)
        // Handles are given out by counting from 1, so that another test may hold the next one.
        #expect(Call().run(0) == Int32(SPARS_STALE_HANDLE.rawValue))
        var none = Call()
        none.windows.count = 0
        #expect(none.run(handle) == 0)
        let breaks: [(inout Call) -> Void] = [
            { $0.plan.method = 3 }, { $0.plan.method = -1 }, { $0.plan.target = 3 },
            { $0.plan.layer = 1 }, { $0.plan.layer = .max }, { $0.origins = nil },
            { $0.windows.count = -1 }, { $0.windows.count = .max },
            { $0.windows.window.0 = 0 }, { $0.windows.window.0 = 109 },
            { $0.origins = [101, 0, 0] }, { $0.hasMaps = false },
            { $0.windows.shape = (.max, .max, 2) }, { $0.origins = [.min, 0, 0] },
            { ($0.plan.method, $0.plan.steps) = (1, 0) },
            { ($0.plan.method, $0.plan.steps) = (1, .max) },
            { ($0.plan.method, $0.plan.baseline) = (1, .infinity) },
            { ($0.plan.method, $0.plan.patch) = (2, (9, 4, 4)) },
            { ($0.plan.method, $0.plan.patch) = (2, (0, 4, 4)) },
            { ($0.plan.method, $0.plan.patch_stride) = (2, (5, 4, 4)) },
            { ($0.plan.method, $0.plan.patch_stride) = (2, (4, .min, 4)) },
        ]
        for (i, break_) in breaks.enumerated() {
            var call = Call()
            break_(&call)
            #expect(call.run(handle) == Int32(SPARS_INVALID_ARGUMENT.rawValue), "break \(i)")
        }
        for method in 0..<3 {
            var call = Call()
            call.plan.method = Int32(method)
            call.value = .infinity
            #expect(call.run(handle) == Int32(SPARS_NOT_FINITE.rawValue))
        }
    }

    @Test func badInputGradientsAreRefused() {
        var handle: spars_handle = 0
        #expect(spars_classifier_create(Self.shape, 1, nil, &handle, nil) == 0)
        defer { spars_release(handle) }
        let input = [Float](repeating: 1, count: 108 * 108 * 108)
        var gradients = input
        var logits: [Float] = [0, 0]
        func run(_ count: Int64, _ target: Int32, _ values: [Float]?) -> Int32 {
            spars_classifier_input_gradients(
                handle, values, count, Self.shape, target, &gradients, &logits, nil, nil)
        }
        #expect(run(1, 2, input) == 0)
        #expect(run(0, 0, nil) == 0)
        for status in [run(-1, 0, input), run(.max, 0, input), run(1, 3, input), run(1, 0, nil)] {
            #expect(status == Int32(SPARS_INVALID_ARGUMENT.rawValue))
        }
        #expect(
            spars_classifier_input_gradients(
                handle, input, 1, Self.shape, 0, nil, &logits, nil, nil)
                == Int32(SPARS_INVALID_ARGUMENT.rawValue))
        var bad = input
        bad[7] = .nan
        #expect(run(1, 0, bad) == Int32(SPARS_NOT_FINITE.rawValue))
    }
}
