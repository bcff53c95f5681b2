// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Frozen opponents that a run draws from.

#ifndef SPARS_POOL_H
#define SPARS_POOL_H

/// How a pool draws each episode's opponent.
typedef enum {
    SPARS_SAMPLING_VANILLA = 0,  ///< the latest member
    SPARS_SAMPLING_FICTITIOUS = 1,  ///< any
    SPARS_SAMPLING_PRIORITISED = 2,  ///< by (1 - win rate)^power
    SPARS_SAMPLING_GAUSSIAN = 3  ///< by age, around the middle of the pool
} spars_sampling;
#define SPARS_SAMPLING_NAMES "vanilla,fictitious,prioritised,gaussian"

/// The learner's games with each member and its wins, ties as halves; both decay by 0.99 with every
/// game of the pair. Of each of the games side by side (n_envs): the member that plays in it now,
/// and half of what the learner earned more than its opponent in its episode, which is its reward
/// in the search game.
typedef struct {
    double *games;
    double *wins;
    int64_t member_count;
    int64_t *drawn;  ///< -1 none yet
    double *episode_leads;
    int64_t game_count;
} spars_pool_tallies;

/// Before a run begins: lets a pool answer for the opponent. The learner as it is becomes its first
/// member and the snapshot of iteration 0; it joins again with every snapshot. Each episode's
/// opponent is drawn anew. `power` is finite and at least 0.
int32_t spars_selfplay_use_pool(
    spars_handle run, int32_t sampling, double power, spars_error *error);

/// How many members a pool has; 0 without a pool.
int32_t spars_selfplay_pool(spars_handle run, int64_t *members, spars_error *error);

/// Reads a pool's tallies.
int32_t spars_selfplay_get_pool(
    spars_handle run, const spars_pool_tallies *tallies, spars_error *error);

/// Adds a member from a saved run; `parameters` as in spars_selfplay_state.
int32_t spars_selfplay_add_to_pool(
    spars_handle run, const float *parameters, int64_t count, spars_error *error);

/// Goes on from a pool's tallies, after spars_selfplay_set_state and all members.
int32_t spars_selfplay_set_pool(
    spars_handle run, const spars_pool_tallies *tallies, spars_error *error);

#endif
