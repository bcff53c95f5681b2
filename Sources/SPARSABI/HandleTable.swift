import SPARSNative
import Synchronization

/// The living objects behind handles. A handle is a number that is never used twice, so a stale or
/// invented one is an error and never a wild pointer.
final class HandleTable: Sendable {
    static let shared = HandleTable()

    // SAFETY: the stored objects are used under the rules each of them documents; the table itself
    // only moves references, under its lock.
    private struct Entry: @unchecked Sendable { let object: AnyObject }
    private struct State: Sendable {
        var entries: [UInt64: Entry] = [:]
        var last: UInt64 = 0
    }
    private let state = Mutex(State())

    func insert(_ object: AnyObject) -> UInt64 {
        let entry = Entry(object: object)
        return state.withLock { state in
            state.last += 1
            state.entries[state.last] = entry
            return state.last
        }
    }

    /// The object of type `Object` behind `handle`; `kind` names it for the message.
    func object<Object: AnyObject>(
        _ handle: UInt64, as type: Object.Type = Object.self, kind: String
    ) throws(SPARSError) -> Object {
        let entry = state.withLock { $0.entries[handle] }
        guard let object = entry?.object as? Object else { throw .staleHandle(kind: kind) }
        return object
    }

    func release(_ handle: UInt64) {
        // The object may end here; outside the lock, since its end may take time.
        let removed = state.withLock { $0.entries.removeValue(forKey: handle) }
        _ = removed
    }
}
