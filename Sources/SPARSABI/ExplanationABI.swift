import CSPARS
import SPARSNative

@_cdecl("spars_classifier_attributions")
public func sparsClassifierAttributions(
    _ classifier: UInt64, _ windows: In<spars_windows>, _ explanation: In<spars_explanation>,
    _ attributions: Out<Float>, _ logits: Out<Float>, _ progress: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "explain"
        let classifier = try living(classifier)
        let plan = try checkedStruct(explanation, "explanation", of: owner)
        let method = try checkedMethod(plan, of: owner)
        let target: EvidenceTarget = try checkedChoice(plan.target, "target", of: owner)
        guard let windows = try Windows(checkedStruct(windows, "windows", of: owner), of: owner)
        else { return }
        let count = windows.origins.count
        let total = try checkedCount(
            [Int64(count), Int64(windows.window.count)], "origins", of: owner)
        let maps = try checkedOutput(attributions, total, "attributions", of: owner)
        let out = try checkedOutput(logits, 2 * count, "logits", of: owner)
        try requireMemory(for: classifier, each: 48, "An explanation")
        let found = try classifier.attributions(
            of: windows.volume, extent: windows.extent, origins: windows.origins,
            window: windows.window, by: method, target: target, isSeen: plan.is_seen != 0,
            into: maps)
        _ = out.update(fromContentsOf: found)
    }
}

@_cdecl("spars_classifier_input_gradients")
public func sparsClassifierInputGradients(
    _ classifier: UInt64, _ x: In<Float>, _ count: Int64, _ shape: In<Int64>, _ target: Int32,
    _ gradients: Out<Float>, _ logits: Out<Float>, _ progress: In<spars_control>,
    _ error: Out<spars_error>
) -> Int32 {
    guarded(error, progress) { () throws(SPARSError) in
        let owner = "input_gradients"
        let classifier = try living(classifier)
        let target: EvidenceTarget = try checkedChoice(target, "target", of: owner)
        if count == 0 { return }
        let extent = try checkedExtent(shape, "x", of: owner)
        let inputs = try checkedInputs(x, "x", count, extent, classifier, of: owner)
        let out = try checkedOutput(gradients, inputs.count, "gradients", of: owner)
        let logitsOut = try checkedOutput(logits, 2 * Int(count), "logits", of: owner)
        try requireMemory(for: classifier, each: 48, "The gradients of an input")
        let found = try classifier.inputGradients(
            inputs, count: Int(count), target: target, into: out)
        _ = logitsOut.update(fromContentsOf: found)
    }
}

private func checkedMethod(
    _ plan: spars_explanation, of owner: String
) throws(SPARSError) -> Explanation {
    let baseline = plan.baseline.isNaN ? nil : plan.baseline
    switch spars_explanation_method(rawValue: UInt32(bitPattern: plan.method)) {
    case SPARS_EXPLANATION_METHOD_GRAD_CAM: return .gradCAM(layer: Int(plan.layer))
    case SPARS_EXPLANATION_METHOD_INTEGRATED_GRADIENTS:
        return .integratedGradients(steps: Int(plan.steps), baseline: baseline)
    case SPARS_EXPLANATION_METHOD_OCCLUSION:
        return .occlusion(
            patch: try checkedExtent(plan.patch, "patch", of: owner),
            stride: try checkedExtent(plan.patch_stride, "patch_stride", of: owner),
            baseline: baseline)
    default: throw .range("method", of: owner, mustBe: "the number of a choice", got: plan.method)
    }
}

private func living(_ classifier: UInt64) throws(SPARSError) -> Classifier {
    try HandleTable.shared.object(classifier, kind: "Classifier")
}
