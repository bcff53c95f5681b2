@testable import SPARSNative

/// The network in evaluation mode in float64, by its definition: what fast code is held against.
struct DoubleNetwork {
    let architecture: NetworkArchitecture
    /// By name, running statistics included.
    private let parameters: [String: [Double]]

    init(architecture: NetworkArchitecture, parameters: Parameters) {
        self.architecture = architecture
        self.parameters = Dictionary(
            uniqueKeysWithValues: parameters.names.map {
                ($0, parameters[$0]!.values.map(Double.init))
            })
    }

    /// Two logits of one input, [x, y, z].
    func logits(_ input: [Double]) -> [Double] {
        var x = input
        for stage in 1...4 {
            x = activated(convolved(x, stage, architecture, parameters), stage)
            if stage < 4 {
                x = pooled(
                    x, NetworkArchitecture.channels[stage], architecture.convolved[stage - 1])
            }
        }
        return connected(x, parameters)
    }

    /// Batch norm by running statistics, and ReLU.
    private func activated(_ sums: [Double], _ stage: Int) -> [Double] {
        func values(_ name: String) -> [Double] { parameters["bn\(stage).\(name)"]! }
        let (gamma, beta) = (values("weight"), values("bias"))
        let (mean, variance) = (values("running_mean"), values("running_var"))
        let scale = zip(gamma, variance).map {
            $0 / ($1 + NetworkArchitecture.epsilon).squareRoot()
        }
        let count = architecture.convolved[stage - 1].count
        return sums.indices.map { i in
            let c = i / count
            return max((sums[i] - mean[c]) * scale[c] + beta[c], 0)
        }
    }
}
