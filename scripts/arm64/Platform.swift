import Glibc

// What Swift's own Glibc module adds to C's headers, as far as the core uses it.

var errno: Int32 {
    get { __errno_location().pointee }
    set { __errno_location().pointee = newValue }
}

let S_IFMT = mode_t(0o170000)
let S_IFREG = mode_t(0o100000)
let S_IFDIR = mode_t(0o040000)

func open(_ path: UnsafePointer<CChar>, _ flags: Int32) -> Int32 { openExisting(path, flags) }

func open(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 {
    openWithMode(path, flags, mode)
}

extension String {
    func contains(_ other: String) -> Bool {
        let text = Array(utf8)
        let wanted = Array(other.utf8)
        guard text.count >= wanted.count else { return false }
        return (0...(text.count - wanted.count)).contains { text[$0...].starts(with: wanted) }
    }
}
