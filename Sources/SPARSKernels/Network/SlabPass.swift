import SPARSKernelTable

/// conv1 to conv3 with their max-pools, slab by slab along x.
///
/// A pooled plane of conv2 takes five planes of conv1's pool, the last shared with the next, and so
/// does conv3 of conv2's. Both stages keep a few planes and pass them on as soon as they are
/// complete, so that they are read while they are in the cache.
struct SlabPass {
    private let input: EvaluationStages.Input
    /// The part of the input that is looked at, the whole column along z; of a repeated input
    /// without the places that `RepeatedInput.withoutEqualPlaces` leaves out.
    private let seen: Extent
    private let column: WindowRow
    /// The shapes for one window, nothing left out.
    private let shapes: [ConvolutionShape]
    private let stages: EvaluationStages
    /// conv3's pooled output, one window of the column after another.
    private let pooled: FloatBuffer
    private let set: InstructionSet
    /// Which plane and row of conv2's pooled output stands for each that conv3 takes; nil if all do.
    private let copies: (planes: [Int], rows: [Int])?

    /// - Parameter seen: the part of `input`, from its first place, that reaches `pooled`.
    init(
        input: EvaluationStages.Input, seen: Extent, column: WindowRow,
        shapes: [ConvolutionShape], stages: EvaluationStages, pooled: FloatBuffer,
        set: InstructionSet
    ) {
        self.column = column
        self.shapes = shapes
        self.stages = stages
        self.pooled = pooled
        self.set = set
        switch input {
        case .dense:
            self.input = input
            self.seen = seen
            copies = nil
        case .repeated(let whole):
            let second = shapes[2].input
            let (distinct, planes, rows) = whole.prefix(seen).withoutEqualPlaces(second)
            self.input = .repeated(distinct)
            self.seen = distinct.shape
            let isWhole = distinct.shape == seen
            copies = isWhole ? nil : (planes, rows)
        }
    }

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
        let room = column.count * (planesAtOnce(slab) + 4) * secondPlane
        let distinct = copies == nil ? 0 : column.count * slab * distinctPlane
        BufferPool.shared.withBuffer((4 * slab + 1) * plane) { planes in
            BufferPool.shared.withBuffer(room) { secondPlanes in
                if distinct == 0 {
                    run(planes, nil, secondPlanes, slab: slab, progress)
                } else {
                    BufferPool.shared.withBuffer(distinct) {
                        run(planes, $0, secondPlanes, slab: slab, progress)
                    }
                }
            }
        }
    }

    /// Values of a plane of conv2's pooled output of one window, as conv3 takes it and as made.
    private var secondPlane: Int { shapes[2].input.y * shapes[2].input.z * 16 }
    private var distinctPlane: Int { second.output.halved.y * shapes[2].input.z * 16 }

    /// Planes for conv3 that `slab` planes of conv2's pooled output become at most.
    private func planesAtOnce(_ slab: Int) -> Int {
        guard let copies else { return slab }
        var counts = [Int](repeating: 0, count: second.output.halved.x / slab + 1)
        for plane in copies.planes { counts[plane / slab] += 1 }
        return counts.max() ?? 0
    }

    private func run(
        _ planes: FloatBuffer, _ distinct: FloatBuffer?, _ secondPlanes: FloatBuffer, slab: Int,
        _ progress: (Double) -> Void
    ) {
        let second = self.second
        let plane = second.input.y * second.input.z * 8
        let secondPlane = self.secondPlane
        let room = planesAtOnce(slab) + 4
        let total = second.output.halved.x
        var ready = 0
        var waiting = 0
        var finished = 0
        for start in stride(from: 0, to: total, by: slab) {
            // Regions skip their items then; what is copied between them would still take seconds.
            if PollContext.current?.isStopped == true { return }
            let count = min(slab, total - start)
            let first = 4 * start
            let end = first + 4 * count + 1
            if ready > first {
                planes.pointer.update(from: planes.pointer + 4 * slab * plane, count: plane)
            }
            let from = max(ready, first)
            writePlanes(from..<end, to: planes.pointer + (from - first) * plane)
            ready = end
            let next = secondPlanes.pointer + waiting * secondPlane
            ConvolutionKernels.pooledColumn(
                column, second, places: shapes[2].input.z, input: planes.pointer,
                weights: stages.convolutions[0], shift: stages.shifts[1].pointer, rows: count,
                pooled: distinct?.pointer ?? next,
                windowStride: distinct == nil ? room * secondPlane : slab * distinctPlane, on: set)
            if let distinct {
                waiting += copy(
                    distinct.pointer, start..<start + count, slab: slab, to: next,
                    windowStride: room * secondPlane)
            } else {
                waiting += count
            }
            progress(Double(start + count) / Double(total))
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

    /// Writes the planes for conv3 that made planes `range` stand for; returns how many.
    private func copy(
        _ made: UnsafeMutablePointer<Float>, _ range: Range<Int>, slab: Int,
        to target: UnsafeMutablePointer<Float>, windowStride: Int
    ) -> Int {
        guard let copies else { preconditionFailure("every plane is made") }
        let wanted = copies.planes.filter(range.contains)
        let row = shapes[2].input.z * 16
        Parallel.forEach(column.count * wanted.count) { item in
            let (window, i) = (item / wanted.count, item % wanted.count)
            let plane =
                made + (window * slab + wanted[i] - range.lowerBound) * distinctPlane
            let output = target + window * windowStride + i * secondPlane
            for (y, from) in copies.rows.enumerated() {
                (output + y * row).update(from: plane + from * row, count: row)
            }
        }
        return wanted.count
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
