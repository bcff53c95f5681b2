/// How one axis of an array is brought to another length, by PyTorch's index rules
/// (`torch.nn.functional.interpolate`; aten/src/ATen/native/UpSample.h), in float32 as there.
public struct ResampleAxis: Sendable {
    /// The lower source index of each target index.
    public let lower: [Int]
    /// The upper source index; equal to `lower` at the end and for nearest.
    public let upper: [Int]
    /// The weight of `upper`; that of `lower` is one minus it.
    public let weight: [Float]

    /// floor(target * source / length), at most source - 1.
    public static func nearest(from source: Int, to length: Int) -> ResampleAxis {
        let scale = Float(source) / Float(length)
        let indices = (0..<length).map { i in
            if source == length { return i }
            if length == 2 * source { return i / 2 }
            return min(Int((Float(i) * scale).rounded(.down)), source - 1)
        }
        return ResampleAxis(
            lower: indices, upper: indices, weight: Array(repeating: 0, count: length))
    }

    /// How many of `length` places each of `source` places becomes by `nearest`; their sum is `length`.
    public static func replicas(from source: Int, to length: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: source)
        for index in nearest(from: source, to: length).lower { counts[index] += 1 }
        return counts
    }

    /// Centre-aligned linear weights (`align_corners=False`).
    public static func linear(from source: Int, to length: Int) -> ResampleAxis {
        let scale = Float(source) / Float(length)
        var lower: [Int] = []
        var upper: [Int] = []
        var weight: [Float] = []
        for i in 0..<length {
            let place = source == length ? Float(i) : max(scale * (Float(i) + 0.5) - 0.5, 0)
            let low = min(Int(place), source - 1)
            lower.append(low)
            upper.append(min(low + 1, source - 1))
            weight.append(min(max(place - Float(low), 0), 1))
        }
        return ResampleAxis(lower: lower, upper: upper, weight: weight)
    }

    /// Linear between source places, at positions counted in them; the first and last value hold
    /// beyond them.
    public static func linear(from source: Int, at positions: [Double]) -> ResampleAxis {
        let places = positions.map { min(max($0, 0), Double(source - 1)) }
        let lower = places.map { Int($0) }
        return ResampleAxis(
            lower: lower, upper: lower.map { min($0 + 1, source - 1) },
            weight: zip(places, lower).map { Float($0 - Double($1)) })
    }
}
