// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Masks against masks. A mask is uint8, non-zero inside, indexed [x, y, z]; `extent` holds its
/// voxels along x, y, z.

#ifndef SPARS_METRICS_H
#define SPARS_METRICS_H

/// Voxels of two masks, by what each says.
typedef struct {
    int64_t true_positives;
    int64_t false_positives;
    int64_t false_negatives;
    int64_t true_negatives;
} spars_overlap;

/// Which distances between two surfaces are wanted, and where they go.
typedef struct {
    const double *percentiles;  ///< 0 to 100, 1000 of them at most
    int64_t percentile_count;
    const double *tolerances;  ///< mm, not negative, 1000 of them at most
    int64_t tolerance_count;
    double *hausdorff;  ///< the larger directed percentile for each
    double *surface_dice;  ///< the share of both surfaces within each
} spars_surface_measures;

/// How well scores tell crops with tumour from crops without; a score is positive above one half.
/// What would divide by zero is NaN.
typedef struct {
    int64_t true_positives;
    int64_t false_positives;
    int64_t true_negatives;
    int64_t false_negatives;
    double accuracy;
    double precision;
    double sensitivity;
    double specificity;
    double roc_auc;  ///< NaN unless both labels occur
} spars_classification;

/// Counts the voxels that two masks share and do not share.
int32_t spars_metrics_overlap(
    const uint8_t *prediction, const uint8_t *reference, const int64_t extent[3],
    const spars_control *signals, spars_overlap *overlap, spars_error *error);

/// Compares scores with labels, 0 or 1.
int32_t spars_classification_measures(
    const float *scores, const int64_t *has_tumour, int64_t count, spars_classification *found,
    spars_error *error);

/// Distances between the two surfaces; `average` is the average symmetric surface distance in mm.
/// Both masks empty: NaN. One empty: infinite distances, surface Dice 0.
int32_t spars_metrics_surface(
    const uint8_t *prediction, const uint8_t *reference, const int64_t extent[3],
    const double spacing[3], const spars_surface_measures *measures, const spars_control *progress,
    double *average, spars_error *error);

/// `distances` receives the distance in mm from each voxel to the nearest voxel of the mask;
/// infinity everywhere if the mask is empty.
int32_t spars_metrics_distance_map(
    const uint8_t *mask, const int64_t extent[3], const double spacing[3], float *distances,
    const spars_control *progress, spars_error *error);

/// `labels` receives 0 outside the mask and 1, 2, ... for its connected parts in the order of their
/// first voxels; the result is how many there are. `connectivity` is 6, 18 or 26.
int32_t spars_metrics_components(
    const uint8_t *mask, const int64_t extent[3], int64_t connectivity, int32_t *labels,
    const spars_control *progress, int64_t *count, spars_error *error);

/// The ends of the percentile bootstrap interval of the mean of `values`: 1 or more finite numbers.
/// `confidence` is above 0 and below 1, `resamples` 100 to 10,000,000.
int32_t spars_metrics_bootstrap(
    const double *values, int64_t count, double confidence, int64_t resamples, uint64_t seed,
    const spars_control *progress, double interval[2], spars_error *error);

#endif
