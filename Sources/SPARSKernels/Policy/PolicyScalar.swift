import SPARSKernelTable

/// A policy's number with the kernels that compute with it.
public protocol PolicyScalar: PolicyNumber {
    /// Those of a set that is `available`.
    static func policyKernels(on set: InstructionSet) -> PolicyKernelTable<Self>
}

extension PolicyScalar {
    /// Those that this machine runs best.
    public static var policyKernels: PolicyKernelTable<Self> { policyKernels(on: .current) }
}

extension Float: PolicyScalar {
    public static func policyKernels(on set: InstructionSet) -> PolicyKernelTable<Float> {
        Kernels.of(set).policyFloat
    }
}

extension Double: PolicyScalar {
    public static func policyKernels(on set: InstructionSet) -> PolicyKernelTable<Double> {
        Kernels.of(set).policyDouble
    }
}
