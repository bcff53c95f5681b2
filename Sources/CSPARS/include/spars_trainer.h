// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Training of a classifier.

#ifndef SPARS_TRAINER_H
#define SPARS_TRAINER_H

/// D1: the scan's label on every crop, or labels cut from the mask.
typedef enum {
    SPARS_CROP_LABEL_IMAGE = 0,
    SPARS_CROP_LABEL_VOXEL = 1
} spars_crop_label;
#define SPARS_CROP_LABEL_NAMES "image,voxel"

/// D2: how a crop is resized to the network's input.
typedef enum {
    SPARS_CROP_INTERPOLATION_NEAREST = 0,
    SPARS_CROP_INTERPOLATION_LINEAR = 1
} spars_crop_interpolation;
#define SPARS_CROP_INTERPOLATION_NAMES "nearest,linear"

/// How the crops of a scan share its label.
typedef enum {
    SPARS_POOLING_NONE = 0,  ///< each carries it
    SPARS_POOLING_HIGHEST = 1,  ///< the mean of the highest margins carries it
    SPARS_POOLING_LOG_SUM_EXP = 2  ///< log(mean(exp(margin))) carries it
} spars_pooling;
#define SPARS_POOLING_NAMES "none,highest,log_sum_exp"

/// What a batch is for.
typedef enum {
    SPARS_PHASE_TRAINING = 0,
    SPARS_PHASE_VALIDATION = 1
} spars_phase;
#define SPARS_PHASE_NAMES "training,validation"

/// The switches of how crops are cut.
typedef struct {
    int32_t crop_label;
    int32_t crop_interpolation;
    int32_t border_crops;
} spars_crop_protocol;

/// How training crops are changed by chance; all zeros leaves them as they are.
typedef struct {
    int32_t flips[3];  ///< 1: crops are mirrored along this axis (x, y, z), every second one
    int64_t shift[3];  ///< the most voxels a crop's place moves by along each axis
    float hu_scale;  ///< values are multiplied by 1 plus or minus this at most; below 1
    float hu_shift;  ///< and moved by this at most, HU
    float noise;  ///< and get normal noise of this standard deviation, HU
} spars_augmentation;

/// How a training run cuts crops and learns.
typedef struct {
    spars_crop_protocol protocol;
    float foreground_threshold;  ///< a crop's centre must exceed it; NaN: it need not
    int64_t crop_shape[3];
    int64_t crops_per_scan;
    int32_t pooling;
    int64_t pooled_crops;  ///< how many are the highest; for other poolings 0
    float class_weights[2];  ///< the loss's weight of tumour-free scans, and of the others
    spars_augmentation augmentation;  ///< of training crops; validation crops stay as they are
    uint64_t seed;
} spars_training;

/// A scan to cut crops from. `mask` (0 background, 1 liver, 2 tumour) may be NULL.
typedef struct {
    const float *volume;
    int64_t shape[3];
    const uint8_t *mask;
    int32_t has_tumour;
} spars_training_scan;

/// Makes a trainer of the classifier.
int32_t spars_trainer_create(
    spars_handle classifier, const spars_training *training, spars_handle *trainer,
    spars_error *error);

/// Begins a batch of crops: draws the `count` scans of 0...scan_count - 1 whose crops it is made
/// of. Scans and crops follow from the phase and the batch's number among its batches. With
/// `has_tumour`, the label of each scan, scans without and with tumours are drawn by turns; NULL
/// draws any.
int32_t spars_trainer_draw_scans(
    spars_handle trainer, int32_t phase, int64_t batch, int64_t scan_count,
    const int64_t *has_tumour, int64_t *scans, int64_t count, spars_error *error);

/// Draws the crops of one scan and adds them to the batch.
int32_t spars_trainer_add_scan(
    spars_handle trainer, const spars_training_scan *scan, const spars_control *signals,
    spars_error *error);

/// Adds `count` windows that have labels of their own to the batch, [x, y, z] one after the other:
/// each counts as a scan with one crop. Of crops labelled by voxels or resized linearly it is
/// refused.
int32_t spars_trainer_add_windows(
    spars_handle trainer, const float *values, int64_t count, int64_t voxels,
    const int64_t shape[3], const uint8_t *has_tumour, const spars_control *signals,
    spars_error *error);

/// Learns from the batch; the classifier changes at once and only as a whole. `loss` receives the
/// batch's before the step: in a buffer, so that an interrupt after the step cannot lose it.
int32_t spars_trainer_step(
    spars_handle trainer, double learning_rate, double *loss, const spars_control *signals,
    spars_error *error);

/// Reads how many steps were taken, and Adam's moments of the trainable parameters in their order:
/// means, then squares. `moments` may be NULL with `count` 0; else `count` must be their number.
int32_t spars_trainer_state(
    spars_handle trainer, float *moments, int64_t count, int64_t *steps, spars_error *error);

/// Goes on where another trainer of the same configuration stopped, after `steps` steps. The
/// classifier's parameters are set apart.
int32_t spars_trainer_restore(
    spars_handle trainer, const float *moments, int64_t count, int64_t steps, spars_error *error);

/// Changes a crop of HU as training would, but for its place, into `output`.
int32_t spars_augment(
    const spars_augmentation *augmentation, const float *crop, const int64_t shape[3],
    uint64_t seed, float *output, spars_error *error);

/// Scores the batch in evaluation mode and ends it. `count` must be the number of its crops.
int32_t spars_trainer_evaluate(
    spars_handle trainer, float *scores, int64_t *has_tumour, int64_t count,
    const spars_control *signals, spars_error *error);

#endif
