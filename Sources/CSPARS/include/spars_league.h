/// Frozen players of the window-search game: opponents that a run draws from, and games among them.
#ifndef SPARS_LEAGUE_H
#define SPARS_LEAGUE_H

/// How a pool draws each episode's opponent.
enum {
    SPARS_SAMPLING_VANILLA = 0,      ///< the latest member
    SPARS_SAMPLING_FICTITIOUS = 1,   ///< any
    SPARS_SAMPLING_PRIORITISED = 2,  ///< by (1 - win rate)^power
    SPARS_SAMPLING_GAUSSIAN = 3      ///< by age, around the middle of the pool
};

/// Learns by other hyperparameters from the next iteration on.
int32_t spars_selfplay_set_hyperparameters(
    spars_handle run, const spars_ppo_hyperparameters *hyperparameters, spars_error *error);

/// Whether the opponent's steps are learned from too, from the next iteration on.
int32_t spars_selfplay_learn_from_both(spars_handle run, int32_t both, spars_error *error);

/// Before a run begins: lets a pool answer for the opponent. The learner as it is becomes its first
/// member and the snapshot of iteration 0; it joins again with every snapshot. Each episode's opponent
/// is drawn anew. `power` is finite and at least 0.
int32_t spars_selfplay_use_pool(
    spars_handle run, int32_t sampling, double power, spars_error *error);

/// How many members a pool has; 0 without a pool.
int32_t spars_selfplay_pool(spars_handle run, int64_t *members, spars_error *error);

/// The learner's games with each of `count` members and its wins, ties as halves; both decay by 0.99
/// with every game of the pair. Of each of the `game_count` games side by side (n_envs): the member
/// that plays in it now (-1 none yet), and half of what the learner earned more than its opponent in
/// its episode, which is its reward in the search game.
int32_t spars_selfplay_get_pool(
    spars_handle run, double *games, double *wins, int64_t count, int64_t *drawn,
    double *episode_leads, int64_t game_count, spars_error *error);

/// Adds a member from a saved run; `parameters` as for spars_selfplay_get_state.
int32_t spars_selfplay_add_to_pool(
    spars_handle run, const float *parameters, int64_t count, spars_error *error);

/// Goes on from a pool's tallies, after spars_selfplay_set_state and all members.
int32_t spars_selfplay_set_pool(
    spars_handle run, const double *games, const double *wins, int64_t count, const int64_t *drawn,
    const double *episode_leads, int64_t game_count, spars_error *error);

/// Games among frozen players on a field, which they use under the field's lock. `policy` and
/// `masks_actions` as for a run; `shape` is that of the nets, behind convolutions where there are some.
int32_t spars_league_create(
    spars_handle field, int32_t policy, int32_t masks_actions, const spars_policy_shape *shape,
    spars_handle *league, spars_error *error);

/// Adds a player; `parameters` in the shape's order. Its number goes to `player`.
int32_t spars_league_add(
    spars_handle league, const float *parameters, int64_t count, int64_t *player,
    spars_error *error);

/// Plays `count` games, numbered from `start`, of two players who change sides from game to game:
/// in an even one `first` is the learner. `rewards` receives the sum of the first player's rewards
/// in each, `lengths` its steps, at most `steps`. Game and pair name its random numbers, so that any
/// split into calls plays the same games. `scorer` as for spars_game_step.
int32_t spars_league_play(
    spars_handle league, int64_t first, int64_t second, int64_t start, int64_t count,
    int64_t steps, uint64_t seed, double *rewards, int64_t *lengths, const spars_scorer *scorer,
    const spars_control *control, spars_error *error);

#endif
