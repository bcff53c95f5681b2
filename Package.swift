// swift-tools-version: 6.2
import PackageDescription

// Kernels are the only code built without overflow checks; see docs/decisions/0002-kernels.md.
// Without -fno-math-errno every lane of a square root tests for a negative number.
let kernelFlags: [SwiftSetting] = [
    .unsafeFlags(
        ["-Ounchecked", "-Xllvm", "-unroll-threshold=600", "-Xcc", "-fno-math-errno"],
        .when(configuration: .release))
]

let package = Package(name: "spars")

// MARK: - Public: what other programs link against

package.products = [
    .library(name: "SPARSNative", targets: ["SPARSNative"]),
    .library(name: "SPARSPhantom", targets: ["SPARSPhantom"]),
]

// What leaves the memory that Swift checks says `unsafe` in the core. Kernels, and the C ABI, which is
// passed pointers, do little else.
package.targets += [
    .target(name: "CSPARS"),
    .target(
        name: "SPARSNative", dependencies: ["SPARSKernels", "SPARSKernelTable", "CZlib"],
        swiftSettings: [.strictMemorySafety()]),
    .target(
        name: "SPARSPhantom", dependencies: ["SPARSKernels", "SPARSNative"],
        swiftSettings: [.strictMemorySafety()]),
    .target(name: "SPARSABI", dependencies: ["CSPARS", "SPARSNative", "SPARSPhantom"]),
]

// MARK: - Implementation: kernels, zlib, and the CPython shim

// The innermost loops are one folder, compiled once for each instruction set (the other folders are
// links to it); SPARSKernels chooses at run time.
var kernelVariants = [kernelVariant("Baseline", flags: [])]
#if arch(x86_64)
    // A manifest is compiled for the builder; `scripts/manylinux_wheel.sh` builds for another machine.
    if Context.environment["SPARS_MACHINE"] != "aarch64" {
        kernelVariants += [
            kernelVariant("X86V3", flags: ["-march=x86-64-v3"]),
            kernelVariant("X86V4", flags: ["-march=x86-64-v4", "-mprefer-vector-width=512"]),
        ]
    }
#endif

func kernelVariant(_ name: String, flags: [String]) -> Target {
    .target(
        name: "SPARSKernels\(name)", dependencies: ["CSPARSProcessor", "SPARSKernelTable"],
        path: "Sources/SPARSKernelVariants/\(name)",
        swiftSettings: kernelFlags
            + (flags.isEmpty
                ? []
                : [
                    .unsafeFlags(
                        flags.flatMap { ["-Xcc", $0] }, .when(configuration: .release)),
                    .define("SPARS_FMA", .when(configuration: .release)),
                ]))
}

package.targets += kernelVariants
package.targets += [
    .target(name: "CSPARSProcessor"),
    .target(name: "SPARSKernelTable", swiftSettings: kernelFlags),
    .target(
        name: "SPARSKernels",
        dependencies: ["CSPARSProcessor", "SPARSKernelTable"]
            + kernelVariants.map { .target(name: $0.name) },
        swiftSettings: kernelFlags),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
]

// The shim needs Python's headers, so it exists only when `setup.py` says where they are:
// `swift build` and `swift test` need no Python. `scripts/sanitize.sh` has more flags for its C.
if let include = Context.environment["SPARS_PYTHON_INCLUDE"] {
    let more = (Context.environment["SPARS_SHIM_FLAGS"] ?? "").split(separator: " ").map(
        String.init)
    package.products.append(
        .library(name: "SPARSPython", type: .dynamic, targets: ["SPARSABI", "CPythonShim"]))
    package.targets.append(
        .target(
            name: "CPythonShim", dependencies: ["CSPARS"],
            cSettings: [
                .unsafeFlags(["-I", include] + more), .define("Py_LIMITED_API", to: "0x030B0000"),
            ]))
}

// MARK: - Tests

package.targets += [
    .target(
        name: "SPARSTestSupport", dependencies: ["SPARSKernels", "SPARSNative"],
        path: "Tests/SPARSTestSupport"),
    // Prints what another architecture must compute too; see scripts/check_arm64.sh.
    .executableTarget(
        name: "SPARSPortability", dependencies: ["SPARSNative", "SPARSTestSupport"],
        path: "Tests/Portability"),
    .testTarget(name: "SPARSKernelsTests", dependencies: ["SPARSKernels", "SPARSTestSupport"]),
    .testTarget(name: "SPARSNativeTests", dependencies: ["SPARSNative", "SPARSTestSupport"]),
    .testTarget(
        name: "SPARSPhantomTests",
        dependencies: ["SPARSKernels", "SPARSPhantom", "SPARSTestSupport"]),
    .testTarget(
        name: "SPARSABITests", dependencies: ["SPARSABI", "SPARSPhantom", "SPARSTestSupport"]),
]

// Coverage-guided fuzzing of what reads files; libFuzzer brings `main`, so it exists only for
// `scripts/fuzz.sh`.
if Context.environment["SPARS_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "SPARSFuzz", dependencies: ["SPARSNative"], path: "Tests/Fuzz",
            exclude: ["seeds.py"],
            swiftSettings: [.unsafeFlags(["-parse-as-library"])]))
}

// As `.ci/run` has it; a newer compiler's warnings keep nobody else from building.
if Context.environment["SPARS_WARNINGS_AS_ERRORS"] != nil {
    for target in package.targets where target.type != .system {
        target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
    }
}
