import SPARSKernels
import Synchronization

/// Large buffers that training steps use again: fresh memory costs a page fault every 4 KB, which
/// is a third of a step's time. They are freed with the workspace.
///
/// It also says what of a batch is kept, instead of being made again on the way back: 1 GiB holds
/// conv2's raw outputs of 95 crops at the input of record. Beyond that each crop adds 3.7 MB in all.
public final class TrainingWorkspace: Sendable {
    private struct Kept {
        var floats: [FloatBuffer] = []
        var choices: [ChoiceBuffer] = []
    }
    private let kept = Mutex(Kept())

    /// What conv1's pooled outputs of a batch may take, bytes.
    let firstOutputBytes: Int
    /// What conv2's raw outputs of a batch may take, bytes.
    let rawOutputBytes: Int

    public init(firstOutputBytes: Int = 384 << 20, rawOutputBytes: Int = 1 << 30) {
        self.firstOutputBytes = firstOutputBytes
        self.rawOutputBytes = rawOutputBytes
    }

    /// A buffer of `count` values, which are unspecified.
    func take(_ count: Int) -> FloatBuffer {
        let found = kept.withLock { kept in
            kept.floats.lastIndex { $0.count == count }.map { kept.floats.remove(at: $0) }
        }
        return found ?? FloatBuffer(count: count)
    }

    func give(_ buffer: FloatBuffer) {
        kept.withLock { $0.floats.append(buffer) }
    }

    /// A pooled output of `count` values and choices.
    func takeOutput(_ count: Int) -> StageOutput {
        let choice = kept.withLock { kept in
            kept.choices.lastIndex { $0.count == count }.map { kept.choices.remove(at: $0) }
        }
        return StageOutput(output: take(count), choice: choice ?? ChoiceBuffer(count: count))
    }

    func giveOutput(_ output: StageOutput) {
        give(output.output)
        guard let choice = output.choice else { return }
        kept.withLock { $0.choices.append(choice) }
    }
}
