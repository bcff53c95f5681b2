import CSPARS
import SPARSNative

/// Runs `body` and turns what it throws into a status and a message in `error`.
func guarded(_ error: Out<spars_error>, _ body: () throws(SPARSError) -> Void) -> Int32 {
    do throws(SPARSError) {
        try body()
        return Int32(SPARS_OK.rawValue)
    } catch let failure {
        let (status, parameter) = failure.statusAndParameter
        if let error {
            error.pointee.status = Int32(status.rawValue)
            error.pointee.code = failure.systemCode
            copy(parameter, into: &error.pointee.parameter)
            copy(failure.frontMessage, into: &error.pointee.message)
        }
        return Int32(status.rawValue)
    }
}

/// Runs `body` under the caller's control, if it gave one, and looks once more at the end whether to
/// stop: a region that was stopped has left its output unfinished.
func guarded(
    _ error: Out<spars_error>, _ control: In<spars_control>, _ body: () throws(SPARSError) -> Void
) -> Int32 {
    guarded(error) { () throws(SPARSError) in
        try underControl(control) { () throws(SPARSError) in
            try body()
            try Control.check()
        }
    }
}

/// Runs `body` with the caller's control current, if it gave one.
func underControl(
    _ control: In<spars_control>, _ body: () throws(SPARSError) -> Void
) throws(SPARSError) {
    guard let control = control?.pointee, let poll = control.poll else { return try body() }
    try Control.with(
        poll: { done, planned in poll(control.context, Int64(done), Int64(planned)) != 0 }, body)
}

extension SPARSError {
    /// `errno`, or 0.
    fileprivate var systemCode: Int32 {
        if case .io(_, let code, _) = self { code } else { 0 }
    }

    fileprivate var statusAndParameter: (spars_status, String) {
        switch self {
        case .outOfRange(let value): (SPARS_INVALID_ARGUMENT, value.parameter)
        case .invalidArgument(let parameter, _): (SPARS_INVALID_ARGUMENT, parameter)
        case .badFormat(let field, _): (SPARS_BAD_FORMAT, field)
        case .io(let path, _, _): (SPARS_IO, path)
        case .interrupted: (SPARS_INTERRUPTED, "")
        case .callbackFailed: (SPARS_CALLBACK_FAILED, "")
        case .staleHandle(let kind): (SPARS_STALE_HANDLE, kind)
        case .notFinite(let tensor, _): (SPARS_NOT_FINITE, tensor)
        case .outOfMemory: (SPARS_OUT_OF_MEMORY, "")
        }
    }
}

/// Copies text into a fixed C buffer, cut at a whole character and always terminated.
private func copy<Buffer>(_ text: String, into buffer: inout Buffer) {
    withUnsafeMutableBytes(of: &buffer) { bytes in
        var end = 0
        for character in text {
            let width = character.utf8.count
            if end + width >= bytes.count { break }
            for byte in character.utf8 {
                bytes[end] = byte
                end += 1
            }
        }
        bytes[end] = 0
    }
}
