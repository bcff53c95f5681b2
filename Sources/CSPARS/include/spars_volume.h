// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Volumes: reading and writing NIfTI files, and resampling.

#ifndef SPARS_VOLUME_H
#define SPARS_VOLUME_H

/// The types of voxel that are written.
typedef enum {
    SPARS_VOXEL_TYPE_UINT8 = 0,
    SPARS_VOXEL_TYPE_INT16 = 1,
    SPARS_VOXEL_TYPE_INT32 = 2,
    SPARS_VOXEL_TYPE_FLOAT32 = 3
} spars_voxel_type;
#define SPARS_VOXEL_TYPE_NAMES "uint8,int16,int32,float32"

/// A NIfTI header: version 1 or 2, and its content as a little-endian NIfTI-2 header. Version 0
/// stands for no header, where that is allowed. A NIfTI-1 header fits into 540 bytes without loss.
typedef struct {
    int32_t version;
    uint8_t block[540];
} spars_nifti_header;

/// Where a volume's voxels lie: how many along x, y, z, and the affine from their indices to
/// millimetres (RAS+), 4 x 4, row by row.
typedef struct {
    int64_t shape[3];
    double affine[16];
} spars_geometry;

/// The range of HU that a network sees: level +- width / 2. NaN passes HU as they are.
typedef struct {
    float level;
    float width;
} spars_intensity_window;

/// Opens a NIfTI file: `.nii`, `.nii.gz`, or either file of a `.hdr` and `.img` pair. The header is
/// read and checked, and what it promises is compared with what the file holds; a gzip file whose
/// volume would take more than 16 times its size is inflated once for that. `path` is in the
/// operating system's encoding. End `*file` by `spars_release`. SPARS_IO, SPARS_BAD_FORMAT with the
/// field's name in `error->parameter`, SPARS_INTERRUPTED.
int32_t spars_volume_open(
    const char *path, const spars_control *progress, spars_handle *file, spars_geometry *geometry,
    spars_nifti_header *header, spars_error *error);

/// Reads all voxels of an open file, scaled by its slope and intercept, to `values` [x, y, z];
/// `count` is the product of the shape. On failure `values` holds a part of them.
int32_t spars_volume_read(
    spars_handle file, float *values, int64_t count, const spars_control *progress,
    spars_error *error);

/// Converts the first `count` bytes of a NIfTI file of either version and byte order. Only what
/// tells version and order is checked.
int32_t spars_nifti_header_decode(
    const uint8_t *bytes, int64_t count, spars_nifti_header *header, spars_error *error);

/// Writes `count` voxels, [x, y, z], as a single NIfTI file, gzipped where `path` ends in `.gz`.
/// The file appears under its name only when it is complete. `header` (NULL or version 0 for none)
/// gives what describes the scan: transforms' codes, units, intent, text; its transforms are kept
/// where they give this geometry, and replaced otherwise. Its extensions are not kept; `extensions`
/// (NULL for none) are those of the new file as nifti1.h has them, a multiple of 16 bytes.
int32_t spars_volume_save(
    const char *path, const spars_geometry *geometry, const spars_nifti_header *header,
    int32_t type, const void *voxels, int64_t count, const uint8_t *extensions,
    int64_t extension_count, const spars_control *progress, spars_error *error);

/// Resamples elements of 1, 2, 4 or 8 bytes to the nearest neighbour by PyTorch's index rule.
int32_t spars_resample_nearest(
    const uint8_t *array, const int64_t source_shape[3], int64_t element_size, uint8_t *target,
    const int64_t shape[3], const spars_control *signals, spars_error *error);

/// Resamples trilinearly by PyTorch's rule with `align_corners=False`.
int32_t spars_resample_linear(
    const float *array, const int64_t source_shape[3], float *target, const int64_t shape[3],
    const spars_control *signals, spars_error *error);

/// Clamps values to the window and scales it to [0, 1]: (value - (level - width / 2)) / width in
/// float32. NaN stays NaN.
int32_t spars_intensity_window_apply(
    const spars_intensity_window *window, const float *values, int64_t count, float *scaled,
    const spars_control *signals, spars_error *error);

#endif
