// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Agents of stable-baselines3, whose archives are read without running anything in them.

#ifndef SPARS_AGENT_FILE_H
#define SPARS_AGENT_FILE_H

/// Whether the file is an archive that holds `data` and `policy.pth`.
int32_t spars_agent_file_is_one(const char *path, int32_t *is_one, spars_error *error);

/// Opens an agent's archive. Nothing in it is ever run, and nothing in it is inflated.
int32_t spars_agent_file_open(const char *path, spars_handle *file, spars_error *error);

/// The text of the archive's `data`, JSON whose pickles stay text.
int32_t spars_agent_file_data(
    spars_handle file, char *data, int64_t capacity, int64_t *length, spars_error *error);

/// The tensors of the policy, by their own names, and of its optimiser, as "optimizer/0/exp_avg":
/// the text of a JSON object of shapes.
int32_t spars_agent_file_tensors(
    spars_handle file, char *tensors, int64_t capacity, int64_t *length, spars_error *error);

/// The values of a tensor, as float32.
int32_t spars_agent_file_values(
    spars_handle file, const char *name, float *values, int64_t count, spars_error *error);

#endif
