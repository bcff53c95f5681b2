/// The window-search game: a field holds the scan and the scores known of it, a game is one or many
/// episodes played on a field.
///
/// A field and its games may be used from several threads; calls wait for each other. A scorer that
/// calls back into the field that asked it gets SPARS_INVALID_ARGUMENT.
#ifndef SPARS_GAME_H
#define SPARS_GAME_H

/// Every switch of the game. Choices are numbered in the order given.
typedef struct {
    int64_t grid[3];               ///< voxels the game is played on, 1 to 16383 an axis
    int64_t window[3];             ///< at most the grid
    int64_t stride;                ///< voxels a window moves in a step
    double termination_threshold;  ///< in [0, 1]; a score above it, of either agent, ends an episode
    int64_t max_episode_steps;     ///< D9; 0 never truncates
    int32_t credited_score;        ///< D5: own, other
    int32_t credited_agents;       ///< D6: both, learner
    int32_t border;                ///< D7: inside, clamped_crop
    int32_t opponent;              ///< D8: snapshot, live
    int32_t map_read;              ///< D11: before_reset, after_reset
    int32_t observation_cast;      ///< D12: float32, uint8
    int32_t opponent_observation;  ///< D13: same, uncast
    int32_t accumulation;          ///< D14: sum, mean, max
    int32_t tie_reward;            ///< D16: none, learner
    int32_t border_crops;          ///< D17: full, stretched
} spars_game_configuration;

/// Scores `count` crops of `extent`, [x, y, z] one after the other, into `scores`, each in [0, 1].
/// Returns 0, or anything else to end the call that asked with SPARS_CALLBACK_FAILED.
typedef struct {
    int32_t (*score)(
        void *context, const float *crops, int64_t count, const int64_t extent[3], float *scores);
    void *context;
} spars_scorer;

/// Makes a field of a scan of `shape`, whose values are what a scorer and a policy see.
/// `classifier` scores its windows, as it is now; 0 for none: then calls that may need a score take
/// a `spars_scorer`, which is used during the call only.
int32_t spars_field_create(
    const float *volume, const int64_t shape[3], const spars_game_configuration *configuration,
    spars_handle classifier, spars_handle *field, spars_error *error);

/// How many places along x, y and z a crop can start at.
int32_t spars_field_counts(spars_handle field, int64_t counts[3], spars_error *error);

/// The places along one axis (0, 1, 2), ascending; `count` must be their number.
int32_t spars_field_axis(
    spars_handle field, int64_t axis, int64_t *starts, int64_t count, spars_error *error);

/// The scores known, x slowest, NaN elsewhere; `count` must be the product of the counts.
int32_t spars_field_scores(spars_handle field, float *scores, int64_t count, spars_error *error);

/// Takes over scores, NaN for unknown; `count` must be the product of the counts.
int32_t spars_field_adopt(
    spars_handle field, const float *scores, int64_t count, spars_error *error);

/// Scores every place that is not known yet. What is scored when it is interrupted stays known.
int32_t spars_field_score_all(
    spars_handle field, const spars_scorer *scorer, const spars_control *control,
    spars_error *error);

/// How many places the scorer has been asked for.
int32_t spars_field_scored(spars_handle field, int64_t *count, spars_error *error);

/// Makes `count` games on a field. `resets_itself`: a game that ends is reset in the same step.
/// `maps`: 0 records none, 1 one for each episode, 2 one that goes on over the game's own resets.
int32_t spars_game_create(
    spars_handle field, int64_t count, int32_t resets_itself, int32_t maps, spars_handle *game,
    spars_error *error);

/// Puts the windows of game `index` (-1: of all) back to the start; `keep_map` 0 clears the map.
int32_t spars_game_reset(
    spars_handle game, int64_t index, int32_t keep_map, spars_error *error);

/// Steps every game. On failure no game has moved.
/// - learner, opponent: actions 0...5, [n]
/// - rewards: the learner's, +1, 0 or -1, [n]
/// - terminated, truncated: 0 or 1, [n]
/// - scores: learner's and opponent's, [n, 2]
int32_t spars_game_step(
    spars_handle game, const int8_t *learner, const int8_t *opponent, int64_t count,
    const spars_scorer *scorer, float *rewards, uint8_t *terminated, uint8_t *truncated,
    float *scores, const spars_control *control, spars_error *error);

/// Where the windows stand, learner's then opponent's origin, [n, 2, 3], and the steps since the
/// last reset, [n].
int32_t spars_game_windows(
    spars_handle game, int64_t *windows, int64_t *steps, int64_t count, spars_error *error);

/// Puts game `index` where a saved one stood; the windows must be ones that play can reach.
int32_t spars_game_restore(
    spars_handle game, int64_t index, const int64_t windows[6], int64_t steps, spars_error *error);

/// What `agent` (0 learner, 1 opponent) of game `index` sees, brought to `shape` by nearest
/// neighbour; `count` must be the product of `shape`.
int32_t spars_game_observation(
    spars_handle game, int64_t index, int32_t agent, const int64_t shape[3], float *observation,
    int64_t count, spars_error *error);

/// The map of game `index`; `count` must be the product of the grid.
int32_t spars_game_map(
    spars_handle game, int64_t index, float *map, int64_t count, const spars_control *control,
    spars_error *error);

/// How many visits the map of game `index` is made of.
int32_t spars_game_visit_count(
    spars_handle game, int64_t index, int64_t *count, spars_error *error);

/// Those visits, oldest first: x, y, z and agent, [count, 4], and what each added, [count].
int32_t spars_game_visits(
    spars_handle game, int64_t index, int64_t *visits, float *scores, int64_t count,
    spars_error *error);

/// The map that visiting each of the places once would accumulate (0 sum, 1 mean, 2 max).
/// `scores` is [counts], `axes` holds counts[0] + counts[1] + counts[2] ascending starts, `map` has
/// the grid's shape.
int32_t spars_exhaustive_map(
    const float *scores, const int64_t counts[3], const int64_t *axes, const int64_t window[3],
    const int64_t grid[3], int32_t accumulation, float *map, spars_error *error);

#endif
