/// Where the header and the voxels of one scan may stand.
struct NIfTIPaths {
    let header: FilePath
    /// Where the voxels may stand, best first; nil where they follow the header.
    let voxels: [FilePath]?

    /// Both files of a pair for the path of either one.
    ///
    /// - Parameter exists: whether a file is there, to find the header of a given `.img`.
    init(_ path: FilePath, exists: (FilePath) -> Bool) {
        let endings = [".hdr", ".hdr.gz", ".img", ".img.gz"]
        guard let ending = endings.first(where: path.hasSuffix) else {
            header = path
            voxels = nil
            return
        }
        let gzip = ending.hasSuffix(".gz")
        func partner(_ kind: String) -> [FilePath] {
            (gzip ? [kind + ".gz", kind] : [kind, kind + ".gz"]).map {
                path.replacingLast(ending.utf8.count, with: $0)
            }
        }
        if ending.hasPrefix(".hdr") {
            header = path
            voxels = partner(".img")
        } else {
            let headers = partner(".hdr")
            header = headers.first(where: exists) ?? headers[0]
            voxels = [path]
        }
    }
}
