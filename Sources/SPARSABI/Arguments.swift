import SPARSNative

/// Checks of what came over the C ABI: null pointers, counts, products that overflow.

/// Pointers as C gives them; `scripts/generate_abi/twins.py` knows these names too.
public typealias In<Element> = UnsafePointer<Element>?
public typealias Out<Element> = UnsafeMutablePointer<Element>?

/// The product of `extents`, each in 1...limit; throws rather than overflow.
func checkedCount(
    _ extents: [Int64], _ parameter: String, of owner: String
) throws(SPARSError) -> Int {
    var product = 1
    for extent in extents {
        guard extent > 0, extent <= Int64(Int32.max) else {
            throw .range(parameter, of: owner, mustBe: "positive in every axis", got: extents)
        }
        let (next, overflow) = product.multipliedReportingOverflow(by: Int(extent))
        guard !overflow, next <= 1 << 40 else {
            throw .range(
                parameter, of: owner, mustBe: "at most \(1 << 40) elements in all", got: extents)
        }
        product = next
    }
    return product
}

/// Checks how many elements the caller gives or has room for; `unit` follows the number in the error.
func checkCount(
    _ got: Int64, _ parameter: String, of owner: String, mustBe wanted: Int, _ unit: String = ""
) throws(SPARSError) {
    guard got == Int64(wanted) else {
        throw .range(
            parameter, of: owner, mustBe: unit.isEmpty ? "\(wanted)" : "\(wanted) \(unit)",
            got: got)
    }
}

/// A read-only view of `count` elements, or an error naming the null pointer.
func checkedInput<Element>(
    _ pointer: UnsafePointer<Element>?, _ count: Int, _ parameter: String, of owner: String
) throws(SPARSError) -> UnsafeBufferPointer<Element> {
    guard let pointer else {
        throw .range(parameter, of: owner, mustBe: "a buffer", got: "a null pointer")
    }
    return UnsafeBufferPointer(start: pointer, count: count)
}

/// A writable view of `count` elements, or an error naming the null pointer.
func checkedOutput<Element>(
    _ pointer: UnsafeMutablePointer<Element>?, _ count: Int, _ parameter: String, of owner: String
) throws(SPARSError) -> UnsafeMutableBufferPointer<Element> {
    guard let pointer else {
        throw .range(parameter, of: owner, mustBe: "a buffer", got: "a null pointer")
    }
    return UnsafeMutableBufferPointer(start: pointer, count: count)
}

/// The struct behind a pointer, or an error naming the null pointer.
func checkedStruct<Struct>(
    _ pointer: UnsafePointer<Struct>?, _ parameter: String, of owner: String
) throws(SPARSError) -> Struct {
    try checkedInput(pointer, 1, parameter, of: owner)[0]
}

/// Writes a result where the caller wants it, or throws an error naming the null pointer.
func write<Element>(
    _ value: Element, to pointer: UnsafeMutablePointer<Element>?, _ parameter: String,
    of owner: String
) throws(SPARSError) {
    try checkedOutput(pointer, 1, parameter, of: owner)[0] = value
}

/// Writes all of `values` where the caller wants them, or throws an error naming the null pointer;
/// looks between runs whether to stop, as `Control.copy` does.
func write<Values: Collection>(
    contentsOf values: Values, to pointer: UnsafeMutablePointer<Values.Element>?,
    _ parameter: String, of owner: String
) throws(SPARSError) {
    if values.isEmpty { return }
    let output = try checkedOutput(pointer, values.count, parameter, of: owner)
    var rest = values[...]
    try Control.inRuns(values.count, of: 1 << 20) { run in
        let end = rest.index(rest.startIndex, offsetBy: run.count)
        _ = output[run].update(fromContentsOf: rest[..<end])
        rest = rest[end...]
    }
}

/// Three lengths x, y and z, each positive, as an extent whose voxels can be counted.
func checkedExtent(
    _ pointer: UnsafePointer<Int64>?, _ parameter: String, of owner: String
) throws(SPARSError) -> Extent {
    let axes = try checkedInput(pointer, 3, parameter, of: owner)
    _ = try checkedCount(Array(axes), parameter, of: owner)
    return Extent(Int(axes[0]), Int(axes[1]), Int(axes[2]))
}

/// The same of three lengths as C has them in a struct.
func checkedExtent(
    _ axes: (Int64, Int64, Int64), _ parameter: String, of owner: String
) throws(SPARSError) -> Extent {
    try checkedExtent([axes.0, axes.1, axes.2], parameter, of: owner)
}

extension Extent {
    /// Three lengths as C has them in a struct, not checked; those that no `Int` holds are its limits.
    init(_ axes: (Int64, Int64, Int64)) {
        self.init(Int(clamping: axes.0), Int(clamping: axes.1), Int(clamping: axes.2))
    }
}

/// The choice that has a number.
func checkedChoice<Choice: RawRepresentable>(
    _ number: Int32, _ parameter: String, of owner: String
) throws(SPARSError) -> Choice where Choice.RawValue: BinaryInteger {
    guard let value = Choice.RawValue(exactly: number), let choice = Choice(rawValue: value) else {
        throw .range(parameter, of: owner, mustBe: "the number of a choice", got: number)
    }
    return choice
}

/// A terminated UTF-8 text.
func checkedText(
    _ pointer: UnsafePointer<CChar>?, _ parameter: String, of owner: String
) throws(SPARSError) -> String {
    guard let pointer, let text = String(validatingCString: pointer) else {
        throw .range(
            parameter, of: owner, mustBe: "UTF-8 text",
            got: pointer == nil ? "a null pointer" : "other bytes")
    }
    return text
}

/// A path as the operating system has it: bytes, not empty.
func checkedPath(_ path: In<CChar>, of owner: String) throws(SPARSError) -> FilePath {
    guard let path, path.pointee != 0 else {
        throw .range(
            "path", of: owner, mustBe: "a file's path",
            got: path == nil ? "a null pointer" : "an empty text")
    }
    var bytes: [UInt8] = []
    var next = path
    while next.pointee != 0 {
        bytes.append(UInt8(bitPattern: next.pointee))
        next += 1
    }
    return FilePath(bytes: bytes)
}

/// Writes a text of `text.count` bytes, as much of it as there is room for, and a zero; `length`
/// receives its full length. `pointer` may be NULL with `capacity` 0.
func write(
    text: [UInt8], to pointer: Out<CChar>, _ capacity: Int64, _ length: Out<Int64>, of owner: String
) throws(SPARSError) {
    try write(Int64(text.count), to: length, "length", of: owner)
    guard let pointer, capacity > 0 else { return }
    let copied = text.prefix(Int(min(capacity - 1, Int64(text.count))))
    for (i, byte) in copied.enumerated() { pointer[i] = CChar(bitPattern: byte) }
    pointer[copied.count] = 0
}
