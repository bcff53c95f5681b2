import SPARSKernels

/// Loss and gradients of a batch in training mode: batch norm takes its statistics from the whole
/// batch, running statistics are left alone.
///
/// Crops are asked for by index, as often as they are needed, and not all kept: `crops` must give
/// the same values each time. Compute is float32; statistics and sums over the batch are float64. A
/// crop that is enlarged by nearest neighbour goes through conv1 by its distinct places, with the
/// same results but for rounding.
///
/// - Parameters:
///   - architecture: the network's extents.
///   - parameters: every tensor by its name.
///   - workspace: memory that batches share.
///   - count: crops in the batch, 1 or more.
///   - crops: [x, y, z] on the architecture's input extent, or voxels to be enlarged to it.
///   - hasTumour: 0 or 1 for each crop.
///   - classWeights: two positive weights, or nil.
///   - bags: which crops are of one scan, and how they share its label; nil where every crop has a
///     label of its own.
/// - Throws: `outOfRange` for counts, labels, weights or parameters that do not fit;
///   `notFinite` naming the crop, or the tensor that was not finite first in the order of
///   computation: forward from bn1's batch mean to the loss, back from fc5's gradients to conv1's;
///   what `fill` throws; `interrupted`.
public func lossAndGradients(
    architecture: NetworkArchitecture, parameters: Parameters, count: Int,
    crops: TrainingCrops, hasTumour: [Int], classWeights: [Float]? = nil,
    bags: CropBags? = nil, workspace: TrainingWorkspace = TrainingWorkspace()
) throws(SPARSError) -> TrainingPass {
    try architecture.check(parameters)
    try checkBatch(count: count, hasTumour: hasTumour, classWeights: classWeights)
    if let bags { try check(bags, hasTumour: hasTumour) }
    let run = TrainingRun(
        architecture: architecture, parameters: parameters, count: count, crops: crops,
        workspace: workspace)
    let head = try DenseHead(
        parameters: parameters, features: run.forward(), count: count,
        inputs: architecture.featureCount)
    let (loss, logitGradient) = CrossEntropy.lossAndGradient(
        head.logits, hasTumour: hasTumour, classWeights: classWeights,
        bags: bags ?? CropBags(sizes: [count], pooling: .none))
    try checkFinite(loss)
    try Control.check()
    try run.backward(head.backward(logitGradient, gradients: &run.gradients))
    for name in architecture.trainableNames.reversed() {
        try checkFinite(run.gradients[name]?.values ?? [], named: "gradient of \(name)")
    }
    return TrainingPass(
        loss: loss, logits: head.logits, gradients: run.orderedGradients(),
        statistics: run.statistics)
}

private func checkFinite(_ loss: Double) throws(SPARSError) {
    guard loss.isFinite else {
        throw .notFinite(
            tensor: "loss",
            message: "The loss became \(loss) in training. A smaller learning_rate may help.")
    }
}

private func checkBatch(
    count: Int, hasTumour: [Int], classWeights: [Float]?
) throws(SPARSError) {
    guard (1...65_536).contains(count) else {
        throw .range(
            "crops", of: .loss, mustBe: "1 to 65536 crops", got: count)
    }
    guard hasTumour.count == count, hasTumour.allSatisfy({ $0 == 0 || $0 == 1 }) else {
        throw .range(
            "has_tumour", of: .loss, mustBe: "\(count) integers, each 0 or 1",
            got: hasTumour)
    }
    if let classWeights {
        guard classWeights.count == 2, classWeights.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw .range(
                "class_weights", of: .loss, mustBe: "two floats above 0.0",
                got: classWeights)
        }
    }
}

private func check(_ bags: CropBags, hasTumour: [Int]) throws(SPARSError) {
    var start = 0
    for size in bags.sizes {
        guard size >= 1, size <= hasTumour.count - start,
            bags.pooling == .none
                || hasTumour[start..<start + size].allSatisfy({ $0 == hasTumour[start] })
        else {
            throw .range(
                "bags", of: .loss, mustBe: "runs of crops of one label",
                got: bags.sizes)
        }
        start += size
    }
    guard start == hasTumour.count else {
        throw .range(
            "bags", of: .loss, mustBe: "\(hasTumour.count) crops in all", got: start)
    }
    if case .highest(let count) = bags.pooling, count < 1 {
        throw .range("pooling", of: .training, mustBe: "an integer of 1 or more", got: count)
    }
}
