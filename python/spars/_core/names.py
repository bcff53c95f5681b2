# Made by `make generate` from Sources/CSPARS/description: edit that instead.
"""Names in the order that the compiled core knows: choices, and numbers of records."""

PPO_LOG = (
    "train/entropy_loss",
    "train/policy_gradient_loss",
    "train/value_loss",
    "train/approx_kl",
    "train/clip_fraction",
    "train/loss",
    "train/explained_variance",
    "train/n_updates",
)

PRECISION = (
    "float32",
    "float64",
)

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

SCAN_FRAME = (
    "resampled",
    "corner",
    "native",
)

SELFPLAY_COUNTER_COUNT = 17

SELFPLAY_RECORD = (
    "reward_mean",
    "reward_last",
    "learner_score_mean",
    "opponent_score_mean",
    "learner_score_last",
    "opponent_score_last",
    "terminations",
    "truncations",
    "dice",
    "opponent_reward_mean",
    "train/entropy_loss",
    "train/policy_gradient_loss",
    "train/value_loss",
    "train/approx_kl",
    "train/clip_fraction",
    "train/loss",
    "train/explained_variance",
    "train/n_updates",
)

POLICY = (
    "MlpPolicy",
    "CnnPolicy",
    "LocalPolicy",
)

SAMPLING = (
    "vanilla",
    "fictitious",
    "prioritised",
    "gaussian",
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
