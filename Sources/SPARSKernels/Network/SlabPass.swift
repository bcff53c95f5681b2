import SPARSKernelTable

/// conv1 to conv3 with their max-pools, slab by slab along x.
///
/// A pooled plane of conv2 takes five planes of conv1's pool, the last shared with the next, and so
/// does conv3 of conv2's. Both stages keep a few planes and pass them on as soon as they are
/// complete, so that they are read while they are in the cache.
struct SlabPass {
    let input: EvaluationStages.Input
    /// The part of the input that is looked at, the whole column along z.
    let seen: Shape3
    let column: WindowColumn
    /// Of one window.
    let shapes: [ConvolutionShape]
    let stages: EvaluationStages
    /// conv3's pooled output, one window of the column after another.
    let pooled: FloatBuffer
    let set: InstructionSet

    /// What a slab of conv1's pooled output may take, bytes.
    private static let slabBytes = 12 << 20

    /// Planes of conv2's pool made in one go, each of four planes of conv1's: few where planes are
    /// wide, for the cache's sake, but enough for every thread to have work.
    static func slab(_ plane: Int) -> Int {
        max(1, min(4, SlabPass.slabBytes / (16 * plane)), (Parallel.threadCount + 7) / 8)
    }

    /// conv2 over the whole column.
    private var second: ConvolutionShape {
        ConvolutionShape(
            input: seen.convolved(stride: 1).halved, inputChannels: 8,
            outputChannels: 16, stride: 2)
    }

    func run(_ progress: (Double) -> Void) {
        let plane = second.input.y * second.input.z * 8
        let slab = SlabPass.slab(plane)
        let secondPlane = shapes[2].input.y * shapes[2].input.z * 16
        let room = column.count * (slab + 4) * secondPlane
        BufferPool.shared.withBuffer((4 * slab + 1) * plane) { planes in
            BufferPool.shared.withBuffer(room) { secondPlanes in
                run(planes, secondPlanes, slab: slab, progress)
            }
        }
    }

    private func run(
        _ planes: FloatBuffer, _ secondPlanes: FloatBuffer, slab: Int, _ progress: (Double) -> Void
    ) {
        let second = self.second
        let plane = second.input.y * second.input.z * 8
        let secondPlane = shapes[2].input.y * shapes[2].input.z * 16
        let room = slab + 4
        var ready = 0
        var waiting = 0
        var finished = 0
        for start in stride(from: 0, to: shapes[2].input.x, by: slab) {
            // Regions skip their items then; what is copied between them would still take seconds.
            if PollContext.current?.isStopped == true { return }
            let count = min(slab, shapes[2].input.x - start)
            let first = 4 * start
            let end = first + 4 * count + 1
            if ready > first {
                planes.pointer.update(from: planes.pointer + 4 * slab * plane, count: plane)
            }
            let from = max(ready, first)
            writePlanes(from..<end, to: planes.pointer + (from - first) * plane)
            ready = end
            ConvolutionKernels.pooledColumn(
                column, second, places: shapes[2].input.z, input: planes.pointer,
                weights: stages.convolutions[0], shift: stages.shifts[1].pointer, rows: count,
                pooled: secondPlanes.pointer + waiting * secondPlane,
                windowStride: room * secondPlane, on: set)
            waiting += count
            progress(Double(start + count) / Double(shapes[2].input.x))
            let rows = (waiting - 1) / 4
            if rows == 0 { continue }
            thirdStage(secondPlanes, windowStride: room * secondPlane, rows: rows, from: finished)
            finished += rows
            waiting -= 4 * rows
            for k in 0..<column.count {
                let planes = secondPlanes.pointer + k * room * secondPlane
                planes.update(from: planes + 4 * rows * secondPlane, count: waiting * secondPlane)
            }
        }
    }

    private func thirdStage(_ planes: FloatBuffer, windowStride: Int, rows: Int, from: Int) {
        let half = shapes[2].output.halved
        ConvolutionKernels.pooledRows(
            shapes[2], input: planes.pointer, weights: stages.convolutions[1],
            shift: stages.shifts[2].pointer, rows: rows,
            pooled: pooled.pointer + from * half.y * half.z * 32, copies: column.count,
            inputStride: windowStride, pooledStride: half.count * 32, on: set)
    }

    private func writePlanes(_ range: Range<Int>, to planes: UnsafeMutablePointer<Float>) {
        switch input {
        case .dense(let values, let shape):
            FirstConvolution.pooled(
                input: values, shape: shape, seen: seen, weights: stages.first,
                shift: stages.shifts[0].pointer, planes: range, pooled: planes, on: set)
        case .repeated(let input):
            input.writePlanes(
                range, weights: stages.repeated, shift: stages.shifts[0], to: planes, on: set)
        }
    }
}
