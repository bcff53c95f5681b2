/// Made-up CT scans of the upper abdomen.
#ifndef SPARS_PHANTOM_H
#define SPARS_PHANTOM_H

/// What a phantom shall be. Values outside their ranges are errors.
typedef struct {
    uint64_t seed;
    int64_t extent[3];        ///< voxels along x, y, z; each 8 to 1024
    double spacing[3];        ///< mm; each 0.1 to 50
    double noise;             ///< standard deviation in the liver, HU; 0 to 200
    double tumour_contrast;   ///< HU against the liver, -200 to 200; NaN draws
    double tumour_radius;     ///< mm, 1 to 80; NaN draws
    int32_t has_tumour;       ///< 0 or 1
    int32_t tumour_count;     ///< 1 to 4; 0 draws
} spars_phantom_configuration;

/// One tumour of a phantom.
typedef struct {
    double centre[3];   ///< voxel coordinates
    double radius;      ///< mean, mm
    double contrast;    ///< HU against the liver
    double necrosis;    ///< HU of the core against the tumour; 0 without
    double rim;         ///< HU of the rim against the tumour; 0 without
} spars_phantom_tumour;

/// Makes a phantom: `hu` and `tissue` hold `count` elements each, the product of the extents.
/// `tissue` receives the codes of `spars_phantom_tissue_name`; `tumours` has room for 4 and
/// `*tumour_count` receives how many there are. The same bits for any number of threads.
int32_t spars_phantom_make(
    const spars_phantom_configuration *configuration, float *hu, uint8_t *tissue, int64_t count,
    spars_phantom_tumour *tumours, int64_t *tumour_count, const spars_control *control,
    spars_error *error);

/// The name of a tissue code, for example "liver"; NULL beyond the last code. Lives as long as the
/// process.
const char *spars_phantom_tissue_name(int64_t code);

#endif
