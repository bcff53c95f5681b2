/// The memory that Linux's control groups leave the process: containers and batch systems set them,
/// and what goes beyond is killed (cgroups(7); the kernel's "Memory Resource Controller" and "Control
/// Group v2").
struct ControlGroup {
    /// Where groups stand below the system's root.
    private let mount: String
    /// Names of the files that hold the limit and what is used, page cache included.
    private let limit: String
    private let used: String
    /// Lines of `memory.stat`, page cache that is given back where memory is short.
    private let cache: Set<Substring>

    private static let first = ControlGroup(
        mount: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes",
        used: "memory.usage_in_bytes", cache: ["total_inactive_file", "total_active_file"])
    private static let second = ControlGroup(
        mount: "/sys/fs/cgroup", limit: "memory.max", used: "memory.current",
        cache: ["inactive_file", "active_file"])

    /// The bytes that the process's group, and all above it, leave; nil where none has a limit.
    ///
    /// - Parameter root: what stands before the system's paths; a test's folder, or nothing.
    static func left(root: String = "") -> Int? {
        var least: Int?
        for line in SystemFile.text(root + "/proc/self/cgroup").split(separator: "\n") {
            // number:controllers:path; the second version's line has no controllers.
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isSecond = fields[0] == "0" && fields[1].isEmpty
            guard isSecond || fields[1].split(separator: ",").contains("memory") else { continue }
            let version = isSecond ? second : first
            // In a container the path may be one of the host's, and the group stands at the mount.
            let names = fields[2].split(separator: "/").map { "/" + $0 }
            for depth in 0...names.count {
                let folder = root + version.mount + names.prefix(depth).joined()
                if let left = version.left(in: folder) { least = min(least ?? left, left) }
            }
        }
        return least
    }

    private func left(in folder: String) -> Int? {
        // The second version says "max" where there is no limit, the first a number beyond all memory.
        guard let limit = SystemFile.number("\(folder)/\(limit)"), limit < 1 << 60,
            let used = SystemFile.number("\(folder)/\(used)")
        else { return nil }
        var cached = 0
        for line in SystemFile.text("\(folder)/memory.stat").split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count == 2, cache.contains(fields[0]) { cached += Int(fields[1]) ?? 0 }
        }
        return limit - max(0, used - cached)
    }
}
