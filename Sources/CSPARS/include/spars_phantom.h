// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Made-up CT scans of the upper abdomen.

#ifndef SPARS_PHANTOM_H
#define SPARS_PHANTOM_H

/// What a voxel of a phantom shows.
typedef enum {
    SPARS_TISSUE_OUTSIDE = 0,
    SPARS_TISSUE_WALL = 1,
    SPARS_TISSUE_FAT = 2,
    SPARS_TISSUE_MUSCLE = 3,
    SPARS_TISSUE_BONE = 4,
    SPARS_TISSUE_LUNG = 5,
    SPARS_TISSUE_HEART = 6,
    SPARS_TISSUE_BOWEL = 7,
    SPARS_TISSUE_STOMACH = 8,
    SPARS_TISSUE_PANCREAS = 9,
    SPARS_TISSUE_SPLEEN = 10,
    SPARS_TISSUE_KIDNEY = 11,
    SPARS_TISSUE_GALLBLADDER = 12,
    SPARS_TISSUE_VESSEL = 13,
    SPARS_TISSUE_LIVER = 14,
    SPARS_TISSUE_HEPATIC_VESSEL = 15,
    SPARS_TISSUE_TUMOUR = 16
} spars_tissue;
#define SPARS_TISSUE_NAMES "outside,wall,fat,muscle,bone,lung,heart,bowel,stomach,pancreas,spleen,kidney,gallbladder,vessel,liver,hepatic vessel,tumour"

/// What a phantom shall be. Values outside their ranges are errors.
typedef struct {
    uint64_t seed;
    double spacing[3];  ///< mm; each 0.1 to 50
    double noise;  ///< standard deviation in the liver, HU; 0 to 200
    int32_t has_tumour;
    int32_t tumour_count;  ///< 1 to 4; 0 draws
    double tumour_contrast;  ///< HU against the liver, -200 to 200; NaN draws
    double tumour_radius;  ///< mm, 1 to 80; NaN draws
    int32_t varied;  ///< whether the liver differs as patients' livers do
} spars_phantom_configuration;

/// One tumour of a phantom.
typedef struct {
    double centre[3];  ///< voxel coordinates
    double radius;  ///< mean, mm
    double contrast;  ///< HU against the liver
    double necrosis;  ///< HU of the core against the tumour; 0 without
    double rim;  ///< HU of the rim against the tumour; 0 without
} spars_phantom_tumour;

/// The tumours of a phantom.
typedef struct {
    int64_t total;
    spars_phantom_tumour tumours[4];  ///< the first `total` of them
} spars_phantom_tumours;

/// Makes a phantom of `extent`, each 8 to 1024 voxels. `tissue` receives the number of each voxel's
/// `spars_tissue`, `drawn_liver` 1 where the liver's mask was drawn. The same bits for any number
/// of threads.
int32_t spars_phantom_make(
    float *hu, uint8_t *tissue, uint8_t *drawn_liver, const int64_t extent[3],
    const spars_phantom_configuration *configuration, const spars_control *progress,
    spars_phantom_tumours *tumours, spars_error *error);

#endif
