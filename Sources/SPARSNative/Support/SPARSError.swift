/// Everything a caller can cause to go wrong, in words a researcher can act on.
///
/// Our own mistakes are not here: they are preconditions.
public enum SPARSError: Error, Equatable, Sendable {
    /// A value outside its documented range.
    case invalidArgument(parameter: String, message: String)
    /// A file that is broken, truncated or lying.
    case badFormat(field: String, message: String)
    /// The operating system refused; `code` is `errno`.
    case io(path: String, code: Int32, message: String)
    /// The caller asked a long call to stop.
    case interrupted
    /// A caller's callback failed; the caller knows why.
    case callbackFailed
    /// No living object of the wanted kind has this handle.
    case staleHandle(kind: String)
    /// NaN or infinity in the named tensor.
    case notFinite(tensor: String, message: String)
    /// The request exceeds the stated limit.
    case outOfMemory(message: String)

    /// The one shape of sentence for a value outside its range:
    /// "The 'clip_range' parameter of PPO must be a float in the range (0.0, 1.0). Got 1.5 instead."
    ///
    /// - Parameters:
    ///   - parameter: the Python argument's name.
    ///   - owner: what takes it, for example "PPO" or "load".
    ///   - allowed: what is allowed, to follow "must be".
    ///   - got: the value received.
    public static func range(
        _ parameter: String, of owner: String, mustBe allowed: String, got: some Any
    ) -> SPARSError {
        .invalidArgument(
            parameter: parameter,
            message:
                "The '\(parameter)' parameter of \(owner) must be \(allowed). Got \(got) instead.")
    }
}

extension SPARSError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidArgument(_, let message), .badFormat(_, let message),
            .notFinite(_, let message), .outOfMemory(let message):
            return message
        case .io(let path, _, let message):
            return "\(path): \(message)"
        case .interrupted:
            return "Interrupted."
        case .callbackFailed:
            return "A callback failed."
        case .staleHandle(let kind):
            return "This \(kind) has been released and cannot be used any more."
        }
    }
}
