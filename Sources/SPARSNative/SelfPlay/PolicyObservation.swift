import SPARSKernels

/// What a policy observes of a field where a window stands: the numbers that its network reads.
///
/// Together with a `PolicyShape` for the network this is all that makes one policy another.
protocol PolicyObservation: AnyObject {
    var field: SearchField { get }
    /// The network that reads `count` numbers an observation.
    func shape(_ configuration: SelfPlayConfiguration) throws(SPARSError) -> PolicyShape
    /// Numbers of an observation.
    var count: Int { get }
    /// How many numbers at an observation's end stand for no voxel of the window.
    var besideCount: Int { get }
    /// One state for all in which the same is observed, to remember answers by.
    func key(of state: AgentState) -> AgentState
    /// Makes known what observing in these states needs to be known, in one call of the scorer.
    func prepare(_ states: [AgentState]) throws(SPARSError)
    /// Writes what `agent` observes in a state, which is prepared, into `count` numbers. Several
    /// threads may observe at once.
    func observe(
        in state: AgentState, as agent: Agent, into observed: UnsafeMutableBufferPointer<Float>
    ) throws(SPARSError)
}

extension SelfPlayConfiguration.Policy {
    /// - Parameter withShown: whether it also observes which of the six places around have been shown,
    ///   as the exhaustion game needs.
    func observation(of field: SearchField, withShown: Bool = false) -> any PolicyObservation {
        switch self {
        case .mlp: WindowObservation(field, withShown: withShown)
        case .cnn: StandardisedObservation(field, withShown: withShown)
        case .local: NeighbourObservation(field, withShown: withShown)
        }
    }
}

/// The voxels of the window ("MlpPolicy"), and behind them what has been shown around it.
final class WindowObservation: PolicyObservation {
    let field: SearchField
    let besideCount: Int
    private let voxels: Int

    init(_ field: SearchField, withShown: Bool = false) {
        self.field = field
        besideCount = withShown ? Action.allCases.count : 0
        voxels = field.configuration.window.count
    }

    var count: Int { voxels + besideCount }

    func shape(_ configuration: SelfPlayConfiguration) throws(SPARSError) -> PolicyShape {
        try PolicyShape(
            inputs: count, policyHidden: configuration.policyHidden,
            valueHidden: configuration.valueHidden, actions: configuration.answerCount)
    }

    func key(of state: AgentState) -> AgentState {
        AgentState(field.lattice.cropStart(state.origin), shown: state.shown)
    }

    func prepare(_ states: [AgentState]) {}

    func observe(
        in state: AgentState, as agent: Agent, into observed: UnsafeMutableBufferPointer<Float>
    ) throws(SPARSError) {
        let box = try field.box(at: field.lattice.cropStart(state.origin))
        let window = unsafe UnsafeMutableBufferPointer(rebasing: observed[..<voxels])
        if box.extent == field.configuration.window {
            let geometry = BoxGeometry(of: box, in: field.volume.extent)
            unsafe field.volume.values.withUnsafeBufferPointer {
                unsafe copyBox($0, geometry, into: window)
            }
        } else {
            _ = unsafe window.update(fromContentsOf: try field.observation(at: state.origin))
        }
        if besideCount > 0 {
            _ = unsafe observed[voxels...].update(fromContentsOf: state.flags)
        }
        guard field.configuration.observationCast != .float32 else { return }
        for i in window.indices {
            unsafe window[i] = unsafe field.configuration.seen(window[i], by: agent)
        }
    }
}

/// The same voxels, less the scan's mean and divided by its standard deviation ("CnnPolicy"):
/// tanh of convolutions over Hounsfield units as they are would be 1 or -1 nearly everywhere.
final class StandardisedObservation: PolicyObservation {
    private let window: WindowObservation
    private let mean: Float
    private let deviation: Float

    init(_ field: SearchField, withShown: Bool = false) {
        window = WindowObservation(field, withShown: withShown)
        let values = field.volume.values
        func average(_ term: (Double) -> Double) -> Double {
            values.reduce(0) { $0 + term(Double(field.configuration.seen($1, by: .learner))) }
                / Double(values.count)
        }
        let mean = average { $0 }
        let deviation = average { ($0 - mean) * ($0 - mean) }.squareRoot()
        self.mean = Float(mean)
        self.deviation = deviation > 0 ? Float(deviation) : 1
    }

    var field: SearchField { window.field }
    var count: Int { window.count }
    var besideCount: Int { window.besideCount }

    func shape(_ configuration: SelfPlayConfiguration) throws(SPARSError) -> PolicyShape {
        try PolicyShape(
            convolution: WindowConvolutions(
                window: field.configuration.window, beside: besideCount),
            policyHidden: configuration.policyHidden, valueHidden: configuration.valueHidden,
            actions: configuration.answerCount)
    }

    func key(of state: AgentState) -> AgentState { window.key(of: state) }

    func prepare(_ states: [AgentState]) {}

    func observe(
        in state: AgentState, as agent: Agent, into observed: UnsafeMutableBufferPointer<Float>
    ) throws(SPARSError) {
        try unsafe window.observe(in: state, as: agent, into: observed)
        for i in 0..<count - besideCount {
            unsafe observed[i] = unsafe (observed[i] - mean) / deviation
        }
    }
}

/// The scores of the windows that the six moves lead to and of the window itself, and where it
/// stands in the grid ("LocalPolicy"); no voxel. Both players observe the same.
///
/// In the exhaustion game: what the six are worth, which is 0 where they have been shown, whether
/// they have, and where the window stands.
final class NeighbourObservation: PolicyObservation {
    let field: SearchField
    private let withShown: Bool

    init(_ field: SearchField, withShown: Bool = false) {
        self.field = field
        self.withShown = withShown
    }

    /// Six neighbours, then the window itself or six flags, then three coordinates.
    var count: Int { Action.allCases.count + (withShown ? Action.allCases.count : 1) + 3 }

    var besideCount: Int { count }

    func shape(_ configuration: SelfPlayConfiguration) throws(SPARSError) -> PolicyShape {
        try PolicyShape(
            inputs: count, policyHidden: configuration.policyHidden,
            valueHidden: configuration.valueHidden, actions: configuration.answerCount)
    }

    /// Origins that share a crop still differ in where moves lead.
    func key(of state: AgentState) -> AgentState { state }

    private func scored(_ origin: Voxel) -> [Int] {
        let around = Action.allCases.map { field.configuration.moved(origin, by: $0) }
        return (withShown ? around : around + [origin]).map { field.index(ofOrigin: $0) }
    }

    func prepare(_ states: [AgentState]) throws(SPARSError) {
        try field.score(states.flatMap { scored($0.origin) })
    }

    func observe(
        in state: AgentState, as agent: Agent, into observed: UnsafeMutableBufferPointer<Float>
    ) throws(SPARSError) {
        let origin = state.origin
        let (grid, window) = (field.configuration.grid, field.configuration.window)
        let position = (0..<3).map { axis -> Float in
            let room = grid[axis] - window[axis]
            // -1 at one end of the grid and 1 at the other, beyond them too; 0 where none is free.
            return room == 0
                ? 0 : Float(2 * min(max(origin[axis], 0), room)) / Float(room) - 1
        }
        var scores = scored(origin).map { field.known($0) }
        if withShown {
            let flags = state.flags
            for i in scores.indices where flags[i] == 1 { scores[i] = 0 }
            scores += flags
        }
        _ = unsafe observed.update(fromContentsOf: scores + position)
    }
}
