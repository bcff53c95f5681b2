typealias V8 = SIMD8<Float>
typealias V16 = SIMD16<Float>
typealias Floats = UnsafePointer<Float>
typealias MutableFloats = UnsafeMutablePointer<Float>

// This folder is compiled once for each instruction set. Its code must call no generic code of the
// standard library that is not inlined (arrays, sorting): equal symbols of several builds are
// merged by the linker, and the one kept may need instructions the machine lacks.

// SAFETY: all functions here read or write 8 or 16 values at `pointer`; the kernels' contracts name
// the rows and lengths, and buffers have slack behind their last value.

@inline(__always) func load8(_ pointer: Floats) -> V8 {
    UnsafeRawPointer(pointer).loadUnaligned(as: V8.self)
}

@inline(__always) func load16(_ pointer: Floats) -> V16 {
    UnsafeRawPointer(pointer).loadUnaligned(as: V16.self)
}

@inline(__always) func store(_ value: V8, _ pointer: MutableFloats) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: V8.self)
}

@inline(__always) func store(_ value: V16, _ pointer: MutableFloats) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: V16.self)
}

/// acc + a b, fused where the instruction set can: elsewhere a fused product would be a call of
/// the C library for each lane.
@inline(__always) func madd(_ acc: V8, _ a: V8, _ b: V8) -> V8 {
    #if SPARS_FMA || arch(arm64)
        return acc.addingProduct(a, b)
    #else
        return acc + a * b
    #endif
}

@inline(__always) func madd(_ acc: V16, _ a: V16, _ b: V16) -> V16 {
    #if SPARS_FMA || arch(arm64)
        return acc.addingProduct(a, b)
    #else
        return acc + a * b
    #endif
}

/// The larger lanes, by one instruction; `pointwiseMax` compiles to many.
@inline(__always) func larger(_ a: V8, _ b: V8) -> V8 { a.replacing(with: b, where: a .< b) }
@inline(__always) func larger(_ a: V16, _ b: V16) -> V16 { a.replacing(with: b, where: a .< b) }

@inline(__always) func splat8(_ value: Float) -> V8 { V8(repeating: value) }
@inline(__always) func splat16(_ value: Float) -> V16 { V16(repeating: value) }
