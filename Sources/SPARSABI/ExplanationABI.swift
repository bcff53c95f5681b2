import CSPARS
import SPARSNative

@_cdecl("spars_classifier_attributions")
public func sparsClassifierAttributions(
    _ classifier: UInt64, _ volume: In<Float>, _ shape: In<Int64>, _ origins: In<Int64>,
    _ count: Int64, _ window: In<Int64>, _ explanation: In<spars_explanation>,
    _ attributions: Out<Float>, _ logits: Out<Float>, _ control: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let owner = "explain"
        let classifier = try living(classifier)
        let extent = try checkedExtent(shape, "volume", of: owner)
        let window = try checkedExtent(window, "window", of: owner)
        let plan = try checkedInput(explanation, 1, "explanation", of: owner)[0]
        let method = try checkedMethod(plan, of: owner)
        let target = try checkedTarget(plan.target, of: owner)
        if count == 0 { return }
        let volume = try checkedInput(volume, extent.count, "volume", of: owner)
        let voxels = try checkedOrigins(origins, count, extent, of: owner)
        let total = try checkedCount([count, Int64(window.count)], "origins", of: owner)
        let maps = try checkedOutput(attributions, total, "attributions", of: owner)
        let logitsOut = try checkedOutput(logits, 2 * Int(count), "logits", of: owner)
        let found = try classifier.attributions(
            of: volume, extent: extent, origins: voxels, window: window, by: method,
            target: target, isSeen: plan.is_seen != 0, into: maps)
        _ = logitsOut.update(fromContentsOf: found)
    }
}

@_cdecl("spars_classifier_input_gradients")
public func sparsClassifierInputGradients(
    _ classifier: UInt64, _ inputs: In<Float>, _ count: Int64, _ target: Int32,
    _ gradients: Out<Float>, _ logits: Out<Float>, _ control: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, control) { () throws(SPARSError) in
        let owner = "input_gradients"
        let classifier = try living(classifier)
        let target = try checkedTarget(target, of: owner)
        if count == 0 { return }
        let total = try checkedCount(
            [count, Int64(classifier.architecture.input.count)], "x", of: owner)
        let inputs = try checkedInput(inputs, total, "x", of: owner)
        let out = try checkedOutput(gradients, total, "gradients", of: owner)
        let logitsOut = try checkedOutput(logits, 2 * Int(count), "logits", of: owner)
        let found = try classifier.inputGradients(
            inputs, count: Int(count), target: target, into: out)
        _ = logitsOut.update(fromContentsOf: found)
    }
}

private func checkedTarget(_ target: Int32, of owner: String) throws(SPARSError) -> EvidenceTarget {
    guard let target = EvidenceTarget(rawValue: Int(target)) else {
        throw .range("target", of: owner, mustBe: "0, 1 or 2", got: target)
    }
    return target
}

private func checkedMethod(
    _ plan: spars_explanation, of owner: String
) throws(SPARSError) -> Explanation {
    let baseline = plan.has_baseline == 0 ? nil : plan.baseline
    switch plan.method {
    case 0: return .gradCAM(layer: Int(plan.layer))
    case 1: return .integratedGradients(steps: Int(plan.steps), baseline: baseline)
    case 2:
        let patch = [plan.patch.0, plan.patch.1, plan.patch.2]
        let stride = [plan.patch_stride.0, plan.patch_stride.1, plan.patch_stride.2]
        return .occlusion(
            patch: try checkedExtent(patch, "patch", of: owner),
            stride: try checkedExtent(stride, "patch_stride", of: owner), baseline: baseline)
    default: throw .range("method", of: owner, mustBe: "0, 1 or 2", got: plan.method)
    }
}

private func living(_ classifier: UInt64) throws(SPARSError) -> Classifier {
    try HandleTable.shared.object(classifier, kind: "Classifier")
}
