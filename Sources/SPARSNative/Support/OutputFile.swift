#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that appears under its name only when it is complete: it is written beside it and renamed
/// at the end. Ends without a trace if it is dropped before `commit`.
///
/// A file that it replaces lends it its permissions, and a link stays a link. Content and name are
/// on the disk when `commit` returns. What a writer left that was killed goes when the next one
/// writes to the same path: a living writer holds a lock on its part.
final class OutputFile {
    private let path: FilePath
    private let target: FilePath
    private var temporary = FilePath("")
    private var descriptor: Int32 = -1

    /// - Throws: `io` if no file can be made in the path's folder, or something else than a regular
    ///   file stands at the path.
    init(_ path: FilePath) throws(SPARSError) {
        self.path = path
        target = OutputFile.resolved(path)
        if let mode = OutputFile.mode(target), mode & S_IFMT != S_IFREG {
            throw .system(path, mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
        }
        removeLeftovers()
        try begin()
    }

    deinit {
        guard descriptor >= 0 else { return }
        unsafe unlink(temporary.cString)
        close(descriptor)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SPARSError) {
        var written = 0
        while written < bytes.count {
            try Control.check()
            // SAFETY: the source lies inside `bytes`.
            let count = unsafe systemWrite(
                descriptor, bytes.baseAddress! + written, min(bytes.count - written, 16 << 20))
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw .system(path, errno)
            }
        }
    }

    /// Puts the file in its place.
    func commit() throws(SPARSError) {
        if let mode = OutputFile.mode(target) {
            // What the system refuses here leaves the file as a new one would be.
            _ = fchmod(descriptor, mode & 0o777)
        }
        // A full disk may show only here; the content is on the disk before the name is.
        guard fsync(descriptor) == 0, unsafe rename(temporary.cString, target.cString) == 0 else {
            throw .system(path, errno)
        }
        close(descriptor)
        descriptor = -1
        syncFolder()
    }

    /// Makes the part beside the file, and locks it.
    private func begin() throws(SPARSError) {
        var random = SystemRandomNumberGenerator()
        while true {
            // In the same folder, since a rename does not cross file systems; the random part keeps
            // two writers of one path apart.
            let code = Array(String(random.next() as UInt64, radix: 36).utf8)
            temporary = FilePath(
                bytes: target.folder.bytes + prefix + code + Array(OutputFile.suffix.utf8))
            descriptor = unsafe open(
                temporary.cString, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw .system(path, errno) }
            // Where the file system has no locks, nothing is taken for a leftover either.
            _ = flock(descriptor, LOCK_EX | LOCK_NB)
            var made = stat()
            var found = stat()
            let stands =
                unsafe fstat(descriptor, &made) == 0 && stat(temporary.cString, &found) == 0
                && made.st_ino == found.st_ino
            if stands { return }
            // Another writer took it for a leftover before it was locked.
            close(descriptor)
        }
    }

    private static let suffix = ".part"

    /// What the names of this path's parts begin with, hidden in listings.
    private var prefix: [UInt8] { Array(".".utf8) + target.name + Array(".".utf8) }

    private func removeLeftovers() {
        let folder = target.folder.bytes.isEmpty ? FilePath(".") : target.folder
        guard let listing = unsafe opendir(folder.cString) else { return }
        defer { unsafe closedir(listing) }
        while let entry = unsafe readdir(listing) {
            // In place: an entry ends with its name, and a copy of the field would read beyond it.
            let name = unsafe withUnsafeMutableBytes(of: &entry.pointee.d_name) { bytes in
                // SAFETY: the system ends the name with a zero inside the field.
                unsafe Array(bytes.prefix { $0 != 0 })
            }
            guard name.starts(with: prefix),
                name.count > prefix.count + OutputFile.suffix.utf8.count,
                name.suffix(OutputFile.suffix.utf8.count).elementsEqual(OutputFile.suffix.utf8)
            else { continue }
            let leftover = FilePath(bytes: target.folder.bytes + name)
            let file = unsafe open(leftover.cString, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard file >= 0 else { continue }
            if flock(file, LOCK_EX | LOCK_NB) == 0 { unsafe unlink(leftover.cString) }
            close(file)
        }
    }

    /// Has the new name on the disk; a file system without that has nothing to offer.
    private func syncFolder() {
        let folder = target.folder.bytes.isEmpty ? FilePath(".") : target.folder
        let opened = unsafe open(folder.cString, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard opened >= 0 else { return }
        _ = fsync(opened)
        close(opened)
    }

    private static func mode(_ path: FilePath) -> mode_t? {
        var found = stat()
        return unsafe stat(path.cString, &found) == 0 ? found.st_mode : nil
    }

    /// The file that a link at `path` names, or `path`.
    private static func resolved(_ path: FilePath) -> FilePath {
        guard let real = unsafe realpath(path.cString, nil) else { return path }
        defer { unsafe free(real) }
        // SAFETY: realpath returns a terminated text.
        return unsafe FilePath(
            bytes: UnsafeBufferPointer(start: real, count: strlen(real)).map(
                UInt8.init(bitPattern:)))
    }
}

/// The operating system's `write`, whose name the methods here have too.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}
