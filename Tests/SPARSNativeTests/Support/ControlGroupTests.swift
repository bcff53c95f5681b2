import Foundation
import Testing

@testable import SPARSNative

@Suite struct ControlGroupTests {
    private let root: TemporaryFolder

    init() throws { root = try TemporaryFolder() }

    private func write(_ files: [String: String]) throws {
        for (name, text) in files {
            let url = root.url.appending(path: name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: false, encoding: .utf8)
        }
    }

    private var left: Int? { ControlGroup.left(root: root.url.path) }

    @Test func theLeastOfAGroupAndThoseAboveItCounts() throws {
        let group = "sys/fs/cgroup/jobs"
        try write([
            "proc/self/cgroup": "0::/jobs/one\n",
            "\(group)/one/memory.max": "max\n", "\(group)/one/memory.current": "700\n",
            "\(group)/memory.max": "5000\n", "\(group)/memory.current": "3000\n",
            "\(group)/memory.stat": "anon 1500\nfile 1000\nactive_file 400\ninactive_file 500\n",
        ])
        #expect(left == 5000 - (3000 - 900))
        try write(["\(group)/one/memory.max": "1000\n"])
        #expect(left == 300)
    }

    @Test func aContainersGroupStandsAtTheMount() throws {
        try write([
            "proc/self/cgroup": "0::/../../of/the/host\n",
            "sys/fs/cgroup/memory.max": "4096\n", "sys/fs/cgroup/memory.current": "96\n",
        ])
        #expect(left == 4000)
    }

    @Test func theFirstVersionHasAMountOfItsOwn() throws {
        let group = "sys/fs/cgroup/memory/job"
        try write([
            "proc/self/cgroup": "4:cpu,memory:/job\n1:cpuset:/other\n0::/\n",
            "\(group)/memory.limit_in_bytes": "8000\n", "\(group)/memory.usage_in_bytes": "6000\n",
            "\(group)/memory.stat":
                "inactive_file 1\ntotal_inactive_file 1000\ntotal_active_file 500\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
        ])
        #expect(left == 3500)
    }

    @Test func withoutALimitThereIsNone() throws {
        #expect(left == nil)
        try write(["proc/self/cgroup": "0::/\nno line\n", "sys/fs/cgroup/memory.max": "max\n"])
        #expect(left == nil)
    }
}
