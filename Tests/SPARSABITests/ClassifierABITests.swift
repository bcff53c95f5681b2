import CSPARS
import SPARSABI
import Testing

/// Everything a foreign caller can get wrong is a status with a message, and never a trap.
@Suite struct ClassifierABITests {
    private static let shape: [Int64] = [108, 108, 108]

    private func message(_ error: spars_error) -> String {
        withUnsafeBytes(of: error.message) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private func expectRefused(
        _ status: spars_status = SPARS_INVALID_ARGUMENT, _ text: String = "",
        location: SourceLocation = #_sourceLocation,
        _ call: (UnsafeMutablePointer<spars_error>) -> Int32
    ) {
        var error = spars_error()
        #expect(call(&error) == Int32(status.rawValue), sourceLocation: location)
        #expect(!message(error).isEmpty, sourceLocation: location)
        #expect(
            text.isEmpty || message(error).contains(text), "\(message(error))",
            sourceLocation: location)
    }

    private func withClassifier(_ body: (spars_handle) -> Void) {
        var handle: spars_handle = 0
        #expect(spars_classifier_create(Self.shape, 1, nil, &handle, nil) == 0)
        #expect(handle != 0)
        defer { spars_release(handle) }
        body(handle)
    }

    private func withBatch(
        _ crops: [Float], _ count: Int64, _ shape: [Int64],
        _ body: (UnsafePointer<spars_labelled_crops>) -> Int32
    ) -> Int32 {
        withBuffer(crops) { crops in
            withBuffer([Int64(0)]) { labels in
                var batch = spars_labelled_crops(
                    crops: crops, has_tumour: labels, count: count,
                    shape: (shape[0], shape[1], shape[2]))
                return body(&batch)
            }
        }
    }

    @Test func shapesOutOfRangeAreRefused() {
        var handle: spars_handle = 0
        for shape in [
            [0, 108, 108], [-1, 108, 108], [107, 108, 108], [Int64.max, .max, .max],
            [Int64.min, 1, 1], [1 << 31, 1 << 31, 1 << 31],
        ] as [[Int64]] {
            expectRefused { spars_classifier_create(shape, 1, nil, &handle, $0) }
            var tensor = spars_tensor()
            expectRefused { spars_classifier_tensor(shape, 0, &tensor, $0) }
        }
        expectRefused(SPARS_INVALID_ARGUMENT, "null") {
            spars_classifier_create(nil, 1, nil, &handle, $0)
        }
        expectRefused(SPARS_INVALID_ARGUMENT, "null") {
            spars_classifier_create(Self.shape, 1, nil, nil, $0)
        }
        #expect(handle == 0)
        // A caller may do without the message.
        #expect(spars_classifier_create(nil, 1, nil, nil, nil) != 0)
    }

    @Test func tensorsAreListedInOrder() {
        var count = 0
        for i in 0..<spars_classifier_tensor_count() {
            var tensor = spars_tensor()
            #expect(spars_classifier_tensor(Self.shape, i, &tensor, nil) == 0)
            let name = withUnsafeBytes(of: tensor.name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if i == 0 { #expect(name == "conv1.weight" && tensor.rank == 5) }
            #expect((tensor.is_trainable == 0) == name.contains("running"))
            withUnsafeBytes(of: tensor.shape) { bytes in
                let axes = bytes.bindMemory(to: Int64.self).prefix(Int(tensor.rank))
                count += Int(axes.reduce(1, *))
            }
        }
        var handle: spars_handle = 0
        let values = [Float](repeating: 0.01, count: count)
        #expect(
            spars_classifier_from_parameters(Self.shape, values, Int64(count), nil, &handle, nil)
                == 0)
        var copy = [Float](repeating: 0, count: count)
        #expect(spars_classifier_parameters(handle, &copy, Int64(count), nil) == 0)
        #expect(copy == values)
        spars_release(handle)
        var tensor = spars_tensor()
        for index in [-1, spars_classifier_tensor_count(), .max] {
            expectRefused { spars_classifier_tensor(Self.shape, index, &tensor, $0) }
        }
        expectRefused { spars_classifier_tensor(Self.shape, 0, nil, $0) }
        for wrong in [Int64(count - 1), -1, .max, 0] {
            expectRefused {
                spars_classifier_from_parameters(Self.shape, values, wrong, nil, &handle, $0)
            }
        }
    }

    @Test func badParametersAreNamed() {
        withClassifier { classifier in
            var count: Int64 = 0
            for i in 0..<spars_classifier_tensor_count() {
                var tensor = spars_tensor()
                _ = spars_classifier_tensor(Self.shape, i, &tensor, nil)
                withUnsafeBytes(of: tensor.shape) { bytes in
                    count += bytes.bindMemory(to: Int64.self).prefix(Int(tensor.rank))
                        .reduce(1, *)
                }
            }
            var values = [Float](repeating: 0, count: Int(count))
            #expect(spars_classifier_parameters(classifier, &values, count, nil) == 0)
            values[0] = .nan
            var handle: spars_handle = 0
            expectRefused(SPARS_NOT_FINITE, "conv1.weight") {
                spars_classifier_from_parameters(Self.shape, values, count, nil, &handle, $0)
            }
            expectRefused { spars_classifier_parameters(classifier, nil, count, $0) }
            expectRefused { spars_classifier_parameters(classifier, &values, count - 1, $0) }
        }
    }

    @Test func staleHandlesAreErrors() {
        var stale: spars_handle = 0
        withClassifier { stale = $0 }
        for handle in [stale, 0, .max] {
            var window = spars_intensity_window()
            var length: Int64 = 0
            var trainer: spars_handle = 0
            var training = spars_training()
            var loss = 0.0
            expectRefused(SPARS_STALE_HANDLE) {
                spars_classifier_intensity_window(handle, &window, $0)
            }
            expectRefused(SPARS_STALE_HANDLE) {
                spars_classifier_logits(handle, nil, 1, Self.shape, nil, nil, $0)
            }
            expectRefused(SPARS_STALE_HANDLE) {
                spars_classifier_training(handle, nil, 0, &length, $0)
            }
            expectRefused(SPARS_STALE_HANDLE) {
                spars_classifier_save([Int64(bitPattern: handle)], 1, "/x", nil, nil, 0, nil, $0)
            }
            expectRefused(SPARS_STALE_HANDLE) {
                spars_trainer_create(handle, &training, &trainer, $0)
            }
            expectRefused(SPARS_STALE_HANDLE) { spars_trainer_step(handle, 1e-3, &loss, nil, $0) }
        }
        // A classifier is no trainer.
        withClassifier { classifier in
            var loss = 0.0
            expectRefused(SPARS_STALE_HANDLE) {
                spars_trainer_step(classifier, 1e-3, &loss, nil, $0)
            }
        }
    }

    @Test func nullsCountsAndOverflowAreErrors() {
        withClassifier { classifier in
            var out: [Float] = [0, 0]
            let x: [Float] = [0]
            var loss = 0.0
            for count in [-1, Int64.min, .max, 1 << 40] as [Int64] {
                expectRefused {
                    spars_classifier_logits(classifier, x, count, Self.shape, &out, nil, $0)
                }
                expectRefused { error in
                    withBatch(x, count, Self.shape) { batch in
                        spars_classifier_loss_and_gradients(
                            classifier, batch, &out, 2, nil, &loss, error)
                    }
                }
            }
            for shape in [[108, 108, 109], [0, 108, 108], [.max, .max, .max]] as [[Int64]] {
                expectRefused { spars_classifier_logits(classifier, x, 1, shape, &out, nil, $0) }
                expectRefused { error in
                    withBatch(x, 1, shape) { batch in
                        spars_classifier_loss_and_gradients(
                            classifier, batch, &out, 2, nil, &loss, error)
                    }
                }
            }
            expectRefused {
                spars_classifier_loss_and_gradients(classifier, nil, &out, 2, nil, &loss, $0)
            }
            expectRefused { spars_classifier_logits(classifier, nil, 1, Self.shape, &out, nil, $0) }
            expectRefused { spars_classifier_logits(classifier, x, 1, nil, &out, nil, $0) }
            #expect(spars_classifier_logits(classifier, nil, 0, nil, nil, nil, nil) == 0)
            for (level, width) in [(Float.nan, Float(1)), (0, 0), (0, -1), (0, .infinity)] {
                var window = spars_intensity_window(level: level, width: width)
                expectRefused {
                    spars_classifier_set_intensity_window(classifier, &window, $0)
                }
            }
            var window = spars_intensity_window(level: 40, width: 400)
            #expect(spars_classifier_set_intensity_window(classifier, &window, nil) == 0)
            #expect(spars_classifier_set_intensity_window(classifier, nil, nil) == 0)
            #expect(spars_classifier_intensity_window(classifier, &window, nil) == 0)
            #expect(window.level.isNaN && window.width.isNaN)
            expectRefused { spars_classifier_intensity_window(classifier, nil, $0) }
            expectRefused { spars_classifier_input_shape(classifier, nil, $0) }
            expectRefused { spars_classifier_training(classifier, nil, 0, nil, $0) }
        }
    }

    @Test func windowsOutsideAreErrors() {
        withClassifier { classifier in
            let volume = [Float](repeating: 0, count: 8)
            var score: Float = 0
            func scores(
                _ error: UnsafeMutablePointer<spars_error>?, volume: [Float]?,
                shape: (Int64, Int64, Int64) = (2, 2, 2), origin: [Int64]? = [0, 0, 0],
                count: Int64 = 1, window: (Int64, Int64, Int64) = (1, 1, 1)
            ) -> Int32 {
                withBuffer(volume) { volume in
                    withBuffer(origin) { origin in
                        var windows = spars_windows(
                            volume: volume, shape: shape, origins: origin, count: count,
                            window: window)
                        return spars_classifier_scores(
                            [Int64(bitPattern: classifier)], 1, &windows, &score, nil, error)
                    }
                }
            }
            for origin in [
                [2, 0, 0], [-1, 0, 0], [Int64.max, 0, 0], [0, Int64.min, 0], [0, 0, 7],
            ] as [[Int64]] {
                expectRefused { scores($0, volume: volume, origin: origin) }
            }
            for window: (Int64, Int64, Int64) in [
                (3, 1, 1), (0, 1, 1), (.max, 1, 1), (-1, 1, 1),
            ] {
                expectRefused { scores($0, volume: volume, window: window) }
            }
            for count in [-1, Int64.max, .min] {
                expectRefused { scores($0, volume: volume, count: count) }
            }
            for shape: (Int64, Int64, Int64) in [(0, 2, 2), (.max, .max, .max), (-2, -2, 2)] {
                expectRefused { scores($0, volume: volume, shape: shape) }
            }
            expectRefused { scores($0, volume: nil) }
            expectRefused { scores($0, volume: volume, origin: nil) }
            expectRefused {
                spars_classifier_scores([Int64(bitPattern: classifier)], 1, nil, &score, nil, $0)
            }
            #expect(scores(nil, volume: nil, origin: nil, count: 0) == 0)
        }
    }

    @Test func forecastsCheckTheirArguments() {
        withClassifier { classifier in
            let shape: [Int64] = [20, 20, 20]
            let window: [Int64] = [10, 9, 8]
            var seconds = 0.0
            var bytes: Int64 = 0
            #expect(
                spars_classifier_forecast(
                    classifier, shape, [0, 0, 0, 4, 4, 4], 2, window, nil, &seconds, &bytes, nil)
                    == 0)
            #expect(seconds > 0 && bytes > 0)
            #expect(
                spars_classifier_forecast(
                    classifier, shape, nil, 0, window, nil, &seconds, &bytes, nil) == 0)
            #expect(seconds == 0 && bytes == 0)
            for origin in [[11, 0, 0], [-1, 0, 0], [.max, 0, 0]] as [[Int64]] {
                expectRefused {
                    spars_classifier_forecast(
                        classifier, shape, origin, 1, window, nil, &seconds, &bytes, $0)
                }
            }
            for count in [-1, Int64.max] {
                expectRefused {
                    spars_classifier_forecast(
                        classifier, shape, [0, 0, 0], count, window, nil, &seconds, &bytes, $0)
                }
            }
            expectRefused {
                spars_classifier_forecast(
                    classifier, shape, [0, 0, 0], 1, window, nil, nil, &bytes, $0)
            }
            expectRefused {
                spars_classifier_forecast(
                    classifier, shape, nil, 1, window, nil, &seconds, &bytes, $0)
            }
        }
    }

    @Test func filesThatCannotBeReadOrWrittenAreErrors() {
        var (handle, count) = (Int64(0), Int64(0))
        expectRefused(SPARS_IO) {
            spars_classifier_load("/none/file", nil, &handle, 1, nil, &count, $0)
        }
        expectRefused { spars_classifier_load(nil, nil, &handle, 1, nil, &count, $0) }
        expectRefused(SPARS_IO) {
            spars_classifier_load("/dev/null", nil, &handle, 1, nil, &count, $0)
        }
        let notText: [CChar] = [-1, -2, 0]
        expectRefused { spars_classifier_load(notText, nil, &handle, 1, nil, &count, $0) }
        withClassifier { classifier in
            expectRefused(SPARS_IO) {
                spars_classifier_save(
                    [Int64(bitPattern: classifier)], 1, "/none/file", nil, nil, 0, nil, $0)
            }
            expectRefused {
                spars_classifier_save([Int64(bitPattern: classifier)], 1, nil, nil, nil, 0, nil, $0)
            }
        }
    }

    @Test func trainingOutOfRangeIsAnError() {
        withClassifier { classifier in
            var good = spars_training()
            good.crop_shape = (2, 2, 2)
            good.foreground_threshold = .nan
            good.crops_per_scan = 1
            good.class_weights = (1, 1)
            var trainer: spars_handle = 0
            for change in [
                { $0.crop_shape.0 = 0 }, { $0.crop_shape.1 = .max }, { $0.crop_shape.2 = .min },
                { $0.crops_per_scan = 0 }, { $0.crops_per_scan = .max },
                { $0.class_weights.0 = 0 }, { $0.class_weights.1 = .nan },
                { $0.pooling = 3 }, { $0.pooling = -1 }, { $0.pooling = .max },
                { $0.pooling = 1 }, { ($0.pooling, $0.pooled_crops) = (1, 2) },
                { ($0.pooling, $0.pooled_crops) = (1, .min) },
                { ($0.pooling, $0.pooled_crops, $0.protocol.crop_label) = (1, 1, 1) },
                { $0.protocol.crop_label = 2 }, { $0.protocol.crop_interpolation = -1 },
                { $0.protocol.border_crops = .max },
                { $0.foreground_threshold = .infinity },
            ] as [(inout spars_training) -> Void] {
                var bad = good
                change(&bad)
                expectRefused { spars_trainer_create(classifier, &bad, &trainer, $0) }
            }
            expectRefused { spars_trainer_create(classifier, nil, &trainer, $0) }
            #expect(spars_trainer_create(classifier, &good, &trainer, nil) == 0)
            defer { spars_release(trainer) }
            var scan: Int64 = 0
            for (scans, count) in [(0, 1), (-1, 1), (1, 0), (1, -1), (1, Int64.max)]
                as [(Int64, Int64)]
            {
                expectRefused {
                    spars_trainer_draw_scans(trainer, 0, 0, scans, nil, &scan, count, $0)
                }
            }
            for phase in [-1, 2, Int32.max] {
                expectRefused {
                    spars_trainer_draw_scans(trainer, phase, 0, 1, nil, &scan, 1, $0)
                }
            }
            for batch in [-1, Int64.min, .max] {
                expectRefused {
                    spars_trainer_draw_scans(trainer, 0, batch, 1, nil, &scan, 1, $0)
                }
            }
            for labels in [[0, 0], [1, 1], [0, 2]] as [[Int64]] {
                expectRefused {
                    spars_trainer_draw_scans(trainer, 0, 0, 2, labels, &scan, 1, $0)
                }
            }
            #expect(spars_trainer_draw_scans(trainer, 0, 0, 2, [1, 0], &scan, 1, nil) == 0)
            #expect(scan == 1)
            let volume = [Float](repeating: 0, count: 8)
            func add(
                _ shape: (Int64, Int64, Int64), _ label: Int32,
                _ error: UnsafeMutablePointer<spars_error>?
            ) -> Int32 {
                withBuffer(volume) { volume in
                    var scan = spars_training_scan(
                        volume: volume, shape: shape, mask: nil, has_tumour: label)
                    return spars_trainer_add_scan(trainer, &scan, nil, error)
                }
            }
            for (shape, label): ((Int64, Int64, Int64), Int32) in [
                ((2, 2, 2), 2), ((2, 2, 2), -1), ((2, 2, 2), .max), ((1, 2, 4), 1),
                ((0, 2, 2), 1), ((.max, .max, 2), 1),
            ] {
                expectRefused { add(shape, label, $0) }
            }
            expectRefused { spars_trainer_add_scan(trainer, nil, nil, $0) }
            for (count, voxels, shape): (Int64, Int64, [Int64]) in [
                (0, 8, [2, 2, 2]), (-1, 8, [2, 2, 2]), (2, 8, [2, 2, 2]), (1, 4, [2, 2, 2]),
                (1, 8, [2, 2, 1]), (1, 8, [0, 2, 2]), (1, 8, [.max, .max, 2]),
                (.max, .max, [2, 2, 2]), (1, -1, [2, 2, 2]),
            ] {
                expectRefused {
                    spars_trainer_add_windows(
                        trainer, volume, count, voxels, shape, [1, 2], nil, $0)
                }
            }
            let shape: [Int64] = [2, 2, 2]
            expectRefused {
                spars_trainer_add_windows(trainer, nil, 1, 8, shape, [1], nil, $0)
            }
            expectRefused {
                spars_trainer_add_windows(trainer, volume, 1, 8, nil, [1], nil, $0)
            }
            expectRefused {
                spars_trainer_add_windows(trainer, volume, 1, 8, shape, nil, nil, $0)
            }
            expectRefused {
                spars_trainer_add_windows(trainer, volume, 1, 8, shape, [2], nil, $0)
            }
            var loss = 0.0
            var score: Float = 0
            for rate in [1e-3, 0, -1, .nan, .infinity] {
                expectRefused { spars_trainer_step(trainer, rate, &loss, nil, $0) }
            }
            expectRefused { spars_trainer_step(trainer, 1e-3, nil, nil, $0) }
            expectRefused { spars_trainer_evaluate(trainer, &score, &scan, 1, nil, $0) }
        }
    }
}
