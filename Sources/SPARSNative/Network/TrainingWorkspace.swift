import SPARSKernels
import Synchronization

/// Large buffers that training steps use again: fresh memory costs a page fault every 4 KB, which
/// is a third of a step's time. They are freed with the workspace.
public final class TrainingWorkspace: Sendable {
    private struct Kept {
        var floats: [FloatBuffer] = []
        var choices: [ChoiceBuffer] = []
    }
    private let kept = Mutex(Kept())

    public init() {}

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
