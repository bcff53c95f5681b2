/// Stands in for the core's own, whose look at the process's limits needs declarations that are not here.
public enum Memory {
    public static func require(
        _ counts: Int..., each bytes: Int, for what: String
    ) throws(SPARSError) {}
}
