/// Explanations of a classifier: which voxels speak for tumour.
#ifndef SPARS_EXPLANATION_H
#define SPARS_EXPLANATION_H

/// How a window's answer is attributed to its voxels. What a method does not use is ignored.
typedef struct {
    int32_t method;           ///< 0: Grad-CAM; 1: integrated gradients; 2: occlusion
    int32_t target;           ///< 0: log odds of the score; 1: tumour logit; 2: score
    int32_t is_seen;          ///< 1: values and baseline are what the network sees; 0: HU
    int32_t has_baseline;     ///< 0: the baseline is the mean of what is seen of the window
    float baseline;
    int64_t layer;            ///< Grad-CAM: 2 to 4, for conv2 to conv4
    int64_t steps;            ///< integrated gradients: points on the way from the baseline
    int64_t patch[3];         ///< occlusion: extent of what is hidden
    int64_t patch_stride[3];  ///< occlusion: voxels between patches, at most a patch
} spars_explanation;

/// Attributions [count, window] and logits [count, 2] of windows of a volume. `origins` [count, 3]
/// are their lowest corners in the volume's voxels; each window must lie inside. Above zero is for
/// tumour; Grad-CAM gives nothing below zero.
int32_t spars_classifier_attributions(
    spars_handle classifier, const float *volume, const int64_t shape[3], const int64_t *origins,
    int64_t count, const int64_t window[3], const spars_explanation *explanation,
    float *attributions, float *logits, const spars_control *control, spars_error *error);

/// Gradients of `target` (as in `spars_explanation`) for `count` inputs of the network's input
/// shape, values as they are, in evaluation mode, and logits [count, 2].
int32_t spars_classifier_input_gradients(
    spars_handle classifier, const float *inputs, int64_t count, int32_t target, float *gradients,
    float *logits, const spars_control *control, spars_error *error);

#endif
