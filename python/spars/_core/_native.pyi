# Made by `make generate` from Sources/CSPARS/description: edit that instead.
"""The compiled core. Private: `spars._core` alone imports it."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

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

def version() -> str: ...

def instruction_set() -> str: ...

def check_environment() -> None: ...

def set_thread_count(count: int, /) -> None: ...

def thread_count() -> int: ...

def release(handle: int, /) -> None: ...

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
