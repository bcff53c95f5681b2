import SPARSKernels

/// How a classifier's answer is attributed to the voxels of a window.
public enum Explanation: Equatable, Sendable {
    /// Gradient-weighted class activation of conv `layer`, 2 to 4 (Selvaraju et al. 2017). conv1 is
    /// left out: its 8 channels of every voxel see 3 voxels along each axis, and take 367 MB.
    case gradCAM(layer: Int)
    /// The gradient's mean along a straight line from a constant window, by the midpoint rule of
    /// `steps` points, times the distance (Sundararajan et al. 2017). `baseline` is the constant's
    /// value, HU; nil takes the mean of what the network sees of the window.
    case integratedGradients(steps: Int, baseline: Float?)
    /// How much the target falls when a patch takes the value of `baseline`, at places `stride`
    /// apart and at the far border; the mean over the patches that hold a voxel (Zeiler and Fergus
    /// 2014).
    case occlusion(patch: Extent, stride: Extent, baseline: Float?)
}

extension Classifier {
    /// Writes each window's attributions, [windows, window], to `attributions` and returns the
    /// windows' logits, [windows, 2].
    ///
    /// Attributions of integrated gradients and occlusion have a sign: above zero where a voxel
    /// raises the target. Grad-CAM's are zero or more.
    ///
    /// - Parameters:
    ///   - extent: the volume's voxels along x, y, z.
    ///   - window: the windows' voxels along x, y, z.
    ///   - method: how the logits are explained.
    ///   - target: what is explained of them.
    ///   - attributions: room for [windows, window].
    ///   - volume: HU, [x, y, z] of `extent`.
    ///   - origins: lowest corners of the windows, in the volume's voxels.
    ///   - isSeen: whether values are what the network is to see: no intensity window is applied,
    ///     nor to a baseline.
    /// - Throws: `outOfRange` for a window that is not inside, a layer, number of steps, patch
    ///   or stride out of range; `notFinite`; `interrupted`.
    public func attributions(
        of volume: UnsafeBufferPointer<Float>, extent: Extent, origins: [Voxel], window: Extent,
        by method: Explanation, target: EvidenceTarget, isSeen: Bool,
        into attributions: UnsafeMutableBufferPointer<Float>
    ) throws(SPARSError) -> [Float] {
        precondition(volume.count == extent.count, "\(volume.count) values for extent \(extent)")
        precondition(attributions.count == origins.count * window.count, "\(attributions.count)")
        try method.check(window)
        let evaluator = try evaluator()
        try evaluator.checkWindows(extent: extent, origins: origins, window: window)
        let intensityWindow = isSeen ? nil : intensityWindow
        let seen = unsafe SeenVolume(
            values: volume, extent: extent, intensityWindow: intensityWindow)
        let explainer = WindowExplainer(
            evaluator: evaluator,
            gradients: try EvaluationGradients(
                architecture: architecture, parameters: parameters),
            window: window, target: target, intensityWindow: intensityWindow)
        var logits: [Float] = []
        for (n, origin) in origins.enumerated() {
            let crop = try seen.box(window, at: origin).values
            let (map, found) = try explainer.explain(crop, method) {
                done, planned throws(SPARSError) in
                try Control.report(
                    done: n * planned + done, planned: origins.count * planned)
            }
            _ = unsafe attributions[(n * window.count)...].update(fromContentsOf: map)
            logits += found
        }
        return logits
    }

    /// Writes the target's gradient for each of `count` inputs on the network's grid, values taken
    /// as they are, in evaluation mode; returns their logits, [count, 2].
    ///
    /// - Throws: `notFinite`, `interrupted`.
    public func inputGradients(
        _ inputs: UnsafeBufferPointer<Float>, count: Int, target: EvidenceTarget,
        into gradients: UnsafeMutableBufferPointer<Float>
    ) throws(SPARSError) -> [Float] {
        let voxels = architecture.input.count
        precondition(inputs.count == count * voxels && gradients.count == inputs.count)
        let network = try EvaluationGradients(architecture: architecture, parameters: parameters)
        var logits: [Float] = []
        for n in 0..<count {
            let range = n * voxels..<(n + 1) * voxels
            let input = unsafe UnsafeBufferPointer(rebasing: inputs[range])
            if let i = unsafe InputKernels.firstNotFinite(input) {
                throw .notFinite(
                    tensor: "x",
                    message: unsafe "'x' holds \(input[i]) at flat index \(n * voxels + i).")
            }
            let copy = FloatBuffer(count: voxels)
            unsafe copy.pointer.update(from: input.baseAddress!, count: voxels)
            let pass = try network.forward(.dense(copy, architecture.input))
            let gradient = try network.inputGradient(pass, target)
            unsafe UnsafeMutableBufferPointer(rebasing: gradients[range]).baseAddress!.update(
                from: gradient.pointer, count: voxels)
            logits += pass.logits
            try Control.report(done: n + 1, planned: count)
        }
        return logits
    }
}

extension Explanation {
    fileprivate func check(_ window: Extent) throws(SPARSError) {
        let owner = SPARSError.Subject.explanation
        switch self {
        case .gradCAM(let layer):
            guard (2...4).contains(layer) else {
                throw .range("layer", of: owner, mustBe: "2, 3 or 4", got: layer)
            }
        case .integratedGradients(let steps, let baseline):
            guard (1...65_536).contains(steps) else {
                throw .range(
                    "steps", of: owner, mustBe: "an integer in the range [1, 65536]", got: steps)
            }
            try check(baseline)
        case .occlusion(let patch, let stride, let baseline):
            for axis in 0..<3 where !(1...window[axis]).contains(patch[axis]) {
                throw .range(
                    "patch", of: owner, mustBe: "from (1, 1, 1) to the window's \(window)",
                    got: patch)
            }
            // A larger stride would leave voxels that no patch holds.
            for axis in 0..<3 where !(1...patch[axis]).contains(stride[axis]) {
                throw .range(
                    "patch_stride", of: owner, mustBe: "from (1, 1, 1) to the patch's \(patch)",
                    got: stride)
            }
            try check(baseline)
        }
    }

    private func check(_ baseline: Float?) throws(SPARSError) {
        guard baseline?.isFinite ?? true else {
            throw .range("baseline", of: .explanation, mustBe: "finite", got: baseline!)
        }
    }
}

/// Explains windows of one extent, one after the other.
private struct WindowExplainer {
    typealias Report = (_ done: Int, _ planned: Int) throws(SPARSError) -> Void
    typealias Explained = (map: [Float], logits: [Float])

    let evaluator: NetworkEvaluator
    let gradients: EvaluationGradients
    let window: Extent
    let target: EvidenceTarget
    let intensityWindow: IntensityWindow?

    private var grid: Extent { gradients.architecture.input }
    private func axis(_ axis: Int) -> ResampleAxis {
        .nearest(from: window[axis], to: grid[axis])
    }

    func explain(
        _ crop: [Float], _ method: Explanation, _ report: Report
    ) throws(SPARSError) -> Explained {
        switch method {
        case .gradCAM(let layer): return try gradCAM(crop, layer, report)
        case .integratedGradients(let steps, let baseline):
            return try integratedGradients(crop, steps, constant(baseline, crop), report)
        case .occlusion(let patch, let stride, let baseline):
            return try occlusion(crop, patch, stride, constant(baseline, crop), report)
        }
    }

    /// The baseline as the network sees it.
    private func constant(_ baseline: Float?, _ crop: [Float]) -> Float {
        if let baseline { return intensityWindow?.scaled(baseline) ?? baseline }
        return Float(crop.reduce(0) { $0 + Double($1) } / Double(crop.count))
    }

    /// The window's values on the network's grid: by its distinct places where it is enlarged.
    private func input(_ values: [Float]) -> FirstInput {
        let source = FloatBuffer(values)
        let isEnlarged = (0..<3).allSatisfy { window[$0] < grid[$0] }
        if isEnlarged, let x = RepeatedAxis(axis(0).lower), let y = RepeatedAxis(axis(1).lower),
            let z = RepeatedAxis(axis(2).lower)
        {
            return .repeated(
                RepeatedInput(source: source, sourceShape: window, x: x, y: y, z: z))
        }
        let resized = FloatBuffer(count: grid.count)
        unsafe Resample.nearest(source.pointer, from: window, into: resized.pointer, to: grid)
        withExtendedLifetime(source) {}
        return .dense(resized, grid)
    }

    // MARK: - Grad-CAM

    private func gradCAM(
        _ crop: [Float], _ layer: Int, _ report: Report
    ) throws(SPARSError) -> Explained {
        let pass = try gradients.forward(input(crop))
        let coarse = try gradients.classActivation(pass, target, layer: layer)
        let from = gradients.architecture.convolved[layer - 1]
        let map = FloatBuffer(count: window.count)
        unsafe ResampleKernels.linear(
            source: coarse.pointer, from: from, target: map.pointer,
            x: places(0, layer, from.x), y: places(1, layer, from.y), z: places(2, layer, from.z))
        withExtendedLifetime(coarse) {}
        try report(1, 1)
        return (map.values, pass.logits)
    }

    /// Where the centres of a window's voxels lie between the places of a convolution.
    ///
    /// Place p of it sees voxels of the grid around step p + offset, so that is where its value
    /// stands; stretching the places over the whole grid would shift them, by half a step at the
    /// border.
    private func places(_ axis: Int, _ layer: Int, _ count: Int) -> ResampleAxis {
        var step = 1.0
        var offset = 0.0
        for i in 0..<layer {
            offset += step
            step *= Double(NetworkArchitecture.strides[i])
            if i < layer - 1 {
                offset += step / 2
                step *= 2
            }
        }
        let scale = Double(grid[axis]) / Double(window[axis])
        return .linear(
            from: count,
            at: (0..<window[axis]).map { ((Double($0) + 0.5) * scale - 0.5 - offset) / step })
    }

    // MARK: - Integrated gradients

    private func integratedGradients(
        _ crop: [Float], _ steps: Int, _ baseline: Float, _ report: Report
    ) throws(SPARSError) -> Explained {
        var sums = [Double](repeating: 0, count: window.count)
        for k in 0..<steps {
            let part = (Double(k) + 0.5) / Double(steps)
            let pass = try gradients.forward(
                input(crop.map { Float(Double(baseline) + part * (Double($0) - Double(baseline))) })
            )
            let gradient = try gradients.inputGradient(pass, target)
            unsafe sums.withUnsafeMutableBufferPointer { sums in
                unsafe ResampleKernels.addNearestGradient(
                    gradient.pointer, from: window, x: axis(0), y: axis(1), z: axis(2),
                    to: sums.baseAddress!)
            }
            withExtendedLifetime(gradient) {}
            try report(k + 1, steps)
        }
        let map = crop.indices.map {
            Float((Double(crop[$0]) - Double(baseline)) * sums[$0] / Double(steps))
        }
        return (map, try gradients.forward(input(crop)).logits)
    }

    // MARK: - Occlusion

    private func occlusion(
        _ crop: [Float], _ patch: Extent, _ stride: Extent, _ baseline: Float, _ report: Report
    ) throws(SPARSError) -> Explained {
        let whole = try logits(crop)
        let value = target.value(whole)
        var sums = [Double](repeating: 0, count: window.count)
        var counts = [Double](repeating: 0, count: window.count)
        let corners = self.corners(patch, stride)
        for (n, corner) in corners.enumerated() {
            let places = voxels(patch, at: corner)
            var occluded = crop
            for i in places { occluded[i] = baseline }
            let fall = value - target.value(try logits(occluded))
            for i in places {
                sums[i] += fall
                counts[i] += 1
            }
            try report(n + 1, corners.count)
        }
        return (zip(sums, counts).map { Float($0 / $1) }, whole)
    }

    private func logits(_ crop: [Float]) throws(SPARSError) -> [Float] {
        var failure: SPARSError?
        let logits = unsafe crop.withUnsafeBufferPointer { values -> [Float] in
            do throws(SPARSError) {
                return try unsafe evaluator.windowLogits(
                    volume: values, extent: window, origins: [Voxel(0, 0, 0)], window: window,
                    intensityWindow: nil)
            } catch {
                failure = error
                return []
            }
        }
        if let failure { throw failure }
        return logits
    }

    private func corners(_ patch: Extent, _ stride: Extent) -> [Voxel] {
        func starts(_ axis: Int) -> [Int] {
            let last = window[axis] - patch[axis]
            var starts = Array(Swift.stride(from: 0, to: last, by: stride[axis]))
            starts.append(last)
            return starts
        }
        var corners: [Voxel] = []
        for x in starts(0) {
            for y in starts(1) {
                for z in starts(2) { corners.append(Voxel(x, y, z)) }
            }
        }
        return corners
    }

    private func voxels(_ patch: Extent, at corner: Voxel) -> [Int] {
        var voxels: [Int] = []
        voxels.reserveCapacity(patch.count)
        for x in corner.x..<corner.x + patch.x {
            for y in corner.y..<corner.y + patch.y {
                let start = window.offset(x, y, corner.z)
                voxels += start..<start + patch.z
            }
        }
        return voxels
    }
}
