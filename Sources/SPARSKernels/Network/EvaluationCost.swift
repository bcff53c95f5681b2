/// What one run of the convolution stages takes.
public struct EvaluationCost: Sendable {
    /// Multiply-adds of conv2 to conv4 and, for a repeated input, about as many as conv1's take time.
    /// Places left out because they equal their neighbours are counted: their part is about the
    /// same in every grid of one axis rule.
    public let work: Double
    /// Memory beside the input, at most.
    public let bytes: Int

    /// conv1's time for each place of the grid, in multiply-adds of the other stages: measured on
    /// windows of record, a few of the 216 that a dense conv1 takes.
    private static let firstStageWork = 20.0

    /// - Parameters:
    ///   - grid: of the whole pass.
    ///   - layout: of its windows.
    ///   - equalPlaces: of the axes x and y, the larger `RepeatedAxis.equalPlaces`.
    public init(_ grid: Extent, layout: WindowLayout, equalPlaces: Int = 1) {
        let pass = EvaluationStages.Pass(grid, layout)
        let (shapes, tall, column) = (pass.shapes, pass.seen, layout.column)
        let windows = Double(column.count)
        let second = shapes[2].input
        let secondRows = 4 * second.x * second.y * column.length(2 * second.z)
        let third = windows * Double(8 * shapes[3].input.count)
        let fourth = windows * Double(pass.output.count)
        work =
            EvaluationCost.firstStageWork * Double(tall.count)
            + Double(secondRows) * 16 * 216 + third * 32 * 432 + fourth * 64 * 864

        let firstPooled = tall.convolved(stride: 1).halved
        let plane = 8 * firstPooled.y * firstPooled.z
        // Narrower planes, of a grid without equal places, make wider slabs.
        let slab = SlabPass.slab(plane / equalPlaces)
        let made = equalPlaces > 1 ? slab : 0
        let secondPlanes =
            (slab * equalPlaces + 4 + made) * second.y * second.z * 16 * column.count
        let kept = column.count * (shapes[3].inputCount + 64 * pass.output.count)
        bytes = 4 * ((4 * slab + 1) * plane + secondPlanes + kept)
    }
}
