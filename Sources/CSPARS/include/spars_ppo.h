/// Proximal policy optimisation with stable-baselines3's "MlpPolicy". Knows no CT and no window.
///
/// Parameters are passed as one array, in stable-baselines3's order: policy_net layers (weight,
/// bias, ...), value_net layers, action_net, value_net head; weights are (outputs, inputs).
#ifndef SPARS_PPO_H
#define SPARS_PPO_H

/// Sizes of the two networks: 1 to 8 hidden widths each.
typedef struct {
    int64_t inputs;
    int64_t actions;
    int64_t policy_depth;
    int64_t value_depth;
    int64_t policy_hidden[8];
    int64_t value_hidden[8];
} spars_policy_shape;

/// stable-baselines3's hyperparameters. NaN stands for None in `clip_range_vf` and `target_kl`.
typedef struct {
    double learning_rate;
    int64_t n_epochs;
    int64_t batch_size;
    double clip_range;
    double clip_range_vf;
    int32_t normalize_advantage;
    double ent_coef;
    double vf_coef;
    double max_grad_norm;
    double target_kl;
    double adam_eps;
} spars_ppo_hyperparameters;

/// What was collected: `steps` rows of observations (steps, inputs) and one number a step of the
/// others. For the float64 update all but `actions` are double, for the float32 one float.
typedef struct {
    int64_t steps;
    const void *observations;
    const int64_t *actions;
    const void *values;
    const void *log_probs;
    const void *advantages;
    const void *returns;
} spars_rollout;

/// How many numbers an update logs: entropy_loss, policy_gradient_loss, value_loss, approx_kl,
/// clip_fraction, loss, explained_variance, n_updates.
enum { SPARS_PPO_LOG_COUNT = 8 };

/// Generalized advantage estimation of (steps, environments) arrays. `last_values` and
/// `last_episode_starts` hold one number an environment.
int32_t spars_ppo_gae(
    int64_t steps, int64_t environments, const double *rewards, const double *values,
    const double *episode_starts, const double *last_values, const double *last_episode_starts,
    double gamma, double gae_lambda, double *advantages, double *returns, spars_error *error);

/// One PPO update of `parameters` (changed in place only on success) from a new Adam state.
/// `permutations` is (n_epochs, steps); `multiplicity` has one number an input or is NULL.
/// `log` takes SPARS_PPO_LOG_COUNT numbers.
int32_t spars_ppo_update_float32(
    const spars_policy_shape *shape, const spars_ppo_hyperparameters *hyperparameters,
    const spars_rollout *rollout, const int64_t *permutations, const int64_t *multiplicity,
    float *parameters, int64_t parameter_count, double *log, const spars_control *control,
    spars_error *error);
int32_t spars_ppo_update_float64(
    const spars_policy_shape *shape, const spars_ppo_hyperparameters *hyperparameters,
    const spars_rollout *rollout, const int64_t *permutations, const int64_t *multiplicity,
    double *parameters, int64_t parameter_count, double *log, const spars_control *control,
    spars_error *error);

/// Writes a uniformly random order of 0 ... count - 1 into each of `rows` rows.
int32_t spars_ppo_permutations(
    int64_t rows, int64_t count, uint64_t seed, int64_t *permutations, spars_error *error);

/// Makes a float32 learner with orthogonally initialised parameters. `multiplicity` may be NULL.
int32_t spars_ppo_create(
    const spars_policy_shape *shape, const int64_t *multiplicity, uint64_t seed,
    spars_handle *learner, spars_error *error);

/// Actions and their log-probabilities for observations (batch, inputs).
int32_t spars_ppo_act(
    spars_handle learner, const float *observations, int64_t batch, int64_t inputs,
    int32_t deterministic, int64_t *actions, float *log_probs, spars_error *error);

/// log-probabilities of all actions, (batch, actions).
int32_t spars_ppo_log_probabilities(
    spars_handle learner, const float *observations, int64_t batch, int64_t inputs,
    float *log_probs, int64_t log_prob_count, spars_error *error);

/// The critic's values of observations (batch, inputs).
int32_t spars_ppo_values(
    spars_handle learner, const float *observations, int64_t batch, int64_t inputs, float *values,
    spars_error *error);

/// One PPO update of the learner on a float32 rollout; permutations come from its random source.
/// Stopped by `control` it has applied whole minibatches and stays valid.
int32_t spars_ppo_learn(
    spars_handle learner, const spars_ppo_hyperparameters *hyperparameters,
    const spars_rollout *rollout, int64_t inputs, double *log, const spars_control *control,
    spars_error *error);

/// Reads or replaces all parameters.
int32_t spars_ppo_get_parameters(
    spars_handle learner, float *parameters, int64_t count, spars_error *error);
int32_t spars_ppo_set_parameters(
    spars_handle learner, const float *parameters, int64_t count, spars_error *error);

/// Reads or replaces Adam's moments (2 x the number of parameters: means, then squares) and the
/// 6 counters (Adam steps, updates, the random source's state).
int32_t spars_ppo_get_state(
    spars_handle learner, float *moments, int64_t count, uint64_t *counters, spars_error *error);
int32_t spars_ppo_set_state(
    spars_handle learner, const float *moments, int64_t count, const uint64_t *counters,
    spars_error *error);

#endif
