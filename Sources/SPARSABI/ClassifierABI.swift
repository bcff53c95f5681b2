import CSPARS
import SPARSNative

private let tensorCount = 34
private let trainingKey = "spars.training"
private let recipeKey = "spars.recipe"

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
        described.rank = Int64(shape.count)
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
    _ inputShape: In<Int64>, _ seed: UInt64, _ signals: In<spars_control>,
    _ classifier: Out<UInt64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let out = try checkedOutput(classifier, 1, "classifier", of: "classifier_create")
        let input = try checkedExtent(inputShape, "input_shape", of: "Classifier")
        try requireMemory(for: NetworkArchitecture(input: input))
        let made = try Classifier(input: input, seed: seed)
        try Control.check()
        out[0] = HandleTable.shared.insert(made)
    }
}

@_cdecl("spars_classifier_from_parameters")
public func sparsClassifierFromParameters(
    _ inputShape: In<Int64>, _ parameters: In<Float>, _ count: Int64, _ signals: In<spars_control>,
    _ classifier: Out<UInt64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let owner = "Classifier.from_parameters"
        let out = try checkedOutput(classifier, 1, "classifier", of: owner)
        let architecture = try architecture(inputShape)
        try requireMemory(for: architecture)
        let parameters = try checkedParameters(parameters, count, architecture, of: owner)
        let made = try Classifier(architecture: architecture, parameters: parameters)
        try Control.check()
        out[0] = HandleTable.shared.insert(made)
    }
}

@_cdecl("spars_classifier_set_parameters")
public func sparsClassifierSetParameters(
    _ classifier: UInt64, _ parameters: In<Float>, _ count: Int64, _ batchesTracked: Int64,
    _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let classifier = try living(classifier)
        let parameters = try checkedParameters(
            parameters, count, classifier.architecture, of: "Classifier")
        try classifier.replace(parameters, batchesTracked: Int(batchesTracked))
    }
}

@_cdecl("spars_classifier_batches_tracked")
public func sparsClassifierBatchesTracked(
    _ classifier: UInt64, _ batchesTracked: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let tracked = try living(classifier).batchesTracked
        try write(Int64(tracked), to: batchesTracked, "batches_tracked", of: "Classifier")
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
        parameters[name] = Tensor(
            shape: shape,
            values: try Control.copy(UnsafeBufferPointer(rebasing: values[start..<end])))
        start = end
    }
    return parameters
}

@_cdecl("spars_classifier_parameters")
public func sparsClassifierParameters(
    _ classifier: UInt64, _ parameters: Out<Float>, _ count: Int64, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let classifier = try living(classifier)
        let shapes = classifier.architecture.parameterShapes
        let total = valueCount(shapes)
        try checkCount(count, "parameters", of: "Classifier", mustBe: total, "values")
        let out = try checkedOutput(parameters, total, "parameters", of: "Classifier")
        copy(classifier.parameters, shapes.map(\.name), to: out)
    }
}

@_cdecl("spars_classifier_input_shape")
public func sparsClassifierInputShape(
    _ classifier: UInt64, _ inputShape: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let input = try living(classifier).architecture.input
        try write(
            contentsOf: (0..<3).map { Int64(input[$0]) }, to: inputShape, "input_shape",
            of: "Classifier")
    }
}

@_cdecl("spars_classifier_intensity_window")
public func sparsClassifierIntensityWindow(
    _ classifier: UInt64, _ window: Out<spars_intensity_window>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let known = try living(classifier).intensityWindow
        let found = spars_intensity_window(level: known?.level ?? .nan, width: known?.width ?? .nan)
        try write(found, to: window, "intensity_window", of: "Classifier")
    }
}

@_cdecl("spars_classifier_set_intensity_window")
public func sparsClassifierSetIntensityWindow(
    _ classifier: UInt64, _ window: In<spars_intensity_window>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let classifier = try living(classifier)
        let given = window?.pointee
        classifier.intensityWindow = try given?.checked()
    }
}

@_cdecl("spars_classifier_logits")
public func sparsClassifierLogits(
    _ classifier: UInt64, _ x: In<Float>, _ count: Int64, _ shape: In<Int64>,
    _ logits: Out<Float>, _ progress: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let classifier = try living(classifier)
        if count == 0 { return }
        let extent = try checkedExtent(shape, "x", of: "logits")
        let inputs = try checkedInputs(x, "x", count, extent, classifier, of: "logits")
        let out = try checkedOutput(logits, 2 * Int(count), "logits", of: "logits")
        try requireMemory(for: classifier, each: 24, "The logits of crops")
        _ = out.update(fromContentsOf: try classifier.logits(inputs, count: Int(count)))
    }
}

@_cdecl("spars_classifier_scores")
public func sparsClassifierScores(
    _ classifiers: In<Int64>, _ classifierCount: Int64, _ windows: In<spars_windows>,
    _ scores: Out<Float>, _ progress: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "score"
        let classifiers = try someLiving(classifiers, classifierCount, of: owner)
        guard let windows = try Windows(checkedStruct(windows, "windows", of: owner), of: owner)
        else { return }
        let out = try checkedOutput(scores, windows.origins.count, "scores", of: owner)
        for classifier in classifiers {
            try requireMemory(for: classifier, each: 24, "The scores of windows")
        }
        let found = try Classifier.scores(
            of: classifiers, volume: windows.volume, extent: windows.extent,
            origins: windows.origins, window: windows.window)
        _ = out.update(fromContentsOf: found)
    }
}

@_cdecl("spars_classifier_forecast")
public func sparsClassifierForecast(
    _ classifier: UInt64, _ shape: In<Int64>, _ origins: In<Int64>, _ count: Int64,
    _ window: In<Int64>, _ signals: In<spars_control>, _ seconds: Out<Double>, _ bytes: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
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

/// Asks whether a network's parameters fit: as they are, as they are made and as they are packed.
private func requireMemory(for architecture: NetworkArchitecture) throws(SPARSError) {
    try Memory.require(
        architecture.parameterCount, each: 16,
        for: "A classifier for inputs of \(architecture.input)")
}

/// Asks for so many bytes for each voxel of a network's input, and for its parameters.
func requireMemory(
    for classifier: Classifier, each bytes: Int, _ what: String
) throws(SPARSError) {
    let architecture = classifier.architecture
    try Memory.require(
        bytes * architecture.input.count + 16 * architecture.parameterCount,
        for: "\(what) for inputs of \(architecture.input)")
}

/// `count` inputs of `extent`, which must be the network's; throws rather than overflow.
func checkedInputs(
    _ inputs: In<Float>, _ parameter: String, _ count: Int64, _ extent: Extent,
    _ classifier: Classifier, of owner: String
) throws(SPARSError) -> UnsafeBufferPointer<Float> {
    let input = classifier.architecture.input
    guard extent == input else {
        throw .range(parameter, of: owner, mustBe: "inputs of shape \(input)", got: extent)
    }
    let total = try checkedCount([count, Int64(input.count)], parameter, of: owner)
    return try checkedInput(inputs, total, parameter, of: owner)
}

/// Windows of a volume that came over the ABI.
struct Windows {
    let volume: UnsafeBufferPointer<Float>
    let extent: Extent
    let origins: [Voxel]
    let window: Extent

    /// Nil for no windows, which nothing needs to be read for.
    init?(_ given: spars_windows, of owner: String) throws(SPARSError) {
        extent = try checkedExtent(given.shape, "volume", of: owner)
        window = try checkedExtent(given.window, "window", of: owner)
        if given.count == 0 { return nil }
        volume = try checkedInput(given.volume, extent.count, "volume", of: owner)
        origins = try checkedOrigins(given.origins, given.count, extent, of: owner)
    }
}

/// Lowest corners [count, 3] of windows, no further out than an overflow could reach.
private func checkedOrigins(
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
    _ classifier: UInt64, _ batch: In<spars_labelled_crops>, _ gradients: Out<Float>,
    _ gradientCount: Int64, _ progress: In<spars_control>, _ loss: Out<Double>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "loss_and_gradients"
        let classifier = try living(classifier)
        let batch = try checkedStruct(batch, "batch", of: owner)
        let extent = try checkedExtent(batch.shape, "crops", of: owner)
        let inputs = try checkedInputs(
            batch.crops, "crops", batch.count, extent, classifier, of: owner)
        let labels = try checkedInput(batch.has_tumour, Int(batch.count), "has_tumour", of: owner)
        let lossOut = try checkedOutput(loss, 1, "loss", of: owner)
        let names = Set(classifier.architecture.trainableNames)
        let wanted = valueCount(
            classifier.architecture.parameterShapes.filter { names.contains($0.name) })
        try checkCount(gradientCount, "gradients", of: owner, mustBe: wanted, "values")
        let out = try checkedOutput(gradients, wanted, "gradients", of: owner)
        try requireMemory(
            for: classifier, each: 44 + 12 * Int(clamping: batch.count), "A step of training")
        let pass = try classifier.lossAndGradients(
            inputs, hasTumour: labels.map { Int($0) })
        lossOut[0] = pass.loss
        copy(pass.gradients, classifier.architecture.trainableNames, to: out)
    }
}

@_cdecl("spars_classifier_save")
public func sparsClassifierSave(
    _ classifiers: In<Int64>, _ classifierCount: Int64, _ path: In<CChar>, _ training: In<CChar>,
    _ recipe: In<CChar>, _ halves: Int32, _ signals: In<spars_control>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let classifiers = try someLiving(classifiers, classifierCount, of: "save")
        var metadata = classifiers[0].metadata
        let path = try checkedText(path, "path", of: "save")
        for (key, name, text) in [
            (trainingKey, "training", training), (recipeKey, "recipe", recipe),
        ] where text != nil {
            let text = try checkedText(text, name, of: "save")
            metadata[key] = text.isEmpty ? nil : text
        }
        try Classifier.save(classifiers, metadata: metadata, to: path, halves: halves != 0)
    }
}

@_cdecl("spars_classifier_load")
public func sparsClassifierLoad(
    _ path: In<CChar>, _ inputShape: In<Int64>, _ classifiers: Out<Int64>, _ capacity: Int64,
    _ signals: In<spars_control>, _ count: Out<Int64>, _ error: Out<spars_error>
) -> Int32 {
    guarded(error, signals) { () throws(SPARSError) in
        let capacity = try checkedCount([capacity], "capacity", of: "load")
        let out = try checkedOutput(classifiers, capacity, "classifiers", of: "load")
        let countOut = try checkedOutput(count, 1, "count", of: "load")
        let path = try checkedText(path, "path", of: "load")
        let input =
            inputShape == nil ? nil : try checkedExtent(inputShape, "input_shape", of: "load")
        let loaded = try Classifier.load(path, input: input)
        guard loaded.count <= capacity else {
            throw .badFormat(
                field: "members",
                message:
                    "The file must hold at most \(capacity) classifiers. Got \(loaded.count) instead."
            )
        }
        try Control.check()
        for (index, classifier) in loaded.enumerated() {
            out[index] = Int64(bitPattern: HandleTable.shared.insert(classifier))
        }
        countOut[0] = Int64(loaded.count)
    }
}

@_cdecl("spars_classifier_recipe")
public func sparsClassifierRecipe(
    _ classifier: UInt64, _ text: Out<CChar>, _ capacity: Int64, _ length: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let known = try living(classifier).metadata[recipeKey] ?? ""
        try write(text: Array(known.utf8), to: text, capacity, length, of: "recipe")
    }
}

@_cdecl("spars_classifier_training")
public func sparsClassifierTraining(
    _ classifier: UInt64, _ text: Out<CChar>, _ capacity: Int64, _ length: Out<Int64>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        let known = try living(classifier).metadata[trainingKey] ?? ""
        try write(text: Array(known.utf8), to: text, capacity, length, of: "training")
    }
}

// MARK: - Checks

private func living(_ classifier: UInt64) throws(SPARSError) -> Classifier {
    try HandleTable.shared.object(classifier, kind: "Classifier")
}

/// The classifiers behind an array of handles; none for none.
func living(
    _ classifiers: In<Int64>, _ count: Int64, of owner: String
) throws(SPARSError) -> [Classifier] {
    if count == 0 { return [] }
    let count = try checkedCount([count], "classifiers", of: owner)
    return try checkedInput(classifiers, count, "classifiers", of: owner).map {
        (handle) throws(SPARSError) in try living(UInt64(bitPattern: handle))
    }
}

/// One classifier or more.
private func someLiving(
    _ classifiers: In<Int64>, _ count: Int64, of owner: String
) throws(SPARSError) -> [Classifier] {
    let found = try living(classifiers, count, of: owner)
    guard !found.isEmpty else {
        throw .range("classifiers", of: owner, mustBe: "one or more", got: 0)
    }
    return found
}

private func architecture(_ inputShape: In<Int64>) throws(SPARSError) -> NetworkArchitecture {
    try NetworkArchitecture(input: checkedExtent(inputShape, "input_shape", of: "Classifier"))
}

private func valueCount(_ shapes: [(name: String, shape: [Int])]) -> Int {
    shapes.reduce(0) { $0 + $1.shape.reduce(1, *) }
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
