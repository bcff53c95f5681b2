// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Proximal policy optimisation with stable-baselines3's "MlpPolicy". Knows no CT and no window.
///
/// Parameters are passed as one array, in stable-baselines3's order: policy_net layers (weight,
/// bias, ...), value_net layers, action_net, value_net head; weights are (outputs, inputs).

#ifndef SPARS_PPO_H
#define SPARS_PPO_H

/// The numbers that an update logs.
enum { SPARS_PPO_LOG_COUNT = 8 };
#define SPARS_PPO_LOG_NAMES "train/entropy_loss,train/policy_gradient_loss,train/value_loss,train/approx_kl,train/clip_fraction,train/loss,train/explained_variance,train/n_updates"

/// What an update computes in.
typedef enum {
    SPARS_PRECISION_FLOAT32 = 0,
    SPARS_PRECISION_FLOAT64 = 1
} spars_precision;
#define SPARS_PRECISION_NAMES "float32,float64"

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

/// What a policy met in `steps` steps of so many environments.
typedef struct {
    int64_t steps;
    int64_t environments;
    const double *rewards;
    const double *values;
    const double *episode_starts;
    const double *last_value;  ///< after the last step
    const double *last_episode_start;
} spars_collected;

/// What an update learns from.
typedef struct {
    int32_t precision;
    int64_t steps;
    int64_t inputs;
    const void *observations;
    const int64_t *actions;
    const void *values;
    const void *log_probs;
    const void *advantages;
    const void *returns;
} spars_rollout;

/// One update of `parameters`, which change in place and only on success.
typedef struct {
    spars_policy_shape shape;
    spars_ppo_hyperparameters hyperparameters;
    spars_rollout rollout;
    const int64_t *permutations;
    const int64_t *multiplicity;  ///< or NULL
    void *parameters;
    int64_t parameter_count;
} spars_ppo_step;

/// Generalized advantage estimation.
int32_t spars_ppo_gae(
    const spars_collected *collected, double gamma, double gae_lambda, double *advantages,
    double *returns, const spars_control *signals, spars_error *error);

/// One PPO update from a new Adam state.
/// - log: SPARS_PPO_LOG_NAMES
int32_t spars_ppo_update(
    const spars_ppo_step *update, const spars_control *progress, double log[8],
    spars_error *error);

/// Writes a uniformly random order of 0 ... count - 1 into each of `rows` rows.
int32_t spars_ppo_permutations(
    int64_t *permutations, int64_t rows, int64_t count, uint64_t seed, const spars_control *signals,
    spars_error *error);

/// Makes a float32 learner with orthogonally initialised parameters.
int32_t spars_ppo_create(
    const spars_policy_shape *shape, const int64_t *multiplicity, uint64_t seed,
    const spars_control *signals, spars_handle *learner, spars_error *error);

/// Actions and their log-probabilities for observations.
int32_t spars_ppo_act(
    spars_handle learner, const float *observations, int64_t batch, int64_t inputs,
    int32_t deterministic, int64_t *actions, float *log_probs, const spars_control *signals,
    spars_error *error);

/// log-probabilities of all actions.
int32_t spars_ppo_log_probabilities(
    spars_handle learner, const float *observations, int64_t batch, int64_t inputs,
    float *log_probs, int64_t actions, const spars_control *signals, spars_error *error);

/// The critic's values of observations.
int32_t spars_ppo_values(
    spars_handle learner, const float *observations, int64_t batch, int64_t inputs, float *values,
    const spars_control *signals, spars_error *error);

/// One PPO update of the learner on a float32 rollout; permutations come from its random source.
/// Stopped by `progress` it has applied whole minibatches and stays valid.
/// - log: SPARS_PPO_LOG_NAMES
int32_t spars_ppo_learn(
    spars_handle learner, const spars_ppo_hyperparameters *hyperparameters,
    const spars_rollout *rollout, const spars_control *progress, double log[8],
    spars_error *error);

/// Reads all parameters.
int32_t spars_ppo_get_parameters(
    spars_handle learner, float *parameters, int64_t count, spars_error *error);

/// Replaces all parameters.
int32_t spars_ppo_set_parameters(
    spars_handle learner, const float *parameters, int64_t count, spars_error *error);

/// Reads Adam's moments (2 x the number of parameters: means, then squares) and the counters: Adam
/// steps, updates, the random source's state (4, of 64 bits each).
int32_t spars_ppo_get_state(
    spars_handle learner, float *moments, int64_t count, int64_t *counters, spars_error *error);

/// Goes on from a state.
int32_t spars_ppo_set_state(
    spars_handle learner, const float *moments, int64_t count, const int64_t *counters,
    spars_error *error);

#endif
