# Made by `make generate` from Sources/CSPARS/description: edit that instead.
"""The compiled core. Private: `spars._core` alone imports it."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

# Functions that the description does not hold yet.
def __getattr__(name: str) -> Any: ...

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
