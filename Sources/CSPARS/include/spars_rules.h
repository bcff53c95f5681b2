// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// What the rules of the games say beyond a step of the window-search game: the exhaustion game,
/// moves that are allowed, and which visits a run's records tell of.

#ifndef SPARS_RULES_H
#define SPARS_RULES_H

/// The numbers of the exhaustion game, each at least 0.
typedef struct {
    double final_factor;  ///< what the comparison of the last step is multiplied by
    double early_penalty;  ///< taken from both where the end is called before min_steps
    int64_t min_steps;  ///< steps that an episode should have before its last one
    double repeat_penalty;  ///< taken for a place that has been shown already
} spars_exhaustion_rule;

/// What a run recorded of its steps: all games' first, then all games' second, and so on. They are
/// whole iterations of `n_steps` steps of `games` games.
typedef struct {
    int64_t count;
    const int32_t *windows;  ///< both origins after the step, learner's then opponent's
    const float *scores;  ///< the windows' own
    const uint8_t *ends;  ///< not 0 where an episode ended
    int64_t games;
    int64_t n_steps;  ///< of each game in an iteration
    int32_t reset_each_iteration;  ///< D10
} spars_step_records;

/// What one step of `count` exhaustion games brought.
typedef struct {
    int64_t count;
    double *rewards;  ///< learner's and opponent's; they do not sum to zero
    uint8_t *terminated;  ///< whether an agent called the end
    uint8_t *truncated;  ///< whether the step limit came without
    float *scores;  ///< what the places were worth: 0 where they had been shown
} spars_exhaustion_outcomes;

/// Which actions change where a window stands, the learner's windows then the opponent's.
int32_t spars_game_action_masks(
    spars_handle game, uint8_t *masks, int64_t count, spars_error *error);

/// Makes `count` exhaustion games on a field, whose termination threshold has no meaning then; what
/// takes a game takes them too. `resets_itself`: a game that ends is reset in the same step.
int32_t spars_exhaustion_create(
    spars_handle field, int64_t count, int32_t resets_itself, int32_t maps,
    const spars_exhaustion_rule *rule, spars_handle *game, spars_error *error);

/// Steps every game by answers 0 to 11: 6 to 11 make the moves 0 to 5 and call the end. What is
/// around the windows is known then. On failure no game has moved.
int32_t spars_exhaustion_step(
    spars_handle game, const int8_t *learner, const int8_t *opponent,
    const spars_exhaustion_outcomes *outcomes, const spars_scorer *scorer,
    const spars_control *signals, spars_error *error);

/// What the six moves of each agent lead to: what the places are worth, 0 where they have been
/// shown, and whether they have.
int32_t spars_exhaustion_look(
    spars_handle game, float *worths, uint8_t *shown, int64_t count, const spars_scorer *scorer,
    const spars_control *signals, spars_error *error);

/// How many places the episode of game `index` has shown.
int32_t spars_exhaustion_shown_count(
    spars_handle game, int64_t index, int64_t *count, spars_error *error);

/// Those places, in their order.
int32_t spars_exhaustion_shown(
    spars_handle game, int64_t index, int64_t *places, int64_t count, spars_error *error);

/// Lets the episode of game `index` have shown such places, as `exhaustion_shown` told them.
int32_t spars_exhaustion_set_shown(
    spars_handle game, int64_t index, const int64_t *places, int64_t count, spars_error *error);

/// The visits that the map of a run has logged, oldest first: x, y, z and agent, what each added,
/// at which step, and whether no reset has cleared it since (D11). There is room for two a step;
/// the result is how many were found.
int32_t spars_record_visits(
    const spars_step_records *records, const spars_game_configuration *configuration,
    int64_t *visits, float *scores, int64_t *steps, uint8_t *kept, int64_t room, int64_t *found,
    spars_error *error);

/// Which windows write a voxel of the map, by NumPy's rule for slices with a negative start. `part`
/// is what of a window, in its middle, gets its score; NULL for all of it.
int32_t spars_windows_covering(
    const int64_t *origins, int64_t count, const int64_t window[3], const int64_t *part,
    const int64_t grid[3], const int64_t voxel[3], uint8_t *covers, spars_error *error);

/// Values as x86 casts them to bytes: truncated, then modulo 256 (D12).
int32_t spars_wrapped_bytes(const float *values, uint8_t *bytes, int64_t count, spars_error *error);

#endif
