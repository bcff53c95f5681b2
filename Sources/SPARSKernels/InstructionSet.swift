/// The instruction sets the kernels can be built for; the best that the machine has is chosen once.
public enum InstructionSet: String, Sendable, CaseIterable {
    case baseline

    public static let current = InstructionSet.baseline
}
