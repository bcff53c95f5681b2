import CSPARS
import SPARSNative

private let tensorCount = 34
private let trainingKey = "spars.training"

@_cdecl("spars_classifier_tensor_count")
public func sparsClassifierTensorCount() -> Int64 { Int64(tensorCount) }

@_cdecl("spars_classifier_tensor")
public func sparsClassifierTensor(
    _ inputShape: In<Int64>, _ index: Int64, _ tensor: Out<spars_tensor>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let shapes = try architecture(inputShape).parameterShapes
        guard (0..<Int64(shapes.count)).contains(index) else {
            throw .range(
                "index", of: "classifier_tensor",
                mustBe: "an integer in the range [0, \(shapes.count - 1)]", got: index)
        }
        let tensor = try checkedOutput(tensor, 1, "tensor", of: "classifier_tensor")
        let (name, shape) = shapes[Int(index)]
        var described = spars_tensor()
        described.is_trainable = name.contains("running_") ? 0 : 1
        described.rank = Int32(shape.count)
        withUnsafeMutableBytes(of: &described.name) { $0.copyBytes(from: name.utf8.prefix(31)) }
        withUnsafeMutableBytes(of: &described.shape) { bytes in
            for (axis, length) in shape.enumerated() {
                bytes.storeBytes(of: Int64(length), toByteOffset: 8 * axis, as: Int64.self)
            }
        }
        tensor[0] = described
    }
}

@_cdecl("spars_classifier_create")
public func sparsClassifierCreate(
    _ inputShape: In<Int64>, _ seed: UInt64, _ classifier: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(classifier, 1, "classifier", of: "classifier_create")
        let input = try checkedExtent(inputShape, "input_shape", of: "Classifier")
        out[0] = HandleTable.shared.insert(try Classifier(input: input, seed: seed))
    }
}

@_cdecl("spars_classifier_from_parameters")
public func sparsClassifierFromParameters(
    _ inputShape: In<Int64>, _ values: In<Float>, _ count: Int64, _ classifier: Out<UInt64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "Classifier.from_parameters"
        let out = try checkedOutput(classifier, 1, "classifier", of: owner)
        let architecture = try architecture(inputShape)
        let parameters = try checkedParameters(values, count, architecture, of: owner)
        out[0] = HandleTable.shared.insert(
            try Classifier(architecture: architecture, parameters: parameters))
    }
}

@_cdecl("spars_classifier_set_parameters")
public func sparsClassifierSetParameters(
    _ classifier: UInt64, _ values: In<Float>, _ count: Int64, _ batchesTracked: Int64,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let classifier = try living(classifier)
        let parameters = try checkedParameters(
            values, count, classifier.architecture, of: "Classifier")
        try classifier.replace(parameters, batchesTracked: Int(batchesTracked))
    }
}

@_cdecl("spars_classifier_batches_tracked")
public func sparsClassifierBatchesTracked(
    _ classifier: UInt64, _ batchesTracked: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let tracked = try living(classifier).batchesTracked
        try checkedOutput(batchesTracked, 1, "batches_tracked", of: "Classifier")[0] = Int64(
            tracked)
    }
}

/// Parameters that came one tensor after the other.
private func checkedParameters(
    _ values: In<Float>, _ count: Int64, _ architecture: NetworkArchitecture, of owner: String
) throws(SPARSError) -> Parameters {
    let shapes = architecture.parameterShapes
    let total = valueCount(shapes)
    try checkCount(count, "parameters", of: owner, mustBe: total, "values")
    let values = try checkedInput(values, total, "parameters", of: owner)
    var parameters = Parameters()
    var start = 0
    for (name, shape) in shapes {
        let end = start + shape.reduce(1, *)
        parameters[name] = Tensor(shape: shape, values: Array(values[start..<end]))
        start = end
    }
    return parameters
}

@_cdecl("spars_classifier_parameters")
public func sparsClassifierParameters(
    _ classifier: UInt64, _ values: Out<Float>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let classifier = try living(classifier)
        let shapes = classifier.architecture.parameterShapes
        let total = valueCount(shapes)
        try checkCount(count, "parameters", of: "Classifier", mustBe: total, "values")
        let out = try checkedOutput(values, total, "parameters", of: "Classifier")
        copy(classifier.parameters, shapes.map(\.name), to: out)
    }
}

@_cdecl("spars_classifier_input_shape")
public func sparsClassifierInputShape(
    _ classifier: UInt64, _ inputShape: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let input = try living(classifier).architecture.input
        let out = try checkedOutput(inputShape, 3, "input_shape", of: "Classifier")
        for axis in 0..<3 { out[axis] = Int64(input[axis]) }
    }
}

@_cdecl("spars_classifier_intensity_window")
public func sparsClassifierIntensityWindow(
    _ classifier: UInt64, _ window: Out<spars_intensity_window>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let known = try living(classifier).intensityWindow
        let out = try checkedOutput(window, 1, "intensity_window", of: "Classifier")
        out[0] = spars_intensity_window(
            is_set: known == nil ? 0 : 1, level: known?.level ?? 0, width: known?.width ?? 0)
    }
}

@_cdecl("spars_classifier_set_intensity_window")
public func sparsClassifierSetIntensityWindow(
    _ classifier: UInt64, _ window: In<spars_intensity_window>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let classifier = try living(classifier)
        let window = try checkedInput(window, 1, "intensity_window", of: "Classifier")[0]
        classifier.intensityWindow =
            window.is_set == 0 ? nil : try IntensityWindow(level: window.level, width: window.width)
    }
}

@_cdecl("spars_classifier_logits")
public func sparsClassifierLogits(
    _ classifier: UInt64, _ inputs: In<Float>, _ count: Int64, _ logits: Out<Float>,
    _ control: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let classifier = try living(classifier)
        if count == 0 { return }
        let total = try inputCount(classifier, count, of: "logits")
        let inputs = try checkedInput(inputs, total, "x", of: "logits")
        let out = try checkedOutput(logits, 2 * Int(count), "logits", of: "logits")
        _ = out.update(fromContentsOf: try classifier.logits(inputs, count: Int(count)))
    }
}

@_cdecl("spars_classifier_scores")
public func sparsClassifierScores(
    _ classifier: UInt64, _ volume: In<Float>, _ shape: In<Int64>, _ origins: In<Int64>,
    _ count: Int64, _ window: In<Int64>, _ scores: Out<Float>, _ control: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let owner = "score"
        let classifier = try living(classifier)
        let extent = try checkedExtent(shape, "volume", of: owner)
        let window = try checkedExtent(window, "window", of: owner)
        if count == 0 { return }
        let volume = try checkedInput(volume, extent.count, "volume", of: owner)
        let voxels = try checkedOrigins(origins, count, extent, of: owner)
        let out = try checkedOutput(scores, Int(count), "scores", of: owner)
        let found = try classifier.scores(
            volume: volume, extent: extent, origins: voxels, window: window)
        _ = out.update(fromContentsOf: found)
    }
}

@_cdecl("spars_classifier_forecast")
public func sparsClassifierForecast(
    _ classifier: UInt64, _ shape: In<Int64>, _ origins: In<Int64>, _ count: Int64,
    _ window: In<Int64>, _ seconds: Out<Double>, _ bytes: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let owner = "forecast"
        let classifier = try living(classifier)
        let extent = try checkedExtent(shape, "volume", of: owner)
        let window = try checkedExtent(window, "window", of: owner)
        let secondsOut = try checkedOutput(seconds, 1, "seconds", of: owner)
        let bytesOut = try checkedOutput(bytes, 1, "bytes", of: owner)
        let voxels = count == 0 ? [] : try checkedOrigins(origins, count, extent, of: owner)
        let forecast = try classifier.evaluator().forecast(
            extent: extent, origins: voxels, window: window)
        secondsOut[0] = forecast.seconds
        bytesOut[0] = Int64(forecast.bytes)
    }
}

/// Lowest corners [count, 3] of windows, no further out than an overflow could reach.
func checkedOrigins(
    _ origins: In<Int64>, _ count: Int64, _ extent: Extent, of owner: String
) throws(SPARSError) -> [Voxel] {
    _ = try checkedCount([count, 3], "origins", of: owner)
    let places = try checkedInput(origins, 3 * Int(count), "origins", of: owner)
    let limit = Int64(extent.x + extent.y + extent.z)
    guard places.allSatisfy({ (0...limit).contains($0) }) else {
        throw .range(
            "origins", of: owner, mustBe: "windows inside the volume's shape \(extent)",
            got: "one outside")
    }
    return (0..<Int(count)).map {
        Voxel(Int(places[3 * $0]), Int(places[3 * $0 + 1]), Int(places[3 * $0 + 2]))
    }
}

@_cdecl("spars_classifier_loss_and_gradients")
public func sparsClassifierLossAndGradients(
    _ classifier: UInt64, _ inputs: In<Float>, _ hasTumour: In<Int64>, _ count: Int64,
    _ loss: Out<Double>, _ gradients: Out<Float>, _ gradientCount: Int64,
    _ control: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let owner = "loss_and_gradients"
        let classifier = try living(classifier)
        let total = try inputCount(classifier, count, of: owner)
        let inputs = try checkedInput(inputs, total, "crops", of: owner)
        let labels = try checkedInput(hasTumour, Int(count), "has_tumour", of: owner)
        let lossOut = try checkedOutput(loss, 1, "loss", of: owner)
        let names = Set(classifier.architecture.trainableNames)
        let wanted = valueCount(
            classifier.architecture.parameterShapes.filter { names.contains($0.name) })
        try checkCount(gradientCount, "gradients", of: owner, mustBe: wanted, "values")
        let out = try checkedOutput(gradients, wanted, "gradients", of: owner)
        let pass = try classifier.lossAndGradients(
            inputs, hasTumour: labels.map { Int($0) })
        lossOut[0] = pass.loss
        copy(pass.gradients, classifier.architecture.trainableNames, to: out)
    }
}

@_cdecl("spars_classifier_save")
public func sparsClassifierSave(
    _ classifier: UInt64, _ path: In<CChar>, _ training: In<CChar>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let classifier = try living(classifier)
        let path = try checkedText(path, "path", of: "save")
        if training != nil {
            classifier.metadata[trainingKey] = try checkedText(training, "training", of: "save")
        }
        try classifier.save(to: path)
    }
}

@_cdecl("spars_classifier_load")
public func sparsClassifierLoad(
    _ path: In<CChar>, _ inputShape: In<Int64>, _ classifier: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let out = try checkedOutput(classifier, 1, "classifier", of: "load")
        let path = try checkedText(path, "path", of: "load")
        let input =
            inputShape == nil ? nil : try checkedExtent(inputShape, "input_shape", of: "load")
        out[0] = HandleTable.shared.insert(try Classifier.load(path, input: input))
    }
}

@_cdecl("spars_classifier_training")
public func sparsClassifierTraining(
    _ classifier: UInt64, _ text: Out<CChar>, _ capacity: Int64, _ length: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let known = Array((try living(classifier).metadata[trainingKey] ?? "").utf8)
        let lengthOut = try checkedOutput(length, 1, "length", of: "training")
        lengthOut[0] = Int64(known.count)
        guard let text, capacity > 0 else { return }
        let copied = known.prefix(Int(min(capacity - 1, Int64(known.count))))
        for (i, byte) in copied.enumerated() { text[i] = CChar(bitPattern: byte) }
        text[copied.count] = 0
    }
}

// MARK: - Checks

private func living(_ classifier: UInt64) throws(SPARSError) -> Classifier {
    try HandleTable.shared.object(classifier, kind: "Classifier")
}

private func architecture(_ inputShape: In<Int64>) throws(SPARSError) -> NetworkArchitecture {
    try NetworkArchitecture(input: checkedExtent(inputShape, "input_shape", of: "Classifier"))
}

private func valueCount(_ shapes: [(name: String, shape: [Int])]) -> Int {
    shapes.reduce(0) { $0 + $1.shape.reduce(1, *) }
}

/// Values in `count` inputs of the network; throws rather than overflow.
private func inputCount(
    _ classifier: Classifier, _ count: Int64, of owner: String
) throws(SPARSError) -> Int {
    try checkedCount([count, Int64(classifier.architecture.input.count)], "x", of: owner)
}

private func copy(
    _ parameters: Parameters, _ names: [String], to out: UnsafeMutableBufferPointer<Float>
) {
    var start = 0
    for name in names {
        let values = parameters[name]?.values ?? []
        _ = out[start...].update(fromContentsOf: values)
        start += values.count
    }
}
