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

SCAN_FRAME = (
    "resampled",
    "corner",
    "native",
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
