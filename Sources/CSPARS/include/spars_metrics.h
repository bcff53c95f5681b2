/// Masks against masks. A mask is uint8, non-zero inside, indexed [x, y, z]; `extent` holds its
/// voxels along x, y, z.
#ifndef SPARS_METRICS_H
#define SPARS_METRICS_H

/// Counts true positives, false positives, false negatives and true negatives, in this order.
int32_t spars_metrics_overlap(
    const uint8_t *prediction, const uint8_t *reference, const int64_t extent[3], int64_t counts[4],
    spars_error *error);

/// Distances between the two surfaces: `hausdorff` receives the larger directed percentile for each
/// of `percentiles` (0 to 100), `surface_dice` the share of both surfaces within each of
/// `tolerances` (mm, not negative), `average` the average symmetric surface distance.
/// Both masks empty: NaN. One empty: infinite distances, surface Dice 0.
int32_t spars_metrics_surface(
    const uint8_t *prediction, const uint8_t *reference, const int64_t extent[3],
    const double spacing[3], const double *percentiles, int64_t percentile_count,
    const double *tolerances, int64_t tolerance_count, double *hausdorff, double *surface_dice,
    double *average, const spars_control *control, spars_error *error);

/// `distances` receives the distance in mm from each voxel to the nearest voxel of the mask;
/// infinity everywhere if the mask is empty.
int32_t spars_metrics_distance_map(
    const uint8_t *mask, const int64_t extent[3], const double spacing[3], float *distances,
    const spars_control *control, spars_error *error);

/// `labels` receives 0 outside the mask and 1, 2, ... for its connected parts in the order of their
/// first voxels; `*count` how many there are. `connectivity` is 6, 18 or 26.
int32_t spars_metrics_components(
    const uint8_t *mask, const int64_t extent[3], int64_t connectivity, int32_t *labels,
    int64_t *count, const spars_control *control, spars_error *error);

/// `interval` receives the ends of the percentile bootstrap interval of the mean of `values`:
/// 1 or more finite numbers. `confidence` is above 0 and below 1, `resamples` 100 to 10,000,000.
int32_t spars_metrics_bootstrap(
    const double *values, int64_t count, double confidence, int64_t resamples, uint64_t seed,
    double interval[2], const spars_control *control, spars_error *error);

#endif
