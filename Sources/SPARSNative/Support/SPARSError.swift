/// Everything a caller can cause to go wrong, in words a researcher can act on.
///
/// Our own mistakes are not here: they are preconditions.
public enum SPARSError: Error, Equatable, Sendable {
    /// A value outside its documented range; made by `range(_:of:mustBe:got:)`.
    case outOfRange(OutOfRange)
    /// A value that is wrong in another way.
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

    /// What was out of range, what of, and what came.
    public struct OutOfRange: Equatable, Sendable {
        public let parameter: String
        public let subject: Subject
        /// What is allowed, to follow "must be".
        public let allowed: String
        public let got: String

        /// The one shape of sentence for a value outside its range: "The 'clip_range' parameter of
        /// PPO must be a float in the range (0.0, 1.0). Got 1.5 instead."
        ///
        /// - Parameter name: what the reader knows the subject as.
        public func message(naming name: String) -> String {
            "The '\(parameter)' parameter of \(name) must be \(allowed). Got \(got) instead."
        }
    }

    /// - Parameters:
    ///   - parameter: the value's name.
    ///   - subject: what it belongs to.
    ///   - allowed: what is allowed, to follow "must be".
    ///   - got: the value received.
    public static func range(
        _ parameter: String, of subject: Subject, mustBe allowed: String, got: some Any
    ) -> SPARSError {
        .outOfRange(
            OutOfRange(parameter: parameter, subject: subject, allowed: allowed, got: "\(got)"))
    }
}

extension SPARSError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .outOfRange(let value):
            return value.message(naming: value.subject.name)
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
