import SPARSKernels

/// Windows that one pass of the convolutions serves.
struct WindowBlock {
    struct Member {
        /// Among the origins asked for.
        let index: Int
        let origin: Voxel
        /// The window's place in periods of the three axes.
        let step: Voxel
    }

    let members: [Member]
    /// The lowest corner of the block, and its place in periods.
    let origin: Voxel
    let first: Voxel
    /// Periods that the block spans along each axis.
    let steps: Extent

    /// What one pass may take in memory, bytes, if it serves more than one window.
    static let largestBytes = 1 << 30

    /// - Parameter members: one or more windows of one phase.
    init(_ members: [Member]) {
        self.members = members
        func bounds(_ axis: Int) -> (low: Int, high: Int, origin: Int) {
            var low = Int.max
            var high = Int.min
            var origin = Int.max
            for member in members {
                low = min(low, member.step[axis])
                high = max(high, member.step[axis])
                origin = min(origin, member.origin[axis])
            }
            return (low, high, origin)
        }
        let (x, y, z) = (bounds(0), bounds(1), bounds(2))
        first = Voxel(x.low, y.low, z.low)
        origin = Voxel(x.origin, y.origin, z.origin)
        steps = Extent(x.high - x.low + 1, y.high - y.low + 1, z.high - z.low + 1)
    }

    /// The windows below and above the middle of the longest axis; nil if all are one window.
    var halves: (WindowBlock, WindowBlock)? {
        let axis = (0..<3).max { steps[$0] < steps[$1] }!
        if steps[axis] == 1 { return nil }
        let middle = first[axis] + steps[axis] / 2
        return (
            WindowBlock(members.filter { $0.step[axis] < middle }),
            WindowBlock(members.filter { $0.step[axis] >= middle })
        )
    }

    /// This block, or the parts that cost less than it: windows far apart share nothing, and the
    /// places between them would be computed in vain.
    func divided(_ sharing: WindowSharing) -> (blocks: [WindowBlock], work: Double) {
        let cost = sharing.cost(steps)
        guard let (low, high) = halves else { return ([self], cost.work) }
        let (lows, highs) = (low.divided(sharing), high.divided(sharing))
        let parts = lows.work + highs.work
        if cost.bytes <= WindowBlock.largestBytes && cost.work <= parts {
            return ([self], cost.work)
        }
        return (lows.blocks + highs.blocks, parts)
    }
}
