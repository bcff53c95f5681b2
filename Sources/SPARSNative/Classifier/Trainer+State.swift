/// What a training needs beside its classifier's parameters to go on to the bit.
///
/// Batches are drawn from streams that their number selects, so that no random source has a state.
extension Trainer {
    /// Steps taken, by this trainer and those whose state it goes on from.
    public var stepCount: Int { state.withLock { $0.adam.stepCount } }

    /// Adam's means of the trainable parameters in their order, then its squares.
    public var moments: [Float] { state.withLock { $0.adam.moments(of: trainable) } }

    /// Values in `moments`.
    public var momentCount: Int { trainable.reduce(0) { $0 + 2 * $1.count } }

    /// Goes on after `stepCount` steps. Crops added before are dropped.
    ///
    /// - Throws: as `Adam.restore`; nothing changes then.
    public func restore(moments: [Float], stepCount: Int) throws(SPARSError) {
        let tensors = trainable
        try state.withLock { (state: inout State) throws(SPARSError) in
            var adam = state.adam
            try adam.restore(moments: moments, of: tensors, stepCount: stepCount)
            state.adam = adam
            state.empty()
        }
    }

    private var trainable: [(name: String, count: Int)] {
        let names = Set(classifier.architecture.trainableNames)
        return classifier.architecture.parameterShapes.filter { names.contains($0.name) }.map {
            (name: $0.name, count: $0.shape.reduce(1, *))
        }
    }
}
