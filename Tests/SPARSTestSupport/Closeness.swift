import Testing

/// Expects each value within `relative` of the largest magnitude of `expected`.
public func expectClose(
    _ values: [Float], _ expected: [Double], within relative: Double, _ what: String = "",
    location: SourceLocation = #_sourceLocation
) {
    #expect(values.count == expected.count, "\(what)", sourceLocation: location)
    let scale = expected.map(\.magnitude).max() ?? 0
    let worst = zip(values, expected).map { (Double($0) - $1).magnitude }.max() ?? 0
    #expect(
        worst <= relative * scale,
        "\(what): off by \(worst) of \(scale); \(values.prefix(4)) for \(expected.prefix(4))",
        sourceLocation: location)
}
