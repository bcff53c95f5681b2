import SPARSTestSupport
import Testing

@testable import SPARSNative

@Suite struct WindowConvolutionsTests {
    private func network(
        _ window: Extent, beside: Int = 0, seed: UInt64
    ) throws -> ActorCritic<Double> {
        try ActorCritic<Double>(
            shape: PolicyShape(
                convolution: WindowConvolutions(window: window, beside: beside), policyHidden: [5],
                valueHidden: [4], actions: 6), random: RandomSource(seed: seed))
    }

    private func normal(_ count: Int, seed: UInt64) -> [Double] {
        var random = RandomSource(seed: seed)
        return (0..<count).map { _ in random.normal() }
    }

    @Test func theWindowOfRecordGivesFewFeatures() {
        let shape = WindowConvolutions(window: Extent(48, 48, 24))
        #expect(
            shape.layers.map(\.output) == [Extent(12, 12, 6), Extent(5, 5, 2), Extent(3, 3, 1)])
        #expect(shape.features == 288)
    }

    @Test(arguments: [Extent(1, 1, 1), Extent(9, 4, 2), Extent(30, 13, 17)])
    func featuresEqualPlainSums(window: Extent) throws {
        let network = try network(window, seed: 2)
        let seen = normal(2 * window.count, seed: 3)
        let tape = try #require(network.extracted(seen, batch: 2))
        var offset = 0
        for b in 0..<2 {
            offset = 0
            var input = Array(seen[b * window.count..<(b + 1) * window.count])
            var places = window
            for layer in WindowConvolutions(window: window).layers {
                var output: [Double] = []
                for channel in 0..<layer.channels {
                    for place in 0..<layer.output.count {
                        let x = place / (layer.output.y * layer.output.z) * layer.stride
                        let y = place / layer.output.z % layer.output.y * layer.stride
                        let z = place % layer.output.z * layer.stride
                        var sum = network.rest[offset + layer.channels * layer.columns + channel]
                        var weight = offset + channel * layer.columns
                        for c in 0..<layer.inputChannels {
                            for i in 0..<layer.kernel.x {
                                for j in 0..<layer.kernel.y {
                                    for k in 0..<layer.kernel.z {
                                        let voxel = places.offset(x + i, y + j, z + k)
                                        sum +=
                                            network.rest[weight] * input[c * places.count + voxel]
                                        weight += 1
                                    }
                                }
                            }
                        }
                        output.append(Double.hyperbolicTangent(sum))
                    }
                }
                offset += layer.channels * (layer.columns + 1)
                (input, places) = (output, layer.output)
            }
            for (i, value) in input.enumerated() {
                #expect(abs(tape.features[b * input.count + i] - value) < 1e-12)
            }
        }
        #expect(offset == WindowConvolutions(window: window).parameterCount)
    }

    @Test func whatStandsBesideTheWindowIsReadAsItIs() throws {
        let window = Extent(9, 4, 2)
        let network = try network(window, beside: 3, seed: 4)
        let count = window.count + 3
        #expect(network.shape.observation == count)
        let features = WindowConvolutions(window: window).features
        #expect(network.shape.inputs == features + 3)
        var seen = normal(2 * count, seed: 5)
        let first = try #require(network.extracted(seen, batch: 2)).features
        for b in 0..<2 {
            #expect(
                Array(first[(b + 1) * (features + 3) - 3..<(b + 1) * (features + 3)])
                    == Array(seen[(b + 1) * count - 3..<(b + 1) * count]))
        }
        // The features see nothing of it.
        for b in 0..<2 { seen[(b + 1) * count - 1] += 1 }
        let second = try #require(network.extracted(seen, batch: 2)).features
        for i in first.indices {
            let isLast = i % (features + 3) == features + 2
            #expect(second[i] == first[i] + (isLast ? 1 : 0))
        }
    }

    @Test(arguments: Seeds.few, [0, 6])
    func gradientsAreDifferenceQuotients(seed: UInt64, beside: Int) throws {
        let (window, batch) = (Extent(13, 9, 6), 3)
        let network = try network(window, beside: beside, seed: seed)
        let seen = normal(batch * (window.count + beside), seed: seed &+ 1)
        let byLogits = normal(batch * 6, seed: seed &+ 2)
        let byValues = normal(batch, seed: seed &+ 3)
        func loss(_ network: ActorCritic<Double>) throws -> Double {
            let products = network.firstProducts(seen, batch: batch, part: .both)
            let outputs = try network.activations(products: products, batch: batch)
            return zip(outputs.logits, byLogits).reduce(0) { $0 + $1.0 * $1.1 }
                + zip(outputs.values, byValues).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let tape = try #require(network.extracted(seen, batch: batch))
        let products = network.firstProducts(ofInputs: tape.features, batch: batch, part: .both)
        let gradient = try network.backward(
            network.activations(products: products, batch: batch), logits: byLogits,
            values: byValues, tape: tape, batch: batch
        ).rest
        var random = RandomSource(seed: seed &+ 4)
        let count = WindowConvolutions(window: window).parameterCount
        for _ in 0..<60 {
            let index = random.integer(below: count)
            var (high, low) = (network, network)
            high.rest[index] += 1e-6
            low.rest[index] -= 1e-6
            let slope = try (loss(high) - loss(low)) / 2e-6
            #expect(
                abs(slope - gradient[index]) < 1e-7 * max(1, abs(slope)),
                "seed \(seed), parameter \(index)")
        }
    }
}
