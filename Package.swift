// swift-tools-version: 6.2
import PackageDescription

// Kernels are the only code built without overflow checks; see docs/decisions/0002-kernels.md.
let kernelFlags: [SwiftSetting] = [
    .unsafeFlags(
        ["-Ounchecked", "-Xllvm", "-unroll-threshold=600"], .when(configuration: .release))
]

let package = Package(name: "spars")

// MARK: - Public: what other programs link against

package.products = [
    .library(name: "SPARSNative", targets: ["SPARSNative"])
]

package.targets += [
    .target(name: "CSPARS"),
    .target(name: "SPARSNative", dependencies: ["SPARSKernels", "CZlib"]),
    .target(name: "SPARSABI", dependencies: ["CSPARS", "SPARSNative"]),
]

// MARK: - Implementation: kernels, zlib, and the CPython shim

package.targets += [
    .target(name: "SPARSKernels", swiftSettings: kernelFlags),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
]

// The shim needs Python's headers, so it exists only when `setup.py` says where they are:
// `swift build` and `swift test` need no Python.
if let include = Context.environment["SPARS_PYTHON_INCLUDE"] {
    package.products.append(
        .library(name: "SPARSPython", type: .dynamic, targets: ["SPARSABI", "CPythonShim"]))
    package.targets.append(
        .target(
            name: "CPythonShim", dependencies: ["CSPARS"],
            cSettings: [
                .unsafeFlags(["-I", include]), .define("Py_LIMITED_API", to: "0x030B0000"),
            ]))
}

// MARK: - Tests

package.targets += [
    .target(
        name: "SPARSTestSupport", dependencies: ["SPARSNative"], path: "Tests/SPARSTestSupport"),
    .testTarget(name: "SPARSKernelsTests", dependencies: ["SPARSKernels", "SPARSTestSupport"]),
    .testTarget(name: "SPARSNativeTests", dependencies: ["SPARSNative", "SPARSTestSupport"]),
    .testTarget(name: "SPARSABITests", dependencies: ["SPARSABI", "SPARSTestSupport"]),
]
