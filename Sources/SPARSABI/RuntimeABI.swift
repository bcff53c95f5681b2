import CSPARS
import SPARSKernels
import SPARSNative

@_cdecl("spars_version")
public func sparsVersion() -> UnsafePointer<CChar> { versionText }

private nonisolated(unsafe) let versionText = lastingCString(SPARSVersion.current)

@_cdecl("spars_instruction_set")
public func sparsInstructionSet() -> UnsafePointer<CChar> { instructionSetText }

private nonisolated(unsafe) let instructionSetText = lastingCString(InstructionSet.current.rawValue)

@_cdecl("spars_check_environment")
public func sparsCheckEnvironment(_ error: Out<spars_error>) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        if let text = InstructionSet.refusedRequest {
            let names = InstructionSet.available.map { "'\($0.rawValue)'" }
            throw refused(
                "SPARS_CPU",
                mustBe: "\(names.joined(separator: " or ")), which this machine can run", text)
        }
        let (threadCount, oversubscription) = Parallel.refusedRequests
        if let text = threadCount {
            let range = Parallel.threadCountRange
            throw refused(
                "SPARS_NUM_THREADS",
                mustBe: "an integer in the range [\(range.lowerBound), \(range.upperBound)]", text)
        }
        if let text = oversubscription {
            throw refused("SPARS_OVERSUBSCRIBE", mustBe: "0 or 1", text)
        }
        try Memory.checkEnvironment()
    }
}

private func refused(_ variable: String, mustBe allowed: String, _ text: String) -> SPARSError {
    .invalidArgument(
        parameter: variable,
        message: "The '\(variable)' environment variable must be \(allowed). Got '\(text)' instead."
    )
}

@_cdecl("spars_set_thread_count")
public func sparsSetThreadCount(_ count: Int64, _ error: Out<spars_error>) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        guard let count = Int(exactly: count), Parallel.threadCountRange.contains(count) else {
            throw .range(
                "count", of: "set_thread_count", mustBe: "an integer in the range [1, 256]",
                got: count)
        }
        Parallel.threadCount = count
    }
}

@_cdecl("spars_thread_count")
public func sparsThreadCount() -> Int64 { Int64(Parallel.threadCount) }

@_cdecl("spars_release")
public func sparsRelease(_ handle: UInt64) { HandleTable.shared.release(handle) }

/// A C string that lives as long as the process.
func lastingCString(_ text: String) -> UnsafePointer<CChar> {
    let bytes = Array(text.utf8CString)
    let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
    _ = buffer.initialize(from: bytes)
    return UnsafePointer(buffer.baseAddress!)
}
