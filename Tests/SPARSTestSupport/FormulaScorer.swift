import SPARSNative

/// A scorer that needs no network: a function of where the crop starts. It keeps what it was asked.
public final class FormulaScorer: WindowScorer {
    public private(set) var asked: [Voxel] = []
    private let formula: (Voxel) -> Float

    public init(_ formula: @escaping (Voxel) -> Float) { self.formula = formula }

    public func scores(
        of field: SearchField, at starts: [Voxel], reportsProgress: Bool
    ) throws(SPARSError) -> [Float] {
        asked += starts
        return starts.map(formula)
    }
}

extension SearchField {
    /// A field over an array of zeros with scores from a formula.
    public static func ofFormula(
        _ configuration: GameConfiguration, scan: Extent? = nil,
        _ formula: @escaping (Voxel) -> Float
    ) throws(SPARSError) -> SearchField {
        let extent = scan ?? configuration.grid
        return try SearchField(
            volume: Volume(extent: extent, values: Array(repeating: 0, count: extent.count)),
            configuration: configuration, scorer: FormulaScorer(formula))
    }
}
