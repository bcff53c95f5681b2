import Foundation
import SPARSKernels

@testable import SPARSNative

/// A NIfTI file built byte by byte from the standards' offsets, apart from the code under test.
struct NIfTIFixture {
    var version = 1
    var isBigEndian = false
    var isPair = false
    var type = VoxelType.int16
    var shape = [3, 4, 5]
    var dimensions: [Int]?
    var bitpix: Int?
    var code: Int?
    var slope = 0.0
    var intercept = 0.0
    var sformCode = 0
    var qformCode = 0
    var pixdim = [1.0, 2, 3, 4]
    var quaternion = [0.0, 0, 0]
    var offsets = [0.0, 0, 0]
    var rows: [[Double]] = [[2, 0, 0, 5], [0, 3, 0, 6], [0, 0, 4, 7]]
    var units = 2
    var extensionBytes = 0
    var voxelOffset: Double?
    var magic: String?
    /// In file order, x fastest.
    var stored: [Double] = []

    var count: Int { shape.reduce(1, *) }
    var headerSize: Int { version == 1 ? 348 : 540 }
    /// Where the voxels start.
    var offset: Int { isPair ? 0 : headerSize + 4 + extensionBytes }

    func header() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerSize)
        func put<T: FixedWidthInteger>(_ value: T, _ at: Int) {
            let ordered = isBigEndian ? value.bigEndian : value.littleEndian
            withUnsafeBytes(of: ordered) { bytes.replaceSubrange(at..<at + $0.count, with: $0) }
        }
        func real(_ value: Double, _ one: Int, _ two: Int) {
            if version == 1 {
                put(Float(value).bitPattern, one)
            } else {
                put(value.bitPattern, two)
            }
        }
        func short(_ value: Int, _ one: Int, _ two: Int) {
            if version == 1 {
                put(Int16(truncatingIfNeeded: value), one)
            } else {
                put(Int32(truncatingIfNeeded: value), two)
            }
        }
        put(Int32(headerSize), 0)
        let text = Array((magic ?? (isPair ? "ni\(version)" : "n+\(version)")).utf8)
        let mark = version == 1 ? text + [0] : text + [0, 13, 10, 26, 10]
        let place = version == 1 ? 344 : 4
        bytes.replaceSubrange(place..<place + mark.count, with: mark)
        put(Int16(code ?? Int(type.niftiCode)), version == 1 ? 70 : 12)
        put(Int16(bitpix ?? 8 * type.size), version == 1 ? 72 : 14)
        let dim = dimensions ?? [shape.count] + shape
        for i in 0..<8 {
            let length = i < dim.count ? dim[i] : 1
            if version == 1 {
                put(Int16(truncatingIfNeeded: length), 40 + 2 * i)
            } else {
                put(Int64(length), 16 + 8 * i)
            }
        }
        for (i, length) in pixdim.enumerated() { real(length, 76 + 4 * i, 104 + 8 * i) }
        let start = voxelOffset ?? Double(offset)
        if version == 1 { put(Float(start).bitPattern, 108) } else { put(Int64(start), 168) }
        real(slope, 112, 176)
        real(intercept, 116, 184)
        short(qformCode, 252, 344)
        short(sformCode, 254, 348)
        for i in 0..<3 {
            real(quaternion[i], 256 + 4 * i, 352 + 8 * i)
            real(offsets[i], 268 + 4 * i, 376 + 8 * i)
            for j in 0..<4 { real(rows[i][j], 280 + 16 * i + 4 * j, 400 + 32 * i + 8 * j) }
        }
        if version == 1 { bytes[123] = UInt8(units) } else { put(Int32(units), 500) }
        return bytes
    }

    func voxels() -> [UInt8] {
        var bytes: [UInt8] = []
        func put<T: FixedWidthInteger>(_ value: T) {
            let ordered = isBigEndian ? value.bigEndian : value.littleEndian
            withUnsafeBytes(of: ordered) { bytes.append(contentsOf: $0) }
        }
        for value in stored {
            switch type {
            case .uint8: put(UInt8(value))
            case .int8: put(Int8(value))
            case .uint16: put(UInt16(value))
            case .int16: put(Int16(value))
            case .uint32: put(UInt32(value))
            case .int32: put(Int32(value))
            case .uint64: put(UInt64(value))
            case .int64: put(Int64(value))
            case .float32: put(Float(value).bitPattern)
            case .float64: put(value.bitPattern)
            }
        }
        return bytes
    }

    /// The whole content of a single file.
    func file() -> [UInt8] {
        header() + [UInt8](repeating: 0, count: 4 + extensionBytes) + voxels()
    }

    /// What the volume shall hold, [x, y, z].
    func expected() -> [Float] {
        var values: [Float] = []
        let isScaled = slope != 0 && slope.isFinite
        for x in 0..<shape[0] {
            for y in 0..<shape[1] {
                for z in 0..<shape[2] {
                    let value = stored[(z * shape[1] + y) * shape[0] + x]
                    values.append(Float(isScaled ? value * slope + intercept : value))
                }
            }
        }
        return values
    }

    /// Fills the voxels with numbers that the type holds, its extremes among them.
    mutating func fill(seed: UInt64) {
        var random = RandomSource(seed: seed)
        let (low, high): (Double, Double) =
            switch type {
            case .uint8: (0, 255)
            case .int8: (-128, 127)
            case .uint16: (0, 65535)
            case .int16: (-32768, 32767)
            case .uint32: (0, 4_294_967_295)
            case .int32: (-2_147_483_648, 2_147_483_647)
            case .uint64: (0, 0x1p63)
            case .int64: (-0x1p63, 0x1p62)
            case .float32, .float64: (-1e4, 1e4)
            }
        let isReal = type == .float32 || type == .float64
        stored = (0..<count).map { i in
            if i < 2 { return i == 0 ? low : high }
            let value = random.uniform(low, high)
            if isReal { return type == .float32 ? Double(Float(value)) : value }
            // 53 bits, so that the expectation is exact.
            return value.rounded(.towardZero)
        }
    }
}

/// A folder of one test's own, removed with it.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> FilePath { FilePath(url.appending(path: name).path) }

    @discardableResult func write(_ bytes: [UInt8], _ name: String) throws -> FilePath {
        try Data(bytes).write(to: url.appending(path: name))
        return path(name)
    }

    func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: url.appending(path: name)))
    }

    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
    }

    /// The bytes as one gzip member.
    func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        let name = "member-\(UUID().uuidString)"
        let file = try OutputFile(path(name))
        let sink = try GzipSink(file)
        try sink.write(bytes)
        try sink.finish()
        try file.commit()
        let member = try read(name)
        try FileManager.default.removeItem(at: url.appending(path: name))
        return member
    }
}
