import SPARSKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What `windowLogits` will take.
public struct WindowForecast: Equatable, Sendable {
    public var seconds: Double
    /// Memory beside the volume.
    public var bytes: Int
}

extension NetworkEvaluator {
    /// Runs timed for a forecast.
    private static let probes = 3

    /// Says what `windowLogits` with the same arguments will take, from a timed run of one window:
    /// the work of all blocks of windows is known before any is computed.
    public func forecast(
        extent: Extent, origins: [Voxel], window: Extent
    ) throws(SPARSError) -> WindowForecast {
        try checkWindows(extent: extent, origins: origins, window: window)
        if origins.isEmpty { return WindowForecast(seconds: 0, bytes: 0) }
        let sharing = WindowSharing(window: window, grid: architecture.input, origins: origins)
        let blocks = sharing.blocks(origins)
        let costs = blocks.map { sharing.cost($0.steps) }
        let one = sharing.cost(Extent(1, 1, 1)).work
        let voxels = [Float](repeating: 0, count: window.count)
        var single = Double.infinity
        for _ in 0..<NetworkEvaluator.probes {
            let start = seconds()
            _ = try unsafe voxels.withUnsafeBufferPointer { (volume) throws(SPARSError) in
                try unsafe windowLogits(
                    volume: volume, extent: window, origins: [Voxel(0, 0, 0)], window: window,
                    intensityWindow: nil)
            }
            single = min(single, seconds() - start)
        }
        let batch = min(origins.count, WindowScoring.batch)
        let features = FloatBuffer(zeros: batch * architecture.featureCount)
        let start = seconds()
        _ = try denseLogits(features, count: batch)
        let dense = (seconds() - start) / Double(batch)
        let rows = architecture.featureCount + NetworkArchitecture.denseOutputs.reduce(0, +)
        let work = costs.reduce(0) { $0 + $1.work }
        // The probe's own pass over the fully connected layers is left in: a block's other costs
        // are of that order.
        let block = (costs.map(\.bytes).max() ?? 0) + largestInput(blocks, sharing)
        return WindowForecast(
            seconds: single * work / one + dense * Double(origins.count),
            bytes: block + 4 * (batch * rows + 2 * origins.count))
    }

    private func largestInput(_ blocks: [WindowBlock], _ sharing: WindowSharing) -> Int {
        let crop = blocks.map { sharing.extent($0.steps).count }.max() ?? 0
        // What is not enlarged along every axis is brought to the grid whole.
        return 4 * (crop + (sharing.isEnlarged ? 0 : sharing.grid.count))
    }

    private func seconds() -> Double {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + 1e-9 * Double(now.tv_nsec)
    }
}
