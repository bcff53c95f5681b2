import SPARSTestSupport
import Testing

@testable import SPARSNative

/// A rollout keeps origins, not windows: a million steps take less than 16 MB.
@Suite struct CollectedMemoryTests {
    @Test(arguments: [nil, ExhaustionRule()], [1, 4])
    func aStepTakesLessThanSixteenBytes(rule: ExhaustionRule?, games: Int) throws {
        var game = GameConfiguration.paper(grid: Extent(24, 20, 16), window: Extent(6, 5, 4))
        game.stride = 2
        var configuration = SelfPlayConfiguration()
        (configuration.policy, configuration.exhaustion) = (.local, rule)
        (configuration.stepCount, configuration.gameCount) = (1 << 14, games)
        configuration.recordsSteps = false
        let field = try SearchField(
            volume: Volume(
                extent: game.grid, values: Array(repeating: 0, count: game.grid.count)),
            configuration: game, scorer: FormulaScorer { Float($0.x % 7) / 7 })
        let collected = try SelfPlay(field: field, configuration: configuration).collect()
        let steps = configuration.stepCount * games
        #expect(collected.rollouts[0].states.count == steps)
        // Ends of episodes are kept in lists of their own, which grow by doubling.
        #expect(heldBytes(collected) < 16 * steps)
        // As many bytes as the fields have: nothing is left out of the sum.
        #expect(heldBytes(collected) >= (rule == nil ? 13 : 14) * steps)
    }
}

/// Bytes of all arrays within a value.
private func heldBytes(_ value: Any) -> Int {
    let array = value as? any Held
    let own = array?.ownBytes ?? 0
    if array?.isFlat == true { return own }
    return Mirror(reflecting: value).children.reduce(own) { $0 + heldBytes($1.value) }
}

private protocol Held {
    var ownBytes: Int { get }
    /// Whether its elements hold no memory of their own.
    var isFlat: Bool { get }
}

extension Array: Held {
    fileprivate var ownBytes: Int { capacity * MemoryLayout<Element>.stride }
    fileprivate var isFlat: Bool { _isPOD(Element.self) }
}
