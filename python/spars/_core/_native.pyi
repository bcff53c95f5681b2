# Made by `make generate` from Sources/CSPARS/description: edit that instead.
"""The compiled core. Private: `spars._core` alone imports it."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

# Functions that the description does not hold yet.
def __getattr__(name: str) -> Any: ...

_CreditedScore = Literal["own", "other"]

_CreditedAgents = Literal["both", "learner"]

_Border = Literal["inside", "clamped_crop"]

_Opponent = Literal["snapshot", "live"]

_MapRead = Literal["before_reset", "after_reset"]

_ObservationCast = Literal["float32", "uint8"]

_OpponentObservation = Literal["same", "uncast"]

_Accumulation = Literal["sum", "mean", "max"]

_TieReward = Literal["none", "learner"]

_BorderCrops = Literal["full", "stretched"]

_Maps = Literal["none", "episode", "run"]

_Agent = Literal["learner", "opponent"]

_Tissue = Literal["outside", "wall", "fat", "muscle", "bone", "lung", "heart", "bowel", "stomach", "pancreas", "spleen", "kidney", "gallbladder", "vessel", "liver", "hepatic vessel", "tumour"]

_VoxelType = Literal["uint8", "int16", "int32", "float32"]

_ExplanationMethod = Literal["grad_cam", "integrated_gradients", "occlusion"]

_ExplanationTarget = Literal["log_odds", "logit", "score"]

_CropLabel = Literal["image", "voxel"]

_CropInterpolation = Literal["nearest", "linear"]

_Pooling = Literal["none", "highest", "log_sum_exp"]

_Phase = Literal["training", "validation"]

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

class _PhantomTumourRecord(NamedTuple):
    centre: tuple[float, float, float]
    radius: float
    contrast: float
    necrosis: float
    rim: float

class _PhantomTumoursRecord(NamedTuple):
    count: int
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

class _ClassificationRecord(NamedTuple):
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    roc_auc: float

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

def version() -> str: ...

def instruction_set() -> str: ...

def check_environment() -> None: ...

def set_thread_count(count: int, /) -> None: ...

def thread_count() -> int: ...

def release(handle: int, /) -> None: ...

def field_create(
    volume: npt.NDArray[np.float32],
    configuration: _GameConfiguration | dict[str, Any],
    classifier: int,
    /,
) -> int: ...

def field_counts(field: int, /) -> tuple[int, int, int]: ...

def field_axis(field: int, axis: int, starts: npt.NDArray[np.int64], /) -> None: ...

def field_scores(field: int, scores: npt.NDArray[np.float32], /) -> None: ...

def field_adopt(field: int, scores: npt.NDArray[np.float32], /) -> None: ...

def field_score_all(
    field: int,
    scorer: Callable[[bytearray, int, int, int, int], object] | None,
    progress: Callable[[int, int], object] | None,
    /,
) -> None: ...

def field_scored(field: int, /) -> int: ...

def exhaustive_map(
    scores: npt.NDArray[np.float32],
    axes: npt.NDArray[np.int64],
    window: Sequence[int] | npt.NDArray[Any],
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

def game_visits(
    game: int,
    index: int,
    visits: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    /,
) -> None: ...

def metrics_overlap(
    prediction: npt.NDArray[np.uint8],
    reference: npt.NDArray[np.uint8],
    /,
) -> _OverlapRecord: ...

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
    classifier: int,
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
    classifier: int,
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    training: str | None,
    /,
) -> None: ...

def classifier_load(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    input_shape: Sequence[int] | npt.NDArray[Any] | None,
    /,
) -> int: ...

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
    scan_count: int,
    has_tumour: npt.NDArray[np.int64] | None,
    scans: npt.NDArray[np.int64],
    /,
) -> None: ...

def trainer_add_scan(trainer: int, scan: _TrainingScan | dict[str, Any], /) -> None: ...

def trainer_step(trainer: int, learning_rate: float, loss: npt.NDArray[np.float64], /) -> None: ...

def trainer_state(trainer: int, moments: npt.NDArray[np.float32] | None, /) -> int: ...

def trainer_restore(
    trainer: int,
    moments: npt.NDArray[np.float32],
    steps: int,
    validation_batches: int,
    /,
) -> None: ...

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

def classification_metrics(
    scores: npt.NDArray[np.float32],
    has_tumour: npt.NDArray[np.int64],
    /,
) -> _ClassificationRecord: ...

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
