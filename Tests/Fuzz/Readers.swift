@testable import SPARSNative

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Every reader of files in Swift, by the name that `SPARS_FUZZ` gives.
///
/// Each takes any bytes, throws `badFormat` for most of them, and reads all that is left to read in the
/// others. Whatever else happens ends the process, and is a finding.
enum Reader: String, CaseIterable {
    /// One file of header and voxels, `.nii` or `.nii.gz`.
    case nifti
    /// `.hdr` and `.img`: both are the same bytes here.
    case pair
    case safetensors
    /// PyTorch's files: archives, and what it wrote before them.
    case torch
    /// The pickles within, which a checksum guards there.
    case pickle
    /// stable-baselines3's archives.
    case agent
    case json

    func read(_ bytes: [UInt8]) throws(SPARSError) {
        switch self {
        case .nifti: try readVolume(bytes, ["scan.nii"])
        case .pair: try readVolume(bytes, ["scan.hdr", "scan.img"])
        case .safetensors: try readAll(try SafetensorsFile(bytes: bytes), within: bytes.count)
        case .torch: try readAll(try TorchFile(bytes: bytes), within: 1 << 16)
        case .pickle: _ = try Unpickler.read(bytes[...])
        case .agent: try readAll(try StableBaselinesFile(ByteSource(bytes)), within: bytes.count)
        case .json: _ = try JSON(parsing: bytes[...], field: "text")
        }
    }
}

/// Reads every tensor that has at most `limit` values: the caller of a reader knows the shape that it
/// wants, and a view of stride 0 may be larger than its file.
private func readAll(_ file: some WeightFile, within limit: Int) throws(SPARSError) {
    for name in file.names {
        guard let shape = file.shape(of: name) else { preconditionFailure("no shape of '\(name)'") }
        guard let count = elementCount(shape), count <= limit else { continue }
        let found = try file.values(of: name).count
        precondition(found == count, "\(found) values of shape \(shape)")
    }
}

/// Writes the bytes under each of these names into the working folder, and reads the first; zlib and
/// libdeflate must agree.
private func readVolume(_ bytes: [UInt8], _ names: [String]) throws(SPARSError) {
    for name in names { save(bytes, to: name) }
    let file = try NIfTIFile(FilePath(names[0]))
    let count = file.extent.count
    guard count <= 1 << 20 else { return }
    func values(_ library: Libdeflate?) throws(SPARSError) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        try values.withUnsafeMutableBufferPointer { buffer throws(SPARSError) in
            try file.read(into: buffer.baseAddress!, inflatingBy: library)
        }
        return values
    }
    let (plain, fast) = (try values(nil), try values(.shared))
    precondition(zip(plain, fast).allSatisfy { $0.bitPattern == $1.bitPattern }, "two results")
}

private func save(_ bytes: [UInt8], to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    precondition(descriptor >= 0, "cannot open \(path)")
    defer { close(descriptor) }
    // SAFETY: as many bytes are written as there are.
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    precondition(written == bytes.count, "cannot write \(path)")
}
