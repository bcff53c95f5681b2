import SPARSKernels

/// How many voxels two masks agree and disagree on.
public struct Overlap: Equatable, Sendable {
    public let truePositives: Int
    public let falsePositives: Int
    public let falseNegatives: Int
    public let trueNegatives: Int

    /// Both masks are of one size and non-zero inside.
    public init(prediction: Span<UInt8>, reference: Span<UInt8>) {
        let counts = MaskKernels.overlap(prediction, reference)
        truePositives = counts.both
        falsePositives = counts.first
        falseNegatives = counts.second
        trueNegatives = prediction.count - counts.both - counts.first - counts.second
    }
}
