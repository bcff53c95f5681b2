import CSPARS
import SPARSABI
import Testing

/// What is outside its range comes back as a status that names it, never as a trap.
@Suite struct LesionABITests {
    private static let side = 12
    private let shape = [Int64](repeating: Int64(side), count: 3)
    private let spacing = [1.5, 1.5, 1.5]
    private let organ = [UInt8](repeating: 1, count: side * side * side)
    private let volume = (0..<side * side * side).map { Float(100 + $0 % 7) }
    private let invalid = Int32(SPARS_INVALID_ARGUMENT.rawValue)
    private let stale = Int32(SPARS_STALE_HANDLE.rawValue)

    private func parameter(_ error: spars_error) -> String {
        withUnsafeBytes(of: error.parameter) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private func law() -> spars_lesion_law {
        var law = spars_lesion_law()
        #expect(spars_lesion_law_default(&law, nil) == 0)
        return law
    }

    private func settings() -> spars_lesion_window_settings {
        var settings = spars_lesion_window_settings()
        #expect(spars_lesion_window_settings_default(&settings, nil) == 0)
        // The organ is too small for lesions beside a core.
        settings.beside_chance = 0
        return settings
    }

    private func host() -> spars_handle {
        var host: spars_handle = 0
        var level = spars_organ_level()
        #expect(
            spars_lesion_host_create(
                volume, organ, shape, spacing, .nan, nil, &host, &level, nil) == 0)
        #expect(level.voxels == 1728 && level.level > 99 && level.level < 107)
        return host
    }

    @Test func hostsAreChecked() {
        var error = spars_error()
        var host: spars_handle = 0
        var level = spars_organ_level()
        func status(
            _ volume: [Float]? = nil, organ: [UInt8]? = nil, shape: [Int64]? = nil,
            spacing: [Double]? = nil, level known: Double = .nan
        ) -> Int32 {
            spars_lesion_host_create(
                volume ?? self.volume, organ ?? self.organ, shape ?? self.shape,
                spacing ?? self.spacing, known, nil, &host, &level, &error)
        }
        #expect(status() == 0)
        spars_release(host)
        #expect(status(shape: [0, 12, 12]) == invalid && parameter(error) == "volume")
        #expect(status(shape: [.max, .max, 2]) == invalid)
        #expect(status(spacing: [1, -1, 1]) == invalid && parameter(error) == "spacing")
        #expect(status(level: .infinity) == invalid && parameter(error) == "level")
        let none = [UInt8](repeating: 0, count: 1728)
        #expect(status(organ: none) == invalid && parameter(error) == "organ")
        let broken = [Float](repeating: .nan, count: 1728)
        #expect(status(broken) == Int32(SPARS_NOT_FINITE.rawValue))
        let null = spars_lesion_host_create(
            nil, organ, shape, spacing, .nan, nil, &host, &level, &error)
        #expect(null == invalid && parameter(error) == "volume")
        let nowhere = spars_lesion_host_create(
            volume, organ, shape, spacing, .nan, nil, nil, &level, &error)
        #expect(nowhere == invalid && parameter(error) == "host")
    }

    @Test func aHostIsMadeAgainOfItsContents() {
        let host = host()
        defer { spars_release(host) }
        var values = [Float](repeating: -1, count: 1728)
        var inside = [UInt8](repeating: 9, count: 1728)
        #expect(spars_lesion_host_contents(host, &values, &inside, shape, nil) == 0)
        #expect(inside == organ.map { $0 == 0 ? 0 : 1 })
        #expect(zip(values, zip(volume, organ)).allSatisfy { $0 == ($1.1 == 0 ? 0 : $1.0) })
        #expect(spars_lesion_host_contents(host, nil, &inside, shape, nil) == invalid)
        #expect(spars_lesion_host_contents(host, &values, nil, shape, nil) == invalid)
        #expect(spars_lesion_host_contents(host, &values, &inside, nil, nil) == invalid)
        for other in [[12, 12, 11], [0, 12, 12], [Int64.max, .max, 2]] as [[Int64]] {
            #expect(spars_lesion_host_contents(host, &values, &inside, other, nil) == invalid)
        }
    }

    @Test func insertionIsChecked() {
        let host = host()
        defer { spars_release(host) }
        var error = spars_error()
        var values = volume
        var part = volume
        var mask = organ
        var table = [Double](repeating: 0, count: 8 * 10)
        var count: Int64 = 0
        func status(
            _ handle: spars_handle, lesions: Int64 = 2, rows: Int64 = 10,
            _ change: (inout spars_lesion_law) -> Void = { _ in }
        ) -> Int32 {
            var law = law()
            change(&law)
            return spars_lesion_insert(
                handle, volume, shape, &law, lesions, 1, &values, &part, &mask, &table, rows, nil,
                &count, &error)
        }
        #expect(status(host) == 0 && count >= 2 && count <= 10)
        #expect(table[Int(count) * 8 - 1] >= 0 && (count == 10 || table[79].isNaN))
        #expect(status(host, lesions: 0) == invalid && parameter(error) == "count")
        #expect(status(host, lesions: .max) == invalid && parameter(error) == "count")
        #expect(status(host, rows: 1) == invalid && parameter(error) == "table")
        #expect(status(host, rows: -1) == invalid && parameter(error) == "table")
        #expect(status(host) { $0.radius = (9, 3) } == invalid && parameter(error) == "radius")
        #expect(status(host) { $0.cluster_count = .min } == invalid)
        #expect(status(0) == stale)
    }

    @Test func windowsAreChecked() {
        let hosts = [host()]
        defer { spars_release(hosts[0]) }
        var error = spars_error()
        var law = law()
        var settings = settings()
        var windows: spars_handle = 0
        func create(_ hosts: [spars_handle], _ count: Int64) -> Int32 {
            let hosts = hosts.map { Int64(bitPattern: $0) }
            return spars_lesion_windows_create(hosts, count, &law, &settings, 3, &windows, &error)
        }
        #expect(create(hosts, 0) == invalid && parameter(error) == "hosts")
        #expect(create([0], 1) == stale)
        settings.window = (.max, 16, 16)
        #expect(create(hosts, 1) == invalid && parameter(error) == "window")
        settings.window = (16, 16, 16)
        #expect(create(hosts, 1) == 0)
        defer { spars_release(windows) }
        var values = [Float](repeating: 0, count: 2 * 4096)
        var labels: [UInt8] = [9, 9]
        var shares: [Float] = [-1, -1]
        func draw(_ handle: spars_handle, _ first: Int64, _ count: Int64, _ voxels: Int64) -> Int32
        {
            spars_lesion_windows_draw(
                handle, first, &values, count, voxels, &labels, &shares, nil, &error)
        }
        #expect(draw(windows, 4, 2, 4096) == 0 && labels.allSatisfy { $0 <= 1 })
        #expect(draw(windows, 0, 2, 4095) == invalid && parameter(error) == "values")
        #expect(draw(windows, -1, 2, 4096) == invalid && parameter(error) == "first")
        #expect(draw(windows, .max, 2, 4096) == invalid && parameter(error) == "first")
        #expect(draw(windows, 0, 0, 4096) == invalid && parameter(error) == "values")
        #expect(draw(hosts[0], 0, 2, 4096) == stale)
    }
}
