import CSPARS
import SPARSNative

@_cdecl("spars_trainer_create")
public func sparsTrainerCreate(
    _ classifier: UInt64, _ training: In<spars_training>, _ trainer: Out<UInt64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let classifier: Classifier = try HandleTable.shared.object(classifier, kind: "Classifier")
        let training = try checkedStruct(training, "training", of: "fit")
        let out = try checkedOutput(trainer, 1, "trainer", of: "fit")
        out[0] = HandleTable.shared.insert(
            Trainer(classifier, try configuration(training)))
    }
}

@_cdecl("spars_trainer_draw_scans")
public func sparsTrainerDrawScans(
    _ trainer: UInt64, _ phase: Int32, _ batch: Int64, _ scanCount: Int64, _ hasTumour: In<Int64>,
    _ scans: Out<Int64>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let trainer = try living(trainer)
        let phase: Trainer.Phase = try checkedChoice(phase, "phase", of: "fit")
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
            phase: phase, batch: Int(clamping: batch), balancing: labels)
        _ = out.update(fromContentsOf: drawn.map { Int64($0) })
    }
}

@_cdecl("spars_trainer_add_scan")
public func sparsTrainerAddScan(
    _ trainer: UInt64, _ scan: In<spars_training_scan>, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let trainer = try living(trainer)
        let scan = try checkedStruct(scan, "scan", of: "fit")
        let extent = try checkedExtent(scan.shape, "volume", of: "fit")
        try trainer.add(
            TrainingScan(
                values: try checkedInput(scan.volume, extent.count, "volume", of: "fit"),
                extent: extent, hasTumour: Int(scan.has_tumour),
                mask: scan.mask.map { UnsafeBufferPointer(start: $0, count: extent.count) }))
    }
}

@_cdecl("spars_trainer_add_windows")
public func sparsTrainerAddWindows(
    _ trainer: UInt64, _ values: In<Float>, _ count: Int64, _ voxels: Int64, _ shape: In<Int64>,
    _ hasTumour: In<UInt8>, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let trainer = try living(trainer)
        let extent = try checkedExtent(shape, "shape", of: "fit")
        let total = try checkedCount([count, voxels], "values", of: "fit")
        let labels = try checkedInput(hasTumour, Int(count), "has_tumour", of: "fit")
        try trainer.add(
            windows: try checkedInput(values, total, "values", of: "fit"), extent: extent,
            hasTumour: labels.map { Int($0) })
    }
}

@_cdecl("spars_trainer_step")
public func sparsTrainerStep(
    _ trainer: UInt64, _ learningRate: Double, _ loss: Out<Double>, _ signals: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let trainer = try living(trainer)
        let out = try checkedOutput(loss, 1, "loss", of: "fit")
        try requireMemory(for: trainer.classifier, each: 56, "A step of training")
        // Not through `guarded(_:_:_:)`: it checks once more at the end, when the step is taken.
        try underControl(signals) { () throws(SPARSError) in
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
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let trainer = try living(trainer)
        try checkCount(count, "moments", of: "fit", mustBe: trainer.momentCount, "values")
        let moments = try checkedInput(moments, trainer.momentCount, "moments", of: "fit")
        try trainer.restore(moments: Array(moments), stepCount: Int(steps))
    }
}

@_cdecl("spars_augment")
public func sparsAugment(
    _ augmentation: In<spars_augmentation>, _ crop: In<Float>, _ shape: In<Int64>, _ seed: UInt64,
    _ output: Out<Float>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "Augmentation"
        let changes = try augmentationOf(checkedStruct(augmentation, "augmentation", of: owner))
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
    _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let trainer = try living(trainer)
        try requireMemory(for: trainer.classifier, each: 48, "A batch of validation")
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
    let switches = training.protocol
    let rule = CropRule(
        label: try checkedChoice(switches.crop_label, "crop_label", of: "fit"),
        extent: Extent(x, y, z),
        interpolation: try checkedChoice(
            switches.crop_interpolation, "crop_interpolation", of: "fit"),
        border: try checkedChoice(switches.border_crops, "border_crops", of: "fit"),
        foregroundThreshold: training.foreground_threshold.isNaN
            ? nil : training.foreground_threshold)
    return try TrainingConfiguration(
        rule: rule, cropsPerScan: Int(clamping: training.crops_per_scan),
        pooling: try pooling(training),
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

private func pooling(_ training: spars_training) throws(SPARSError) -> CropPooling {
    switch spars_pooling(rawValue: UInt32(bitPattern: training.pooling)) {
    case SPARS_POOLING_NONE: return .none
    case SPARS_POOLING_HIGHEST: return .highest(Int(clamping: training.pooled_crops))
    case SPARS_POOLING_LOG_SUM_EXP: return .logSumExp
    default:
        throw .range(
            "pooling", of: "fit", mustBe: "the number of a choice", got: training.pooling)
    }
}
