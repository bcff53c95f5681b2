// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Games among frozen players of the window-search game.

#ifndef SPARS_LEAGUE_H
#define SPARS_LEAGUE_H

/// `count` games, numbered from `start`, of two players who change sides from game to game: in an
/// even one `first` is the learner. Game and pair name its random numbers, so that any split into
/// calls plays the same games.
typedef struct {
    int64_t first;
    int64_t second;
    int64_t start;
    int64_t steps;  ///< at most so many a game
    uint64_t seed;
    double *rewards;  ///< the sum of the first player's rewards in each
    int64_t *lengths;  ///< the steps of each
    int64_t count;
} spars_league_games;

/// Games among frozen players on a field, which they use under the field's lock. `policy` and
/// `mask_actions` as for a run; `shape` is that of the nets, behind convolutions where there are
/// some.
int32_t spars_league_create(
    spars_handle field, int32_t policy, int32_t mask_actions, const spars_policy_shape *shape,
    spars_handle *league, spars_error *error);

/// Adds a player and returns its number; `parameters` in the shape's order.
int32_t spars_league_add(
    spars_handle league, const float *parameters, int64_t count, int64_t *player,
    spars_error *error);

/// Plays games. `scorer` as for spars_game_step.
int32_t spars_league_play(
    spars_handle league, const spars_league_games *games, const spars_scorer *scorer,
    const spars_control *progress, spars_error *error);

#endif
