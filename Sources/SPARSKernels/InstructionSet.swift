import CSPARSProcessor
import SPARSKernelTable
import SPARSKernelsBaseline

#if canImport(SPARSKernelsX86V3)
    import SPARSKernelsX86V3
    import SPARSKernelsX86V4
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The instruction sets the kernels are built for; the best that the machine has is chosen once.
///
/// The environment variable `SPARS_CPU` forces one by its name below; empty is as if it were not
/// set. A name that is unknown, or that the machine cannot run, leaves the best in place and is
/// said by `refusedRequest`, which importing the Python package turns into an error.
public enum InstructionSet: String, Sendable, CaseIterable {
    /// What every processor of the architecture has: SSE2 on x86-64, NEON on arm64.
    case baseline
    /// AVX2 and fused multiply-add.
    case x86V3 = "x86-64-v3"
    /// AVX-512 (F, BW, CD, DQ, VL).
    case x86V4 = "x86-64-v4"

    /// The one in use.
    public static let current: InstructionSet = requested ?? available[available.count - 1]

    /// All that this machine can run, best last.
    public static let available: [InstructionSet] = {
        #if canImport(SPARSKernelsX86V3)
            let level = spars_processor_level()
            return level >= 4
                ? [.baseline, .x86V3, .x86V4] : level >= 3 ? [.baseline, .x86V3] : [.baseline]
        #else
            return [.baseline]
        #endif
    }()

    /// The value of `SPARS_CPU` if it could not be followed.
    public static let refusedRequest: String? = {
        guard let text = environmentRequest, requested == nil else { return nil }
        return text
    }()

    private static let environmentRequest = environmentText("SPARS_CPU")

    private static let requested: InstructionSet? =
        environmentRequest.flatMap(InstructionSet.init(rawValue:)).flatMap {
            available.contains($0) ? $0 : nil
        }

    /// The kernels of this build; only for a set that is `available`.
    var kernels: KernelTable {
        switch self {
        case .baseline: return SPARSKernelsBaseline.makeKernelTable()
        #if canImport(SPARSKernelsX86V3)
            case .x86V3: return SPARSKernelsX86V3.makeKernelTable()
            case .x86V4: return SPARSKernelsX86V4.makeKernelTable()
        #else
            case .x86V3, .x86V4:
                preconditionFailure("\(self) is not available on this architecture")
        #endif
        }
    }
}

/// The value of an environment variable; nil if it is not set or empty.
public func environmentText(_ name: String) -> String? {
    guard let text = getenv(name), text.pointee != 0 else { return nil }
    return String(cString: text)
}

/// The tables of all instruction sets this machine can run.
enum Kernels {
    static let current = InstructionSet.current.kernels
}
