import SPARSKernelTable

/// A policy's number with the kernels that this machine runs best.
public protocol PolicyScalar: PolicyNumber {
    static var policyKernels: PolicyKernelTable<Self> { get }
}

extension Float: PolicyScalar {
    public static var policyKernels: PolicyKernelTable<Float> { Kernels.current.policyFloat }
}

extension Double: PolicyScalar {
    public static var policyKernels: PolicyKernelTable<Double> { Kernels.current.policyDouble }
}
