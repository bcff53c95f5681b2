// Made by `make generate` from Sources/CSPARS/description: edit that instead.
#ifndef SPARS_GENERATED_H
#define SPARS_GENERATED_H

#include "values.h"

extern const shim_choices shim_precision_choices;
extern const shim_choices shim_credited_score_choices;
extern const shim_choices shim_credited_agents_choices;
extern const shim_choices shim_border_choices;
extern const shim_choices shim_opponent_choices;
extern const shim_choices shim_map_read_choices;
extern const shim_choices shim_observation_cast_choices;
extern const shim_choices shim_opponent_observation_choices;
extern const shim_choices shim_accumulation_choices;
extern const shim_choices shim_tie_reward_choices;
extern const shim_choices shim_border_crops_choices;
extern const shim_choices shim_maps_choices;
extern const shim_choices shim_agent_choices;
extern const shim_choices shim_policy_choices;
extern const shim_choices shim_sampling_choices;
int shim_read_policy_shape(
    PyObject *object, const char *name, int writes, shim_held *held, spars_policy_shape *out);
int shim_read_ppo_hyperparameters(
    PyObject *object, const char *name, int writes, shim_held *held, spars_ppo_hyperparameters *out);
int shim_read_collected(
    PyObject *object, const char *name, int writes, shim_held *held, spars_collected *out);
int shim_read_rollout(
    PyObject *object, const char *name, int writes, shim_held *held, spars_rollout *out);
int shim_read_ppo_step(
    PyObject *object, const char *name, int writes, shim_held *held, spars_ppo_step *out);
int shim_read_game_protocol(
    PyObject *object, const char *name, int writes, shim_held *held, spars_game_protocol *out);
int shim_read_game_configuration(
    PyObject *object, const char *name, int writes, shim_held *held, spars_game_configuration *out);
int shim_read_game_outcomes(
    PyObject *object, const char *name, int writes, shim_held *held, spars_game_outcomes *out);
PyObject *shim_make_overlap(const spars_overlap *record);
int shim_read_surface_measures(
    PyObject *object, const char *name, int writes, shim_held *held, spars_surface_measures *out);
int shim_read_selfplay_configuration(
    PyObject *object, const char *name, int writes, shim_held *held, spars_selfplay_configuration *out);
int shim_read_exhaustion_rule(
    PyObject *object, const char *name, int writes, shim_held *held, spars_exhaustion_rule *out);
int shim_read_reference(
    PyObject *object, const char *name, int writes, shim_held *held, spars_reference *out);
PyObject *shim_make_selfplay_sizes(const spars_selfplay_sizes *record);
int shim_read_selfplay_state(
    PyObject *object, const char *name, int writes, shim_held *held, spars_selfplay_state *out);
int shim_read_pool_tallies(
    PyObject *object, const char *name, int writes, shim_held *held, spars_pool_tallies *out);
int shim_read_league_games(
    PyObject *object, const char *name, int writes, shim_held *held, spars_league_games *out);
int shim_read_lesion_law(
    PyObject *object, const char *name, int writes, shim_held *held, spars_lesion_law *out);
PyObject *shim_make_lesion_law(const spars_lesion_law *record);
int shim_read_lesion_window_settings(
    PyObject *object, const char *name, int writes, shim_held *held, spars_lesion_window_settings *out);
PyObject *shim_make_lesion_window_settings(const spars_lesion_window_settings *record);
PyObject *shim_make_organ_level(const spars_organ_level *record);
extern PyMethodDef shim_runtime_functions[];
extern PyMethodDef shim_ppo_functions[];
extern PyMethodDef shim_field_functions[];
extern PyMethodDef shim_game_functions[];
extern PyMethodDef shim_metrics_functions[];
extern PyMethodDef shim_selfplay_functions[];
extern PyMethodDef shim_pool_functions[];
extern PyMethodDef shim_league_functions[];
extern PyMethodDef shim_lesions_functions[];

#define SHIM_GENERATED_FUNCTIONS \
    shim_runtime_functions, shim_ppo_functions, shim_field_functions, shim_game_functions, shim_metrics_functions, shim_selfplay_functions, shim_pool_functions, shim_league_functions, shim_lesions_functions

#endif
