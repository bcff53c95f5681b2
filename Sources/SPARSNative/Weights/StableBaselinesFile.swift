/// An agent's archive as stable-baselines3 writes it: `data`, a JSON object whose awkward values are
/// pickles in base64, and PyTorch files of the policy's and the optimiser's state.
///
/// The pickles in `data` stay text, which nobody opens. A policy of whole scans may be larger than
/// memory, so tensors are read where they are asked for.
///
/// Source: stable-baselines3, stable_baselines3/common/save_util.py; PyTorch, torch/optim/optimizer.py
/// (`state_dict`).
public final class StableBaselinesFile: WeightFile, Sendable {
    /// Bounds of the observations stand in `data`, in base64; those of a whole scan take 50 MB.
    static let dataLimit = 1 << 26

    private enum Member {
        static let data = "data"
        static let policy = "policy.pth"
        static let optimizer = "policy.optimizer.pth"
    }

    private enum Entry {
        case tensor(PickleTensor, TorchStorages)
        /// PyTorch before 1.12 counted an optimiser's steps in a plain number.
        case number(Int)
    }

    /// The JSON text of `data`, as it is in the file.
    public let data: [UInt8]
    /// The policy's tensors by their own names, then the optimiser's by its number for the parameter,
    /// such as "optimizer/0/exp_avg".
    public let names: [String]
    let metadata: [String: String] = [:]
    private let entries: [String: Entry]

    /// Whether the file is an archive of these members; false for one that is no archive.
    ///
    /// - Throws: `io`.
    public static func isOne(_ path: FilePath) throws(SPARSError) -> Bool {
        let file = try InputFile(path)
        do throws(SPARSError) {
            let names = try ZipArchive(ByteSource(file)).names
            return names.contains(Member.data) && names.contains(Member.policy)
        } catch {
            guard case .badFormat = error else { throw error }
            return false
        }
    }

    /// - Throws: `io`; `badFormat` naming what is wrong.
    public convenience init(_ path: FilePath) throws(SPARSError) {
        try self.init(ByteSource(try InputFile(path)))
    }

    init(_ source: ByteSource) throws(SPARSError) {
        let archive = try ZipArchive(source)
        guard let size = archive.size(of: Member.data), size <= Self.dataLimit,
            let data = try archive.content(of: Member.data)
        else {
            throw Self.failure(
                Member.data, mustBe: "a member of at most \(Self.dataLimit) bytes",
                got: "none, or more")
        }
        guard let policy = try archive.part(of: Member.policy) else {
            throw Self.failure(Member.policy, mustBe: "a member", got: "none")
        }
        var names: [String] = []
        var entries: [String: Entry] = [:]
        func add(_ name: String, _ entry: Entry) throws(SPARSError) {
            // A view of stride 0 could ask for more memory than the file has bytes.
            if case .tensor(let tensor, _) = entry {
                guard let count = elementCount(tensor.shape), count <= tensor.storage.count else {
                    throw Self.failure(
                        "tensor geometry", mustBe: "no larger than its storage",
                        got: "shape \(tensor.shape) of '\(name)'")
                }
            }
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw Self.failure("names", mustBe: "different", got: name)
            }
            names.append(name)
        }
        let state = try TorchFile(policy)
        for name in state.names { try add(name, .tensor(state.tensors[name]!, state.storages)) }
        if let optimizer = try archive.part(of: Member.optimizer) {
            let object = try TorchObject(optimizer)
            for (name, entry) in try Self.moments(object) { try add("optimizer/\(name)", entry) }
        }
        self.data = data
        self.names = names
        self.entries = entries
    }

    public func shape(of name: String) -> [Int]? {
        switch entries[name] {
        case .tensor(let tensor, _)?: tensor.shape
        case .number?: []
        case nil: nil
        }
    }

    public func values(of name: String) throws(SPARSError) -> [Float] {
        switch entries[name] {
        case .tensor(let tensor, let storages)?: return try storages.values(of: tensor)
        case .number(let number)?: return [Float(number)]
        case nil: throw Self.failure("names", mustBe: "a list with '\(name)'", got: "none")
        }
    }

    /// What {"state": {0: {"step": tensor, "exp_avg": tensor, ...}, ...}, ...} holds, by number and name.
    private static func moments(
        _ object: TorchObject
    ) throws(SPARSError) -> [(name: String, entry: Entry)] {
        guard case .dictionary(let optimizer) = object.value,
            case .dictionary(let state)? = optimizer["state"]
        else {
            throw failure(
                Member.optimizer, mustBe: "an optimiser's state_dict", got: "another object")
        }
        var found: [(name: String, entry: Entry)] = []
        for item in state.items {
            guard case .integer(let index) = item.key, case .dictionary(let moments) = item.value
            else {
                throw failure(
                    Member.optimizer, mustBe: "of numbered parameters' states", got: "others")
            }
            for moment in moments.items {
                guard case .text(let name) = moment.key else { continue }
                switch moment.value {
                case .tensor(let tensor):
                    found.append(("\(index)/\(name)", .tensor(tensor, object.storages)))
                case .integer(let number): found.append(("\(index)/\(name)", .number(number)))
                default: break
                }
            }
        }
        return found
    }

    private static func failure(
        _ field: String, mustBe wanted: String, got: some Any
    ) -> SPARSError {
        .badFormat(
            field: field,
            message: "The '\(field)' of an agent's file must be \(wanted). Got \(got) instead.")
    }
}
