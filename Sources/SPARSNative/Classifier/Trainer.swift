import SPARSKernels
import Synchronization

/// Trains a classifier, one batch of crops at a time.
///
/// A batch: `drawScans` says which scans, `add` draws crops of each of them in turn, `step` learns
/// from all. Or `add` takes windows that have labels of their own. Only crops are kept between calls,
/// so that one scan at a time needs to be in memory. The same seed and scans give the same bits for any thread count.
public final class Trainer: Sendable {
    /// Training and validation draw from streams of their own: validating does not change what is
    /// learned.
    public enum Phase: Int, Sendable {
        case training = 0
        case validation = 1
    }

    /// Running statistics move by this part of the way towards a batch's.
    static let momentum: Float = 0.1
    /// Apart from the streams of batches, so that crops come from the same places with and without.
    static let augmentingStream: UInt64 = 1 << 63
    /// Values in the crops of one batch; 16 GiB of float32.
    static let batchLimit = 1 << 32

    public let classifier: Classifier
    public let configuration: TrainingConfiguration

    struct State {
        var adam = Adam()
        var crops: [Crop] = []
        /// Crops of each scan added.
        var bags: [Int] = []
        var values = 0
        /// Draws the batch's scans and crops.
        var random: RandomSource
        /// Has a stream for each crop of the batch to change it by; nil leaves crops as they are.
        var augmenting: RandomSource?

        mutating func append(_ crop: Crop) throws(SPARSError) {
            values += crop.values.count
            guard values <= Trainer.batchLimit else {
                throw .outOfMemory(
                    message: "The crops of a batch exceed \(Trainer.batchLimit) voxels.")
            }
            crops.append(crop)
        }

        mutating func empty() {
            crops = []
            bags = []
            values = 0
        }
    }
    let state: Mutex<State>
    private let source: RandomSource
    private let workspace = TrainingWorkspace()

    public init(_ classifier: Classifier, _ configuration: TrainingConfiguration) {
        self.classifier = classifier
        self.configuration = configuration
        source = RandomSource(seed: configuration.seed)
        state = Mutex(State(random: source))
    }

    /// Begins a batch, and draws the scans it takes its crops from: `count` of 0..<`scanCount`, each
    /// independently, as the released scripts draw them. Crops added before are dropped.
    ///
    /// Scans, crops and their changes follow from the phase and the batch's number alone: a training
    /// that goes on counts on, and batches of validation that begin at 0 after each epoch are the
    /// same crops each time, so that epochs are compared by what was learned between them.
    ///
    /// - Parameters:
    ///   - count: scans to draw.
    ///   - scanCount: scans that there are.
    ///   - phase: whether the batch trains or validates.
    ///   - batch: its number among those of the phase, 0 to 2^53.
    ///   - hasTumour: the label of each scan, to draw scans without and with tumours by turns; nil
    ///     draws any.
    public func drawScans(
        _ count: Int, of scanCount: Int, phase: Phase, batch: Int,
        balancing hasTumour: [Int]? = nil
    ) throws(SPARSError) -> [Int] {
        guard (1...65_536).contains(count) else {
            throw .range(
                "scans_per_step", of: .training, mustBe: "an integer in the range [1, 65536]",
                got: count)
        }
        guard scanCount > 0 else {
            throw .range("dataset", of: .training, mustBe: "one scan or more", got: scanCount)
        }
        guard (0...(1 << 53)).contains(batch) else {
            throw .range(
                "batch", of: .training, mustBe: "an integer in the range [0, 2^53]", got: batch)
        }
        let groups = try Self.groups(scanCount, hasTumour)
        return state.withLock { state in
            var random = source.stream(UInt64(2 * batch + phase.rawValue))
            let augments = phase == .training && configuration.augmentation != .none
            state.augmenting =
                augments ? source.stream(Self.augmentingStream).stream(UInt64(batch)) : nil
            state.empty()
            let scans = (0..<count).map { i in
                let group = groups[i % groups.count]
                return group[random.integer(below: group.count)]
            }
            state.random = random
            return scans
        }
    }

    /// The scans to draw from by turns.
    private static func groups(
        _ scanCount: Int, _ hasTumour: [Int]?
    ) throws(SPARSError) -> [[Int]] {
        guard let hasTumour else { return [Array(0..<scanCount)] }
        let groups = [0, 1].map { label in (0..<scanCount).filter { hasTumour[$0] == label } }
        guard groups.allSatisfy({ !$0.isEmpty }), groups[0].count + groups[1].count == scanCount
        else {
            throw .range(
                "scan_sampling", of: .training,
                mustBe: "'independent' unless there are scans without and with tumours",
                got: "'balanced'")
        }
        return groups
    }

    /// Draws crops of one scan and adds them to the batch, scaled by the classifier's intensity
    /// window.
    public func add(_ scan: TrainingScan) throws(SPARSError) {
        guard scan.hasTumour == 0 || scan.hasTumour == 1 else {
            throw .range("has_tumour", of: .training, mustBe: "0 or 1", got: scan.hasTumour)
        }
        guard unsafe scan.values.count == scan.extent.count, scan.extent.count > 0 else {
            throw .range("volume", of: .training, mustBe: "of one voxel or more", got: scan.extent)
        }
        let window = classifier.intensityWindow
        try state.withLock { (state: inout State) throws(SPARSError) in
            var random = state.random
            let crops = try drawCrops(
                of: scan, using: &random, augmenting: state.augmenting, first: state.crops.count)
            state.random = random
            state.bags.append(crops.count)
            for crop in crops { try state.append(crop.scaled(by: window)) }
        }
    }

    /// Adds windows with labels of their own to the batch, [n, x, y, z], scaled by the classifier's
    /// intensity window. Each counts as a scan with one crop.
    ///
    /// - Parameters:
    ///   - values: HU, [n, x, y, z].
    ///   - extent: of a window, that of the configuration's crops.
    ///   - hasTumour: the label of each, 0 or 1.
    /// - Throws: `outOfRange` if the configuration's crops have labels from voxels or are resized
    ///   linearly, or counts and labels do not fit; `notFinite` for NaN or infinity in a window.
    ///   The batch may then hold the windows before it.
    public func add(
        windows values: UnsafeBufferPointer<Float>, extent: Extent, hasTumour: [Int]
    ) throws(SPARSError) {
        let rule = configuration.rule
        guard rule.label == .image else {
            throw .range(
                "crop_label", of: .training, mustBe: "'image' with made windows", got: "'voxel'")
        }
        guard rule.interpolation == .nearest else {
            throw .range(
                "crop_interpolation", of: .training, mustBe: "'nearest' with made windows",
                got: "'linear'")
        }
        guard extent == rule.extent else {
            throw .range("window", of: .training, mustBe: "\(rule.extent)", got: extent)
        }
        guard !hasTumour.isEmpty, hasTumour.allSatisfy({ $0 == 0 || $0 == 1 }) else {
            throw .range(
                "has_tumour", of: .training, mustBe: "one integer or more, each 0 or 1",
                got: hasTumour)
        }
        guard values.count % extent.count == 0, values.count / extent.count == hasTumour.count
        else {
            throw .range(
                "windows", of: .training,
                mustBe: "\(hasTumour.count) of \(extent.count) values", got: values.count)
        }
        let window = classifier.intensityWindow
        try state.withLock { (state: inout State) throws(SPARSError) in
            for (i, label) in hasTumour.enumerated() {
                let start = i * extent.count
                let crop = unsafe Crop(
                    origin: Voxel(0, 0, 0), extent: extent,
                    values: Array(values[start..<start + extent.count]), hasTumour: label)
                try checkFinite(crop.values, named: "window \(i)")
                state.bags.append(1)
                try state.append(crop.scaled(by: window))
            }
        }
    }

    /// - Parameter first: the number of the first crop in the batch.
    private func drawCrops(
        of scan: TrainingScan, using random: inout RandomSource, augmenting: RandomSource?,
        first: Int
    ) throws(SPARSError) -> [Crop] {
        let (rule, count) = (configuration.rule, configuration.cropsPerScan)
        guard let augmenting else { return try rule.draw(count, from: scan, using: &random) }
        let augmentation = configuration.augmentation
        var sources = (0..<count).map { augmenting.stream(UInt64(first + $0)) }
        let shifts = sources.indices.map { augmentation.drawShift(using: &sources[$0]) }
        let crops = try rule.draw(count, from: scan, using: &random, shifts: shifts)
        return crops.enumerated().map { i, crop in
            Crop(
                origin: crop.origin, extent: crop.extent,
                values: augmentation.applied(
                    to: crop.values, extent: crop.extent, using: &sources[i]),
                hasTumour: crop.hasTumour)
        }
    }

    /// Learns from the batch: loss, gradients, one Adam step, running statistics. The classifier
    /// changes at the end and all at once; when this throws, it has not changed.
    ///
    /// - Parameter learningRate: of this step.
    /// - Returns: the batch's loss before the step.
    /// - Throws: `notFinite` naming the tensor that is not a number first; `interrupted`.
    public func step(learningRate: Double) throws(SPARSError) -> Double {
        guard learningRate.isFinite, learningRate > 0 else {
            throw .range(
                "learning_rate", of: .training, mustBe: "a float above 0.0", got: learningRate)
        }
        return try state.withLock { (state: inout State) throws(SPARSError) in
            let crops = try Self.batch(state.crops)
            var parameters = classifier.parameters
            let pass = try lossAndGradients(
                architecture: classifier.architecture, parameters: parameters, count: crops.count,
                crops: trainingCrops(crops), hasTumour: crops.map(\.hasTumour),
                classWeights: configuration.classWeights,
                bags: CropBags(sizes: state.bags, pooling: configuration.pooling),
                workspace: workspace)
            var adam = state.adam
            try adam.step(&parameters, gradients: pass.gradients, learningRate: learningRate)
            try adam.checkMoments(of: pass.gradients.names)
            Self.follow(pass.statistics, &parameters)
            try classifier.architecture.check(parameters)
            try Control.check()
            classifier.commit(parameters)
            state.adam = adam
            state.empty()
            return pass.loss
        }
    }

    /// Scores the batch in evaluation mode, and ends it.
    ///
    /// - Returns: the score and the label of each crop, in the order they were drawn.
    public func evaluate() throws(SPARSError) -> (scores: [Float], hasTumour: [Int]) {
        try state.withLock { (state: inout State) throws(SPARSError) in
            let crops = try Self.batch(state.crops)
            let evaluator = try classifier.evaluator()
            let logits =
                switch configuration.rule.interpolation {
                case .nearest: try windowLogits(crops, evaluator)
                case .linear: try resizedLogits(crops, evaluator)
                }
            state.empty()
            return (Classifier.scores(ofLogits: logits), crops.map(\.hasTumour))
        }
    }

    private static func batch(_ crops: [Crop]) throws(SPARSError) -> [Crop] {
        guard !crops.isEmpty else {
            throw .range("batch", of: .training, mustBe: "of one crop or more", got: 0)
        }
        return crops
    }

    private func trainingCrops(_ crops: [Crop]) -> TrainingCrops {
        TrainingCrops(
            resizedTo: classifier.architecture.input, by: configuration.rule.interpolation
        ) { (crops[$0].values, crops[$0].extent) }
    }

    private static func follow(_ statistics: [BatchStatistics], _ parameters: inout Parameters) {
        for (i, batch) in statistics.enumerated() {
            for (field, target) in [
                ("running_mean", batch.mean), ("running_var", batch.unbiasedVariance),
            ] {
                guard var tensor = parameters["bn\(i + 1).\(field)"] else { continue }
                for c in target.indices {
                    tensor.values[c] = (1 - momentum) * tensor.values[c] + momentum * target[c]
                }
                parameters["bn\(i + 1).\(field)"] = tensor
            }
        }
    }

    private func resizedLogits(
        _ crops: [Crop], _ evaluator: NetworkEvaluator
    ) throws(SPARSError) -> [Float] {
        let grid = classifier.architecture.input
        var input = [Float](repeating: 0, count: grid.count)
        var logits: [Float] = []
        for crop in crops {
            unsafe input.withUnsafeMutableBufferPointer { input in
                unsafe crop.values.withUnsafeBufferPointer {
                    // SAFETY: a crop holds `extent.count` values, one at least.
                    unsafe Resample.linear(
                        $0.baseAddress!, from: crop.extent, into: input.baseAddress!, to: grid)
                }
            }
            unsafe logits += try input.withUnsafeBufferPointer { (input) throws(SPARSError) in
                try unsafe evaluator.logits(input, count: 1)
            }
        }
        return logits
    }

    /// Runs of crops of one extent become windows of one volume, stacked along x.
    private func windowLogits(
        _ crops: [Crop], _ evaluator: NetworkEvaluator
    ) throws(SPARSError) -> [Float] {
        var logits: [Float] = []
        var start = 0
        while start < crops.count {
            let size = crops[start].extent
            var end = start
            var values: [Float] = []
            while end < crops.count, crops[end].extent == size {
                values += crops[end].values
                end += 1
            }
            let origins = (0..<end - start).map { Voxel($0 * size.x, 0, 0) }
            let stack = Extent((end - start) * size.x, size.y, size.z)
            unsafe logits += try values.withUnsafeBufferPointer { (values) throws(SPARSError) in
                try unsafe evaluator.windowLogits(
                    volume: values, extent: stack, origins: origins, window: size,
                    intensityWindow: nil)
            }
            start = end
        }
        return logits
    }
}

extension Crop {
    func scaled(by window: IntensityWindow?) -> Crop {
        guard let window else { return self }
        return Crop(
            origin: origin, extent: extent, values: values.map(window.scaled),
            hasTumour: hasTumour)
    }
}
