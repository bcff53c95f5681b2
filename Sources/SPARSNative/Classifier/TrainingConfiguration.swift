/// What a training run is made of, beside the scans.
public struct TrainingConfiguration: Equatable, Sendable {
    public var rule: CropRule
    public var cropsPerScan: Int
    public var pooling: CropPooling
    /// The loss's weight of tumour-free scans and of those with tumours.
    public var classWeights: [Float]
    public var augmentation: Augmentation
    public var seed: UInt64

    /// - Throws: `outOfRange` naming the field.
    public init(
        rule: CropRule, cropsPerScan: Int, pooling: CropPooling = .none,
        classWeights: [Float] = [1, 1], augmentation: Augmentation = .none, seed: UInt64
    ) throws(SPARSError) {
        guard (0..<3).allSatisfy({ (1...65_536).contains(rule.extent[$0]) }) else {
            throw .range(
                "window", of: .training, mustBe: "three integers in the range [1, 65536]",
                got: rule.extent)
        }
        guard (1...65_536).contains(cropsPerScan) else {
            throw .range(
                "crops_per_scan", of: .training, mustBe: "an integer in the range [1, 65536]",
                got: cropsPerScan)
        }
        if case .highest(let count) = pooling, !(1...cropsPerScan).contains(count) {
            throw .range(
                "pooling", of: .training, mustBe: "an integer in the range [1, \(cropsPerScan)]",
                got: count)
        }
        guard pooling == .none || rule.label == .image else {
            throw .range(
                "pooling", of: .training, mustBe: "None where crops carry labels of their own",
                got: pooling)
        }
        guard classWeights.count == 2, classWeights.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw .range(
                "class_weights", of: .training, mustBe: "two floats above 0.0", got: classWeights)
        }
        if let threshold = rule.foregroundThreshold, !threshold.isFinite {
            throw .range(
                "foreground_threshold", of: .training, mustBe: "a finite float or None",
                got: threshold)
        }
        self.rule = rule
        self.cropsPerScan = cropsPerScan
        self.pooling = pooling
        self.classWeights = classWeights
        self.augmentation = augmentation
        self.seed = seed
    }
}
