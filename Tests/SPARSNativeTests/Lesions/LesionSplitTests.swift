import SPARSTestSupport
import Testing

@testable import SPARSNative

/// One dark ball of known HU in an even organ, and maps that point at it more or less well.
@Suite struct LesionSplitTests {
    private static let extent = Extent(40, 36, 32)
    private static let centre = SIMD3<Float>(20, 18, 16)

    private func distance(_ x: Int, _ y: Int, _ z: Int) -> Float {
        length(Point(Float(x), Float(y), Float(z)) - Self.centre)
    }

    private func volume(_ body: (Int, Int, Int) -> Float) -> [Float] {
        var values: [Float] = []
        for x in 0..<Self.extent.x {
            for y in 0..<Self.extent.y {
                for z in 0..<Self.extent.z { values.append(body(x, y, z)) }
            }
        }
        return values
    }

    private func host(contrast: Float, radius: Float) throws -> LesionHost {
        let values = volume { distance($0, $1, $2) < radius ? 100 + contrast : 100 }
        let organ = volume { x, y, z in
            (2..<38).contains(x) && (2..<34).contains(y) && (2..<30).contains(z) ? 1 : 0
        }
        return try LesionHost(
            values: values, organ: organ.map { UInt8($0) }, extent: Self.extent,
            spacing: Spacing(1.5, 1.5, 1.5, of: "LesionSplitTests"))
    }

    private func found(
        _ host: LesionHost, _ map: [Float], _ change: (inout LesionSplit) -> Void = { _ in }
    ) throws -> [UInt8] {
        var rule = LesionSplit()
        change(&rule)
        var mask = [UInt8](repeating: 7, count: map.count)
        try map.withUnsafeBufferPointer { map in
            try mask.withUnsafeMutableBufferPointer { mask in
                try rule.fill(host, map: map, mask: mask)
            }
        }
        return mask
    }

    private func dice(_ a: [UInt8], _ b: [UInt8]) -> Double {
        let both = zip(a, b).count { $0 != 0 && $1 != 0 }
        return 2 * Double(both) / Double(a.count { $0 != 0 } + b.count { $0 != 0 })
    }

    @Test(arguments: [Float(-60), 40]) func aBlurredMapEndsWhereTheHUChange(contrast: Float) throws
    {
        let host = try host(contrast: contrast, radius: 7)
        let ball = volume { distance($0, $1, $2) < 7 ? 1 : 0 }.map { UInt8($0) }
        for reached in [Float(5), 10] {
            let map = volume { distance($0, $1, $2) < reached ? 1 - distance($0, $1, $2) / 200 : 0 }
            #expect(dice(try found(host, map) { $0.reach = 6 }, ball) > 0.9)
        }
    }

    @Test func whatIsNotCertainOrTooSmallIsNoLesion() throws {
        let host = try host(contrast: -60, radius: 7)
        let map = volume { distance($0, $1, $2) < 8 ? 0.95 : 0 }
        #expect(try found(host, map).allSatisfy { $0 == 0 })
        let sure = map.map { $0 * 1.04 }
        #expect(try !found(host, sure).allSatisfy { $0 == 0 })
        #expect(try found(host, sure) { $0.leastVoxels = 5000 }.allSatisfy { $0 == 0 })
    }

    @Test func withoutContrastTheBestVoxelsAreTaken() throws {
        let host = try host(contrast: 0, radius: 7)
        let map = volume { distance($0, $1, $2) < 8 ? 1 - distance($0, $1, $2) / 100 : 0 }
        let mask = try found(host, map)
        // The best tenth of the part: a ball of 8 / 10^(1/3) voxels.
        let best = volume { distance($0, $1, $2) <= 8 * 0.4642 ? 1 : 0 }.map { UInt8($0) }
        #expect(dice(mask, best) > 0.85)
    }

    @Test func badInputIsRefused() throws {
        let host = try host(contrast: -60, radius: 7)
        let map = [Float](repeating: 0, count: Self.extent.count)
        #expect(throws: SPARSError.self) { try found(host, Array(map.dropLast())) }
        var broken = map
        broken[5] = .nan
        #expect(throws: SPARSError.self) { try found(host, broken) }
        let changes: [(inout LesionSplit) -> Void] = [
            { $0.reach = -1 }, { $0.reach = 101 }, { $0.threshold = .nan }, { $0.certain = -1 },
            { $0.leastContrast = 1001 }, { $0.leastVoxels = -1 }, { $0.largeVoxels = 0 },
            { $0.largeThreshold = 0.95 }, { $0.borderContrast = -1 },
        ]
        for change in changes {
            #expect(throws: SPARSError.self) { try found(host, map, change) }
        }
    }
}
