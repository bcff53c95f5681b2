import SPARSKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The object presence classifier: the network, its parameters, and the HU range it sees.
///
/// May be used from several threads: every call works on the parameters of the moment it began.
public final class Classifier: Sendable {
    public let architecture: NetworkArchitecture

    private struct State {
        var parameters: Parameters
        var batchesTracked: Int
        /// Tells one set of parameters from the next.
        var generation = 0
        var intensityWindow: IntensityWindow?
        var metadata: [String: String]
        var evaluator: NetworkEvaluator?
    }
    private let state: Mutex<State>

    /// - Parameters:
    ///   - architecture: the network's extents.
    ///   - parameters: every tensor by its name.
    ///   - intensityWindow: the HU range that the network sees; nil takes HU as they are.
    ///   - metadata: texts that a file keeps beside the tensors.
    ///   - batchesTracked: training steps behind the running statistics.
    /// - Throws: `outOfRange` or `notFinite` naming the first parameter that does not fit.
    public init(
        architecture: NetworkArchitecture, parameters: Parameters, batchesTracked: Int = 0,
        intensityWindow: IntensityWindow? = nil, metadata: [String: String] = [:]
    ) throws(SPARSError) {
        try architecture.check(parameters)
        self.architecture = architecture
        state = Mutex(
            State(
                parameters: parameters, batchesTracked: batchesTracked,
                intensityWindow: intensityWindow, metadata: metadata))
    }

    /// A classifier that has not learned anything yet.
    public convenience init(
        input: Extent = NetworkArchitecture.inputOfRecord, seed: UInt64,
        intensityWindow: IntensityWindow? = nil
    ) throws(SPARSError) {
        let architecture = try NetworkArchitecture(input: input)
        try self.init(
            architecture: architecture, parameters: try architecture.initialParameters(seed: seed),
            intensityWindow: intensityWindow)
    }

    public var parameters: Parameters { state.withLock { $0.parameters } }

    public var batchesTracked: Int { state.withLock { $0.batchesTracked } }

    /// What came with the file it was loaded from, and goes with the next one.
    public var metadata: [String: String] {
        get { state.withLock { $0.metadata } }
        set { state.withLock { $0.metadata = newValue } }
    }

    /// Applied to volumes by `scores` and in training; nil passes raw HU.
    public var intensityWindow: IntensityWindow? {
        get { state.withLock { $0.intensityWindow } }
        set { state.withLock { $0.intensityWindow = newValue } }
    }

    /// Takes the parameters a training step arrived at, all at once.
    func commit(_ parameters: Parameters) {
        state.withLock { state in
            state.parameters = parameters
            state.batchesTracked += 1
            state.generation += 1
            state.evaluator = nil
        }
    }

    /// Takes other parameters, all at once.
    ///
    /// - Parameters:
    ///   - parameters: every tensor by its name.
    ///   - batchesTracked: training steps behind the running statistics.
    /// - Throws: `outOfRange` or `notFinite` naming the first that does not fit; nothing
    ///   changes then.
    public func replace(
        _ parameters: Parameters, batchesTracked: Int
    ) throws(SPARSError) {
        try architecture.check(parameters)
        guard batchesTracked >= 0 else {
            throw .range(
                "batches_tracked", of: .classifier, mustBe: "0 or above", got: batchesTracked)
        }
        state.withLock { state in
            state.parameters = parameters
            state.batchesTracked = batchesTracked
            state.generation += 1
            state.evaluator = nil
        }
    }

    /// The network in evaluation mode, made once for each set of parameters.
    public func evaluator() throws(SPARSError) -> NetworkEvaluator {
        let (known, parameters, generation) = state.withLock {
            ($0.evaluator, $0.parameters, $0.generation)
        }
        if let known { return known }
        let made = try NetworkEvaluator(architecture: architecture, parameters: parameters)
        state.withLock { if $0.generation == generation { $0.evaluator = made } }
        return made
    }

    /// Logits [count, 2] of `count` inputs on the network's grid, values taken as they are.
    public func logits(
        _ inputs: UnsafeBufferPointer<Float>, count: Int
    ) throws(SPARSError) -> [Float] {
        try unsafe evaluator().logits(inputs, count: count)
    }

    /// The score of each window of `window` voxels cut from `volume`: the mean of the classifiers'.
    ///
    /// - Parameters:
    ///   - classifiers: one, or the members of an ensemble.
    ///   - extent: the volume's voxels along x, y, z.
    ///   - window: the windows' voxels along x, y, z.
    ///   - volume: HU, [x, y, z] of `extent`.
    ///   - origins: lowest corners of the windows, in the volume's voxels.
    public static func scores(
        of classifiers: [Classifier], volume: UnsafeBufferPointer<Float>, extent: Extent,
        origins: [Voxel], window: Extent
    ) throws(SPARSError) -> [Float] {
        try meanScores(of: classifiers) { (classifier) throws(SPARSError) in
            try unsafe classifier.evaluator().windowLogits(
                volume: volume, extent: extent, origins: origins, window: window,
                intensityWindow: classifier.intensityWindow, reportsProgress: true)
        }
    }

    /// Training-mode loss and gradients of a batch; nothing of the classifier changes.
    public func lossAndGradients(
        _ inputs: UnsafeBufferPointer<Float>, hasTumour: [Int]
    ) throws(SPARSError) -> TrainingPass {
        let voxels = architecture.input.count
        return try unsafe SPARSNative.lossAndGradients(
            architecture: architecture, parameters: parameters, count: hasTumour.count,
            crops: TrainingCrops { index, crop in
                _ = unsafe crop.update(
                    fromContentsOf: UnsafeBufferPointer(
                        rebasing: inputs[index * voxels..<(index + 1) * voxels]))
            }, hasTumour: hasTumour)
    }

    /// The mean over networks of their scores, in float64 and rounded once: of one its own.
    ///
    /// Source: probabilities are averaged as by Lakshminarayanan, Pritzel and Blundell, "Simple and
    /// scalable predictive uncertainty estimation using deep ensembles" (2017).
    ///
    /// - Parameters:
    ///   - members: what has logits, one or more.
    ///   - logits: those of one of them, [n, 2].
    static func meanScores<Member>(
        of members: [Member], logits: (Member) throws(SPARSError) -> [Float]
    ) throws(SPARSError) -> [Float] {
        var sums: [Double] = []
        for (index, member) in members.enumerated() {
            let scores = scores(
                ofLogits: try Control.part(index, of: members.count) { () throws(SPARSError) in
                    try logits(member)
                })
            sums = index == 0 ? scores.map(Double.init) : zip(sums, scores).map { $0 + Double($1) }
        }
        return sums.map { Float($0 / Double(members.count)) }
    }

    /// softmax(logits)[1] for each pair of logits.
    static func scores(ofLogits logits: [Float]) -> [Float] {
        (0..<logits.count / 2).map { n in
            Float(1 / (1 + exp(Double(logits[2 * n]) - Double(logits[2 * n + 1]))))
        }
    }
}
