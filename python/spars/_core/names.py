# Made by `make generate` from Sources/CSPARS/description: edit that instead.
"""Names in the order that the compiled core knows: choices, and numbers of records."""

CREDITED_SCORE = (
    "own",
    "other",
)

CREDITED_AGENTS = (
    "both",
    "learner",
)

BORDER = (
    "inside",
    "clamped_crop",
)

OPPONENT = (
    "snapshot",
    "live",
)

MAP_READ = (
    "before_reset",
    "after_reset",
)

OBSERVATION_CAST = (
    "float32",
    "uint8",
)

OPPONENT_OBSERVATION = (
    "same",
    "uncast",
)

ACCUMULATION = (
    "sum",
    "mean",
    "max",
)

TIE_REWARD = (
    "none",
    "learner",
)

BORDER_CROPS = (
    "full",
    "stretched",
)

MAPS = (
    "none",
    "episode",
    "run",
)

AGENT = (
    "learner",
    "opponent",
)

TISSUE = (
    "outside",
    "wall",
    "fat",
    "muscle",
    "bone",
    "lung",
    "heart",
    "bowel",
    "stomach",
    "pancreas",
    "spleen",
    "kidney",
    "gallbladder",
    "vessel",
    "liver",
    "hepatic vessel",
    "tumour",
)

VOXEL_TYPE = (
    "uint8",
    "int16",
    "int32",
    "float32",
)

EXPLANATION_METHOD = (
    "grad_cam",
    "integrated_gradients",
    "occlusion",
)

EXPLANATION_TARGET = (
    "log_odds",
    "logit",
    "score",
)

CROP_LABEL = (
    "image",
    "voxel",
)

CROP_INTERPOLATION = (
    "nearest",
    "linear",
)

POOLING = (
    "none",
    "highest",
    "log_sum_exp",
)

PHASE = (
    "training",
    "validation",
)

LESION_COLUMN = (
    "x",
    "y",
    "z",
    "radius",
    "contrast",
    "core",
    "rim",
    "capsule",
)
