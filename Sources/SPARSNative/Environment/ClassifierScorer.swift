/// Scores crops by a classifier, the probability of "tumour" that its two logits give; by several,
/// the mean of theirs.
///
/// The field's volume must hold what the network is to see: an intensity window, if any, has been
/// applied to it already.
public final class ClassifierScorer: WindowScorer {
    private let evaluators: [NetworkEvaluator]

    /// - Parameter evaluators: one or more.
    public init(_ evaluators: [NetworkEvaluator]) { self.evaluators = evaluators }

    /// All: the more windows a call has, the more they share, in bounded memory.
    public var windowsAtOnce: Int { .max }

    public func scores(
        of field: SearchField, at starts: [Voxel], reportsProgress: Bool
    ) throws(SPARSError) -> [Float] {
        var result = [Float](repeating: 0, count: starts.count)
        // A crop cut short is stretched to the network's input like any other: one resize, no two.
        let groups = try field.grouped(starts)
        for (extent, members) in groups {
            var origins: [Voxel] = []
            for i in members { origins.append(try field.box(at: starts[i]).origin) }
            let scores = try Classifier.meanScores(of: evaluators) {
                (evaluator) throws(SPARSError) in
                try windowLogits(
                    evaluator, field, origins, extent,
                    reportsProgress: reportsProgress && groups.count == 1)
            }
            for (n, i) in members.enumerated() { result[i] = scores[n] }
        }
        return result
    }

    private func windowLogits(
        _ evaluator: NetworkEvaluator, _ field: SearchField, _ origins: [Voxel], _ window: Extent,
        reportsProgress: Bool
    ) throws(SPARSError) -> [Float] {
        var failure: SPARSError?
        let logits = unsafe field.volume.values.withUnsafeBufferPointer { values -> [Float] in
            do throws(SPARSError) {
                return try unsafe evaluator.windowLogits(
                    volume: values, extent: field.volume.extent, origins: origins, window: window,
                    intensityWindow: nil, reportsProgress: reportsProgress)
            } catch {
                failure = error
                return []
            }
        }
        if let failure { throw failure }
        return logits
    }
}
