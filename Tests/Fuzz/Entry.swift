import SPARSNative

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

private let reader: Reader = {
    let name = getenv("SPARS_FUZZ").map { String(cString: $0) } ?? ""
    guard let reader = Reader(rawValue: name) else {
        preconditionFailure("SPARS_FUZZ must be one of \(Reader.allCases.map(\.rawValue))")
    }
    return reader
}()

/// What libFuzzer calls with each input; `main` is its own.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    // SAFETY: `data` points to `size` bytes for the time of the call.
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    do throws(SPARSError) {
        try reader.read(bytes)
    } catch .badFormat {
    } catch {
        preconditionFailure("\(reader) threw another kind: \(error)")
    }
    return 0
}
