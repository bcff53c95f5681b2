/// The library's version: the one that `pyproject.toml` and CHANGELOG.md carry too (a test compares).
public enum SPARSVersion {
    public static let current = "0.1.0"
}
