extension SPARSError {
    /// What a value that is out of range belongs to. A front that calls it otherwise translates.
    ///
    /// One that a single file speaks of may be written as a text.
    public struct Subject: Hashable, Sendable, ExpressibleByStringLiteral {
        public let name: String

        public init(_ name: String) { self.name = name }
        public init(stringLiteral name: String) { self.name = name }

        public static let adam = Subject("Adam")
        public static let advantages = Subject("the advantages")
        public static let augmentation = Subject("Augmentation")
        public static let classifier = Subject("Classifier")
        public static let exhaustionRule = Subject("ExhaustionRule")
        public static let exhaustiveMap = Subject("the exhaustive map")
        public static let explanation = Subject("the explanation")
        public static let file = Subject("the file")
        public static let game = Subject("the game")
        public static let geometry = Subject("Geometry")
        public static let intensityWindow = Subject("IntensityWindow")
        public static let league = Subject("League")
        public static let logits = Subject("the logits")
        public static let loss = Subject("the loss")
        public static let ppo = Subject("PPO")
        public static let resampling = Subject("resampling")
        public static let selfPlay = Subject("self-play")
        public static let training = Subject("training")
        public static let vectorGame = Subject("VectorGame")
        public static let windowScores = Subject("the window scores")
    }
}
