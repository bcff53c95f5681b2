import SPARSKernels

extension SelfPlay {
    /// Lets a pool of frozen learners answer for the opponent, beginning with the learner as it is.
    ///
    /// Each episode's opponent is drawn anew, in every game by itself and, where several episodes begin
    /// together, in the games' order; with every snapshot the learner joins the pool. D8 and
    /// `opponentUpdateInterval` have no meaning then.
    ///
    /// - Throws: `outOfRange` for a run that has begun, or a power out of range.
    public func usePool(
        _ sampling: OpponentPool.Sampling, power: Double
    ) throws(SPARSError) {
        guard stepCount == 0, pool == nil else {
            throw .range(
                "opponents", of: .selfPlay, mustBe: "chosen before a run begins", got: stepCount)
        }
        var pool = try OpponentPool(
            sampling: sampling, power: power, gameCount: games.count)
        pool.add(optimizer.network)
        self.pool = pool
        snapshots.append((0, optimizer.network.copied()))
    }

    /// Whether the opponent's steps are learned from too.
    public func learn(fromBoth both: Bool) { configuration.learnsFromBoth = both }

    /// Learns by other hyperparameters from the next iteration on.
    public func set(_ hyperparameters: PPOHyperparameters) throws(SPARSError) {
        try hyperparameters.validate()
        configuration.hyperparameters = hyperparameters
    }

    /// The learner as it is now becomes a member.
    func joinPool() { pool?.add(optimizer.network) }

    /// Adds a member from a saved run.
    public func addToPool(_ parameters: [Float]) throws(SPARSError) {
        guard pool != nil else {
            throw .range(
                "pool", of: .selfPlay, mustBe: "in use before members are added", got: "none")
        }
        pool!.add(try ActorCritic(shape: optimizer.network.shape, parameters: parameters))
    }

    /// Goes on from a pool's saved tallies, after `restore` and `addToPool`.
    public func restorePool(
        games: [Double], wins: [Double], drawn: [Int?], episodeLeads: [Float]
    ) throws(SPARSError) {
        guard pool != nil, episodeLeads.count == self.games.count,
            episodeLeads.allSatisfy(\.isFinite)
        else {
            throw .range(
                "pool", of: .selfPlay, mustBe: "in use, with a finite reward so far in each game",
                got: episodeLeads)
        }
        try pool!.restore(games: games, wins: wins, drawn: drawn)
        self.episodeLeads = episodeLeads
        policy.forget()
    }
}
