/// Says how likely a window holds tumour. The game knows no more of a classifier than this.
///
/// A score depends on the window's crop only, so `SearchField` asks once for each place.
public protocol WindowScorer: AnyObject {
    /// The score, in [0, 1], of each crop of `field` that starts at one of `starts`.
    ///
    /// - Parameters:
    ///   - field: what is searched.
    ///   - starts: lowest corners of the crops.
    ///   - reportsProgress: whether `Control` is told how many of `starts` are done, where
    ///   `windowsAtOnce` is without limit.
    func scores(
        of field: SearchField, at starts: [Voxel], reportsProgress: Bool
    ) throws(SPARSError) -> [Float]

    /// Windows asked for in one call where all are wanted.
    var windowsAtOnce: Int { get }
}

extension WindowScorer {
    /// Few enough to report progress and to answer an interrupt between calls.
    public var windowsAtOnce: Int { 256 }
}

/// Scores crops by calling a function, for example one of Python's.
@safe public final class CallbackScorer: WindowScorer {
    /// Takes `count` crops of one extent after another and fills as many scores.
    public typealias Function = (
        _ crops: UnsafeBufferPointer<Float>, _ extent: Extent,
        _ scores: UnsafeMutableBufferPointer<Float>
    ) throws(SPARSError) -> Void

    /// The function of the moment; a caller that lends one only during a call sets it anew.
    public var function: Function?

    /// Crops passed at a time are kept below this many voxels, or are one.
    static let voxelsAtOnce = 1 << 20

    public init(_ function: Function? = nil) { unsafe self.function = unsafe function }

    public func scores(
        of field: SearchField, at starts: [Voxel], reportsProgress: Bool
    ) throws(SPARSError) -> [Float] {
        guard let function = unsafe function else {
            throw .range(
                "scorer", of: .game, mustBe: "given where scores are unknown", got: "none")
        }
        var result = [Float](repeating: 0, count: starts.count)
        // Crops that the scan's end cuts short go in calls of their own: a call has one extent.
        for (extent, members) in try field.grouped(starts) {
            let chunk = max(1, Self.voxelsAtOnce / extent.count)
            for first in stride(from: 0, to: members.count, by: chunk) {
                try Control.check()
                let part = members[first..<min(first + chunk, members.count)]
                var boxes: [Window<ModelGrid>] = []
                for i in part { boxes.append(try field.box(at: starts[i])) }
                let crops = field.crops(boxes, of: extent)
                let scores = try unsafe Self.call(function, crops, extent, count: part.count)
                for (i, score) in zip(part, scores) { result[i] = score }
            }
        }
        return result
    }

    private static func call(
        _ function: Function, _ crops: [Float], _ extent: Extent, count: Int
    ) throws(SPARSError) -> [Float] {
        // The closures of the buffers cannot throw a typed error through `rethrows`.
        var failure: SPARSError?
        let scores = unsafe crops.withUnsafeBufferPointer { crops in
            unsafe [Float](unsafeUninitializedCapacity: count) { scores, initialized in
                unsafe scores.initialize(repeating: .nan)
                initialized = count
                do throws(SPARSError) {
                    try unsafe function(crops, extent, .init(rebasing: scores[..<count]))
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
        return scores
    }
}
