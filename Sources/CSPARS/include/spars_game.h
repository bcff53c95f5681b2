// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// The window-search game: one or many episodes played on a field.

#ifndef SPARS_GAME_H
#define SPARS_GAME_H

/// What a game records.
typedef enum {
    SPARS_MAPS_NONE = 0,
    SPARS_MAPS_EPISODE = 1,  ///< a map for each episode
    SPARS_MAPS_RUN = 2  ///< one that goes on over the game's own resets
} spars_maps;
#define SPARS_MAPS_NAMES "none,episode,run"

typedef enum {
    SPARS_AGENT_LEARNER = 0,
    SPARS_AGENT_OPPONENT = 1
} spars_agent;
#define SPARS_AGENT_NAMES "learner,opponent"

/// What one step of `count` games brought.
typedef struct {
    int64_t count;
    float *rewards;  ///< the learner's: +1, 0 or -1
    uint8_t *terminated;
    uint8_t *truncated;
    float *scores;  ///< learner's and opponent's
} spars_game_outcomes;

/// Makes `count` games on a field. `resets_itself`: a game that ends is reset in the same step.
int32_t spars_game_create(
    spars_handle field, int64_t count, int32_t resets_itself, int32_t maps, spars_handle *game,
    spars_error *error);

/// Puts the windows of game `index` (-1: of all) back to the start; `keep_map` 0 clears the map.
int32_t spars_game_reset(spars_handle game, int64_t index, int32_t keep_map, spars_error *error);

/// Steps every game by actions 0 to 5. On failure no game has moved.
int32_t spars_game_step(
    spars_handle game, const int8_t *learner, const int8_t *opponent,
    const spars_game_outcomes *outcomes, const spars_scorer *scorer, const spars_control *signals,
    spars_error *error);

/// Where the windows stand, learner's then opponent's origin, and the steps since the last reset.
int32_t spars_game_windows(
    spars_handle game, int64_t *windows, int64_t *steps, int64_t count, spars_error *error);

/// Puts game `index` where a saved one stood; the windows must be ones that play can reach.
int32_t spars_game_restore(
    spars_handle game, int64_t index, const int64_t windows[6], int64_t steps, spars_error *error);

/// What an agent of game `index` sees, brought to `shape` by nearest neighbour.
int32_t spars_game_observation(
    spars_handle game, int64_t index, int32_t agent, float *observation, const int64_t shape[3],
    spars_error *error);

/// The map of game `index`; `count` must be the product of the grid.
int32_t spars_game_map(
    spars_handle game, int64_t index, float *map, int64_t count, const spars_control *signals,
    spars_error *error);

/// How many visits the map of game `index` is made of.
int32_t spars_game_visit_count(
    spars_handle game, int64_t index, int64_t *count, spars_error *error);

/// Replaces the map of game `index` by the one of such visits, as `game_visits` told them.
int32_t spars_game_set_visits(
    spars_handle game, int64_t index, const int64_t *visits, const float *scores, int64_t count,
    spars_error *error);

/// Those visits, oldest first: x, y, z and agent, and what each added.
int32_t spars_game_visits(
    spars_handle game, int64_t index, int64_t *visits, float *scores, int64_t count,
    spars_error *error);

#endif
