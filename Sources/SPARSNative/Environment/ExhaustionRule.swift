/// The numbers of the exhaustion game, the second game rule ("Competing for pixels", Saeed and
/// others, 2025); the defaults are the released code's.
///
/// docs/reference/exhaustion.md says rule by rule what is theirs.
public struct ExhaustionRule: Equatable, Sendable {
    /// What the comparison of the last step is multiplied by.
    public var finalFactor = 100.0
    /// Taken from both where the end is called before `minSteps`.
    public var earlyPenalty = 1.0
    /// Steps that an episode should have before its last one.
    public var minSteps = 2
    /// Taken from an agent for a place that either has shown already.
    public var repeatPenalty = 1.0

    public init() {}

    /// - Throws: `outOfRange` naming the first number that is negative or not finite.
    public func validate() throws(SPARSError) {
        for (name, value) in [
            ("final_factor", finalFactor), ("early_penalty", earlyPenalty),
            ("repeat_penalty", repeatPenalty),
        ] {
            guard value.isFinite, value >= 0 else {
                throw .range(
                    name, of: .exhaustionRule, mustBe: "a float of at least 0.0", got: value)
            }
        }
        guard minSteps >= 0 else {
            throw .range(
                "min_steps", of: .exhaustionRule, mustBe: "an integer of at least 0",
                got: minSteps)
        }
    }
}

/// The terms of one agent's reward for a step, in a byte: its comparison with the other, and what the
/// exhaustion game adds to that.
public struct RewardTerms: Equatable, Sendable {
    private let code: UInt8

    /// - Parameters:
    ///   - comparison: 1 where the agent's place was worth more, -1 where less, 0 for a tie.
    ///   - isFinal: whether the step ended the exhaustion game by a call.
    ///   - isEarly: whether it did so too early.
    ///   - isRepeat: whether the agent's place had been shown before.
    public init(
        comparison: Int, isFinal: Bool = false, isEarly: Bool = false, isRepeat: Bool = false
    ) {
        code =
            UInt8(comparison.signum() + 1) | (isFinal ? 4 : 0) | (isEarly ? 8 : 0)
            | (isRepeat ? 16 : 0)
    }

    /// What it earns by a rule of the exhaustion game, or in the search game, where that is the
    /// comparison alone.
    public func reward(_ rule: ExhaustionRule?) -> Double {
        var reward = Double(code & 3) - 1
        guard let rule else { return reward }
        if code & 4 != 0 { reward *= rule.finalFactor }
        if code & 8 != 0 { reward -= rule.earlyPenalty }
        if code & 16 != 0 { reward -= rule.repeatPenalty }
        return reward
    }
}

/// An agent's answer in the exhaustion game: a move, and whether it calls the end with it.
public struct ExhaustionAnswer: Equatable, Sendable {
    public let move: Action
    public let callsEnd: Bool

    /// 0 to 5 moves on; 6 to 11 makes the same move and calls the end.
    public static let count = 2 * Action.allCases.count

    /// Nil for a number that is no answer.
    public init?(rawValue: Int8) {
        guard (0..<Int8(Self.count)).contains(rawValue) else { return nil }
        let moves = Int8(Action.allCases.count)
        move = Action(rawValue: rawValue % moves)!
        callsEnd = rawValue >= moves
    }
}
