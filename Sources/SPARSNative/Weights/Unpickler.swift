/// What a pickle of tensors can hold.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    case real(Double)
    case text(String)
    /// A class or function, by module and name. It is never looked up, only compared.
    case global(String)
    case tuple([PickleValue], depth: Int)
    case dictionary(PickleDictionary)
    case list(PickleList)
    case storage(PickleStorage)
    case tensor(PickleTensor)
}

/// A dictionary; shared, since pickles name a dictionary before they fill it.
final class PickleDictionary {
    fileprivate(set) var items: [(key: PickleValue, value: PickleValue)] = []
    fileprivate var depth = 1
    /// Set once it is part of another value. Filling it later could make a loop, or a nest so deep
    /// that releasing it overflows the stack; real pickles fill a dictionary before they use it.
    fileprivate var isSealed = false

    /// The value of this name; the last one where there are several, as in Python.
    subscript(name: String) -> PickleValue? {
        items.last { if case .text(name) = $0.key { true } else { false } }?.value
    }
}

/// A list, of which only the texts are kept: no tensor needs more, and it cannot hold itself.
final class PickleList {
    fileprivate(set) var texts: [String] = []
}

/// A named run of elements outside the pickle.
struct PickleStorage: Equatable {
    let type: ElementType
    let key: String
    let count: Int
}

/// A strided view of a storage, checked to stay inside it.
struct PickleTensor {
    let storage: PickleStorage
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}

/// Reads the pickles that `torch.save` writes for tensors by name, and runs nothing.
///
/// A pickle is a program. This reader knows only the instructions that build numbers, text, tuples,
/// lists, dictionaries and tensors; calls are limited to the three constructors below, which are built in.
/// Every other instruction or name is an error. Each instruction takes at least one byte and makes at
/// most one value, nests are at most `depthLimit` deep, and tensors stay unread views, so time and
/// memory are proportional to the pickle's length.
///
/// Source: CPython, Lib/pickletools.py (instructions); PyTorch, torch/_utils.py and
/// torch/serialization.py (what a tensor is made of).
struct Unpickler {
    static let depthLimit = 16

    private let bytes: ArraySlice<UInt8>
    private var at: Int
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var storages: [String: PickleStorage] = [:]

    /// What a pickle built.
    struct Reading {
        let value: PickleValue
        /// All storages that it names, by key.
        let storages: [String: PickleStorage]
        /// Where the pickle ends.
        let end: Int
    }

    /// Reads the pickle that `bytes` start with.
    static func read(_ bytes: ArraySlice<UInt8>) throws(SPARSError) -> Reading {
        var unpickler = Unpickler(bytes: bytes)
        let value = try unpickler.run()
        return Reading(value: value, storages: unpickler.storages, end: unpickler.at)
    }

    private init(bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    static func failure(_ field: String, mustBe wanted: String, got: some Any) -> SPARSError {
        .badFormat(
            field: field,
            message: "The '\(field)' of a PyTorch file must be \(wanted). Got \(got) instead.")
    }

    private static func damaged(_ wanted: String) -> SPARSError {
        failure("data.pkl", mustBe: wanted, got: "none (damaged?)")
    }

    private mutating func run() throws(SPARSError) -> PickleValue {
        while true {
            let code = try byte()
            if code == UInt8(ascii: ".") { return try pop() }
            try execute(code)
        }
    }

    private mutating func execute(_ code: UInt8) throws(SPARSError) {
        switch code {
        case 0x80: _ = try byte()  // PROTO
        case 0x95: _ = try number(8)  // FRAME
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "K"): stack.append(.integer(Int(try number(1))))
        case UInt8(ascii: "M"): stack.append(.integer(Int(try number(2))))
        case UInt8(ascii: "J"):
            stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
        case 0x8A: stack.append(.integer(try long()))
        case UInt8(ascii: "G"):
            stack.append(.real(Double(bitPattern: try number(8).byteSwapped)))
        case UInt8(ascii: "X"): stack.append(.text(try text(Int(try number(4)))))
        case 0x8C: stack.append(.text(try text(Int(try number(1)))))
        case UInt8(ascii: "c"): stack.append(.global("\(try line()).\(try line())"))
        case 0x93: try stackGlobal()
        case UInt8(ascii: "}"): stack.append(.dictionary(PickleDictionary()))
        case UInt8(ascii: "s"): try setItems(from: stack.count - 2)
        case UInt8(ascii: "u"): try setItems(from: try mark())
        case UInt8(ascii: ")"): try pushTuple([])
        case UInt8(ascii: "t"): try pushTuple(try pop(from: try mark()))
        case 0x85...0x87: try pushTuple(try pop(from: stack.count - Int(code - 0x84)))
        case UInt8(ascii: "q"): try remember(Int(try number(1)))
        case UInt8(ascii: "r"): try remember(Int(try number(4)))
        case 0x94: try remember(memo.count)
        case UInt8(ascii: "h"): try recall(Int(try number(1)))
        case UInt8(ascii: "j"): try recall(Int(try number(4)))
        case UInt8(ascii: "]"): stack.append(.list(PickleList()))
        case UInt8(ascii: "a"): try extendList(from: stack.count - 1)
        case UInt8(ascii: "e"): try extendList(from: try mark())
        case UInt8(ascii: "Q"): try pushStorage()
        case UInt8(ascii: "R"): try call()
        case UInt8(ascii: "b"): _ = try pop(from: stack.count - 1)  // BUILD: attributes, not wanted
        default:
            throw Self.failure(
                "data.pkl", mustBe: TorchFile.plain,
                got: "pickle instruction 0x\(String(code, radix: 16))")
        }
    }
}

// MARK: - Bytes

extension Unpickler {
    private mutating func byte() throws(SPARSError) -> UInt8 {
        guard at < bytes.endIndex else { throw Self.damaged("a pickle that ends") }
        defer { at += 1 }
        return bytes[at]
    }

    private mutating func number(_ width: Int) throws(SPARSError) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<width { value |= UInt64(try byte()) << (8 * UInt64(i)) }
        return value
    }

    /// LONG1: an integer of n bytes, two's complement; what is beyond 64 bits must only carry the sign.
    private mutating func long() throws(SPARSError) -> Int {
        let width = Int(try byte())
        if width == 0 { return 0 }
        let shift = UInt64(64 - 8 * min(width, 8))
        let value = Int(Int64(bitPattern: try number(min(width, 8)) << shift) >> Int64(shift))
        for _ in 8..<max(8, width) where try byte() != (value < 0 ? 0xFF : 0) {
            throw Self.failure(
                "data.pkl", mustBe: "of integers of 64 bits", got: "\(8 * width) bits")
        }
        return value
    }

    private mutating func text(_ length: Int) throws(SPARSError) -> String {
        guard length <= bytes.endIndex - at,
            let text = String(validating: bytes[at..<at + length], as: UTF8.self)
        else { throw Self.damaged("a pickle of whole UTF-8 texts") }
        at += length
        return text
    }

    private mutating func line() throws(SPARSError) -> String {
        guard let end = bytes[at...].prefix(256).firstIndex(of: 0x0A),
            let text = String(validating: bytes[at..<end], as: UTF8.self)
        else { throw Self.damaged("a pickle of named globals") }
        at = end + 1
        return text
    }
}

// MARK: - Stack and memo

extension Unpickler {
    private mutating func mark() throws(SPARSError) -> Int {
        guard let mark = marks.popLast() else { throw Self.damaged("a pickle with its marks") }
        return mark
    }

    private mutating func pop() throws(SPARSError) -> PickleValue {
        try pop(from: stack.count - 1)[0]
    }

    /// Takes everything from `start` off the stack.
    private mutating func pop(from start: Int) throws(SPARSError) -> [PickleValue] {
        guard start >= marks.last ?? 0, start <= stack.count else {
            throw Self.damaged("a pickle with enough values")
        }
        defer { stack.removeSubrange(start...) }
        return Array(stack[start...])
    }

    private mutating func pushTuple(_ values: [PickleValue]) throws(SPARSError) {
        stack.append(.tuple(values, depth: 1 + (try Self.seal(values))))
    }

    /// Marks the dictionaries among `values` as used; returns how deep the deepest value is.
    private static func seal(_ values: [PickleValue]) throws(SPARSError) -> Int {
        var deepest = 0
        for value in values {
            switch value {
            case .tuple(_, let depth): deepest = max(deepest, depth)
            case .dictionary(let dictionary):
                dictionary.isSealed = true
                deepest = max(deepest, dictionary.depth)
            default: break
            }
        }
        guard deepest < depthLimit else {
            throw failure("data.pkl", mustBe: "at most \(depthLimit) levels deep", got: "more")
        }
        return deepest
    }

    private mutating func setItems(from start: Int) throws(SPARSError) {
        let items = try pop(from: start)
        guard items.count % 2 == 0, case .dictionary(let dictionary) = stack.last,
            !dictionary.isSealed
        else { throw Self.damaged("a pickle that fills its dictionaries in order") }
        // Sealed while its own items are looked at, so that it cannot hold itself.
        dictionary.isSealed = true
        dictionary.depth = max(dictionary.depth, 1 + (try Self.seal(items)))
        for i in stride(from: 0, to: items.count, by: 2) {
            if case .dictionary(let inner) = items[i + 1], inner === dictionary {
                throw Self.damaged("a pickle whose dictionaries do not hold themselves")
            }
            dictionary.items.append((key: items[i], value: items[i + 1]))
        }
        dictionary.isSealed = false
    }

    private mutating func extendList(from start: Int) throws(SPARSError) {
        let items = try pop(from: start)
        guard case .list(let list) = stack.last else {
            throw Self.damaged("a pickle that fills its lists in order")
        }
        for case .text(let text) in items { list.texts.append(text) }
    }

    private mutating func remember(_ key: Int) throws(SPARSError) {
        guard let value = stack.last else { throw Self.damaged("a pickle with enough values") }
        memo[key] = value
    }

    private mutating func recall(_ key: Int) throws(SPARSError) {
        guard let value = memo[key] else { throw Self.damaged("a pickle with its memo") }
        stack.append(value)
    }

    private mutating func stackGlobal() throws(SPARSError) {
        let names = try pop(from: stack.count - 2)
        guard case .text(let module) = names[0], case .text(let name) = names[1] else {
            throw Self.damaged("a pickle of named globals")
        }
        stack.append(.global("\(module).\(name)"))
    }
}

// MARK: - The built-in constructors

extension Unpickler {
    private mutating func call() throws(SPARSError) {
        let pair = try pop(from: stack.count - 2)
        guard case .global(let name) = pair[0], case .tuple(let arguments, _) = pair[1] else {
            throw Self.damaged("a pickle that calls named globals")
        }
        switch (name, arguments.count) {
        case ("collections.OrderedDict", 0):
            stack.append(.dictionary(PickleDictionary()))
        case ("torch._utils._rebuild_tensor_v2", 6...7), ("torch._utils._rebuild_tensor", 4):
            stack.append(.tensor(try Self.tensor(arguments)))
        case ("torch._utils._rebuild_parameter", 3):
            guard case .tensor = arguments[0] else { throw Self.damaged("a pickle of tensors") }
            stack.append(arguments[0])
        default:
            throw Self.failure(
                "data.pkl", mustBe: TorchFile.plain, got: "a call of \(name)")
        }
    }

    /// ('storage', torch.FloatStorage, key, location, count[, view])
    private mutating func pushStorage() throws(SPARSError) {
        let storage = try Self.storage(try pop())
        guard storages.updateValue(storage, forKey: storage.key).map({ $0 == storage }) ?? true
        else { throw Self.damaged("a pickle that names each storage once") }
        stack.append(.storage(storage))
    }

    private static func storage(_ identity: PickleValue) throws(SPARSError) -> PickleStorage {
        guard case .tuple(var parts, _) = identity else { throw damaged("a pickle of storages") }
        // A view of another storage would be the sixth; PyTorch 0.1.10 was the last to write one.
        if parts.count == 6, case .none = parts[5] { parts.removeLast() }
        guard parts.count == 5, case .text("storage") = parts[0],
            case .global(let typeName) = parts[1],
            case .text(let key) = parts[2], case .integer(let count) = parts[4], count >= 0
        else { throw damaged("a pickle of tensor storages") }
        let types: [String: ElementType] = [
            "torch.HalfStorage": .float16, "torch.BFloat16Storage": .bfloat16,
            "torch.FloatStorage": .float32, "torch.DoubleStorage": .float64,
            "torch.IntStorage": .int32, "torch.LongStorage": .int64,
        ]
        guard let type = types[typeName] else {
            throw failure("storage type", mustBe: "of floats or integers", got: typeName)
        }
        return PickleStorage(type: type, key: key, count: count)
    }

    /// (storage, offset, shape, strides[, requires_grad, hooks[, metadata]])
    private static func tensor(_ arguments: [PickleValue]) throws(SPARSError) -> PickleTensor {
        guard case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1],
            let shape = integers(arguments[2]), let strides = integers(arguments[3]),
            shape.count == strides.count, shape.count <= 8
        else { throw damaged("a pickle of strided tensors") }
        guard offset >= 0, strides.allSatisfy({ $0 >= 0 }), let count = elementCount(shape),
            let last = lastIndex(offset: offset, shape: shape, strides: strides),
            count == 0 || last < storage.count
        else {
            throw failure(
                "tensor geometry", mustBe: "inside its storage of \(storage.count) elements",
                got: "offset \(offset), shape \(shape), strides \(strides)")
        }
        return PickleTensor(storage: storage, offset: offset, shape: shape, strides: strides)
    }

    private static func integers(_ value: PickleValue) -> [Int]? {
        guard case .tuple(let parts, _) = value else { return nil }
        var numbers: [Int] = []
        for part in parts {
            guard case .integer(let number) = part else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    private static func lastIndex(offset: Int, shape: [Int], strides: [Int]) -> Int? {
        var last = offset
        for (extent, stride) in zip(shape, strides) where extent > 1 {
            let (step, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (next, carried) = last.addingReportingOverflow(step)
            guard !overflow, !carried else { return nil }
            last = next
        }
        return last
    }
}
