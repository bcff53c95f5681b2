import CSPARS
import SPARSABI
import Testing

/// What a foreign caller can get wrong in the state of a training and in augmentation.
@Suite struct TrainerStateABITests {
    private static let shape: [Int64] = [108, 108, 108]

    private func expectRefused(
        _ status: spars_status = SPARS_INVALID_ARGUMENT,
        location: SourceLocation = #_sourceLocation,
        _ call: (UnsafeMutablePointer<spars_error>) -> Int32
    ) {
        var error = spars_error()
        #expect(call(&error) == Int32(status.rawValue), sourceLocation: location)
        #expect(error.message.0 != 0, sourceLocation: location)
    }

    private func training() -> spars_training {
        var training = spars_training()
        training.crop_shape = (4, 4, 4)
        training.foreground_threshold = .nan
        training.crops_per_scan = 1
        training.class_weights = (1, 1)
        return training
    }

    @Test func statesAreCheckedAgain() {
        var classifier: spars_handle = 0
        var trainer: spars_handle = 0
        #expect(spars_classifier_create(Self.shape, 1, nil, &classifier, nil) == 0)
        defer { spars_release(classifier) }
        var training = training()
        #expect(spars_trainer_create(classifier, &training, &trainer, nil) == 0)
        defer { spars_release(trainer) }
        var (parameters, trainable): (Int64, Int64) = (0, 0)
        for i in 0..<spars_classifier_tensor_count() {
            var tensor = spars_tensor()
            #expect(spars_classifier_tensor(Self.shape, i, &tensor, nil) == 0)
            let count = withUnsafeBytes(of: tensor.shape) { bytes in
                bytes.bindMemory(to: Int64.self).prefix(Int(tensor.rank)).reduce(1, *)
            }
            parameters += count
            trainable += tensor.is_trainable == 0 ? 0 : count
        }
        var steps: Int64 = -1
        #expect(spars_trainer_state(trainer, nil, 0, &steps, nil) == 0)
        #expect(steps == 0)
        var moments = [Float](repeating: 1, count: Int(2 * trainable))
        #expect(spars_trainer_state(trainer, &moments, 2 * trainable, &steps, nil) == 0)
        #expect(moments.allSatisfy { $0 == 0 })
        expectRefused { spars_trainer_state(trainer, nil, 0, nil, $0) }
        for count in [0, -1, 2 * trainable - 1, .max] {
            expectRefused { spars_trainer_state(trainer, &moments, count, &steps, $0) }
            expectRefused { spars_trainer_restore(trainer, moments, count, 1, $0) }
        }
        expectRefused { spars_trainer_state(trainer, nil, 2 * trainable, &steps, $0) }
        expectRefused { spars_trainer_restore(trainer, nil, 2 * trainable, 1, $0) }
        for count in [-1, Int64.min, .max] {
            expectRefused { spars_trainer_restore(trainer, moments, 2 * trainable, count, $0) }
        }
        #expect(spars_trainer_restore(trainer, moments, 2 * trainable, 7, nil) == 0)
        #expect(spars_trainer_state(trainer, nil, 0, &steps, nil) == 0)
        #expect(steps == 7)

        var values = [Float](repeating: 0.1, count: Int(parameters))
        #expect(spars_classifier_set_parameters(classifier, values, parameters, 9, nil, nil) == 0)
        var tracked: Int64 = 0
        #expect(spars_classifier_batches_tracked(classifier, &tracked, nil) == 0)
        #expect(tracked == 9)
        expectRefused { spars_classifier_batches_tracked(classifier, nil, $0) }
        expectRefused { spars_classifier_set_parameters(classifier, nil, parameters, 0, nil, $0) }
        expectRefused {
            spars_classifier_set_parameters(classifier, values, parameters, -1, nil, $0)
        }
        expectRefused { spars_classifier_set_parameters(classifier, values, -1, 0, nil, $0) }
        values[3] = .nan
        expectRefused(SPARS_NOT_FINITE) {
            spars_classifier_set_parameters(classifier, values, parameters, 0, nil, $0)
        }
        for handle in [0, classifier, .max] {
            expectRefused(SPARS_STALE_HANDLE) {
                spars_trainer_state(handle, nil, 0, &steps, $0)
            }
            expectRefused(SPARS_STALE_HANDLE) {
                spars_trainer_restore(handle, nil, 0, 0, $0)
            }
        }
    }

    @Test func augmentationIsCheckedAgain() {
        var none = spars_augmentation()
        var output = [Float](repeating: 0, count: 8)
        let crop = (0..<8).map(Float.init)
        let shape: [Int64] = [2, 2, 2]
        #expect(spars_augment(&none, crop, shape, 1, &output, nil) == 0)
        #expect(output == crop)
        expectRefused { spars_augment(nil, crop, shape, 1, &output, $0) }
        expectRefused { spars_augment(&none, nil, shape, 1, &output, $0) }
        expectRefused { spars_augment(&none, crop, nil, 1, &output, $0) }
        expectRefused { spars_augment(&none, crop, shape, 1, nil, $0) }
        for bad in [[0, 2, 2], [-2, 2, 2], [.max, .max, 2]] as [[Int64]] {
            expectRefused { spars_augment(&none, crop, bad, 1, &output, $0) }
        }
        expectRefused(SPARS_NOT_FINITE) {
            spars_augment(&none, [.nan, 0, 0, 0, 0, 0, 0, 0], shape, 1, &output, $0)
        }
        var classifier: spars_handle = 0
        #expect(spars_classifier_create(Self.shape, 1, nil, &classifier, nil) == 0)
        defer { spars_release(classifier) }
        for change in [
            { $0.shift = (-1, 0, 0) }, { $0.shift = (0, .max, 0) }, { $0.hu_scale = 1 },
            { $0.hu_scale = .nan }, { $0.hu_shift = -1 }, { $0.noise = .infinity },
        ] as [(inout spars_augmentation) -> Void] {
            var training = training()
            change(&training.augmentation)
            var trainer: spars_handle = 0
            expectRefused { spars_trainer_create(classifier, &training, &trainer, $0) }
            expectRefused {
                spars_augment(&training.augmentation, crop, shape, 1, &output, $0)
            }
        }
    }
}
