import SPARSKernels

extension NetworkEvaluator {
    /// Logits [origins.count, 2] of windows cut from a volume, their values scaled by
    /// `intensityWindow` if given, and brought to the network's grid by nearest neighbour.
    ///
    /// Ask for many windows at once: windows whose grids coincide share their convolutions (a whole
    /// lattice costs about a twelfth of its windows one by one), and all share the passes over the
    /// fully connected layers. A window's logits have the same bits alone and among others. They
    /// differ from `logits(_:count:)` on the enlarged crop in rounding only, within 1e-5 of the
    /// largest feature, because taps that see one source voxel are added before they meet it.
    ///
    /// - Parameter volume: [x, y, z] values of `extent`.
    /// - Throws: `invalidArgument` for a window that has no voxel or does not lie inside,
    ///   `notFinite` for NaN or infinity inside a window, `interrupted`.
    public func windowLogits(
        volume: UnsafeBufferPointer<Float>, extent: Extent, origins: [Voxel], window: Extent,
        intensityWindow: IntensityWindow?
    ) throws(SPARSError) -> [Float] {
        try checkWindows(volume.count, extent: extent, origins: origins, window: window)
        let scoring = WindowScoring(
            evaluator: self, volume: volume, extent: extent, origins: origins, window: window,
            intensityWindow: intensityWindow)
        return try scoring.logits()
    }

    private func checkWindows(
        _ count: Int, extent: Extent, origins: [Voxel], window: Extent
    ) throws(SPARSError) {
        precondition(count == extent.count, "\(count) values for extent \(extent)")
        guard (0..<3).allSatisfy({ window[$0] >= 1 && window[$0] <= extent[$0] }) else {
            throw .range(
                "window", of: "score", mustBe: "from (1, 1, 1) to the volume's \(extent)",
                got: window)
        }
        for origin in origins {
            guard (0..<3).allSatisfy({ (0...extent[$0] - window[$0]).contains(origin[$0]) }) else {
                throw .range(
                    "origins", of: "score",
                    mustBe: "lowest corners of windows \(window) inside the volume \(extent)",
                    got: origin)
            }
        }
    }
}

/// One call of `windowLogits`.
private struct WindowScoring {
    let evaluator: NetworkEvaluator
    let volume: UnsafeBufferPointer<Float>
    let extent: Extent
    let origins: [Voxel]
    let window: Extent
    let intensityWindow: IntensityWindow?

    /// Windows whose features wait for the fully connected layers together.
    private static let batch = 2048

    func logits() throws(SPARSError) -> [Float] {
        let grid = evaluator.architecture.input
        let axes = (0..<3).map { SharedAxis(window: window[$0], grid: grid[$0]) }
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
        var groups = WindowGroup.groups(origins, x: axes[0], y: axes[1])[...]
        while let group = groups.popFirst() {
            try Control.check()
            guard let shared = try self.features(group, axes) else {
                groups = (group.singles(origins, x: axes[0], y: axes[1]) + groups)[...]
                continue
            }
            for member in group.members {
                if waiting.count == WindowScoring.batch { try flush() }
                shared.copy(
                    x: member.x * axes[0].outputStep, y: member.y * axes[1].outputStep,
                    to: features.pointer + waiting.count * size)
                waiting.append(member.index)
            }
        }
        try flush()
        return logits
    }

    /// conv4's output for a group; nil if a block of several windows holds NaN or infinity, which
    /// may stand where no window of it looks.
    private func features(
        _ group: WindowGroup, _ axes: [SharedAxis]
    ) throws(SPARSError) -> SharedFeatures? {
        let block = group.extent(window: window, x: axes[0], y: axes[1])
        let crop: FloatBuffer
        do {
            crop = try cropped(group.origin, block)
        } catch {
            if group.members.count > 1 { return nil }
            throw error
        }
        let grid = evaluator.architecture.input
        let one = evaluator.architecture.stageOutputs[3]
        if let x = axes[0].axis(group.stepsX), let y = axes[1].axis(group.stepsY),
            let z = axes[2].axis(1)
        {
            let shape = EvaluationStages.outputShape(Shape3(x.length, y.length, z.length))
            let output = FloatBuffer(count: 64 * shape.count)
            let input = RepeatedInput(source: crop, sourceShape: block.shape, x: x, y: y, z: z)
            evaluator.stages.run(.repeated(input), features: output.pointer)
            return SharedFeatures(output: output, shape: shape, window: one)
        }
        // A window that is reduced has no repeats, and no period in x or y if reduced there.
        guard group.members.count == 1 else { return nil }
        let input = FloatBuffer(count: grid.count)
        Resample.nearest(crop.pointer, from: window, into: input.pointer, to: grid)
        let output = FloatBuffer(count: 64 * one.count)
        evaluator.stages.run(.dense(input.pointer, grid.shape), features: output.pointer)
        return SharedFeatures(output: output, shape: one.shape, window: one)
    }

    private func cropped(_ origin: Voxel, _ block: Extent) throws(SPARSError) -> FloatBuffer {
        let crop = FloatBuffer(count: block.count)
        var target = crop.pointer
        for x in 0..<block.x {
            for y in 0..<block.y {
                let start = extent.offset(origin.x + x, origin.y + y, origin.z)
                for z in 0..<block.z {
                    let value = volume[start + z]
                    guard value.isFinite else {
                        throw .notFinite(
                            tensor: "volume",
                            message: "'volume' holds \(value) at voxel "
                                + "(\(origin.x + x), \(origin.y + y), \(origin.z + z)).")
                    }
                    target[z] = intensityWindow?.scaled(value) ?? value
                }
                target += block.z
            }
        }
        return crop
    }
}

/// conv4's output [X, Y, Z, 64] of a group, of which each window takes a block.
private struct SharedFeatures {
    let output: FloatBuffer
    let shape: Shape3
    let window: Extent

    func copy(x: Int, y: Int, to features: UnsafeMutablePointer<Float>) {
        let row = 64 * window.z
        for i in 0..<window.x {
            for j in 0..<window.y {
                let start = ((x + i) * shape.y + y + j) * shape.z * 64
                (features + (i * window.y + j) * row).update(
                    from: output.pointer + start, count: row)
            }
        }
    }
}
