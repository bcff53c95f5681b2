// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Explanations of a classifier: which voxels speak for tumour.

#ifndef SPARS_EXPLANATION_H
#define SPARS_EXPLANATION_H

typedef enum {
    SPARS_EXPLANATION_METHOD_GRAD_CAM = 0,
    SPARS_EXPLANATION_METHOD_INTEGRATED_GRADIENTS = 1,
    SPARS_EXPLANATION_METHOD_OCCLUSION = 2
} spars_explanation_method;
#define SPARS_EXPLANATION_METHOD_NAMES "grad_cam,integrated_gradients,occlusion"

/// What is attributed: log odds of the score, the tumour logit, or the score.
typedef enum {
    SPARS_EXPLANATION_TARGET_LOG_ODDS = 0,
    SPARS_EXPLANATION_TARGET_LOGIT = 1,
    SPARS_EXPLANATION_TARGET_SCORE = 2
} spars_explanation_target;
#define SPARS_EXPLANATION_TARGET_NAMES "log_odds,logit,score"

/// How a window's answer is attributed to its voxels. What a method does not use is ignored.
typedef struct {
    int32_t method;
    int32_t target;
    int32_t is_seen;  ///< 1: values and baseline are what the network sees; 0: HU
    float baseline;  ///< NaN: the mean of what is seen of the window
    int64_t layer;  ///< Grad-CAM: 2 to 4, for conv2 to conv4
    int64_t steps;  ///< integrated gradients: points on the way from the baseline
    int64_t patch[3];  ///< occlusion: extent of what is hidden
    int64_t patch_stride[3];  ///< occlusion: voxels between patches, at most a patch
} spars_explanation;

/// Attributions and logits of windows of a volume. Above zero is for tumour; Grad-CAM gives nothing
/// below zero.
int32_t spars_classifier_attributions(
    spars_handle classifier, const spars_windows *windows, const spars_explanation *explanation,
    float *attributions, float *logits, const spars_control *progress, spars_error *error);

/// Gradients of `target` for inputs of the network's input shape, values as they are, in evaluation
/// mode, and logits.
int32_t spars_classifier_input_gradients(
    spars_handle classifier, const float *x, int64_t count, const int64_t shape[3], int32_t target,
    float *gradients, float *logits, const spars_control *progress, spars_error *error);

#endif
