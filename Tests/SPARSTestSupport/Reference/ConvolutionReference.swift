import SPARSKernels

/// Plain twins of the convolution kernels. Activations are [X, Y, Z, C], weights [27, C, O] with
/// tap = (3 dx + dy) 3 + dz. Sums run in float64 and are rounded once.
public enum ConvolutionReference {
    /// PyTorch's weights, [O, C, 3, 3, 3], in the twins' layout, each output scaled by `scale[o]`.
    public static func tapMajor(
        _ weights: [Float], inputChannels c: Int, outputChannels o: Int, scale: [Float]
    ) -> FloatBuffer {
        let packed = FloatBuffer(count: 27 * c * o)
        for out in 0..<o {
            for channel in 0..<c {
                for tap in 0..<27 {
                    packed.pointer[(tap * c + channel) * o + out] =
                        weights[(out * c + channel) * 27 + tap] * scale[out]
                }
            }
        }
        return packed
    }

    /// output[p, o] = sum over taps t and channels c of input[S p + t, c] weights[t, c, o].
    public static func forward(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, weights: UnsafePointer<Float>,
        output: UnsafeMutablePointer<Float>
    ) {
        let out = shape.output
        let c = shape.inputChannels
        let o = shape.outputChannels
        Parallel.forEach(out.x) { x in
            withUnsafeTemporaryAllocation(of: Double.self, capacity: o) { sums in
                for y in 0..<out.y {
                    for z in 0..<out.z {
                        sums.update(repeating: 0)
                        forEachTap(shape, x, y, z) { tap, voxel in
                            for channel in 0..<c {
                                let value = Double(input[voxel * c + channel])
                                let row = weights + (tap * c + channel) * o
                                for i in 0..<o { sums[i] += value * Double(row[i]) }
                            }
                        }
                        let target = output + ((x * out.y + y) * out.z + z) * o
                        for i in 0..<o { target[i] = Float(sums[i]) }
                    }
                }
            }
        }
    }

    /// gradient[t, c, o] = sum over p of input[S p + t, c] outputGradient[p, o].
    public static func weightGradient(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Double>
    ) {
        let out = shape.output
        let c = shape.inputChannels
        let o = shape.outputChannels
        Parallel.forEach(27) { tap in
            let dx = tap / 9
            let dy = tap / 3 % 3
            let dz = tap % 3
            let sums = gradient + tap * c * o
            for i in 0..<c * o { sums[i] = 0 }
            for x in 0..<out.x {
                for y in 0..<out.y {
                    for z in 0..<out.z {
                        let voxel =
                            ((x * shape.stride + dx) * shape.input.y + y * shape.stride + dy)
                            * shape.input.z + z * shape.stride + dz
                        let row = outputGradient + ((x * out.y + y) * out.z + z) * o
                        for channel in 0..<c {
                            let value = Double(input[voxel * c + channel])
                            for i in 0..<o { sums[channel * o + i] += value * Double(row[i]) }
                        }
                    }
                }
            }
        }
    }

    /// gradient[q, c] = sum over p, t with S p + t = q and o of weights[t, c, o]
    /// outputGradient[p, o].
    public static func inputGradient(
        _ shape: ConvolutionShape, weights: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
    ) {
        let input = shape.input
        Parallel.forEach(input.x) { x in
            for y in 0..<input.y {
                for z in 0..<input.z {
                    for channel in 0..<shape.inputChannels {
                        gradient[
                            ((x * input.y + y) * input.z + z) * shape.inputChannels + channel] =
                            Float(
                                inputGradientAt(
                                    shape, x, y, z, channel, weights: weights,
                                    outputGradient: outputGradient))
                    }
                }
            }
        }
    }

    private static func inputGradientAt(
        _ shape: ConvolutionShape, _ x: Int, _ y: Int, _ z: Int, _ channel: Int,
        weights: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>
    ) -> Double {
        let out = shape.output
        var sum = 0.0
        for tap in 0..<27 {
            let px = x - tap / 9
            let py = y - tap / 3 % 3
            let pz = z - tap % 3
            if px < 0 || py < 0 || pz < 0 { continue }
            if px % shape.stride != 0 || py % shape.stride != 0 || pz % shape.stride != 0 {
                continue
            }
            let ox = px / shape.stride
            let oy = py / shape.stride
            let oz = pz / shape.stride
            if ox >= out.x || oy >= out.y || oz >= out.z { continue }
            let row = outputGradient + ((ox * out.y + oy) * out.z + oz) * shape.outputChannels
            let taps = weights + (tap * shape.inputChannels + channel) * shape.outputChannels
            for i in 0..<shape.outputChannels { sum += Double(taps[i]) * Double(row[i]) }
        }
        return sum
    }

    private static func forEachTap(
        _ shape: ConvolutionShape, _ x: Int, _ y: Int, _ z: Int, _ body: (Int, Int) -> Void
    ) {
        for tap in 0..<27 {
            let voxel =
                ((x * shape.stride + tap / 9) * shape.input.y + y * shape.stride + tap / 3 % 3)
                * shape.input.z + z * shape.stride + tap % 3
            body(tap, voxel)
        }
    }
}
