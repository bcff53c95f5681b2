/// The seeds a randomised test loops over. A failure prints its seed through the test's argument.
public enum Seeds {
    public static let few: [UInt64] = [1, 2, 3]
    public static let many: [UInt64] = Array(1...20)
}
