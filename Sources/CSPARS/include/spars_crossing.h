// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Between a scan's own voxels and the model grid: values, places and reference masks.

#ifndef SPARS_CROSSING_H
#define SPARS_CROSSING_H

/// D4: where the game indexes a scan.
typedef enum {
    SPARS_SCAN_FRAME_RESAMPLED = 0,  ///< on the grid, which the whole scan was brought to
    SPARS_SCAN_FRAME_CORNER = 1,  ///< as it is, as if it had the grid's shape
    SPARS_SCAN_FRAME_NATIVE = 2  ///< in its own voxels, which are the grid
} spars_scan_frame;
#define SPARS_SCAN_FRAME_NAMES "resampled,corner,native"

/// A scan, its grid, and how they lie to each other.
typedef struct {
    int64_t scan[3];  ///< voxels of the scan, 1 to 1,048,576 an axis
    int64_t grid[3];  ///< the same of the grid; the scan's where it is native
    int32_t frame;
} spars_crossing;

/// The shape of what the game indexes: the grid's, or the scan's where it is not resampled.
int32_t spars_crossing_indexed(
    const spars_crossing *crossing, int64_t shape[3], spars_error *error);

/// The scan as the game indexes it; trilinear where it is resampled.
int32_t spars_crossing_to_grid(
    const spars_crossing *crossing, const float *scan, int64_t scan_count, float *grid,
    int64_t grid_count, const spars_control *signals, spars_error *error);

/// A map of the grid on the scan's voxels: by nearest neighbour where the scan was resampled, else
/// the voxels that the two share, and 0 beyond.
int32_t spars_crossing_to_scan(
    const spars_crossing *crossing, const float *map, int64_t map_count, float *scan,
    int64_t scan_count, const spars_control *signals, spars_error *error);

/// The voxel of the grid that a voxel of the scan shows; -1 in every axis where it shows none.
int32_t spars_crossing_voxel(
    const spars_crossing *crossing, const int64_t voxel[3], int64_t shown[3], spars_error *error);

/// A reference mask of the scan counted on the grid: how many planes of the scan each plane of the
/// grid stands for, along x, then y, then z, and how many voxels of the reference each voxel of the
/// grid does. The result is how many those are in all.
int32_t spars_crossing_reference(
    const spars_crossing *crossing, const float *reference, int64_t reference_count,
    int32_t *planes, int64_t plane_count, int32_t *marks, int64_t mark_count,
    const spars_control *signals, int64_t *total, spars_error *error);

/// How many voxels of `shape` each voxel of a window becomes by nearest neighbour.
int32_t spars_resize_replicas(
    const int64_t window[3], const int64_t shape[3], int64_t *replicas, int64_t count,
    spars_error *error);

#endif
