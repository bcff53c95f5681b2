import SPARSNative
import Testing

@testable import SPARSABI

@Suite struct ErrorSubjectsTests {
    /// The core speaks of what it is about, and the front of its own function.
    @Test func theFrontNamesItsFunctions() {
        var configuration = SelfPlayConfiguration()
        configuration.snapshotInterval = -1
        let error = #expect(throws: SPARSError.self) {
            try configuration.validate(window: Extent(8, 8, 8))
        }
        let rest = "must be an integer of at least 0. Got -1 instead."
        #expect(
            error?.description == "The 'snapshot_interval' parameter of self-play \(rest)")
        #expect(
            error?.frontMessage == "The 'snapshot_interval' parameter of self_play \(rest)")
    }

    @Test func whatBothCallTheSameStays() {
        let error = SPARSError.range("level", of: .intensityWindow, mustBe: "finite", got: "nan")
        #expect(error.frontMessage == error.description)
        #expect(SPARSError.interrupted.frontMessage == SPARSError.interrupted.description)
    }
}
