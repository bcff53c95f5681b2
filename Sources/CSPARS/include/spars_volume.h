/// Volumes: reading and writing NIfTI files, and resampling.
#ifndef SPARS_VOLUME_H
#define SPARS_VOLUME_H

/// Bytes of a NIfTI-2 header, into which a NIfTI-1 header fits without loss.
#define SPARS_NIFTI_HEADER_SIZE 540

/// A NIfTI header: version 1 or 2, and its content as a little-endian NIfTI-2 header.
/// Version 0 stands for no header, where that is allowed.
typedef struct {
    int32_t version;
    uint8_t bytes[SPARS_NIFTI_HEADER_SIZE];
} spars_nifti_header;

/// Where a volume's voxels lie: how many along x, y, z, and the affine from their indices to
/// millimetres (RAS+), 4 x 4, row by row.
typedef struct {
    int64_t shape[3];
    double affine[16];
} spars_geometry;

/// The types of voxel that are written.
typedef enum {
    SPARS_VOXEL_UINT8 = 0,
    SPARS_VOXEL_INT16 = 1,
    SPARS_VOXEL_INT32 = 2,
    SPARS_VOXEL_FLOAT32 = 3
} spars_voxel_type;

/// Opens a NIfTI file: `.nii`, `.nii.gz`, or either file of a `.hdr` and `.img` pair. The header is
/// read and checked, and what it promises is compared with what the file holds; a gzip file whose
/// volume would take more than 16 times its size is inflated once for that.
/// `path` is terminated and in the operating system's encoding. End `*file` by `spars_release`.
/// SPARS_IO, SPARS_BAD_FORMAT with the field's name in `error->parameter`, SPARS_INTERRUPTED.
int32_t spars_volume_open(
    const char *path, spars_handle *file, spars_geometry *geometry, spars_nifti_header *header,
    const spars_control *control, spars_error *error);

/// Reads all voxels of an open file, scaled by its slope and intercept, to `values` [x, y, z];
/// `count` is the product of the shape. On failure `values` holds a part of them.
int32_t spars_volume_read(
    spars_handle file, float *values, int64_t count, const spars_control *control,
    spars_error *error);

/// Converts the first `count` bytes of a NIfTI file of either version and byte order to `*header`.
/// Only what tells version and order is checked.
int32_t spars_nifti_header_decode(
    const uint8_t *bytes, int64_t count, spars_nifti_header *header, spars_error *error);

/// Writes `count` voxels of `type`, [x, y, z], as a single NIfTI file, gzipped where `path` ends in
/// `.gz`. The file appears under its name only when it is complete. `header` (NULL or version 0 for
/// none) gives what describes the scan: transforms' codes, units, intent, text; its transforms are
/// kept where they give this geometry, and replaced otherwise. Its extensions are not kept.
int32_t spars_volume_save(
    const char *path, const spars_geometry *geometry, const spars_nifti_header *header,
    int32_t type, const void *voxels, int64_t count, const spars_control *control,
    spars_error *error);

/// Resamples elements of 1, 2, 4 or 8 bytes to the nearest neighbour by PyTorch's index rule.
int32_t spars_resample_nearest(
    const void *source, const int64_t source_shape[3], int64_t element_size, void *target,
    const int64_t target_shape[3], const spars_control *control, spars_error *error);

/// Resamples trilinearly by PyTorch's rule with `align_corners=False`.
int32_t spars_resample_linear(
    const float *source, const int64_t source_shape[3], float *target,
    const int64_t target_shape[3], const spars_control *control, spars_error *error);

/// Clamps `count` values to the range of `width` around `level`, both HU, and scales it to [0, 1]:
/// (value - (level - width / 2)) / width in float32. NaN stays NaN.
int32_t spars_intensity_window_apply(
    float level, float width, const float *values, int64_t count, float *scaled,
    const spars_control *control, spars_error *error);

#endif
