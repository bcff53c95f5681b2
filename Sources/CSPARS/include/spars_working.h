// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// An organ on a grid of one spacing, and maps of that grid on the scan.

#ifndef SPARS_WORKING_H
#define SPARS_WORKING_H

/// A grid of one spacing along all axes around an organ's box.
typedef struct {
    int64_t box[3];  ///< voxels of the organ's box, all that is read of the scan
    double spacing[3];  ///< of the scan, mm
    double margin;  ///< around the box at the least, mm
    double step;  ///< edge of a working voxel, mm
} spars_working_grid;

/// How a working grid lies in its scan.
typedef struct {
    /// voxels of the scan from the grid's lower edge to the box; as many follow it
    int64_t before[3];
    int64_t shape[3];  ///< working voxels
    int64_t covered[3];  ///< voxels of the scan with their centre in the grid, from its lower edge
} spars_working_layout;

/// Where the grid begins and how many voxels it has.
int32_t spars_working_grid_layout(
    const spars_working_grid *grid, spars_working_layout *layout, spars_error *error);

/// The organ on the grid: the mean of its HU by triangle kernels, `outside` where half of the
/// kernel or less meets it, and a mask of 1 where more does. HU outside the organ are not used. NaN
/// or infinity inside is SPARS_NOT_FINITE.
int32_t spars_working_grid_fill(
    const spars_working_grid *grid, const float *values, const uint8_t *organ, int64_t count,
    float outside, float *working, uint8_t *mask, int64_t working_count,
    const spars_control *signals, spars_error *error);

/// A map of the grid at the centres of the scan's voxels that it covers; linear between voxels.
int32_t spars_working_grid_to_scan(
    const spars_working_grid *grid, const float *map, int64_t map_count, float *scan,
    int64_t scan_count, const spars_control *signals, spars_error *error);

#endif
