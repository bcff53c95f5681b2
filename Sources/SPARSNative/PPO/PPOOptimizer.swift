import SPARSKernelTable
import SPARSKernels

/// An actor-critic together with Adam's moments: what one PPO update changes.
public struct PPOOptimizer<S: PolicyScalar>: Sendable {
    public internal(set) var network: ActorCritic<S>
    /// c_j, how many replicas each input stands for; the first layer's columns move c_j times and
    /// count c_j times in the gradient's norm.
    public let multiplicity: [S]
    var firstMean: [S]
    var firstSquare: [S]
    var restMean: [S]
    var restSquare: [S]
    /// Kept between updates for its memory only.
    private var pass: MinibatchPass<S>
    /// Adam steps made.
    public internal(set) var stepCount = 0
    /// Epochs begun, stable-baselines3's `n_updates`.
    public internal(set) var updateCount = 0

    /// - Parameters:
    ///   - network: what is to learn.
    ///   - multiplicity: one positive integer an input, or nil for all 1.
    /// - Throws: `outOfRange` unless it is; `interrupted`.
    public init(_ network: ActorCritic<S>, multiplicity: [Int]? = nil) throws(SPARSError) {
        let counts = try checkedMultiplicity(multiplicity, inputs: network.shape.inputs)
        self.network = network
        self.multiplicity = counts.map { S($0) }
        let none = try Control.filled(network.first.count, with: S(0))
        firstMean = none.onLargePages()
        try Control.check()
        firstSquare = none.onLargePages()
        try Control.check()
        restMean = Array(repeating: 0, count: network.rest.count)
        restSquare = restMean
        pass = MinibatchPass(network.shape)
    }

    /// The same in memory of its own.
    func copied() -> PPOOptimizer {
        var copy = self
        copy.network = network.copied()
        copy.firstMean = firstMean.onLargePages()
        copy.firstSquare = firstSquare.onLargePages()
        // Else filling it here would copy it first.
        copy.pass = MinibatchPass(network.shape)
        return copy
    }

    /// Becomes `other`, a network of the same shape, in the memory it has.
    mutating func overwrite(with other: PPOOptimizer) {
        network.first.overwrite(with: other.network.first)
        network.rest = other.network.rest
        firstMean.overwrite(with: other.firstMean)
        firstSquare.overwrite(with: other.firstSquare)
        (restMean, restSquare) = (other.restMean, other.restSquare)
        (stepCount, updateCount) = (other.stepCount, other.updateCount)
    }

    /// One PPO update: the clipped surrogate loss over every epoch's minibatches, Adam steps on
    /// gradients whose global norm is clipped.
    ///
    /// Minibatches are `batchSize` consecutive elements of an epoch's permutation; the last may be
    /// shorter. Stopping through `Control` leaves whole minibatches: the network stays valid.
    ///
    /// - Parameters:
    ///   - rollout: the steps to learn from.
    ///   - hyperparameters: of the update.
    ///   - permutations: per epoch an order of the rollout's steps.
    ///   - gather: writes the observations of the given steps, (B, `shape.observation`), into the
    ///     array.
    /// - Throws: `outOfRange` for hyperparameters or permutations out of range, `notFinite` if
    ///   a loss or the gradient's norm is not finite (nothing of that minibatch is applied),
    ///   `interrupted`.
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    public mutating func update(
        _ rollout: Rollout<S>, permutations: [[Int]], _ hyperparameters: PPOHyperparameters,
        gather: (_ steps: ArraySlice<Int>, _ into: inout [S]) -> Void
    ) throws(SPARSError) -> PPOLog {
        try hyperparameters.validate()
        try Self.check(permutations, rollout.count, hyperparameters)
        let minibatches = permutations.enumerated().flatMap { epoch, order in
            stride(from: 0, to: order.count, by: hyperparameters.batchSize).map { start in
                (epoch, order[start..<min(start + hyperparameters.batchSize, order.count)])
            }
        }
        var log = PPOLogSums()
        // Taken out, so that filling it does not copy it.
        var pass = pass
        self.pass = MinibatchPass(network.shape)
        defer { self.pass = pass }
        pass.load(minibatches[0].1, gather)
        pass.extract(network, batch: minibatches[0].1.count)
        var products = network.firstProducts(
            ofInputs: pass.inputs, batch: minibatches[0].1.count, part: .both)
        for (i, (epoch, steps)) in minibatches.enumerated() {
            try Control.check()
            if epoch >= log.epochs {
                log.begin(epoch)
                updateCount += 1
            }
            let activations = try network.activations(products: products, batch: steps.count)
            let loss = ClippedLoss(
                rollout, steps: steps, logits: activations.logits, values: activations.values,
                actions: network.shape.actions, hyperparameters)
            log.add(loss)
            if let target = hyperparameters.targetKL, loss.approxKL > 1.5 * target { break }
            let next = i + 1 < minibatches.count ? minibatches[i + 1].1 : nil
            if let next { pass.loadNext(next, gather) }
            let step = try downhill(
                loss, activations, &pass, batch: steps.count, hyperparameters)
            // Convolutions move first, and only then can the next features be known; many products
            // are made afterwards, for a stop waits for the whole descent.
            let together =
                network.convolution == nil
                && steps.count * network.first.count <= Self.descentWork
            products = try Control.shielded { () throws(SPARSError) in
                descend(step, pass, batch: steps.count, nextBatch: together ? next?.count ?? 0 : 0)
            }
            pass.advance()
            if let next, !together {
                pass.extract(network, batch: next.count)
                products = network.firstProducts(
                    ofInputs: pass.inputs, batch: next.count, part: .both)
            }
        }
        return log.means(explainedVariance: rollout.explainedVariance, updates: updateCount)
    }

    /// The same for observations (T, inputs) that lie in one array.
    @_specialize(where S == Float)
    @_specialize(where S == Double)
    public mutating func update(
        _ rollout: Rollout<S>, permutations: [[Int]], _ hyperparameters: PPOHyperparameters,
        observations: [S]
    ) throws(SPARSError) -> PPOLog {
        let inputs = network.shape.observation
        guard observations.count == rollout.count * inputs else {
            throw .range(
                "observations", of: .ppo, mustBe: "\(rollout.count * inputs) numbers",
                got: observations.count)
        }
        return try update(rollout, permutations: permutations, hyperparameters) { steps, into in
            for (b, step) in steps.enumerated() {
                guard !Parallel.isStopped else { return }
                into.replaceSubrange(
                    b * inputs..<(b + 1) * inputs,
                    with: observations[step * inputs..<(step + 1) * inputs])
            }
        }
    }

    private static func check(
        _ permutations: [[Int]], _ count: Int, _ hyperparameters: PPOHyperparameters
    ) throws(SPARSError) {
        let shape = "(\(hyperparameters.nEpochs), \(count))"
        guard permutations.count == hyperparameters.nEpochs else {
            throw .range(
                "permutations", of: .ppo, mustBe: "of shape \(shape)",
                got: "\(permutations.count) rows")
        }
        for order in permutations {
            var seen = [Bool](repeating: false, count: count)
            for step in order where (0..<count).contains(step) { seen[step] = true }
            guard order.count == count, seen.allSatisfy({ $0 }) else {
                throw .range(
                    "permutations", of: .ppo,
                    mustBe: "of shape \(shape), each row an order of 0 to \(count - 1)", got: order)
            }
        }
    }

    /// Multiplications of a minibatch's products that are made within its descent.
    private static var descentWork: Int { 1 << 30 }

    /// What an Adam step is made of.
    private struct Downhill {
        let gradient: (rest: [S], first: [S])
        let step: AdamStep<S>
    }

    /// The gradient and how far to follow it; nothing has moved yet.
    private func downhill(
        _ loss: ClippedLoss<S>, _ activations: Activations<S>, _ pass: inout MinibatchPass<S>,
        batch: Int, _ hyperparameters: PPOHyperparameters
    ) throws(SPARSError) -> Downhill {
        let gradient = try network.backward(
            activations, logits: loss.logitGradient, values: loss.valueGradient, tape: pass.tape,
            batch: batch)
        let norm = globalNorm(gradient, &pass, batch: batch)
        try Control.check()
        guard norm.isFinite, loss.total.isFinite else {
            throw .notFinite(
                tensor: "loss",
                message: "PPO's loss or gradient became NaN or infinite (loss \(loss.total), "
                    + "gradient norm \(norm)). The minibatch was not applied.")
        }
        return Downhill(
            gradient: gradient,
            step: AdamStep<S>(
                // As torch.nn.utils.clip_grad_norm_ has it, 1e-6 included.
                gradientScale: S(min(hyperparameters.maxGradNorm / (norm + 1e-6), 1)),
                learningRate: hyperparameters.learningRate, epsilon: hyperparameters.adamEps,
                count: stepCount + 1))
    }

    /// One Adam step, and the first layer's products with the next minibatch.
    private mutating func descend(
        _ downhill: Downhill, _ pass: MinibatchPass<S>, batch: Int, nextBatch: Int
    ) -> [S] {
        stepCount += 1
        let (gradient, step) = (downhill.gradient, downhill.step)
        for i in gradient.rest.indices {
            step.move(
                &network.rest[i], mean: &restMean[i], square: &restSquare[i],
                gradient: gradient.rest[i])
        }
        return descendFirst(step, gradient.first, pass, batch: batch, nextBatch: nextBatch)
    }

    /// Leaves the first layer's gradient in the pass where that is the cheaper way.
    private func globalNorm(
        _ gradient: (rest: [S], first: [S]), _ pass: inout MinibatchPass<S>, batch: Int
    ) -> Double {
        let squares = gradient.rest.reduce(0.0) { $0 + Double($1) * Double($1) }
        let layer = network.firstLayer
        if FirstLayer<S>.keepsGradient(batch: batch) {
            let inputs = pass.inputs
            let first = unsafe pass.withGradient(count: layer.gradientCount) { kept in
                unsafe layer.gradient(
                    delta: gradient.first, observations: inputs, batch: batch,
                    multiplicity: multiplicity, into: kept)
            }
            return (squares + first).squareRoot()
        }
        let first = unsafe layer.gradientNormSquared(
            delta: gradient.first, observations: pass.inputs, batch: batch,
            multiplicity: multiplicity)
        return (squares + first).squareRoot()
    }

    private mutating func descendFirst(
        _ step: AdamStep<S>, _ delta: [S], _ pass: MinibatchPass<S>, batch: Int, nextBatch: Int
    ) -> [S] {
        let layer = network.firstLayer
        var products = [S](repeating: 0, count: max(1, nextBatch * layer.rows))
        let pointers = (
            delta: delta, observations: pass.inputs, next: pass.next, counts: multiplicity,
            gradient: pass.gradient
        )
        let keepsGradient = FirstLayer<S>.keepsGradient(batch: batch)
        unsafe network.first.withUnsafeMutableBufferPointer { weights in
            unsafe firstMean.withUnsafeMutableBufferPointer { mean in
                unsafe firstSquare.withUnsafeMutableBufferPointer { square in
                    unsafe products.withUnsafeMutableBufferPointer { products in
                        unsafe pointers.gradient.withUnsafeBufferPointer { gradient in
                            unsafe layer.descend(
                                weights: weights.baseAddress!, mean: mean.baseAddress!,
                                square: square.baseAddress!, delta: pointers.delta,
                                observations: pointers.observations, batch: batch,
                                multiplicity: pointers.counts,
                                gradient: keepsGradient ? gradient.baseAddress : nil, step: step,
                                next: pointers.next, nextBatch: nextBatch,
                                nextOutputs: products.baseAddress!)
                        }
                    }
                }
            }
        }
        return products
    }
}

/// The observations of the current minibatch and of the next one.
private struct MinibatchPass<S: PolicyScalar>: Sendable {
    private let width: Int
    private var observations: [S] = []
    private(set) var next: [S] = []
    /// The first layer's, where `FirstLayer.keepsGradient`.
    private(set) var gradient: [S] = []
    /// What the network's convolutions made of the current ones, where it has some.
    private(set) var tape: Convolution.Tape<S>?

    init(_ shape: PolicyShape) { width = shape.observation }

    /// What both nets read of the current minibatch.
    var inputs: [S] { tape?.features ?? observations }

    mutating func extract(_ network: ActorCritic<S>, batch: Int) {
        tape = network.extracted(observations, batch: batch)
    }

    mutating func load(_ steps: ArraySlice<Int>, _ gather: (ArraySlice<Int>, inout [S]) -> Void) {
        fill(&observations, steps, gather)
    }

    mutating func loadNext(_ steps: ArraySlice<Int>, _ gather: (ArraySlice<Int>, inout [S]) -> Void)
    {
        fill(&next, steps, gather)
    }

    mutating func withGradient<Result>(
        count: Int, _ body: (UnsafeMutablePointer<S>) -> Result
    ) -> Result {
        if gradient.count != count {
            gradient = [S](repeating: 0, count: count).onLargePages()
        }
        return unsafe gradient.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
    }

    mutating func advance() { swap(&observations, &next) }

    private func fill(
        _ buffer: inout [S], _ steps: ArraySlice<Int>,
        _ gather: (ArraySlice<Int>, inout [S]) -> Void
    ) {
        if buffer.count != steps.count * width {
            buffer = [S](repeating: 0, count: steps.count * width)
        }
        gather(steps, &buffer)
    }
}

/// Running sums of what an update reports.
private struct PPOLogSums {
    private var sums = PPOLog()
    private var minibatches = 0.0
    private var epochMinibatches = 0.0
    private(set) var epochs = 0

    mutating func begin(_ epoch: Int) {
        epochs = epoch + 1
        sums.approxKL = 0
        epochMinibatches = 0
    }

    mutating func add<S>(_ loss: ClippedLoss<S>) {
        sums.entropyLoss += loss.entropy
        sums.policyGradientLoss += loss.policy
        sums.valueLoss += loss.value
        sums.approxKL += loss.approxKL
        sums.clipFraction += loss.clipFraction
        sums.loss = loss.total
        minibatches += 1
        epochMinibatches += 1
    }

    func means(explainedVariance: Double, updates: Int) -> PPOLog {
        var log = sums
        log.entropyLoss /= minibatches
        log.policyGradientLoss /= minibatches
        log.valueLoss /= minibatches
        log.approxKL /= epochMinibatches
        log.clipFraction /= minibatches
        log.explainedVariance = explainedVariance
        log.nUpdates = Double(updates)
        return log
    }
}
