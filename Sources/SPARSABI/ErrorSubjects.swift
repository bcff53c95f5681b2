import SPARSNative

/// The functions of the Python front that take what the core calls otherwise.
private let frontNames: [SPARSError.Subject: String] = [
    .advantages: "gae", .exhaustiveMap: "exhaustive_map", .explanation: "explain", .file: "save",
    .logits: "logits", .loss: "loss_and_gradients", .resampling: "resample",
    .selfPlay: "self_play", .training: "fit", .windowScores: "score",
]

extension SPARSError {
    /// The same for a parameter of a function that this front names itself.
    static func range(
        _ parameter: String, of function: String, mustBe allowed: String, got: some Any
    ) -> SPARSError {
        .range(parameter, of: Subject(function), mustBe: allowed, got: got)
    }

    /// What the front's user reads.
    var frontMessage: String {
        if case .outOfRange(let value) = self {
            value.message(naming: frontNames[value.subject] ?? value.subject.name)
        } else {
            description
        }
    }
}
