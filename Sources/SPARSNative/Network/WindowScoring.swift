import SPARSKernels

extension NetworkEvaluator {
    /// Logits [origins.count, 2] of windows cut from a volume, their values scaled by
    /// `intensityWindow` if given, and brought to the network's grid by nearest neighbour.
    ///
    /// Ask for many windows at once: windows whose grids coincide share their convolutions, and all
    /// share the passes over the fully connected layers. A window's logits have the same bits alone
    /// and among others. They differ from `logits(_:count:)` on the enlarged crop in rounding only,
    /// within 1e-5 of the largest feature, because taps that see one source voxel are added before
    /// they meet it.
    ///
    /// - Parameters:
    ///   - extent: the volume's voxels along x, y, z.
    ///   - origins: lowest corners of the windows, in the volume's voxels.
    ///   - window: the windows' voxels along x, y, z.
    ///   - intensityWindow: the HU range that values are scaled by; nil leaves them.
    ///   - volume: [x, y, z] values of `extent`.
    ///   - reportsProgress: whether `Control` is told how many windows are done.
    /// - Throws: `outOfRange` for a window that has no voxel or does not lie inside,
    ///   `notFinite` for NaN or infinity inside a window, `interrupted`.
    public func windowLogits(
        volume: UnsafeBufferPointer<Float>, extent: Extent, origins: [Voxel], window: Extent,
        intensityWindow: IntensityWindow?, reportsProgress: Bool = false
    ) throws(SPARSError) -> [Float] {
        precondition(volume.count == extent.count, "\(volume.count) values for extent \(extent)")
        try checkWindows(extent: extent, origins: origins, window: window)
        let scoring = unsafe WindowScoring(
            evaluator: self,
            volume: SeenVolume(values: volume, extent: extent, intensityWindow: intensityWindow),
            origins: origins,
            sharing: WindowSharing(window: window, grid: architecture.input, origins: origins),
            reportsProgress: reportsProgress)
        return try scoring.logits()
    }

    func checkWindows(
        extent: Extent, origins: [Voxel], window: Extent
    ) throws(SPARSError) {
        guard (0..<3).allSatisfy({ window[$0] >= 1 && window[$0] <= extent[$0] }) else {
            throw .range(
                "window", of: .windowScores, mustBe: "from (1, 1, 1) to the volume's \(extent)",
                got: window)
        }
        for origin in origins {
            guard (0..<3).allSatisfy({ (0...extent[$0] - window[$0]).contains(origin[$0]) }) else {
                throw .range(
                    "origins", of: .windowScores,
                    mustBe: "lowest corners of windows \(window) inside the volume \(extent)",
                    got: origin)
            }
        }
    }
}

/// One call of `windowLogits`.
@safe struct WindowScoring {
    let evaluator: NetworkEvaluator
    let volume: SeenVolume
    let origins: [Voxel]
    let sharing: WindowSharing
    let reportsProgress: Bool

    /// Windows whose features wait for the fully connected layers together.
    static let batch = 480

    func logits() throws(SPARSError) -> [Float] {
        var logits = [Float](repeating: 0, count: 2 * origins.count)
        let size = evaluator.architecture.featureCount
        let features = FloatBuffer(count: min(origins.count, WindowScoring.batch) * size)
        var waiting: [Int] = []
        func flush() throws(SPARSError) {
            let values = try evaluator.denseLogits(features, count: waiting.count)
            for (n, index) in waiting.enumerated() {
                logits[2 * index] = values[2 * n]
                logits[2 * index + 1] = values[2 * n + 1]
            }
            waiting = []
        }
        var done = 0
        var blocks = Array(sharing.blocks(origins).reversed())
        while let block = blocks.popLast() {
            guard let shared = try self.features(block, done: done) else {
                let (low, high) = block.halves!
                blocks += [high, low]
                continue
            }
            for member in block.members {
                if waiting.count == WindowScoring.batch { try flush() }
                unsafe shared.copy(member.step, to: features.pointer + waiting.count * size)
                waiting.append(member.index)
            }
            done += block.members.count
            if reportsProgress { try Control.report(done: done, planned: origins.count) }
        }
        try flush()
        return logits
    }

    /// conv4's output for a block; nil if a block of several windows holds NaN or infinity, which
    /// may stand where no window of it looks.
    private func features(_ block: WindowBlock, done: Int) throws(SPARSError) -> SharedFeatures? {
        let extent = sharing.extent(block.steps)
        let crop: FloatBuffer
        do {
            crop = try volume.box(extent, at: block.origin)
        } catch {
            if block.halves != nil { return nil }
            throw error
        }
        let one = evaluator.architecture.stageOutputs[3]
        let layout = sharing.layout(block.steps)
        let output = layout.output(one)
        let features = FloatBuffer(count: 64 * output.count * layout.column.count)
        let input: EvaluationStages.Input
        let values: FloatBuffer
        if let x = sharing.x.axis(block.steps.x), let y = sharing.y.axis(block.steps.y),
            let z = sharing.z.axis(block.steps.z)
        {
            values = crop
            input = .repeated(
                RepeatedInput(source: crop, sourceShape: extent, x: x, y: y, z: z))
        } else {
            // `WindowSharing` lets windows that are reduced along any axis stand alone.
            precondition(block.halves == nil, "\(block.steps) windows without repeats")
            values = FloatBuffer(count: sharing.grid.count)
            unsafe Resample.nearest(
                crop.pointer, from: sharing.window, into: values.pointer, to: sharing.grid)
            input = unsafe .dense(values.pointer, sharing.grid)
        }
        unsafe evaluator.stages.run(input, layout: layout, features: features.pointer) { part in
            guard reportsProgress else { return }
            let windows = Int(part * Double(block.members.count))
            try? Control.report(done: done + windows, planned: origins.count)
        }
        withExtendedLifetime(values) {}
        try Control.check()
        return SharedFeatures(
            output: features, shape: output, window: one, first: block.first, layout: layout)
    }
}

/// conv4's output [X, Y, Z, 64] for each window of a block's column, of which each window takes a
/// part.
private struct SharedFeatures {
    let output: FloatBuffer
    let shape: Extent
    let window: Extent
    /// The place, in periods, of the block's first window.
    let first: Voxel
    let layout: WindowLayout

    func copy(_ step: Voxel, to features: UnsafeMutablePointer<Float>) {
        let (x, y, z) = (layout.x, layout.y, layout.z)
        let above = step.z - first.z
        // Along z windows lie in the column or in the row, whose step is 0 in a column.
        let layer = unsafe output.pointer + (layout.column.count > 1 ? above : 0) * shape.count * 64
        let start = above * z.windowStep
        var row = unsafe features
        for i in 0..<window.x {
            for j in 0..<window.y {
                let from = (step.x - first.x) * x.windowStep + i * x.placeStep
                let beside = (step.y - first.y) * y.windowStep + j * y.placeStep
                let places = unsafe layer + ((from * shape.y + beside) * shape.z + start) * 64
                for k in 0..<window.z {
                    unsafe row.update(from: places + k * z.placeStep * 64, count: 64)
                    unsafe row += 64
                }
            }
        }
    }
}
