import CSPARS
import Testing

/// A game on 12 x 11 x 10 voxels: what most tests of games, runs and leagues call the ABI with.
func smallGame(
    _ change: (inout spars_game_configuration) -> Void = { _ in }
) -> spars_game_configuration {
    var configuration = spars_game_configuration()
    configuration.grid = (12, 11, 10)
    configuration.window = (4, 3, 2)
    configuration.stride = 2
    configuration.termination_threshold = 0.5
    change(&configuration)
    return configuration
}

/// A field of ones for `smallGame`.
func smallField(
    _ change: (inout spars_game_configuration) -> Void = { _ in }
) -> spars_handle {
    var (handle, configuration) = (spars_handle(0), smallGame(change))
    let values = [Float](repeating: 1, count: 1_320)
    let status = spars_field_create(
        values, [12, 11, 10], &configuration, nil, 0, 0, nil, &handle, nil)
    #expect(status == 0)
    return handle
}

func smallHyperparameters(
    _ change: (inout spars_ppo_hyperparameters) -> Void = { _ in }
) -> spars_ppo_hyperparameters {
    var hyperparameters = spars_ppo_hyperparameters(
        learning_rate: 1e-3, n_epochs: 1, batch_size: 4, clip_range: 0.2, clip_range_vf: .nan,
        normalize_advantage: 1, ent_coef: 0, vf_coef: 0.5, max_grad_norm: 0.5, target_kl: .nan,
        adam_eps: 1e-5)
    change(&hyperparameters)
    return hyperparameters
}
