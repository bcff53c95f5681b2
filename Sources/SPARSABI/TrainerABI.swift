import CSPARS
import SPARSNative

@_cdecl("spars_trainer_create")
public func sparsTrainerCreate(
    _ classifier: UInt64, _ training: In<spars_training>, _ trainer: Out<UInt64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let classifier: Classifier = try HandleTable.shared.object(classifier, kind: "Classifier")
        let training = try checkedInput(training, 1, "training", of: "fit")[0]
        let out = try checkedOutput(trainer, 1, "trainer", of: "fit")
        out[0] = HandleTable.shared.insert(
            Trainer(classifier, try configuration(training)))
    }
}

@_cdecl("spars_trainer_draw_scans")
public func sparsTrainerDrawScans(
    _ trainer: UInt64, _ validation: Int32, _ scanCount: Int64, _ hasTumour: In<Int64>,
    _ scans: Out<Int64>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let trainer = try living(trainer)
        guard (1...65_536).contains(count) else {
            throw .range(
                "scans_per_step", of: "fit", mustBe: "an integer in the range [1, 65536]",
                got: count)
        }
        let out = try checkedOutput(scans, Int(count), "scans", of: "fit")
        var labels: [Int]?
        if let hasTumour {
            let total = try checkedCount([scanCount], "has_tumour", of: "fit")
            labels = try checkedInput(hasTumour, total, "has_tumour", of: "fit").map {
                Int(clamping: $0)
            }
        }
        let drawn = try trainer.drawScans(
            Int(count), of: Int(clamping: scanCount),
            phase: validation == 0 ? .training : .validation, balancing: labels)
        for (i, scan) in drawn.enumerated() { out[i] = Int64(scan) }
    }
}

@_cdecl("spars_trainer_add_scan")
public func sparsTrainerAddScan(
    _ trainer: UInt64, _ volume: In<Float>, _ shape: In<Int64>, _ mask: In<UInt8>,
    _ hasTumour: Int64, _ control: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let trainer = try living(trainer)
        let extent = try checkedExtent(shape, "volume", of: "fit")
        try trainer.add(
            TrainingScan(
                values: try checkedInput(volume, extent.count, "volume", of: "fit"), extent: extent,
                hasTumour: Int(clamping: hasTumour),
                mask: mask.map { UnsafeBufferPointer(start: $0, count: extent.count) }))
    }
}

@_cdecl("spars_trainer_step")
public func sparsTrainerStep(
    _ trainer: UInt64, _ learningRate: Double, _ loss: Out<Double>, _ control: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let trainer = try living(trainer)
        let out = try checkedOutput(loss, 1, "loss", of: "fit")
        // Not through `guarded(_:_:_:)`: it checks once more at the end, when the step is taken.
        try underControl(control) { () throws(SPARSError) in
            out[0] = try trainer.step(learningRate: learningRate)
        }
    }
}

@_cdecl("spars_trainer_state")
public func sparsTrainerState(
    _ trainer: UInt64, _ moments: Out<Float>, _ count: Int64, _ steps: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let trainer = try living(trainer)
        let out = try checkedOutput(steps, 1, "steps", of: "fit")
        if moments != nil || count != 0 {
            try checkCount(count, "moments", of: "fit", mustBe: trainer.momentCount, "values")
            _ = try checkedOutput(moments, trainer.momentCount, "moments", of: "fit")
                .update(fromContentsOf: trainer.moments)
        }
        out[0] = Int64(trainer.stepCount)
    }
}

@_cdecl("spars_trainer_restore")
public func sparsTrainerRestore(
    _ trainer: UInt64, _ moments: In<Float>, _ count: Int64, _ steps: Int64,
    _ validationBatches: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let trainer = try living(trainer)
        try checkCount(count, "moments", of: "fit", mustBe: trainer.momentCount, "values")
        let moments = try checkedInput(moments, trainer.momentCount, "moments", of: "fit")
        try trainer.restore(
            moments: Array(moments), stepCount: Int(steps),
            validationBatches: Int(validationBatches))
    }
}

@_cdecl("spars_augment")
public func sparsAugment(
    _ augmentation: In<spars_augmentation>, _ crop: In<Float>, _ shape: In<Int64>, _ seed: UInt64,
    _ output: Out<Float>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "Augmentation"
        let changes = try augmentationOf(
            checkedInput(augmentation, 1, "augmentation", of: owner)[0])
        let extent = try checkedExtent(shape, "crop", of: owner)
        let crop = try checkedInput(crop, extent.count, "crop", of: owner)
        let out = try checkedOutput(output, extent.count, "output", of: owner)
        guard crop.allSatisfy(\.isFinite) else {
            throw .notFinite(tensor: "crop", message: "The 'crop' must be finite.")
        }
        var random = RandomSource(seed: seed)
        _ = out.update(
            fromContentsOf: changes.applied(to: Array(crop), extent: extent, using: &random))
    }
}

@_cdecl("spars_trainer_evaluate")
public func sparsTrainerEvaluate(
    _ trainer: UInt64, _ scores: Out<Float>, _ hasTumour: Out<Int64>, _ count: Int64,
    _ control: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let trainer = try living(trainer)
        let found = try trainer.evaluate()
        try checkCount(count, "count", of: "evaluate", mustBe: found.scores.count)
        let scores = try checkedOutput(scores, found.scores.count, "scores", of: "evaluate")
        let labels = try checkedOutput(hasTumour, found.scores.count, "has_tumour", of: "evaluate")
        _ = scores.update(fromContentsOf: found.scores)
        for (i, label) in found.hasTumour.enumerated() { labels[i] = Int64(label) }
    }
}

// MARK: - Checks

private func living(_ trainer: UInt64) throws(SPARSError) -> Trainer {
    try HandleTable.shared.object(trainer, kind: "trainer")
}

private func configuration(_ training: spars_training) throws(SPARSError) -> TrainingConfiguration {
    let shape = training.crop_shape
    guard let x = Int(exactly: shape.0), let y = Int(exactly: shape.1),
        let z = Int(exactly: shape.2)
    else {
        throw .range("window", of: "fit", mustBe: "three integers", got: shape)
    }
    let rule = CropRule(
        label: training.voxel_labels == 0 ? .image : .voxel, extent: Extent(x, y, z),
        interpolation: training.linear == 0 ? .nearest : .linear,
        border: training.stretched == 0 ? .full : .stretched,
        foregroundThreshold: training.has_foreground == 0 ? nil : training.foreground_threshold)
    return try TrainingConfiguration(
        rule: rule, cropsPerScan: Int(clamping: training.crops_per_scan),
        pooling: try pooling(training.pooling),
        classWeights: [training.class_weights.0, training.class_weights.1],
        augmentation: try augmentationOf(training.augmentation), seed: training.seed)
}

private func augmentationOf(_ augmentation: spars_augmentation) throws(SPARSError) -> Augmentation {
    let (flips, shift) = (augmentation.flips, augmentation.shift)
    return try Augmentation(
        flips: [flips.0 != 0, flips.1 != 0, flips.2 != 0],
        shift: [Int(clamping: shift.0), Int(clamping: shift.1), Int(clamping: shift.2)],
        huScale: augmentation.hu_scale, huShift: augmentation.hu_shift,
        noise: augmentation.noise)
}

private func pooling(_ code: Int64) throws(SPARSError) -> CropPooling {
    switch code {
    case 0: return .none
    case -1: return .logSumExp
    case 1...: return .highest(Int(clamping: code))
    default: throw .range("pooling", of: "fit", mustBe: "-1, 0 or above", got: code)
    }
}
