/// One move of a window along one axis; the raw values are the released environment's.
public enum Action: Int8, CaseIterable, Sendable {
    case zUp = 0
    case zDown, yUp, yDown, xUp, xDown

    /// Where a window ends up that moves `stride` voxels.
    public func moved(_ origin: Voxel, stride: Int) -> Voxel {
        switch self {
        case .zUp: Voxel(origin.x, origin.y, origin.z + stride)
        case .zDown: Voxel(origin.x, origin.y, origin.z - stride)
        case .yUp: Voxel(origin.x, origin.y + stride, origin.z)
        case .yDown: Voxel(origin.x, origin.y - stride, origin.z)
        case .xUp: Voxel(origin.x + stride, origin.y, origin.z)
        case .xDown: Voxel(origin.x - stride, origin.y, origin.z)
        }
    }
}

/// The two players.
public enum Agent: Int, CaseIterable, Sendable {
    case learner = 0
    case opponent
}

/// One value for each player.
public struct PerAgent<Value> {
    public var learner: Value
    public var opponent: Value

    public init(learner: Value, opponent: Value) {
        self.learner = learner
        self.opponent = opponent
    }

    public subscript(agent: Agent) -> Value {
        get { agent == .learner ? learner : opponent }
        set { if agent == .learner { learner = newValue } else { opponent = newValue } }
    }
}

extension PerAgent: Equatable where Value: Equatable {}
extension PerAgent: Sendable where Value: Sendable {}
