import SPARSKernels

/// What a policy sees of a field where a window stands: the numbers that its network reads.
///
/// Together with a `PolicyShape` for the network this is all that makes one policy another.
protocol PolicySight: AnyObject {
    var field: SearchField { get }
    /// The network that reads `count` numbers an observation.
    func shape(_ configuration: SelfPlayConfiguration) throws(SPARSError) -> PolicyShape
    /// Numbers of an observation.
    var count: Int { get }
    /// One name for all origins from which the same is seen.
    func place(of origin: Voxel) -> Voxel
    /// Makes known what looking from these origins needs to be known, in one call of the scorer.
    func prepare(_ origins: [Voxel]) throws(SPARSError)
    /// Writes what `agent` sees from `origin` into `row` of the (n, `count`) matrix.
    func look(
        from origin: Voxel, as agent: Agent, into matrix: inout [Float], row: Int
    ) throws(SPARSError)
}

func sight(of policy: SelfPlayConfiguration.Policy, on field: SearchField) -> any PolicySight {
    switch policy {
    case .mlp: WindowSight(field)
    case .cnn: StandardisedSight(field)
    case .local: NeighbourSight(field)
    }
}

/// The voxels of the window ("MlpPolicy").
final class WindowSight: PolicySight {
    let field: SearchField

    init(_ field: SearchField) { self.field = field }

    var count: Int { field.configuration.window.count }

    func shape(_ configuration: SelfPlayConfiguration) throws(SPARSError) -> PolicyShape {
        try PolicyShape(
            inputs: count, policyHidden: configuration.policyHidden,
            valueHidden: configuration.valueHidden, actions: Action.allCases.count)
    }

    func place(of origin: Voxel) -> Voxel { field.lattice.cropStart(origin) }

    func prepare(_ origins: [Voxel]) {}

    func look(
        from origin: Voxel, as agent: Agent, into matrix: inout [Float], row: Int
    ) throws(SPARSError) {
        let box = try field.box(at: field.lattice.cropStart(origin))
        if box.extent == field.configuration.window {
            let geometry = BoxGeometry(of: box, in: field.volume.extent)
            matrix.withUnsafeMutableBufferPointer { matrix in
                field.volume.values.withUnsafeBufferPointer { values in
                    copyBox(
                        values, geometry,
                        into: .init(rebasing: matrix[row * count..<(row + 1) * count]))
                }
            }
        } else {
            let seen = try field.observation(at: origin)
            matrix.replaceSubrange(row * count..<(row + 1) * count, with: seen)
        }
        guard field.configuration.observationCast != .float32 else { return }
        for i in row * count..<(row + 1) * count {
            matrix[i] = field.configuration.seen(matrix[i], by: agent)
        }
    }
}

/// The same voxels, less the scan's mean and divided by its standard deviation ("CnnPolicy"):
/// tanh of convolutions over Hounsfield units as they are would be 1 or -1 nearly everywhere.
final class StandardisedSight: PolicySight {
    private let window: WindowSight
    private let mean: Float
    private let deviation: Float

    init(_ field: SearchField) {
        window = WindowSight(field)
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

    func shape(_ configuration: SelfPlayConfiguration) throws(SPARSError) -> PolicyShape {
        try PolicyShape(
            convolution: WindowConvolutions(window: field.configuration.window),
            policyHidden: configuration.policyHidden, valueHidden: configuration.valueHidden,
            actions: Action.allCases.count)
    }

    func place(of origin: Voxel) -> Voxel { window.place(of: origin) }

    func prepare(_ origins: [Voxel]) {}

    func look(
        from origin: Voxel, as agent: Agent, into matrix: inout [Float], row: Int
    ) throws(SPARSError) {
        try window.look(from: origin, as: agent, into: &matrix, row: row)
        for i in row * count..<(row + 1) * count { matrix[i] = (matrix[i] - mean) / deviation }
    }
}

/// The scores of the windows that the six moves lead to and of the window itself, and where it
/// stands in the grid ("LocalPolicy"); no voxel. Both players see alike.
final class NeighbourSight: PolicySight {
    let field: SearchField

    init(_ field: SearchField) { self.field = field }

    /// Six neighbours, the window itself, three coordinates.
    var count: Int { Action.allCases.count + 4 }

    func shape(_ configuration: SelfPlayConfiguration) throws(SPARSError) -> PolicyShape {
        try PolicyShape(
            inputs: count, policyHidden: configuration.policyHidden,
            valueHidden: configuration.valueHidden, actions: Action.allCases.count)
    }

    /// Origins that share a crop still differ in where moves lead.
    func place(of origin: Voxel) -> Voxel { origin }

    private func scored(_ origin: Voxel) -> [Int] {
        (Action.allCases.map { field.configuration.moved(origin, by: $0) } + [origin])
            .map { field.index(ofOrigin: $0) }
    }

    func prepare(_ origins: [Voxel]) throws(SPARSError) {
        try field.score(origins.flatMap(scored))
    }

    func look(
        from origin: Voxel, as agent: Agent, into matrix: inout [Float], row: Int
    ) throws(SPARSError) {
        try prepare([origin])
        let (grid, window) = (field.configuration.grid, field.configuration.window)
        let position = (0..<3).map { axis -> Float in
            let room = grid[axis] - window[axis]
            // -1 at one end of the grid and 1 at the other, beyond them too; 0 where none is free.
            return room == 0
                ? 0 : Float(2 * min(max(origin[axis], 0), room)) / Float(room) - 1
        }
        let seen = scored(origin).map { field.known($0) } + position
        matrix.replaceSubrange(row * count..<(row + 1) * count, with: seen)
    }
}
