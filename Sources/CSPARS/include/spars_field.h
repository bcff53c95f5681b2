// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// A field: a scan as a game indexes it, the switches it is played by, and the scores known of it.
///
/// A field and its games may be used from several threads; calls wait for each other. A scorer that
/// calls back into the field that asked it gets SPARS_INVALID_ARGUMENT.

#ifndef SPARS_FIELD_H
#define SPARS_FIELD_H

/// D5: whose score is added at an agent's place.
typedef enum {
    SPARS_CREDITED_SCORE_OWN = 0,
    SPARS_CREDITED_SCORE_OTHER = 1
} spars_credited_score;
#define SPARS_CREDITED_SCORE_NAMES "own,other"

/// D6: whose places are written to the map.
typedef enum {
    SPARS_CREDITED_AGENTS_BOTH = 0,
    SPARS_CREDITED_AGENTS_LEARNER = 1
} spars_credited_agents;
#define SPARS_CREDITED_AGENTS_NAMES "both,learner"

/// D7: where windows may stand.
typedef enum {
    SPARS_BORDER_INSIDE = 0,
    SPARS_BORDER_CLAMPED_CROP = 1
} spars_border;
#define SPARS_BORDER_NAMES "inside,clamped_crop"

/// D8: who plays the opponent.
typedef enum {
    SPARS_OPPONENT_SNAPSHOT = 0,
    SPARS_OPPONENT_LIVE = 1
} spars_opponent;
#define SPARS_OPPONENT_NAMES "snapshot,live"

/// D11: when a map is read.
typedef enum {
    SPARS_MAP_READ_BEFORE_RESET = 0,
    SPARS_MAP_READ_AFTER_RESET = 1
} spars_map_read;
#define SPARS_MAP_READ_NAMES "before_reset,after_reset"

/// D12: how the learner's policy sees the window.
typedef enum {
    SPARS_OBSERVATION_CAST_FLOAT32 = 0,
    SPARS_OBSERVATION_CAST_UINT8 = 1
} spars_observation_cast;
#define SPARS_OBSERVATION_CAST_NAMES "float32,uint8"

/// D13: how the opponent's policy sees it.
typedef enum {
    SPARS_OPPONENT_OBSERVATION_SAME = 0,
    SPARS_OPPONENT_OBSERVATION_UNCAST = 1
} spars_opponent_observation;
#define SPARS_OPPONENT_OBSERVATION_NAMES "same,uncast"

/// D14: how the scores of visits to a voxel accumulate.
typedef enum {
    SPARS_ACCUMULATION_SUM = 0,
    SPARS_ACCUMULATION_MEAN = 1,
    SPARS_ACCUMULATION_MAX = 2
} spars_accumulation;
#define SPARS_ACCUMULATION_NAMES "sum,mean,max"

/// D16: who gets +1 when scores tie.
typedef enum {
    SPARS_TIE_REWARD_NONE = 0,
    SPARS_TIE_REWARD_LEARNER = 1
} spars_tie_reward;
#define SPARS_TIE_REWARD_NAMES "none,learner"

/// D17: crops beyond the scan's end are moved inside, or cut short and stretched.
typedef enum {
    SPARS_BORDER_CROPS_FULL = 0,
    SPARS_BORDER_CROPS_STRETCHED = 1
} spars_border_crops;
#define SPARS_BORDER_CROPS_NAMES "full,stretched"

/// Scores `count` crops of `extent`, [x, y, z] one after the other, into `scores`, each in [0, 1].
/// Returns 0, or anything else to end the call that asked with SPARS_CALLBACK_FAILED.
typedef struct {
    int32_t (*score)(
        void *context, const float *crops, int64_t count, const int64_t extent[3], float *scores);
    void *context;
} spars_scorer;

/// The switches of the game.
typedef struct {
    int32_t credited_score;
    int32_t credited_agents;
    int32_t border;
    int32_t opponent;
    int32_t map_read;
    int32_t observation_cast;
    int32_t opponent_observation;
    int32_t accumulation;
    int32_t tie_reward;
    int32_t border_crops;
    /// of a window, in its middle, that gets its score; zeros: all of it
    int64_t credited_extent[3];
} spars_game_protocol;

/// What a game is played on and by.
typedef struct {
    int64_t grid[3];  ///< voxels the game is played on, 1 to 16383 an axis
    int64_t window[3];  ///< at most the grid
    int64_t stride;  ///< voxels a window moves in a step
    /// in [0, 1]; a score above it, of either agent, ends an episode
    double termination_threshold;
    int64_t max_episode_steps;  ///< D9; 0 never truncates
    spars_game_protocol protocol;
} spars_game_configuration;

/// Makes a field of a scan of `shape`, whose values are what a scorer and a policy see.
/// `classifiers` score its windows as they are now, several by the mean of their scores; none: then
/// calls that may need a score take a `spars_scorer`, which is used during the call only.
/// `covers_edge`: where the stride does not end at the far border, a window there is a place too,
/// which games do not come to (border "inside").
int32_t spars_field_create(
    const float *volume, const int64_t shape[3], const spars_game_configuration *configuration,
    const int64_t *classifiers, int64_t classifier_count, int32_t covers_edge,
    const spars_control *signals, spars_handle *field, spars_error *error);

/// How many places along x, y and z a crop can start at.
int32_t spars_field_counts(spars_handle field, int64_t counts[3], spars_error *error);

/// The places along one axis (0, 1, 2), ascending; `count` must be their number.
int32_t spars_field_axis(
    spars_handle field, int64_t axis, int64_t *starts, int64_t count, spars_error *error);

/// The scores known, x slowest, NaN elsewhere; `count` must be the product of the counts.
int32_t spars_field_scores(spars_handle field, float *scores, int64_t count, spars_error *error);

/// Takes over scores, NaN for unknown; `count` must be the product of the counts.
int32_t spars_field_adopt(
    spars_handle field, const float *scores, int64_t count, const spars_control *signals,
    spars_error *error);

/// Gives the score 0, unasked, to every place not known yet whose credited part meets no voxel of a
/// region, a mask of the scan's `count` voxels as the field indexes it.
int32_t spars_field_leave_out(
    spars_handle field, const uint8_t *region, int64_t count, const spars_control *signals,
    spars_error *error);

/// Scores every place that is not known yet. What is scored when it is interrupted stays known.
int32_t spars_field_score_all(
    spars_handle field, const spars_scorer *scorer, const spars_control *progress,
    spars_error *error);

/// Scores those of some places that are not known yet; places are numbered as `field_scores` lists
/// them, from 0.
int32_t spars_field_score(
    spars_handle field, const int64_t *places, int64_t count, const spars_scorer *scorer,
    const spars_control *progress, spars_error *error);

/// How many places the scorer has been asked for.
int32_t spars_field_scored(spars_handle field, int64_t *count, spars_error *error);

/// The map that runs linearly between the middles of windows at the places, and keeps the outermost
/// scores beyond them. `axes` holds the ascending starts along x, then y, then z.
int32_t spars_interpolated_map(
    const float *scores, const int64_t counts[3], const int64_t *axes, const int64_t window[3],
    float *map, const int64_t grid[3], const spars_control *signals, spars_error *error);

/// The map that visiting each of the places once would accumulate. `axes` holds the ascending
/// starts along x, then y, then z. `part` is what of a window, in its middle, gets its score; NULL
/// for all of it.
int32_t spars_exhaustive_map(
    const float *scores, const int64_t counts[3], const int64_t *axes, const int64_t window[3],
    const int64_t *part, int32_t accumulation, float *map, const int64_t grid[3],
    const spars_control *signals, spars_error *error);

#endif
