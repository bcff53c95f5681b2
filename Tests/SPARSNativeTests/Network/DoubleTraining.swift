@testable import SPARSNative

/// The network in training mode in float64, by its definition: batch norm by the batch's own
/// statistics, mean cross entropy. What each convolution made is kept, so that a changed parameter
/// costs what comes behind it alone.
struct DoubleTraining {
    /// Parameters by name.
    typealias Values = [String: [Double]]

    let architecture: NetworkArchitecture
    let hasTumour: [Int]
    /// Inputs of conv1 to conv4 for each crop, [C, X, Y, Z], then the features.
    private var inputs: [[[Double]]]
    /// What conv1 to conv4 made of them.
    private var sums: [[[Double]]] = []

    init(
        architecture: NetworkArchitecture, parameters: Values, crops: [[Double]],
        hasTumour: [Int]
    ) {
        self.architecture = architecture
        self.hasTumour = hasTumour
        inputs = [crops]
        for stage in 1...4 {
            sums.append(inputs[stage - 1].map { convolved($0, stage, architecture, parameters) })
            inputs.append(behind(stage, sums[stage - 1], parameters))
        }
    }

    /// The loss with one parameter changed, or none.
    func loss(_ parameters: Values, changed name: String? = nil) -> Double {
        var x = inputs[4]
        if let name, !name.hasPrefix("fc") {
            let stage = name.first { $0.isNumber }!.wholeNumberValue!
            let keepsSums = name.hasPrefix("bn")
            x = keepsSums ? behind(stage, sums[stage - 1], parameters) : inputs[stage - 1]
            for i in (keepsSums ? stage + 1 : stage)..<5 {
                x = behind(i, x.map { convolved($0, i, architecture, parameters) }, parameters)
            }
        }
        var loss = 0.0
        for (features, label) in zip(x, hasTumour) {
            let logits = connected(features, parameters)
            let top = max(logits[0], logits[1])
            let sum = exponential(logits[0] - top) + exponential(logits[1] - top)
            loss += logarithm(sum) - (logits[label] - top)
        }
        return loss / Double(hasTumour.count)
    }

    /// Batch norm of what a convolution made, ReLU and, but for the last stage, max-pool.
    private func behind(
        _ stage: Int, _ raw: [[Double]], _ parameters: Values
    ) -> [[Double]] {
        let channels = NetworkArchitecture.channels[stage]
        let extent = architecture.convolved[stage - 1]
        let gamma = parameters["bn\(stage).weight"]!
        let beta = parameters["bn\(stage).bias"]!
        var outputs = raw
        for c in 0..<channels {
            let places = c * extent.count..<(c + 1) * extent.count
            let count = Double(raw.count * extent.count)
            var mean = 0.0
            for crop in raw { for i in places { mean += crop[i] } }
            mean /= count
            var variance = 0.0
            for crop in raw { for i in places { variance += (crop[i] - mean) * (crop[i] - mean) } }
            let scale =
                gamma[c] / (variance / count + NetworkArchitecture.epsilon).squareRoot()
            for n in raw.indices {
                for i in places {
                    outputs[n][i] = max((raw[n][i] - mean) * scale + beta[c], 0)
                }
            }
        }
        return stage == 4 ? outputs : outputs.map { pooled($0, channels, extent) }
    }
}

/// A crop brought to the grid in float64, by its definition.
func enlarged(
    _ values: [Float], _ extent: Extent, to grid: Extent, by interpolation: Interpolation
) -> [Double] {
    func places(_ axis: Int) -> (lower: [Int], upper: [Int], weight: [Double]) {
        let (few, many) = (extent[axis], grid[axis])
        if interpolation == .nearest {
            let lower = (0..<many).map { $0 * few / many }
            return (lower, lower, lower.map { _ in 0 })
        }
        let at = (0..<many).map {
            min(max((Double($0) + 0.5) * Double(few) / Double(many) - 0.5, 0), Double(few - 1))
        }
        let lower = at.map { Int($0) }
        return (
            lower, lower.map { min($0 + 1, few - 1) }, zip(at, lower).map { $0 - Double($1) }
        )
    }
    let (x, y, z) = (places(0), places(1), places(2))
    func row(_ i: Int, _ j: Int, _ k: Int) -> Double {
        let start = extent.offset(i, j, 0)
        let (low, high) = (Double(values[start + z.lower[k]]), Double(values[start + z.upper[k]]))
        return low + z.weight[k] * (high - low)
    }
    var result: [Double] = []
    result.reserveCapacity(grid.count)
    for i in 0..<grid.x {
        for j in 0..<grid.y {
            for k in 0..<grid.z {
                func plane(_ a: Int) -> Double {
                    let (low, high) = (row(a, y.lower[j], k), row(a, y.upper[j], k))
                    return low + y.weight[j] * (high - low)
                }
                let (low, high) = (plane(x.lower[i]), plane(x.upper[i]))
                result.append(low + x.weight[i] * (high - low))
            }
        }
    }
    return result
}
