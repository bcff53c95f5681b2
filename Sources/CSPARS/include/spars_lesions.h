// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Made-up lesions: an organ's level, lesions inserted into a scan, and windows whose labels are
/// true by construction. Lengths are mm and intensities HU; see docs/explanation/lesions.md.

#ifndef SPARS_LESIONS_H
#define SPARS_LESIONS_H

/// What a row of the table of inserted lesions holds.
enum { SPARS_LESION_COLUMN_COUNT = 8 };
#define SPARS_LESION_COLUMN_NAMES "x,y,z,radius,contrast,core,rim,capsule"

/// How lesions are drawn; each pair is a range. The ranges allowed stand in `LesionLaw.swift`.
typedef struct {
    double radius[2];  ///< mm, log-uniform
    double axes[2];  ///< factors of the radius
    double boundary[2];  ///< standard deviation of its displacement, a share of the radius
    double edge[2];  ///< width of the logistic edge, mm
    double dark[2];  ///< HU below the level, log-uniform
    double bright[2];  ///< HU above the level, log-uniform
    double bright_chance;
    double darkest_hu;  ///< HU
    double texture[2];  ///< standard deviation, HU
    double grain[2];  ///< mm
    double noise_share[2];  ///< of the host's fine noise
    double core_chance;
    double core[2];  ///< HU below the rest
    double core_size[2];  ///< a share of the radius
    double rim_chance;
    double rim[2];  ///< HU above the rest
    double rim_width[2];  ///< mm
    double capsule_chance;
    double capsule[2];  ///< HU above its surroundings
    double capsule_width[2];  ///< mm
    double cluster_chance;
    int64_t cluster_count;  ///< at most, the first included
    double cluster_radius[2];  ///< a share of the first one's
    double over_vessels_chance;
    double vessel_rise;  ///< HU above the level
} spars_lesion_law;

/// How labelled windows are drawn and changed.
typedef struct {
    int64_t window[3];  ///< voxels
    int64_t core[3];  ///< voxels in the window's middle
    double tumour_chance;
    double beside_chance;
    double tumour_share_above;
    double free_share_below;
    double level_at;  ///< HU that the level is moved to; NaN leaves values as they are
    double outside;  ///< HU outside the organ, against the level
    int32_t flips;
    int32_t transposes;
    double gain[2];
    double offset[2];  ///< HU
    double noise[2];  ///< standard deviation, HU
    double blur[2];  ///< standard deviation, mm
} spars_lesion_window_settings;

/// An organ's usual HU.
typedef struct {
    double level;  ///< the mode of its smoothed core, HU
    double spread;  ///< of the smoothed core about the level, HU
    double noise;  ///< standard deviation of its fine noise, HU
    double grain;  ///< blur of that noise, mm
    int64_t voxels;
} spars_organ_level;

/// What of an organ counts as dark.
typedef struct {
    double below;  ///< HU below the organ's level, 0 to 1000
    double sigma;  ///< standard deviation of the smoothing, mm, 0 to 20
    double edge;  ///< mm from the nearest voxel outside, centre to centre, 0 to 100
    int64_t opening;  ///< voxels, 0 to 10
} spars_intensity_rule;

/// How a map's parts become lesions.
typedef struct {
    double threshold;  ///< the map's value above which a voxel belongs to a part
    double certain;  ///< the value that a part's highest must be above
    double reach;  ///< mm beyond a part, 0 to 100
    double least_contrast;  ///< HU, 0 to 1000
    double border_contrast;  ///< HU, 0 to 1000; 0: half way to the lesion's
    int64_t least_voxels;  ///< of a lesion
    int64_t large_voxels;  ///< of a part that is followed down to large_threshold; 0: of none
    double large_threshold;  ///< 0 to threshold
} spars_lesion_split_rule;

/// The law as it is unless something is asked for.
int32_t spars_lesion_law_default(spars_lesion_law *law, spars_error *error);

/// The settings as they are unless something is asked for.
int32_t spars_lesion_window_settings_default(
    spars_lesion_window_settings *settings, spars_error *error);

/// Prepares a tumour-free organ: finds its level, unless `level` says it, and smooths it. HU
/// outside the organ are not read.
int32_t spars_lesion_host_create(
    const float *volume, const uint8_t *organ, const int64_t shape[3], const double spacing[3],
    double level, const spars_control *progress, spars_handle *host, spars_organ_level *organ_level,
    spars_error *error);

/// What a host is made of: its organ's HU, 0 elsewhere, and the organ's mask. `shape` must be the
/// scan's.
int32_t spars_lesion_host_contents(
    spars_handle host, float *volume, uint8_t *organ, const int64_t shape[3], spars_error *error);

/// Inserts `lesions` lesions, or clusters, into a host whose whole scan `volume` is. `values`
/// receives HU, `part` the lesions' part of each voxel and `mask` 1 where that is a half or more.
/// `table` holds a row for each lesion, the rest of it NaN; the result is how many there are.
int32_t spars_lesion_insert(
    spars_handle host, const float *volume, const int64_t shape[3], const spars_lesion_law *law,
    int64_t lesions, uint64_t seed, float *values, float *part, uint8_t *mask, double *table,
    int64_t rows, const spars_control *progress, int64_t *count, spars_error *error);

/// Makes a source of labelled windows from hosts, by their handles, of one spacing.
int32_t spars_lesion_windows_create(
    const int64_t *hosts, int64_t host_count, const spars_lesion_law *law,
    const spars_lesion_window_settings *settings, uint64_t seed, spars_handle *windows,
    spars_error *error);

/// Draws windows `first` to `first + count - 1`: their values [x, y, z] one after the other, their
/// labels, and the share of each one's core that is lesion.
int32_t spars_lesion_windows_draw(
    spars_handle windows, int64_t first, float *values, int64_t count, int64_t voxels,
    uint8_t *labels, float *core_shares, const spars_control *progress, spars_error *error);

/// The voxels of an organ that are darker than its level once smoothed, away from its border and
/// opened; 1 inside. The result is the level, HU.
int32_t spars_intensity_mask(
    const float *volume, const uint8_t *organ, const int64_t shape[3], const double spacing[3],
    const spars_intensity_rule *rule, uint8_t *mask, const spars_control *progress, double *level,
    spars_error *error);

/// The organ's mask with those cavities taken in whose HU are a lesion's; 1 inside. A cavity is
/// what the mask leaves out but encloses in planes along two axes. The results are how many voxels
/// were taken in, and how many more have a lesion's HU but are enclosed too little.
int32_t spars_organ_cavities(
    const float *volume, const uint8_t *organ, const int64_t shape[3], const double spacing[3],
    uint8_t *filled, const spars_control *progress, int64_t *taken_in, int64_t *left_out,
    spars_error *error);

/// The lesions that a map of a host's scan shows, their borders where HU change from the lesion's
/// own to the organ's; 1 inside.
int32_t spars_lesion_split(
    spars_handle host, const float *map, const int64_t shape[3],
    const spars_lesion_split_rule *rule, uint8_t *mask, const spars_control *progress,
    spars_error *error);

#endif
