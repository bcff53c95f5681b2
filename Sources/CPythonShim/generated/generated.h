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
extern const shim_choices shim_tissue_choices;
extern const shim_choices shim_voxel_type_choices;
extern const shim_choices shim_explanation_method_choices;
extern const shim_choices shim_explanation_target_choices;
extern const shim_choices shim_crop_label_choices;
extern const shim_choices shim_crop_interpolation_choices;
extern const shim_choices shim_pooling_choices;
extern const shim_choices shim_phase_choices;
extern const shim_choices shim_scan_frame_choices;
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
int shim_read_exhaustion_rule(
    PyObject *object, const char *name, int writes, shim_held *held, spars_exhaustion_rule *out);
int shim_read_step_records(
    PyObject *object, const char *name, int writes, shim_held *held, spars_step_records *out);
int shim_read_exhaustion_outcomes(
    PyObject *object, const char *name, int writes, shim_held *held, spars_exhaustion_outcomes *out);
PyObject *shim_make_overlap(const spars_overlap *record);
int shim_read_surface_measures(
    PyObject *object, const char *name, int writes, shim_held *held, spars_surface_measures *out);
PyObject *shim_make_classification(const spars_classification *record);
int shim_read_phantom_configuration(
    PyObject *object, const char *name, int writes, shim_held *held, spars_phantom_configuration *out);
PyObject *shim_make_phantom_tumour(const spars_phantom_tumour *record);
PyObject *shim_make_phantom_tumours(const spars_phantom_tumours *record);
int shim_read_nifti_header(
    PyObject *object, const char *name, int writes, shim_held *held, spars_nifti_header *out);
PyObject *shim_make_nifti_header(const spars_nifti_header *record);
int shim_read_geometry(
    PyObject *object, const char *name, int writes, shim_held *held, spars_geometry *out);
PyObject *shim_make_geometry(const spars_geometry *record);
int shim_read_intensity_window(
    PyObject *object, const char *name, int writes, shim_held *held, spars_intensity_window *out);
PyObject *shim_make_intensity_window(const spars_intensity_window *record);
PyObject *shim_make_tensor(const spars_tensor *record);
int shim_read_windows(
    PyObject *object, const char *name, int writes, shim_held *held, spars_windows *out);
int shim_read_labelled_crops(
    PyObject *object, const char *name, int writes, shim_held *held, spars_labelled_crops *out);
int shim_read_explanation(
    PyObject *object, const char *name, int writes, shim_held *held, spars_explanation *out);
int shim_read_crop_protocol(
    PyObject *object, const char *name, int writes, shim_held *held, spars_crop_protocol *out);
int shim_read_augmentation(
    PyObject *object, const char *name, int writes, shim_held *held, spars_augmentation *out);
int shim_read_training(
    PyObject *object, const char *name, int writes, shim_held *held, spars_training *out);
int shim_read_training_scan(
    PyObject *object, const char *name, int writes, shim_held *held, spars_training_scan *out);
int shim_read_crossing(
    PyObject *object, const char *name, int writes, shim_held *held, spars_crossing *out);
int shim_read_working_grid(
    PyObject *object, const char *name, int writes, shim_held *held, spars_working_grid *out);
PyObject *shim_make_working_layout(const spars_working_layout *record);
int shim_read_selfplay_configuration(
    PyObject *object, const char *name, int writes, shim_held *held, spars_selfplay_configuration *out);
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
int shim_read_intensity_rule(
    PyObject *object, const char *name, int writes, shim_held *held, spars_intensity_rule *out);
int shim_read_lesion_split_rule(
    PyObject *object, const char *name, int writes, shim_held *held, spars_lesion_split_rule *out);
extern PyMethodDef shim_runtime_functions[];
extern PyMethodDef shim_ppo_functions[];
extern PyMethodDef shim_agent_file_functions[];
extern PyMethodDef shim_field_functions[];
extern PyMethodDef shim_game_functions[];
extern PyMethodDef shim_rules_functions[];
extern PyMethodDef shim_metrics_functions[];
extern PyMethodDef shim_phantom_functions[];
extern PyMethodDef shim_volume_functions[];
extern PyMethodDef shim_classifier_functions[];
extern PyMethodDef shim_explanation_functions[];
extern PyMethodDef shim_trainer_functions[];
extern PyMethodDef shim_crossing_functions[];
extern PyMethodDef shim_working_functions[];
extern PyMethodDef shim_selfplay_functions[];
extern PyMethodDef shim_pool_functions[];
extern PyMethodDef shim_league_functions[];
extern PyMethodDef shim_lesions_functions[];

#define SHIM_GENERATED_FUNCTIONS \
    shim_runtime_functions, shim_ppo_functions, shim_agent_file_functions, shim_field_functions, shim_game_functions, shim_rules_functions, shim_metrics_functions, shim_phantom_functions, shim_volume_functions, shim_classifier_functions, shim_explanation_functions, shim_trainer_functions, shim_crossing_functions, shim_working_functions, shim_selfplay_functions, shim_pool_functions, shim_league_functions, shim_lesions_functions

#endif
