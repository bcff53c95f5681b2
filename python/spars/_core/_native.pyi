# Made by `make generate` from Sources/CSPARS/description: edit that instead.
"""The compiled core. Private: `spars._core` alone imports it."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

# An object that releases a handle when it is collected.
def own(handle: int, /) -> object: ...

# One of "float32", "float64".
_Precision = str

# One of "own", "other".
_CreditedScore = str

# One of "both", "learner".
_CreditedAgents = str

# One of "inside", "clamped_crop".
_Border = str

# One of "snapshot", "live".
_Opponent = str

# One of "before_reset", "after_reset".
_MapRead = str

# One of "float32", "uint8".
_ObservationCast = str

# One of "same", "uncast".
_OpponentObservation = str

# One of "sum", "mean", "max".
_Accumulation = str

# One of "none", "learner".
_TieReward = str

# One of "full", "stretched".
_BorderCrops = str

# One of "none", "episode", "run".
_Maps = str

# One of "learner", "opponent".
_Agent = str

# One of "outside", "wall", "fat", "muscle", "bone", "lung", "heart", "bowel", "stomach", "pancreas", "spleen", "kidney", "gallbladder", "vessel", "liver", "hepatic vessel", "tumour".
_Tissue = str

# One of "uint8", "int16", "int32", "float32".
_VoxelType = str

# One of "grad_cam", "integrated_gradients", "occlusion".
_ExplanationMethod = str

# One of "log_odds", "logit", "score".
_ExplanationTarget = str

# One of "image", "voxel".
_CropLabel = str

# One of "nearest", "linear".
_CropInterpolation = str

# One of "none", "highest", "log_sum_exp".
_Pooling = str

# One of "training", "validation".
_Phase = str

# One of "resampled", "corner", "native".
_ScanFrame = str

# One of "MlpPolicy", "CnnPolicy", "LocalPolicy".
_Policy = str

# One of "vanilla", "fictitious", "prioritised", "gaussian".
_Sampling = str

class _PolicyShape(Protocol):
    @property
    def inputs(self) -> int: ...
    @property
    def actions(self) -> int: ...
    @property
    def policy_hidden(self) -> Sequence[int]: ...
    @property
    def value_hidden(self) -> Sequence[int]: ...

class _PpoHyperparameters(Protocol):
    @property
    def learning_rate(self) -> float: ...
    @property
    def n_epochs(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def clip_range(self) -> float: ...
    @property
    def clip_range_vf(self) -> float | None: ...
    @property
    def normalize_advantage(self) -> bool: ...
    @property
    def ent_coef(self) -> float: ...
    @property
    def vf_coef(self) -> float: ...
    @property
    def max_grad_norm(self) -> float: ...
    @property
    def target_kl(self) -> float | None: ...
    @property
    def adam_eps(self) -> float: ...

class _Collected(Protocol):
    @property
    def rewards(self) -> npt.NDArray[np.float64]: ...
    @property
    def values(self) -> npt.NDArray[np.float64]: ...
    @property
    def episode_starts(self) -> npt.NDArray[np.float64]: ...
    @property
    def last_value(self) -> npt.NDArray[np.float64]: ...
    @property
    def last_episode_start(self) -> npt.NDArray[np.float64]: ...

class _Rollout(Protocol):
    @property
    def precision(self) -> _Precision: ...
    @property
    def observations(self) -> npt.NDArray[Any]: ...
    @property
    def actions(self) -> npt.NDArray[np.int64]: ...
    @property
    def values(self) -> npt.NDArray[Any]: ...
    @property
    def log_probs(self) -> npt.NDArray[Any]: ...
    @property
    def advantages(self) -> npt.NDArray[Any]: ...
    @property
    def returns(self) -> npt.NDArray[Any]: ...

class _PpoStep(Protocol):
    @property
    def shape(self) -> _PolicyShape | dict[str, Any]: ...
    @property
    def hyperparameters(self) -> _PpoHyperparameters | dict[str, Any]: ...
    @property
    def rollout(self) -> _Rollout | dict[str, Any]: ...
    @property
    def permutations(self) -> npt.NDArray[np.int64]: ...
    @property
    def multiplicity(self) -> npt.NDArray[np.int64] | None: ...
    @property
    def parameters(self) -> npt.NDArray[Any]: ...

class _GameProtocol(Protocol):
    @property
    def credited_score(self) -> _CreditedScore: ...
    @property
    def credited_agents(self) -> _CreditedAgents: ...
    @property
    def border(self) -> _Border: ...
    @property
    def opponent(self) -> _Opponent: ...
    @property
    def map_read(self) -> _MapRead: ...
    @property
    def observation_cast(self) -> _ObservationCast: ...
    @property
    def opponent_observation(self) -> _OpponentObservation: ...
    @property
    def accumulation(self) -> _Accumulation: ...
    @property
    def tie_reward(self) -> _TieReward: ...
    @property
    def border_crops(self) -> _BorderCrops: ...
    @property
    def credited_extent(self) -> Sequence[int] | npt.NDArray[Any] | None: ...

class _GameConfiguration(Protocol):
    @property
    def grid(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def window(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def stride(self) -> int: ...
    @property
    def termination_threshold(self) -> float: ...
    @property
    def max_episode_steps(self) -> int | None: ...
    @property
    def protocol(self) -> _GameProtocol | dict[str, Any]: ...

class _GameOutcomes(Protocol):
    @property
    def rewards(self) -> npt.NDArray[np.float32]: ...
    @property
    def terminated(self) -> npt.NDArray[np.bool_]: ...
    @property
    def truncated(self) -> npt.NDArray[np.bool_]: ...
    @property
    def scores(self) -> npt.NDArray[np.float32]: ...

class _ExhaustionRule(Protocol):
    @property
    def final_factor(self) -> float: ...
    @property
    def early_penalty(self) -> float: ...
    @property
    def min_steps(self) -> int: ...
    @property
    def repeat_penalty(self) -> float: ...

class _StepRecords(Protocol):
    @property
    def windows(self) -> npt.NDArray[np.int32]: ...
    @property
    def scores(self) -> npt.NDArray[np.float32]: ...
    @property
    def ends(self) -> npt.NDArray[np.uint8]: ...
    @property
    def games(self) -> int: ...
    @property
    def n_steps(self) -> int: ...
    @property
    def reset_each_iteration(self) -> bool: ...

class _ExhaustionOutcomes(Protocol):
    @property
    def rewards(self) -> npt.NDArray[np.float64]: ...
    @property
    def terminated(self) -> npt.NDArray[np.bool_]: ...
    @property
    def truncated(self) -> npt.NDArray[np.bool_]: ...
    @property
    def scores(self) -> npt.NDArray[np.float32]: ...

class _OverlapRecord(NamedTuple):
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

class _SurfaceMeasures(Protocol):
    @property
    def percentiles(self) -> npt.NDArray[np.float64]: ...
    @property
    def tolerances(self) -> npt.NDArray[np.float64]: ...
    @property
    def hausdorff(self) -> npt.NDArray[np.float64]: ...
    @property
    def surface_dice(self) -> npt.NDArray[np.float64]: ...

class _ClassificationRecord(NamedTuple):
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    accuracy: float
    precision: float
    sensitivity: float
    specificity: float
    roc_auc: float

class _PhantomConfiguration(Protocol):
    @property
    def seed(self) -> int: ...
    @property
    def spacing(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def noise(self) -> float: ...
    @property
    def has_tumour(self) -> bool: ...
    @property
    def tumour_count(self) -> int | None: ...
    @property
    def tumour_contrast(self) -> float | None: ...
    @property
    def tumour_radius(self) -> float | None: ...
    @property
    def varied(self) -> bool: ...

class _PhantomTumourRecord(NamedTuple):
    centre: tuple[float, float, float]
    radius: float
    contrast: float
    necrosis: float
    rim: float

class _PhantomTumoursRecord(NamedTuple):
    total: int
    tumours: tuple[_PhantomTumourRecord, ...]

class _NiftiHeader(Protocol):
    @property
    def version(self) -> int: ...
    @property
    def block(self) -> bytes: ...

class _NiftiHeaderRecord(NamedTuple):
    version: int
    block: bytes

class _Geometry(Protocol):
    @property
    def shape(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def affine(self) -> Sequence[float] | npt.NDArray[Any]: ...

class _GeometryRecord(NamedTuple):
    shape: tuple[int, int, int]
    affine: tuple[float, ...]

class _IntensityWindow(Protocol):
    @property
    def level(self) -> float | None: ...
    @property
    def width(self) -> float | None: ...

class _IntensityWindowRecord(NamedTuple):
    level: float | None
    width: float | None

class _TensorRecord(NamedTuple):
    name: str
    is_trainable: bool
    rank: int
    shape: tuple[int, ...]

class _Windows(Protocol):
    @property
    def volume(self) -> npt.NDArray[np.float32]: ...
    @property
    def origins(self) -> npt.NDArray[np.int64]: ...
    @property
    def window(self) -> Sequence[int] | npt.NDArray[Any]: ...

class _LabelledCrops(Protocol):
    @property
    def crops(self) -> npt.NDArray[np.float32]: ...
    @property
    def has_tumour(self) -> npt.NDArray[np.int64]: ...

class _Explanation(Protocol):
    @property
    def method(self) -> _ExplanationMethod: ...
    @property
    def target(self) -> _ExplanationTarget: ...
    @property
    def is_seen(self) -> bool: ...
    @property
    def baseline(self) -> float | None: ...
    @property
    def layer(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def patch(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def patch_stride(self) -> Sequence[int] | npt.NDArray[Any]: ...

class _CropProtocol(Protocol):
    @property
    def crop_label(self) -> _CropLabel: ...
    @property
    def crop_interpolation(self) -> _CropInterpolation: ...
    @property
    def border_crops(self) -> _BorderCrops: ...

class _Augmentation(Protocol):
    @property
    def flips(self) -> Sequence[bool] | npt.NDArray[Any]: ...
    @property
    def shift(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def hu_scale(self) -> float: ...
    @property
    def hu_shift(self) -> float: ...
    @property
    def noise(self) -> float: ...

class _Training(Protocol):
    @property
    def protocol(self) -> _CropProtocol | dict[str, Any]: ...
    @property
    def foreground_threshold(self) -> float | None: ...
    @property
    def crop_shape(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def crops_per_scan(self) -> int: ...
    @property
    def pooling(self) -> _Pooling: ...
    @property
    def pooled_crops(self) -> int: ...
    @property
    def class_weights(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def augmentation(self) -> _Augmentation | dict[str, Any] | None: ...
    @property
    def seed(self) -> int: ...

class _TrainingScan(Protocol):
    @property
    def volume(self) -> npt.NDArray[np.float32]: ...
    @property
    def mask(self) -> npt.NDArray[np.uint8] | None: ...
    @property
    def has_tumour(self) -> bool: ...

class _Crossing(Protocol):
    @property
    def scan(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def grid(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def frame(self) -> _ScanFrame: ...

class _WorkingGrid(Protocol):
    @property
    def box(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def spacing(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def margin(self) -> float: ...
    @property
    def step(self) -> float: ...

class _WorkingLayoutRecord(NamedTuple):
    before: tuple[int, int, int]
    shape: tuple[int, int, int]
    covered: tuple[int, int, int]

class _SelfplayConfiguration(Protocol):
    @property
    def n_steps(self) -> int: ...
    @property
    def gamma(self) -> float: ...
    @property
    def gae_lambda(self) -> float: ...
    @property
    def opponent_update_interval(self) -> int: ...
    @property
    def reset_each_iteration(self) -> bool: ...
    @property
    def snapshot_interval(self) -> int: ...
    @property
    def input_shape(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def seed(self) -> int: ...
    @property
    def policy(self) -> _Policy: ...
    @property
    def n_envs(self) -> int: ...
    @property
    def mask_actions(self) -> bool: ...
    @property
    def record_steps(self) -> bool: ...

class _Reference(Protocol):
    @property
    def grid(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def planes(self) -> npt.NDArray[np.int32]: ...
    @property
    def marks(self) -> npt.NDArray[np.int32]: ...
    @property
    def total(self) -> int: ...
    @property
    def threshold(self) -> float: ...

class _SelfplaySizesRecord(NamedTuple):
    iterations_in_all: int
    steps_in_all: int
    iterations: int
    steps: int
    snapshots: int
    parameters: int
    opponent_parameters: int
    visits: int
    counters: int
    shown: int

class _SelfplayState(Protocol):
    @property
    def parameters(self) -> npt.NDArray[np.float32]: ...
    @property
    def moments(self) -> npt.NDArray[np.float32]: ...
    @property
    def opponent(self) -> npt.NDArray[np.float32]: ...
    @property
    def counters(self) -> npt.NDArray[np.int64]: ...
    @property
    def visits(self) -> npt.NDArray[np.int64]: ...
    @property
    def visit_scores(self) -> npt.NDArray[np.float32]: ...
    @property
    def shown(self) -> npt.NDArray[np.int64]: ...

class _PoolTallies(Protocol):
    @property
    def games(self) -> npt.NDArray[np.float64]: ...
    @property
    def wins(self) -> npt.NDArray[np.float64]: ...
    @property
    def drawn(self) -> npt.NDArray[np.int64]: ...
    @property
    def episode_leads(self) -> npt.NDArray[np.float64]: ...

class _LeagueGames(Protocol):
    @property
    def first(self) -> int: ...
    @property
    def second(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def rewards(self) -> npt.NDArray[np.float64]: ...
    @property
    def lengths(self) -> npt.NDArray[np.int64]: ...

class _LesionLaw(Protocol):
    @property
    def radius(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def axes(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def boundary(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def edge(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def dark(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def bright(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def bright_chance(self) -> float: ...
    @property
    def darkest_hu(self) -> float: ...
    @property
    def texture(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def grain(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def noise_share(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def core_chance(self) -> float: ...
    @property
    def core(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def core_size(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def rim_chance(self) -> float: ...
    @property
    def rim(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def rim_width(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def capsule_chance(self) -> float: ...
    @property
    def capsule(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def capsule_width(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def cluster_chance(self) -> float: ...
    @property
    def cluster_count(self) -> int: ...
    @property
    def cluster_radius(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def over_vessels_chance(self) -> float: ...
    @property
    def vessel_rise(self) -> float: ...

class _LesionLawRecord(NamedTuple):
    radius: tuple[float, float]
    axes: tuple[float, float]
    boundary: tuple[float, float]
    edge: tuple[float, float]
    dark: tuple[float, float]
    bright: tuple[float, float]
    bright_chance: float
    darkest_hu: float
    texture: tuple[float, float]
    grain: tuple[float, float]
    noise_share: tuple[float, float]
    core_chance: float
    core: tuple[float, float]
    core_size: tuple[float, float]
    rim_chance: float
    rim: tuple[float, float]
    rim_width: tuple[float, float]
    capsule_chance: float
    capsule: tuple[float, float]
    capsule_width: tuple[float, float]
    cluster_chance: float
    cluster_count: int
    cluster_radius: tuple[float, float]
    over_vessels_chance: float
    vessel_rise: float

class _LesionWindowSettings(Protocol):
    @property
    def window(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def core(self) -> Sequence[int] | npt.NDArray[Any]: ...
    @property
    def tumour_chance(self) -> float: ...
    @property
    def beside_chance(self) -> float: ...
    @property
    def tumour_share_above(self) -> float: ...
    @property
    def free_share_below(self) -> float: ...
    @property
    def level_at(self) -> float | None: ...
    @property
    def outside(self) -> float: ...
    @property
    def flips(self) -> bool: ...
    @property
    def transposes(self) -> bool: ...
    @property
    def gain(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def offset(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def noise(self) -> Sequence[float] | npt.NDArray[Any]: ...
    @property
    def blur(self) -> Sequence[float] | npt.NDArray[Any]: ...

class _LesionWindowSettingsRecord(NamedTuple):
    window: tuple[int, int, int]
    core: tuple[int, int, int]
    tumour_chance: float
    beside_chance: float
    tumour_share_above: float
    free_share_below: float
    level_at: float | None
    outside: float
    flips: bool
    transposes: bool
    gain: tuple[float, float]
    offset: tuple[float, float]
    noise: tuple[float, float]
    blur: tuple[float, float]

class _OrganLevelRecord(NamedTuple):
    level: float
    spread: float
    noise: float
    grain: float
    voxels: int

class _IntensityRule(Protocol):
    @property
    def below(self) -> float: ...
    @property
    def sigma(self) -> float: ...
    @property
    def edge(self) -> float: ...
    @property
    def opening(self) -> int: ...

class _LesionSplitRule(Protocol):
    @property
    def threshold(self) -> float: ...
    @property
    def certain(self) -> float: ...
    @property
    def reach(self) -> float: ...
    @property
    def least_contrast(self) -> float: ...
    @property
    def border_contrast(self) -> float: ...
    @property
    def least_voxels(self) -> int: ...
    @property
    def large_voxels(self) -> int: ...
    @property
    def large_threshold(self) -> float: ...

def version() -> str: ...

def instruction_set() -> str: ...

def check_environment() -> None: ...

def set_thread_count(count: int, /) -> None: ...

def thread_count() -> int: ...

def release(handle: int, /) -> None: ...

def ppo_gae(
    collected: _Collected | dict[str, Any],
    gamma: float,
    gae_lambda: float,
    advantages: npt.NDArray[np.float64],
    returns: npt.NDArray[np.float64],
    /,
) -> None: ...

def ppo_update(
    update: _PpoStep | dict[str, Any],
    progress: Callable[[int, int], object] | None,
    /,
) -> tuple[float, ...]: ...

def ppo_permutations(permutations: npt.NDArray[np.int64], rows: int, seed: int, /) -> None: ...

def ppo_create(
    shape: _PolicyShape | dict[str, Any],
    multiplicity: npt.NDArray[np.int64] | None,
    seed: int,
    /,
) -> int: ...

def ppo_act(
    learner: int,
    observations: npt.NDArray[np.float32],
    deterministic: bool,
    actions: npt.NDArray[np.int64],
    log_probs: npt.NDArray[np.float32],
    /,
) -> None: ...

def ppo_log_probabilities(
    learner: int,
    observations: npt.NDArray[np.float32],
    log_probs: npt.NDArray[np.float32],
    /,
) -> None: ...

def ppo_values(
    learner: int,
    observations: npt.NDArray[np.float32],
    values: npt.NDArray[np.float32],
    /,
) -> None: ...

def ppo_learn(
    learner: int,
    hyperparameters: _PpoHyperparameters | dict[str, Any],
    rollout: _Rollout | dict[str, Any],
    progress: Callable[[int, int], object] | None,
    /,
) -> tuple[float, ...]: ...

def ppo_get_parameters(learner: int, parameters: npt.NDArray[np.float32], /) -> None: ...

def ppo_set_parameters(learner: int, parameters: npt.NDArray[np.float32], /) -> None: ...

def ppo_get_state(
    learner: int,
    moments: npt.NDArray[np.float32],
    counters: npt.NDArray[np.int64],
    /,
) -> None: ...

def ppo_set_state(
    learner: int,
    moments: npt.NDArray[np.float32],
    counters: npt.NDArray[np.int64],
    /,
) -> None: ...

def agent_file_is_one(path: str | bytes | os.PathLike[str] | os.PathLike[bytes], /) -> bool: ...

def agent_file_open(path: str | bytes | os.PathLike[str] | os.PathLike[bytes], /) -> int: ...

def agent_file_data(file: int, /) -> str: ...

def agent_file_tensors(file: int, /) -> str: ...

def agent_file_values(file: int, name: str, values: npt.NDArray[np.float32], /) -> None: ...

def field_create(
    volume: npt.NDArray[np.float32],
    configuration: _GameConfiguration | dict[str, Any],
    classifiers: npt.NDArray[np.int64],
    covers_edge: bool,
    /,
) -> int: ...

def field_counts(field: int, /) -> tuple[int, int, int]: ...

def field_axis(field: int, axis: int, starts: npt.NDArray[np.int64], /) -> None: ...

def field_scores(field: int, scores: npt.NDArray[np.float32], /) -> None: ...

def field_adopt(field: int, scores: npt.NDArray[np.float32], /) -> None: ...

def field_leave_out(field: int, region: npt.NDArray[np.uint8], /) -> None: ...

def field_score_all(
    field: int,
    scorer: Callable[[bytearray, int, int, int, int], object] | None,
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def field_score(
    field: int,
    places: npt.NDArray[np.int64],
    scorer: Callable[[bytearray, int, int, int, int], object] | None,
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def field_scored(field: int, /) -> int: ...

def interpolated_map(
    scores: npt.NDArray[np.float32],
    axes: npt.NDArray[np.int64],
    window: Sequence[int] | npt.NDArray[Any],
    map: npt.NDArray[np.float32],
    /,
) -> None: ...

def exhaustive_map(
    scores: npt.NDArray[np.float32],
    axes: npt.NDArray[np.int64],
    window: Sequence[int] | npt.NDArray[Any],
    part: Sequence[int] | npt.NDArray[Any] | None,
    accumulation: _Accumulation,
    map: npt.NDArray[np.float32],
    /,
) -> None: ...

def game_create(field: int, count: int, resets_itself: bool, maps: _Maps, /) -> int: ...

def game_reset(game: int, index: int, keep_map: bool, /) -> None: ...

def game_step(
    game: int,
    learner: npt.NDArray[np.int8],
    opponent: npt.NDArray[np.int8],
    outcomes: _GameOutcomes | dict[str, Any],
    scorer: Callable[[bytearray, int, int, int, int], object] | None,
    /,
) -> None: ...

def game_windows(
    game: int,
    windows: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    /,
) -> None: ...

def game_restore(
    game: int,
    index: int,
    windows: Sequence[int] | npt.NDArray[Any],
    steps: int,
    /,
) -> None: ...

def game_observation(
    game: int,
    index: int,
    agent: _Agent,
    observation: npt.NDArray[np.float32],
    /,
) -> None: ...

def game_map(game: int, index: int, map: npt.NDArray[np.float32], /) -> None: ...

def game_visit_count(game: int, index: int, /) -> int: ...

def game_set_visits(
    game: int,
    index: int,
    visits: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    /,
) -> None: ...

def game_visits(
    game: int,
    index: int,
    visits: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    /,
) -> None: ...

def game_action_masks(game: int, masks: npt.NDArray[np.bool_], /) -> None: ...

def exhaustion_create(
    field: int,
    count: int,
    resets_itself: bool,
    maps: _Maps,
    rule: _ExhaustionRule | dict[str, Any],
    /,
) -> int: ...

def exhaustion_step(
    game: int,
    learner: npt.NDArray[np.int8],
    opponent: npt.NDArray[np.int8],
    outcomes: _ExhaustionOutcomes | dict[str, Any],
    scorer: Callable[[bytearray, int, int, int, int], object] | None,
    /,
) -> None: ...

def exhaustion_look(
    game: int,
    worths: npt.NDArray[np.float32],
    shown: npt.NDArray[np.bool_],
    scorer: Callable[[bytearray, int, int, int, int], object] | None,
    /,
) -> None: ...

def exhaustion_shown_count(game: int, index: int, /) -> int: ...

def exhaustion_shown(game: int, index: int, places: npt.NDArray[np.int64], /) -> None: ...

def exhaustion_set_shown(game: int, index: int, places: npt.NDArray[np.int64], /) -> None: ...

def record_visits(
    records: _StepRecords | dict[str, Any],
    configuration: _GameConfiguration | dict[str, Any],
    visits: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    steps: npt.NDArray[np.int64],
    kept: npt.NDArray[np.bool_],
    /,
) -> int: ...

def windows_covering(
    origins: npt.NDArray[np.int64],
    window: Sequence[int] | npt.NDArray[Any],
    part: Sequence[int] | npt.NDArray[Any] | None,
    grid: Sequence[int] | npt.NDArray[Any],
    voxel: Sequence[int] | npt.NDArray[Any],
    covers: npt.NDArray[np.bool_],
    /,
) -> None: ...

def wrapped_bytes(values: npt.NDArray[np.float32], bytes: npt.NDArray[np.uint8], /) -> None: ...

def metrics_overlap(
    prediction: npt.NDArray[np.uint8],
    reference: npt.NDArray[np.uint8],
    /,
) -> _OverlapRecord: ...

def classification_measures(
    scores: npt.NDArray[np.float32],
    has_tumour: npt.NDArray[np.int64],
    /,
) -> _ClassificationRecord: ...

def metrics_surface(
    prediction: npt.NDArray[np.uint8],
    reference: npt.NDArray[np.uint8],
    spacing: Sequence[float] | npt.NDArray[Any],
    measures: _SurfaceMeasures | dict[str, Any],
    progress: Callable[[int, int], object] | None,
    /,
) -> float: ...

def metrics_distance_map(
    mask: npt.NDArray[np.uint8],
    spacing: Sequence[float] | npt.NDArray[Any],
    distances: npt.NDArray[np.float32],
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def metrics_components(
    mask: npt.NDArray[np.uint8],
    connectivity: int,
    labels: npt.NDArray[np.int32],
    progress: Callable[[int, int], object] | None,
    /,
) -> int: ...

def metrics_bootstrap(
    values: npt.NDArray[np.float64],
    confidence: float,
    resamples: int,
    seed: int,
    progress: Callable[[int, int], object] | None,
    /,
) -> tuple[float, float]: ...

def phantom_make(
    hu: npt.NDArray[np.float32],
    tissue: npt.NDArray[np.uint8],
    drawn_liver: npt.NDArray[np.uint8],
    configuration: _PhantomConfiguration | dict[str, Any],
    progress: Callable[[int, int], object] | None,
    /,
) -> _PhantomTumoursRecord: ...

def volume_open(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    progress: Callable[[int, int], object] | None,
    /,
) -> tuple[int, _GeometryRecord, _NiftiHeaderRecord]: ...

def volume_read(
    file: int,
    values: npt.NDArray[np.float32],
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def nifti_header_decode(bytes: npt.NDArray[np.uint8], /) -> _NiftiHeaderRecord: ...

def volume_save(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    geometry: _Geometry | dict[str, Any],
    header: _NiftiHeader | dict[str, Any] | None,
    type: _VoxelType,
    voxels: npt.NDArray[Any],
    extensions: npt.NDArray[np.uint8] | None,
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def resample_nearest(
    array: npt.NDArray[np.uint8],
    source_shape: Sequence[int] | npt.NDArray[Any],
    element_size: int,
    target: npt.NDArray[np.uint8],
    shape: Sequence[int] | npt.NDArray[Any],
    /,
) -> None: ...

def resample_linear(array: npt.NDArray[np.float32], target: npt.NDArray[np.float32], /) -> None: ...

def intensity_window_apply(
    window: _IntensityWindow | dict[str, Any],
    values: npt.NDArray[np.float32],
    scaled: npt.NDArray[np.float32],
    /,
) -> None: ...

def classifier_tensor_count() -> int: ...

def classifier_tensor(
    input_shape: Sequence[int] | npt.NDArray[Any],
    index: int,
    /,
) -> _TensorRecord: ...

def classifier_create(input_shape: Sequence[int] | npt.NDArray[Any], seed: int, /) -> int: ...

def classifier_from_parameters(
    input_shape: Sequence[int] | npt.NDArray[Any],
    parameters: npt.NDArray[np.float32],
    /,
) -> int: ...

def classifier_parameters(classifier: int, parameters: npt.NDArray[np.float32], /) -> None: ...

def classifier_set_parameters(
    classifier: int,
    parameters: npt.NDArray[np.float32],
    batches_tracked: int,
    /,
) -> None: ...

def classifier_batches_tracked(classifier: int, /) -> int: ...

def classifier_input_shape(classifier: int, /) -> tuple[int, int, int]: ...

def classifier_intensity_window(classifier: int, /) -> _IntensityWindowRecord: ...

def classifier_set_intensity_window(
    classifier: int,
    window: _IntensityWindow | dict[str, Any] | None,
    /,
) -> None: ...

def classifier_logits(
    classifier: int,
    x: npt.NDArray[np.float32],
    logits: npt.NDArray[np.float32],
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def classifier_scores(
    classifiers: npt.NDArray[np.int64],
    windows: _Windows | dict[str, Any],
    scores: npt.NDArray[np.float32],
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def classifier_forecast(
    classifier: int,
    shape: Sequence[int] | npt.NDArray[Any],
    origins: npt.NDArray[np.int64],
    window: Sequence[int] | npt.NDArray[Any],
    /,
) -> tuple[float, int]: ...

def classifier_loss_and_gradients(
    classifier: int,
    batch: _LabelledCrops | dict[str, Any],
    gradients: npt.NDArray[np.float32],
    progress: Callable[[int, int], object] | None,
    /,
) -> float: ...

def classifier_save(
    classifiers: npt.NDArray[np.int64],
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    training: str | None,
    recipe: str | None,
    halves: bool,
    /,
) -> None: ...

def classifier_load(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    input_shape: Sequence[int] | npt.NDArray[Any] | None,
    classifiers: npt.NDArray[np.int64],
    /,
) -> int: ...

def classifier_recipe(classifier: int, /) -> str: ...

def classifier_training(classifier: int, /) -> str: ...

def classifier_attributions(
    classifier: int,
    windows: _Windows | dict[str, Any],
    explanation: _Explanation | dict[str, Any],
    attributions: npt.NDArray[np.float32],
    logits: npt.NDArray[np.float32],
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def classifier_input_gradients(
    classifier: int,
    x: npt.NDArray[np.float32],
    target: _ExplanationTarget,
    gradients: npt.NDArray[np.float32],
    logits: npt.NDArray[np.float32],
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def trainer_create(classifier: int, training: _Training | dict[str, Any], /) -> int: ...

def trainer_draw_scans(
    trainer: int,
    phase: _Phase,
    batch: int,
    scan_count: int,
    has_tumour: npt.NDArray[np.int64] | None,
    scans: npt.NDArray[np.int64],
    /,
) -> None: ...

def trainer_add_scan(trainer: int, scan: _TrainingScan | dict[str, Any], /) -> None: ...

def trainer_add_windows(
    trainer: int,
    values: npt.NDArray[np.float32],
    shape: Sequence[int] | npt.NDArray[Any],
    has_tumour: npt.NDArray[np.uint8],
    /,
) -> None: ...

def trainer_step(trainer: int, learning_rate: float, loss: npt.NDArray[np.float64], /) -> None: ...

def trainer_state(trainer: int, moments: npt.NDArray[np.float32] | None, /) -> int: ...

def trainer_restore(trainer: int, moments: npt.NDArray[np.float32], steps: int, /) -> None: ...

def augment(
    augmentation: _Augmentation | dict[str, Any],
    crop: npt.NDArray[np.float32],
    seed: int,
    output: npt.NDArray[np.float32],
    /,
) -> None: ...

def trainer_evaluate(
    trainer: int,
    scores: npt.NDArray[np.float32],
    has_tumour: npt.NDArray[np.int64],
    /,
) -> None: ...

def crossing_indexed(crossing: _Crossing | dict[str, Any], /) -> tuple[int, int, int]: ...

def crossing_to_grid(
    crossing: _Crossing | dict[str, Any],
    scan: npt.NDArray[np.float32],
    grid: npt.NDArray[np.float32],
    /,
) -> None: ...

def crossing_to_scan(
    crossing: _Crossing | dict[str, Any],
    map: npt.NDArray[np.float32],
    scan: npt.NDArray[np.float32],
    /,
) -> None: ...

def crossing_voxel(
    crossing: _Crossing | dict[str, Any],
    voxel: Sequence[int] | npt.NDArray[Any],
    /,
) -> tuple[int, int, int]: ...

def crossing_reference(
    crossing: _Crossing | dict[str, Any],
    reference: npt.NDArray[np.float32],
    planes: npt.NDArray[np.int32],
    marks: npt.NDArray[np.int32],
    /,
) -> int: ...

def resize_replicas(
    window: Sequence[int] | npt.NDArray[Any],
    shape: Sequence[int] | npt.NDArray[Any],
    replicas: npt.NDArray[np.int64],
    /,
) -> None: ...

def working_grid_layout(grid: _WorkingGrid | dict[str, Any], /) -> _WorkingLayoutRecord: ...

def working_grid_fill(
    grid: _WorkingGrid | dict[str, Any],
    values: npt.NDArray[np.float32],
    organ: npt.NDArray[np.uint8],
    outside: float,
    working: npt.NDArray[np.float32],
    mask: npt.NDArray[np.uint8],
    /,
) -> None: ...

def working_grid_to_scan(
    grid: _WorkingGrid | dict[str, Any],
    map: npt.NDArray[np.float32],
    scan: npt.NDArray[np.float32],
    /,
) -> None: ...

def selfplay_create(
    field: int,
    configuration: _SelfplayConfiguration | dict[str, Any],
    hyperparameters: _PpoHyperparameters | dict[str, Any],
    reference: _Reference | dict[str, Any] | None,
    rule: _ExhaustionRule | dict[str, Any] | None,
    /,
) -> int: ...

def selfplay_run(
    run: int,
    iterations: int,
    scorer: Callable[[bytearray, int, int, int, int], object] | None,
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def selfplay_measure(run: int, /) -> _SelfplaySizesRecord: ...

def selfplay_records(run: int, records: npt.NDArray[np.float64], /) -> None: ...

def selfplay_steps(
    run: int,
    windows: npt.NDArray[np.int32],
    scores: npt.NDArray[np.float32],
    actions: npt.NDArray[np.int8],
    ends: npt.NDArray[np.uint8],
    /,
) -> None: ...

def selfplay_map(run: int, map: npt.NDArray[np.float32], /) -> None: ...

def selfplay_snapshot(run: int, index: int, parameters: npt.NDArray[np.float32], /) -> int: ...

def selfplay_forget(run: int, /) -> None: ...

def selfplay_get_state(run: int, state: _SelfplayState | dict[str, Any], /) -> None: ...

def selfplay_set_state(run: int, state: _SelfplayState | dict[str, Any], /) -> None: ...

def selfplay_set_hyperparameters(
    run: int,
    hyperparameters: _PpoHyperparameters | dict[str, Any],
    /,
) -> None: ...

def selfplay_learn_from_both(run: int, both: bool, /) -> None: ...

def selfplay_use_pool(run: int, sampling: _Sampling, power: float, /) -> None: ...

def selfplay_pool(run: int, /) -> int: ...

def selfplay_get_pool(run: int, tallies: _PoolTallies | dict[str, Any], /) -> None: ...

def selfplay_add_to_pool(run: int, parameters: npt.NDArray[np.float32], /) -> None: ...

def selfplay_set_pool(run: int, tallies: _PoolTallies | dict[str, Any], /) -> None: ...

def league_create(
    field: int,
    policy: _Policy,
    mask_actions: bool,
    shape: _PolicyShape | dict[str, Any],
    /,
) -> int: ...

def league_add(league: int, parameters: npt.NDArray[np.float32], /) -> int: ...

def league_play(
    league: int,
    games: _LeagueGames | dict[str, Any],
    scorer: Callable[[bytearray, int, int, int, int], object] | None,
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def lesion_law_default() -> _LesionLawRecord: ...

def lesion_window_settings_default() -> _LesionWindowSettingsRecord: ...

def lesion_host_create(
    volume: npt.NDArray[np.float32],
    organ: npt.NDArray[np.uint8],
    spacing: Sequence[float] | npt.NDArray[Any],
    level: float | None,
    progress: Callable[[int, int], object] | None,
    /,
) -> tuple[int, _OrganLevelRecord]: ...

def lesion_host_contents(
    host: int,
    volume: npt.NDArray[np.float32],
    organ: npt.NDArray[np.uint8],
    /,
) -> None: ...

def lesion_insert(
    host: int,
    volume: npt.NDArray[np.float32],
    law: _LesionLaw | dict[str, Any],
    lesions: int,
    seed: int,
    values: npt.NDArray[np.float32],
    part: npt.NDArray[np.float32],
    mask: npt.NDArray[np.uint8],
    table: npt.NDArray[np.float64],
    progress: Callable[[int, int], object] | None,
    /,
) -> int: ...

def lesion_windows_create(
    hosts: npt.NDArray[np.int64],
    law: _LesionLaw | dict[str, Any],
    settings: _LesionWindowSettings | dict[str, Any],
    seed: int,
    /,
) -> int: ...

def lesion_windows_draw(
    windows: int,
    first: int,
    values: npt.NDArray[np.float32],
    labels: npt.NDArray[np.uint8],
    core_shares: npt.NDArray[np.float32],
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def intensity_mask(
    volume: npt.NDArray[np.float32],
    organ: npt.NDArray[np.uint8],
    spacing: Sequence[float] | npt.NDArray[Any],
    rule: _IntensityRule | dict[str, Any],
    mask: npt.NDArray[np.uint8],
    progress: Callable[[int, int], object] | None,
    /,
) -> float: ...

def organ_cavities(
    volume: npt.NDArray[np.float32],
    organ: npt.NDArray[np.uint8],
    spacing: Sequence[float] | npt.NDArray[Any],
    filled: npt.NDArray[np.uint8],
    progress: Callable[[int, int], object] | None,
    /,
) -> tuple[int, int]: ...

def lesion_split(
    host: int,
    map: npt.NDArray[np.float32],
    rule: _LesionSplitRule | dict[str, Any],
    mask: npt.NDArray[np.uint8],
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...
