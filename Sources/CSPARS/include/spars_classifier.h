// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// The object presence classifier: parameters, scores, files.
///
/// Parameters travel as one float32 array: every tensor of the list that `spars_classifier_tensor`
/// describes, one after the other, in its order. Gradients travel alike, running statistics left
/// out.

#ifndef SPARS_CLASSIFIER_H
#define SPARS_CLASSIFIER_H

/// One tensor of the network, under PyTorch's name.
typedef struct {
    char name[32];
    int32_t is_trainable;  ///< 0 for running statistics
    int64_t rank;
    int64_t shape[8];  ///< the first `rank` of them
} spars_tensor;

/// Windows of a volume: their lowest corners in its voxels, and their extent. Each lies inside.
typedef struct {
    const float *volume;
    int64_t shape[3];
    const int64_t *origins;
    int64_t count;
    int64_t window[3];
} spars_windows;

/// Crops on the network's grid, and whether each holds tumour: 0 or 1.
typedef struct {
    const float *crops;
    const int64_t *has_tumour;
    int64_t count;
    int64_t shape[3];
} spars_labelled_crops;

/// How many tensors the network has, running statistics included.
int64_t spars_classifier_tensor_count(void);

/// Describes tensor `index` of a network on inputs of `input_shape`.
int32_t spars_classifier_tensor(
    const int64_t input_shape[3], int64_t index, spars_tensor *tensor, spars_error *error);

/// Makes a classifier with parameters drawn by PyTorch's default law.
int32_t spars_classifier_create(
    const int64_t input_shape[3], uint64_t seed, const spars_control *signals,
    spars_handle *classifier, spars_error *error);

/// Makes a classifier of `count` parameter values.
int32_t spars_classifier_from_parameters(
    const int64_t input_shape[3], const float *parameters, int64_t count,
    const spars_control *signals, spars_handle *classifier, spars_error *error);

/// Copies the parameters; `count` must be their number.
int32_t spars_classifier_parameters(
    spars_handle classifier, float *parameters, int64_t count, spars_error *error);

/// Replaces the `count` parameters, all at once. `batches_tracked` is how many training steps the
/// running statistics have behind them.
int32_t spars_classifier_set_parameters(
    spars_handle classifier, const float *parameters, int64_t count, int64_t batches_tracked,
    const spars_control *signals, spars_error *error);

/// How many training steps the running statistics have behind them.
int32_t spars_classifier_batches_tracked(
    spars_handle classifier, int64_t *batches_tracked, spars_error *error);

/// The shape of the network's input.
int32_t spars_classifier_input_shape(
    spars_handle classifier, int64_t input_shape[3], spars_error *error);

/// The range of HU that the classifier sees; NaN where it sees HU as they are.
int32_t spars_classifier_intensity_window(
    spars_handle classifier, spars_intensity_window *window, spars_error *error);

/// Sets that range; NULL passes HU as they are.
int32_t spars_classifier_set_intensity_window(
    spars_handle classifier, const spars_intensity_window *window, spars_error *error);

/// Logits of inputs of the network's input shape, values as they are.
int32_t spars_classifier_logits(
    spars_handle classifier, const float *x, int64_t count, const int64_t shape[3], float *logits,
    const spars_control *progress, spars_error *error);

/// Scores of windows of a volume: softmax(logits)[1], the mean over the classifiers, one or more,
/// by their handles.
int32_t spars_classifier_scores(
    const int64_t *classifiers, int64_t classifier_count, const spars_windows *windows,
    float *scores, const spars_control *progress, spars_error *error);

/// What `spars_classifier_scores` of these windows will take: seconds, from a timed run of one
/// window, and bytes of memory beside the volume. Takes a few times as long as one window.
int32_t spars_classifier_forecast(
    spars_handle classifier, const int64_t shape[3], const int64_t *origins, int64_t count,
    const int64_t window[3], const spars_control *signals, double *seconds, int64_t *bytes,
    spars_error *error);

/// Mean cross entropy of a batch in training mode, and its gradients. The classifier stays as it
/// is.
int32_t spars_classifier_loss_and_gradients(
    spars_handle classifier, const spars_labelled_crops *batch, float *gradients,
    int64_t gradient_count, const spars_control *progress, double *loss, spars_error *error);

/// Writes a safetensors file, or PyTorch's where `path` ends in `.pth` or `.pt`, at once and only
/// whole. Of several classifiers, of one shape and one range of HU, the tensors' names begin with
/// "0.", "1." and so on. `training` and `recipe` are texts kept in it as "spars.training" and
/// "spars.recipe", each or NULL to keep what the first came with; an empty one is taken out.
/// `halves` rounds parameters to float16, in safetensors alone.
int32_t spars_classifier_save(
    const int64_t *classifiers, int64_t classifier_count, const char *path, const char *training,
    const char *recipe, int32_t halves, const spars_control *signals, spars_error *error);

/// Reads a safetensors file or a PyTorch state_dict, of which nothing is ever run. `input_shape`
/// NULL takes the file's, or 256 x 256 x 180 where it names none. `classifiers` receives a handle
/// for each in the file, of which there are `count`.
int32_t spars_classifier_load(
    const char *path, const int64_t *input_shape, int64_t *classifiers, int64_t capacity,
    const spars_control *signals, int64_t *count, spars_error *error);

/// Copies the text kept as "spars.recipe" into `text`, terminated; `*length` is its full length in
/// bytes, 0 for none. `text` may be NULL with `capacity` 0.
int32_t spars_classifier_recipe(
    spars_handle classifier, char *text, int64_t capacity, int64_t *length, spars_error *error);

/// Copies the text kept as "spars.training" into `text`, terminated; `*length` is its full length
/// in bytes, 0 for none. `text` may be NULL with `capacity` 0.
int32_t spars_classifier_training(
    spars_handle classifier, char *text, int64_t capacity, int64_t *length, spars_error *error);

#endif
