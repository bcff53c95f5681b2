/// The object presence classifier: parameters, scores, files, training.
///
/// Parameters travel as one float32 array: every tensor of the list that `spars_classifier_tensor`
/// describes, one after the other, in its order. Gradients travel alike, running statistics left out.
#ifndef SPARS_CLASSIFIER_H
#define SPARS_CLASSIFIER_H

/// One tensor of the network, under PyTorch's name.
typedef struct {
    char name[32];
    int32_t is_trainable;  ///< 0 for running statistics
    int32_t rank;
    int64_t shape[8];
} spars_tensor;

/// Clamp to level +- width / 2 and scale to [0, 1]; `is_set` 0 passes HU as they are.
typedef struct {
    int32_t is_set;
    float level;
    float width;
} spars_intensity_window;

/// How training crops are changed by chance; all zeros leaves them as they are.
typedef struct {
    int32_t flips[3];  ///< 1: crops are mirrored along this axis (x, y, z), every second one
    int64_t shift[3];  ///< the most voxels a crop's place moves by along each axis
    float hu_scale;    ///< values are multiplied by 1 plus or minus this at most; below 1
    float hu_shift;    ///< and moved by this at most, HU
    float noise;       ///< and get normal noise of this standard deviation, HU
} spars_augmentation;

/// How a training run cuts crops and learns. Choices are 0 or 1.
typedef struct {
    int32_t voxel_labels;      ///< 0: the scan's label on every crop; 1: labels cut from the mask
    int32_t linear;            ///< 0: nearest neighbour; 1: trilinear, to the network's input
    int32_t stretched;         ///< 0: crops always fit; 1: cut short at the border and stretched
    int32_t has_foreground;    ///< 1: a crop's centre must exceed `foreground_threshold`
    float foreground_threshold;
    int64_t crop_shape[3];
    int64_t crops_per_scan;
    /// How the crops of a scan share its label: 0: each carries it; -1: by the logarithm
    /// of the mean of exponentials; k > 0: the mean of the k highest.
    int64_t pooling;
    float class_weights[2];    ///< the loss's weight of tumour-free scans, and of the others
    spars_augmentation augmentation;  ///< of training crops; validation crops stay as they are
    uint64_t seed;
} spars_training;

/// How many tensors the network has, running statistics included.
int64_t spars_classifier_tensor_count(void);

/// Describes tensor `index` of a network on inputs of `input_shape`.
int32_t spars_classifier_tensor(
    const int64_t input_shape[3], int64_t index, spars_tensor *tensor, spars_error *error);

/// Makes a classifier with parameters drawn by PyTorch's default law.
int32_t spars_classifier_create(
    const int64_t input_shape[3], uint64_t seed, spars_handle *classifier, spars_error *error);

/// Makes a classifier of `count` parameter values.
int32_t spars_classifier_from_parameters(
    const int64_t input_shape[3], const float *parameters, int64_t count, spars_handle *classifier,
    spars_error *error);

/// Copies the parameters; `count` must be their number.
int32_t spars_classifier_parameters(
    spars_handle classifier, float *parameters, int64_t count, spars_error *error);

/// Replaces the `count` parameters, all at once. `batches_tracked` is how many training steps the
/// running statistics have behind them.
int32_t spars_classifier_set_parameters(
    spars_handle classifier, const float *parameters, int64_t count, int64_t batches_tracked,
    spars_error *error);

/// How many training steps the running statistics have behind them.
int32_t spars_classifier_batches_tracked(
    spars_handle classifier, int64_t *batches_tracked, spars_error *error);

/// The shape of the network's input.
int32_t spars_classifier_input_shape(
    spars_handle classifier, int64_t input_shape[3], spars_error *error);

/// Reads or sets the range of HU that the classifier sees.
int32_t spars_classifier_intensity_window(
    spars_handle classifier, spars_intensity_window *window, spars_error *error);
int32_t spars_classifier_set_intensity_window(
    spars_handle classifier, const spars_intensity_window *window, spars_error *error);

/// Logits [count, 2] of `count` inputs, each of the network's input shape, values as they are.
int32_t spars_classifier_logits(
    spars_handle classifier, const float *inputs, int64_t count, float *logits,
    const spars_control *control, spars_error *error);

/// Scores [count] of windows of a volume: softmax(logits)[1]. `origins` [count, 3] are their lowest
/// corners in the volume's voxels; each window must lie inside.
int32_t spars_classifier_scores(
    spars_handle classifier, const float *volume, const int64_t shape[3], const int64_t *origins,
    int64_t count, const int64_t window[3], float *scores, const spars_control *control,
    spars_error *error);

/// What `spars_classifier_scores` of these windows will take: seconds, from a timed run of one
/// window, and bytes of memory beside the volume. Takes a few times as long as one window.
int32_t spars_classifier_forecast(
    spars_handle classifier, const int64_t shape[3], const int64_t *origins, int64_t count,
    const int64_t window[3], double *seconds, int64_t *bytes, spars_error *error);

/// Mean cross entropy of a batch of crops on the network's grid in training mode, and its gradients
/// [gradient_count]. The classifier stays as it is.
int32_t spars_classifier_loss_and_gradients(
    spars_handle classifier, const float *crops, const int64_t *has_tumour, int64_t count,
    double *loss, float *gradients, int64_t gradient_count, const spars_control *control,
    spars_error *error);

/// Writes a safetensors file, at once and only whole. `training` is text kept in its metadata as
/// "spars.training", or NULL to keep what is there.
int32_t spars_classifier_save(
    spars_handle classifier, const char *path, const char *training, spars_error *error);

/// Reads a safetensors file or a PyTorch state_dict, of which nothing is ever run. `input_shape`
/// NULL takes the file's, or 256 x 256 x 180 where it names none.
int32_t spars_classifier_load(
    const char *path, const int64_t *input_shape, spars_handle *classifier, spars_error *error);

/// Copies the text kept as "spars.training" into `text`, terminated; `*length` is its full length
/// in bytes, 0 for none. `text` may be NULL with `capacity` 0.
int32_t spars_classifier_training(
    spars_handle classifier, char *text, int64_t capacity, int64_t *length, spars_error *error);

/// Makes a trainer of the classifier.
int32_t spars_trainer_create(
    spars_handle classifier, const spars_training *training, spars_handle *trainer,
    spars_error *error);

/// Begins a batch of training (`validation` 0) or validation crops: draws the `count` scans of
/// 0...scan_count - 1 whose crops it is made of. With `has_tumour`, the label of each scan, scans
/// without and with tumours are drawn by turns; NULL draws any.
int32_t spars_trainer_draw_scans(
    spars_handle trainer, int32_t validation, int64_t scan_count, const int64_t *has_tumour,
    int64_t *scans, int64_t count, spars_error *error);

/// Draws the crops of one scan and adds them to the batch. `mask` (0 background, 1 liver,
/// 2 tumour) may be NULL where labels are the scan's.
int32_t spars_trainer_add_scan(
    spars_handle trainer, const float *volume, const int64_t shape[3], const uint8_t *mask,
    int64_t has_tumour, const spars_control *control, spars_error *error);

/// Learns from the batch; the classifier changes at once and only as a whole. `*loss` is the
/// batch's before the step.
int32_t spars_trainer_step(
    spars_handle trainer, double learning_rate, double *loss, const spars_control *control,
    spars_error *error);

/// Reads how many steps were taken, and Adam's moments of the trainable parameters in their order:
/// means, then squares. `moments` may be NULL with `count` 0; else `count` must be their number.
int32_t spars_trainer_state(
    spars_handle trainer, float *moments, int64_t count, int64_t *steps, spars_error *error);

/// Goes on where another trainer of the same configuration stopped, after `steps` steps and
/// `validation_batches` batches of validation. The classifier's parameters are set apart.
int32_t spars_trainer_restore(
    spars_handle trainer, const float *moments, int64_t count, int64_t steps,
    int64_t validation_batches, spars_error *error);

/// Changes a crop of HU, of `shape`, as training would, but for its place, into `output`.
int32_t spars_augment(
    const spars_augmentation *augmentation, const float *crop, const int64_t shape[3],
    uint64_t seed, float *output, spars_error *error);

/// Scores the batch in evaluation mode and ends it. `count` must be the number of its crops.
int32_t spars_trainer_evaluate(
    spars_handle trainer, float *scores, int64_t *has_tumour, int64_t count,
    const spars_control *control, spars_error *error);

#endif
