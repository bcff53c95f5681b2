import CSPARS
import SPARSNative

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A field, its scorer and its lock, behind one handle.
///
/// SAFETY: the field and the games on it are reached through `exclusively` only.
final class FieldBox: @unchecked Sendable {
    private let field: SearchField
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init(_ field: SearchField) {
        self.field = field
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        // A second lock by the same thread is reported then instead of waiting for ever.
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ERRORCHECK))
        pthread_mutex_init(lock, &attributes)
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// Runs `body` while no other call uses the field, with `scorer` lent to it.
    func exclusively<Result>(
        scorer: In<spars_scorer> = nil,
        _ body: (SearchField) throws(SPARSError) -> Result
    ) throws(SPARSError) -> Result {
        guard pthread_mutex_lock(lock) == 0 else {
            throw .invalidArgument(
                parameter: "scorer",
                message: "The scorer called back into the game that asked it for scores.")
        }
        defer { pthread_mutex_unlock(lock) }
        guard let callback = field.scorer as? CallbackScorer, let scorer = scorer?.pointee,
            let score = scorer.score
        else { return try body(field) }
        callback.function = { (crops, extent, scores) throws(SPARSError) in
            let extent = [Int64(extent.x), Int64(extent.y), Int64(extent.z)]
            let status = score(
                scorer.context, crops.baseAddress, Int64(scores.count), extent, scores.baseAddress)
            if status != 0 { throw .callbackFailed }
        }
        defer { callback.function = nil }
        return try body(field)
    }

    static func of(_ handle: UInt64) throws(SPARSError) -> FieldBox {
        try HandleTable.shared.object(handle, kind: "SearchField")
    }
}

/// One or many games and the field they are played on.
///
/// SAFETY: the games are used inside `field.exclusively` only.
final class GameBox: @unchecked Sendable {
    let field: FieldBox
    private let games: VectorGame

    init(_ field: FieldBox, _ games: VectorGame) {
        self.field = field
        self.games = games
    }

    func exclusively<Result>(
        scorer: In<spars_scorer> = nil,
        _ body: (VectorGame) throws(SPARSError) -> Result
    ) throws(SPARSError) -> Result {
        try field.exclusively(scorer: scorer) { (_) throws(SPARSError) in try body(games) }
    }

    /// Runs `body` with the index of one game, checked.
    func exclusively<Result>(
        index: Int64, _ body: (VectorGame, Int) throws(SPARSError) -> Result
    ) throws(SPARSError) -> Result {
        try exclusively { (games) throws(SPARSError) in
            guard let index = Int(exactly: index), games.games.indices.contains(index) else {
                throw .range(
                    "index", of: "the game",
                    mustBe: "an integer in the range [0, \(games.games.count - 1)]", got: index)
            }
            return try body(games, index)
        }
    }

    static func of(_ handle: UInt64) throws(SPARSError) -> GameBox {
        try HandleTable.shared.object(handle, kind: "game")
    }
}
