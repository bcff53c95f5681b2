/// A PyTorch file of named tensors: a state_dict, or a checkpoint that holds one under
/// "state_dict" or "model_state_dict".
struct TorchFile: WeightFile {
    /// What `torch.save(model.state_dict(), path)` gives, whatever the file was.
    static let plain = "a state_dict, as torch.save(model.state_dict(), path) writes it"

    let storages: TorchStorages
    let tensors: [String: PickleTensor]
    let names: [String]
    let metadata: [String: String]

    /// Whether a file that begins so is one of PyTorch's.
    static func isOne(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0x50, 0x4B]) || LegacyTorchFile.isOne(bytes)
    }

    init(bytes: [UInt8]) throws(SPARSError) { try self.init(ByteSource(bytes)) }

    /// - Throws: `badFormat` naming what is wrong. Nothing in the file is ever run.
    init(_ source: ByteSource) throws(SPARSError) {
        let object = try TorchObject(source)
        (names, tensors) = try Self.tensors(try Self.stateDict(object.value))
        (storages, metadata) = (object.storages, object.metadata)
    }

    /// The dictionary of tensors in what the file holds.
    private static func stateDict(_ value: PickleValue) throws(SPARSError) -> PickleDictionary {
        guard case .dictionary(let dictionary) = value else {
            throw Unpickler.failure("data.pkl", mustBe: plain, got: "another object")
        }
        for item in dictionary.items {
            guard case .text(let name) = item.key, case .dictionary(let inner) = item.value else {
                continue
            }
            if name == "state_dict" || name == "model_state_dict" { return inner }
        }
        return dictionary
    }

    private static func tensors(
        _ dictionary: PickleDictionary
    ) throws(SPARSError) -> ([String], [String: PickleTensor]) {
        var tensors: [String: PickleTensor] = [:]
        var names: [String] = []
        for item in dictionary.items {
            guard case .text(let name) = item.key, case .tensor(let tensor) = item.value else {
                let name = if case .text(let name) = item.key { "'\(name)'" } else { "a key" }
                throw Unpickler.failure(
                    "state_dict", mustBe: plain, got: "\(name) that is no tensor's")
            }
            // `torch.nn.DataParallel` puts "module." before every name.
            let plain = name.hasPrefix("module.") ? String(name.dropFirst(7)) : name
            guard tensors.updateValue(tensor, forKey: plain) == nil else {
                throw Unpickler.failure("state_dict", mustBe: "of different names", got: plain)
            }
            names.append(plain)
        }
        return (names, tensors)
    }

    func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    func values(of name: String) throws(SPARSError) -> [Float] {
        guard let tensor = tensors[name] else {
            throw Unpickler.failure("state_dict", mustBe: "a list with '\(name)'", got: "none")
        }
        return try storages.values(of: tensor)
    }
}
