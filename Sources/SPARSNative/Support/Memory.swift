import SPARSKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What memory the process may still take. Swift ends the process where memory cannot be had, so that
/// work which takes much of it asks here before it begins.
public enum Memory {
    /// What is asked for beyond every forecast: stacks, arenas, what a forecast rounds away.
    static let reserve = 24 << 20

    /// Throws where `bytes` more than now cannot be had.
    ///
    /// Four limits are looked at: `SPARS_MEMORY_LIMIT` for what the process holds in memory, the
    /// process's limit of address space (`ulimit -v`), that of its control groups, as containers and
    /// batch systems set them, and what the system has left.
    ///
    /// - Parameters:
    ///   - bytes: a forecast, at least what the work takes at its highest. Products that overflow are
    ///     given as `Int.max`.
    ///   - what: what takes them, for the message: "the parts of a mask".
    /// - Throws: `outOfMemory`; `invalidArgument` if the variable holds something else than a number of bytes.
    public static func require(_ bytes: Int, for what: String) throws(SPARSError) {
        let limit = try environmentLimit()
        // A page or two may be missing anywhere; below this nobody can promise anything.
        guard bytes >= 1 << 20 || limit != nil || addressLimit() != nil else { return }
        let wanted = bytes.addingReportingOverflow(reserve)
        let needed = wanted.overflow ? Int.max : wanted.partialValue
        let used = usage()
        if let limit, needed > limit - used.resident {
            throw refused(bytes, what, "SPARS_MEMORY_LIMIT is \(limit)", used.resident)
        }
        if let limit = addressLimit(), needed > limit - used.address {
            throw refused(
                bytes, what, "the process's limit of address space is \(limit)", used.address)
        }
        if let left = ControlGroup.left(), needed > left {
            throw .outOfMemory(
                message: "\(what) takes about \(bytes) bytes, and the limit of the process's "
                    + "container or job leaves \(left).")
        }
        if let left = available(), bytes > left {
            throw .outOfMemory(
                message: "\(what) takes about \(bytes) bytes, and the system has \(left) left.")
        }
    }

    /// The same for as many values as the product of `counts`, of so many bytes each.
    public static func require(
        _ counts: Int..., each bytes: Int, for what: String
    ) throws(SPARSError) {
        let total = counts.reduce((bytes, false)) { product, count in
            let (next, overflow) = product.0.multipliedReportingOverflow(by: count)
            return (next, product.1 || overflow)
        }
        try require(total.1 ? .max : total.0, for: what)
    }

    /// Throws `invalidArgument` if `SPARS_MEMORY_LIMIT` holds something else than a number of bytes.
    public static func checkEnvironment() throws(SPARSError) { _ = try environmentLimit() }

    private static func refused(
        _ bytes: Int, _ what: String, _ limit: String, _ used: Int
    ) -> SPARSError {
        .outOfMemory(
            message: "\(what) takes about \(bytes) bytes; \(limit), of which \(used) are taken.")
    }

    /// The bytes of `SPARS_MEMORY_LIMIT`: a number, or one of KiB, MiB or GiB as 500M or 8G.
    private static func environmentLimit() throws(SPARSError) -> Int? {
        guard let text = environmentText("SPARS_MEMORY_LIMIT") else { return nil }
        let units = ["K": 10, "M": 20, "G": 30]
        let shift = text.last.flatMap { units[String($0)] }
        let digits = shift == nil ? text : String(text.dropLast())
        guard let number = Int(digits), number > 0, number <= 1 << 30 || shift == nil else {
            throw .invalidArgument(
                parameter: "SPARS_MEMORY_LIMIT",
                message:
                    "The 'SPARS_MEMORY_LIMIT' environment variable must be a number of bytes, or one with K, M or G. Got '\(text.prefix(80))' instead."
            )
        }
        return number << (shift ?? 0)
    }

    private static func addressLimit() -> Int? {
        var limit = rlimit()
        #if canImport(Glibc)
            let got = unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        #else
            let got = getrlimit(RLIMIT_AS, &limit)
        #endif
        // "No limit" is beyond every Int.
        return got == 0 ? Int(exactly: limit.rlim_cur) : nil
    }

    /// Address space and memory that the process has now; zeros where the system does not say.
    private static func usage() -> (address: Int, resident: Int) {
        let pages = SystemFile.text("/proc/self/statm").split(separator: " ").prefix(2).compactMap {
            Int($0)
        }
        guard pages.count == 2 else { return (0, 0) }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        return (pages[0] * page, pages[1] * page)
    }

    /// What the system can still give without swapping; nil where it does not say.
    private static func available() -> Int? {
        for line in SystemFile.text("/proc/meminfo").split(separator: "\n")
        where line.hasPrefix("MemAvailable:") {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
        }
        return nil
    }
}
