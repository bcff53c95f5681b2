// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Self-play on a field, by the rule of the window-search game or of the exhaustion game: a learner
/// against an opponent made of itself.
///
/// A run uses its field under the field's lock. Iterations happen whole or not at all: whatever
/// ends a call, the run is in the state after a whole iteration.

#ifndef SPARS_SELFPLAY_H
#define SPARS_SELFPLAY_H

/// Numbers of a state's counters with one game: Adam steps, updates, random source (4), iterations,
/// steps, steps of the episode, whether the next step begins one, opponent (0 still, 1 the learner,
/// 2 frozen), the learner's and the opponent's origin (3 and 3). A further game adds 8: steps of
/// its episode, whether the next step begins one, its origins.
#define SPARS_SELFPLAY_COUNTER_COUNT 17

/// The numbers of an iteration's record. The first two are the learner's rewards.
enum { SPARS_SELFPLAY_RECORD_COUNT = 18 };
#define SPARS_SELFPLAY_RECORD_NAMES "reward_mean,reward_last,learner_score_mean,opponent_score_mean,learner_score_last,opponent_score_last,terminations,truncations,dice,opponent_reward_mean,train/entropy_loss,train/policy_gradient_loss,train/value_loss,train/approx_kl,train/clip_fraction,train/loss,train/explained_variance,train/n_updates"

/// stable-baselines3's names of the agents' networks.
typedef enum {
    SPARS_POLICY_MLPPOLICY = 0,
    SPARS_POLICY_CNNPOLICY = 1,
    SPARS_POLICY_LOCALPOLICY = 2
} spars_policy;
#define SPARS_POLICY_NAMES "MlpPolicy,CnnPolicy,LocalPolicy"

/// How the learner is trained.
typedef struct {
    int64_t n_steps;  ///< steps of each game in an iteration, 2 to 2^20
    double gamma;  ///< in [0, 1]
    double gae_lambda;  ///< in [0, 1]
    int64_t opponent_update_interval;  ///< D8: steps
    int32_t reset_each_iteration;  ///< D10
    int64_t snapshot_interval;  ///< iterations; 0 keeps no snapshots
    int64_t input_shape[3];  ///< what the policy's window is resized to; zeros: nothing
    uint64_t seed;
    int32_t policy;
    int64_t n_envs;  ///< games side by side, 1 to 4096; n_envs * n_steps to 2^20
    int32_t mask_actions;  ///< moves that would leave the grid have probability 0
    int32_t record_steps;  ///< whether spars_selfplay_steps will be asked for the steps
} spars_selfplay_configuration;

/// A reference mask as the map's Dice needs it.
typedef struct {
    int64_t grid[3];  ///< the field's
    const int32_t *planes;  ///< native planes of each plane of the grid, along x, then y, then z
    /// native voxels of each grid voxel that the reference holds, [0, 65536]
    const int32_t *marks;
    int64_t total;  ///< how many it holds in all
    float threshold;  ///< the map's value above which a voxel counts
} spars_reference;

/// What a run holds; iterations, steps and snapshots count since it was made or restored, or since
/// spars_selfplay_forget.
typedef struct {
    int64_t iterations_in_all;
    int64_t steps_in_all;
    int64_t iterations;
    int64_t steps;
    int64_t snapshots;
    int64_t parameters;  ///< numbers of the policy and value networks
    int64_t opponent_parameters;  ///< the same, or 0 where the opponent is not frozen apart
    int64_t visits;  ///< of the map
    int64_t counters;  ///< of a state
    int64_t shown;  ///< places that the games' episodes have shown; 0 in the search game
} spars_selfplay_sizes;

/// What a run goes on from. Counts are those of spars_selfplay_measure.
typedef struct {
    float *parameters;
    float *moments;  ///< Adam's
    int64_t parameter_count;
    float *opponent;  ///< a frozen opponent's parameters
    int64_t opponent_count;
    int64_t *counters;
    int64_t counter_count;
    int64_t *visits;  ///< of the map: x, y, z, 2 game + agent
    float *visit_scores;  ///< what each added
    int64_t visit_count;
    int64_t *shown;  ///< places of each game's episode, in order: x, y, z, game
    int64_t shown_count;
} spars_selfplay_state;

/// `reference` may be NULL; so may `rule`, for the search game. With a rule, the field's
/// termination threshold has no meaning.
int32_t spars_selfplay_create(
    spars_handle field, const spars_selfplay_configuration *configuration,
    const spars_ppo_hyperparameters *hyperparameters, const spars_reference *reference,
    const spars_exhaustion_rule *rule, const spars_control *signals, spars_handle *run,
    spars_error *error);

/// Plays and learns for so many iterations. `scorer` as for spars_game_step.
int32_t spars_selfplay_run(
    spars_handle run, int64_t iterations, const spars_scorer *scorer, const spars_control *progress,
    spars_error *error);

/// What the run holds.
int32_t spars_selfplay_measure(spars_handle run, spars_selfplay_sizes *sizes, spars_error *error);

/// The iterations' records, [iterations, SPARS_SELFPLAY_RECORD_COUNT].
int32_t spars_selfplay_records(
    spars_handle run, double *records, int64_t count, spars_error *error);

/// Every step, all games' first, then all games' second, ...: origins after it (learner's,
/// opponent's), scores, actions, and ends: 0 none, 1 terminated, 2 truncated.
int32_t spars_selfplay_steps(
    spars_handle run, int32_t *windows, float *scores, int8_t *actions, uint8_t *ends,
    int64_t count, spars_error *error);

/// The map, [grid].
int32_t spars_selfplay_map(
    spars_handle run, float *map, int64_t count, const spars_control *signals, spars_error *error);

/// Snapshot `index`: its parameters, and after which iteration they were so.
int32_t spars_selfplay_snapshot(
    spars_handle run, int64_t index, float *parameters, int64_t count, int64_t *iteration,
    spars_error *error);

/// Forgets the records, steps and snapshots so far, which its caller has read; the game goes on.
int32_t spars_selfplay_forget(spars_handle run, spars_error *error);

/// Reads the state.
int32_t spars_selfplay_get_state(
    spars_handle run, const spars_selfplay_state *state, const spars_control *signals,
    spars_error *error);

/// Goes on from a state; on failure nothing has changed.
int32_t spars_selfplay_set_state(
    spars_handle run, const spars_selfplay_state *state, const spars_control *signals,
    spars_error *error);

/// Learns by other hyperparameters from the next iteration on.
int32_t spars_selfplay_set_hyperparameters(
    spars_handle run, const spars_ppo_hyperparameters *hyperparameters, spars_error *error);

/// Whether the opponent's steps are learned from too, from the next iteration on.
int32_t spars_selfplay_learn_from_both(spars_handle run, int32_t both, spars_error *error);

#endif
