"""What every environment is made of: a scan on its grid, and games played on it in the core."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spars._core import native
from spars._core.handles import Handle, Native
from spars._core.names import AGENT as AGENTS
from spars._support.arrays import copied
from spars._support.checks import check_array, check_extent, check_float, check_integer, check_room
from spars._support.defaults import GRID_OF_RECORD, INPUT_OF_RECORD
from spars._support.types import Extent3, FloatArray, MaskArray, Progress, Scan
from spars.classifier.ensemble import members_of
from spars.game.scorers import Scorer, adapter_of, place_scores
from spars.volume.crossing import Crossing
from spars.volume.orientation import Turn, turn_of
from spars.volume.protocol import IntensityWindow, Protocol
from spars.volume.volume import as_volume, place_of, shape_of

ACTIONS = 6
# The core's own limits.
AXIS_LIMIT = 16383
VOXEL_LIMIT = 2**30


class Field(Native):
    """A scan as a game indexes it, the switches it is played by, and the scores known of it.

    Parameters are those of `spars.parallel_env`; `owner` is who takes them, for messages. With a
    `region`, a mask of the array's shape, windows whose credited part holds none of it score 0.

    Attributes
    ----------
    array : ndarray of float32, shape (x, y, z)
        The values that policies and scorers see: the scan on the grid, its intensity window
        applied. Under scan_frame "corner" it has the scan's own shape.
    grid, window : tuple of three ints
    turn : Turn
        From the scan as it was given to the orientation of play, `Protocol.orientation`.
    stride : int
    protocol : Protocol
        With every switch as it is played.
    termination_threshold : float
    input_shape : tuple of three ints
        What windows are resized to for the classifier.
    """

    def __init__(
        self,
        volume: Scan,
        scorer: Scorer,
        window: Sequence[int],
        protocol: str | Protocol,
        termination_threshold: float,
        grid: Sequence[int] | None,
        stride: int,
        switches: Mapping[str, Any],
        owner: str,
        region: MaskArray | None = None,
        covers_edge: bool = False,
    ) -> None:
        self.owner = owner
        self.window = check_extent(window, "window", owner, 1, AXIS_LIMIT)
        self.stride = check_integer(stride, "stride", owner, 1, AXIS_LIMIT)
        self.termination_threshold = check_float(
            termination_threshold, "termination_threshold", owner, 0.0, 1.0
        )
        protocol = Protocol.named(protocol).with_switches(**switches)
        if "intensity_window" not in switches:
            # The scorer knows what it was trained to see; a plain function sees what it is given.
            seen = getattr(scorer, "intensity_window", None)
            protocol = protocol.with_switches(intensity_window=seen)
        self.protocol = protocol
        self.input_shape = tuple(getattr(scorer, "input_shape", INPUT_OF_RECORD))
        room = known_grid(volume, grid, protocol, owner)
        check_room(self.window, room, owner, "the grid")
        if protocol.credited_extent is not None:
            check_room(protocol.credited_extent, self.window, owner, "the window", "credited_part")
        array, self.grid, self.turn = _on_grid(volume, grid, protocol, owner)
        self.array = _seen(array, protocol.intensity_window)
        classifiers, self.scorer = adapter_of(scorer, owner)
        self._given, self._covers_edge = scorer, covers_edge
        self._trained, self._scored_before = _training_steps(scorer), 0
        self._handle = Handle(native.field_create(self.array, self, classifiers, covers_edge))
        known = place_scores(scorer, self)
        if known is not None:
            native.field_adopt(self.handle, np.ascontiguousarray(known, np.float32))
        if region is not None:
            native.field_leave_out(self.handle, region)

    @property
    def handle(self) -> int:
        """The core's number of this field."""
        return self._handle.value

    def _value(self) -> tuple[FloatArray, int]:
        if _training_steps(self._given) != self._trained:
            raise TypeError(
                f"What {self.owner} made cannot be copied or pickled: it scores by its Classifier "
                "as that was before it trained on. Make another one with the Classifier instead."
            )
        return self.scores(), self.scored

    def _made(self, value: tuple[FloatArray, int]) -> Handle:
        known, self._scored_before = value
        classifiers, self.scorer = adapter_of(self._given, self.owner)
        handle = Handle(native.field_create(self.array, self, classifiers, self._covers_edge))
        native.field_adopt(handle.value, known)
        return handle

    def axes(self) -> tuple[NDArray[np.int64], ...]:
        """Return where crops can start along x, y and z: three ascending int64 arrays."""
        axes = [np.empty(count, np.int64) for count in native.field_counts(self.handle)]
        for axis, starts in enumerate(axes):
            native.field_axis(self.handle, axis, starts)
        return tuple(axes)

    def scores(self) -> FloatArray:
        """Return the score of every place, float32 (nx, ny, nz); NaN where not known yet."""
        scores = np.empty(native.field_counts(self.handle), np.float32)
        native.field_scores(self.handle, scores)
        return scores

    def score_all(self, progress: Progress | None = None) -> None:
        """Score every place that is not known yet."""
        native.field_score_all(self.handle, self.scorer, progress)

    def score(self, places: NDArray[np.int64]) -> FloatArray:
        """Return the scores of some places, asking for those that are not known yet.

        Parameters
        ----------
        places : int64 array of shape (n,)
            Numbers of places as `scores` lists them, x slowest.
        """
        if len(places):
            native.field_score(self.handle, places, self.scorer, None)
        return self.scores().reshape(-1)[places]

    @property
    def scored(self) -> int:
        """How many places the scorer has been asked for."""
        return self._scored_before + native.field_scored(self.handle)

    @property
    def max_episode_steps(self) -> int | None:
        """The limit of an episode's steps, or None."""
        steps = self.protocol.max_episode_steps
        # Beyond 64 bits a limit is as good as the largest: no episode gets there.
        return None if steps is None else min(steps, 2**63 - 1)


class Games(Native):
    """One or many games on a field, stepped together by the core.

    `rewards`, `terminated`, `truncated` (n,) and `scores` (n, 2) hold the last step's results and
    are overwritten by the next.
    """

    #: float32 (n,); in the exhaustion game each agent's own, float64 (n, 2).
    rewards: NDArray[Any]

    def __init__(
        self, field: Field, n: int = 1, resets_itself: bool = False, maps: str = "run"
    ) -> None:
        self.field = field
        self._options = n, resets_itself, maps
        self._handle = Handle(self._created(*self._options))
        self.rewards = np.zeros(n, np.float32)
        self.terminated = np.zeros(n, np.bool_)
        self.truncated = np.zeros(n, np.bool_)
        self.scores = np.full((n, 2), np.nan, np.float32)
        self._windows = np.empty((n, 2, 3), np.int64)
        self._steps = np.empty(n, np.int64)

    def _created(self, n: int, resets_itself: bool, maps: str) -> int:
        return native.game_create(self.field.handle, n, resets_itself, maps)

    def _value(self) -> dict[str, Any]:
        n, _, maps = self._options
        recorded = range(n) if maps != "none" else ()
        return {
            "windows": self.windows(),
            "steps": self.steps(),
            "visits": [self.visits(index) for index in recorded],
        }

    def _made(self, value: dict[str, Any]) -> Handle:
        handle = Handle(self._created(*self._options))
        places = zip(value["windows"].reshape(-1, 6).tolist(), value["steps"].tolist(), strict=True)
        for index, (windows, steps) in enumerate(places):
            native.game_restore(handle.value, index, windows, steps)
        for index, (visits, scores) in enumerate(value["visits"]):
            native.game_set_visits(handle.value, index, visits, scores)
        return handle

    def reset(self, index: int = -1, keep_map: bool = False) -> None:
        """Put the windows of one game, or of all, back to the start."""
        native.game_reset(self._handle.value, index, keep_map)
        self.scores[slice(None) if index == -1 else index] = np.nan

    def step(self, learner: NDArray[np.int8], opponent: NDArray[np.int8]) -> None:
        """Step every game by two int8 arrays of actions; results are in the attributes."""
        native.game_step(self._handle.value, learner, opponent, self, self.field.scorer)

    def windows(self) -> NDArray[np.int64]:
        """Return the windows' origins, int64 (n, 2, 3), learner's then opponent's."""
        native.game_windows(self._handle.value, self._windows, self._steps)
        return self._windows.copy()

    def steps(self) -> NDArray[np.int64]:
        """Return each game's steps since its last reset, int64 (n,)."""
        native.game_windows(self._handle.value, self._windows, self._steps)
        return self._steps.copy()

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which actions change where the windows stand, bool (n, 2, 6)."""
        masks = np.empty((len(self._steps), 2, ACTIONS), np.bool_)
        native.game_action_masks(self._handle.value, masks)
        return masks

    def restore(self, index: int, windows: ArrayLike, steps: int) -> None:
        """Put one game where a saved one stood; windows (2, 3)."""
        flat = tuple(int(value) for value in np.asarray(windows).reshape(6))
        native.game_restore(self._handle.value, index, flat, int(steps))

    def observation(self, index: int, agent: int, shape: Sequence[int]) -> FloatArray:
        """Return what an agent (0 or 1) sees, float32 of `shape`, by nearest neighbour."""
        observation = np.empty(shape, np.float32)
        native.game_observation(self._handle.value, index, AGENTS[agent], observation)
        return observation

    def score_map(self, index: int = 0) -> FloatArray:
        """Return the accumulated map of one game, float32 of the grid's shape."""
        score_map = np.empty(self.field.grid, np.float32)
        native.game_map(self._handle.value, index, score_map)
        return score_map

    def visit_count(self, index: int = 0) -> int:
        """Return how many visits a map is made of."""
        return native.game_visit_count(self._handle.value, index)

    def visits(self, index: int = 0) -> tuple[NDArray[np.int64], FloatArray]:
        """Return the visits a map is made of: int64 (m, 4) of x, y, z, agent; float32 (m,)."""
        count = self.visit_count(index)
        visits, scores = np.empty((count, 4), np.int64), np.empty(count, np.float32)
        native.game_visits(self._handle.value, index, visits, scores)
        return visits, scores


def check_action(action: Any, name: str, owner: str, count: int = ACTIONS) -> int:
    """Return `action` as an int in [0, count - 1], or raise TypeError or ValueError."""
    # Policies answer with zero-dimensional arrays, which have an index but are no integers.
    if isinstance(action, np.ndarray) and action.ndim == 0 and action.dtype.kind in "iu":
        action = operator.index(action)
    return check_integer(action, name, owner, 0, count - 1)


def wrapped_uint8(values: FloatArray) -> NDArray[np.uint8]:
    """Return float32 values as x86 casts them to bytes: truncated, then modulo 256 (D12)."""
    values = np.ascontiguousarray(values, np.float32)
    cast = np.empty(values.shape, np.uint8)
    native.wrapped_bytes(values, cast)
    return cast


def picture(field: Field, windows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the axial slice through the learner's window, both windows outlined: uint8 RGB.

    Rows run from anterior to posterior as radiologists view a slice of an RAS+ volume whose y
    axis points to the front. The learner is green, the opponent orange.
    """
    array, extent = field.array, field.window
    z = int(np.clip(windows[0][2] + extent[2] // 2, 0, array.shape[2] - 1))
    grey = array[:, :, z].T[::-1]
    low, high = np.percentile(grey, (1, 99))
    grey = np.clip((grey - low) / max(high - low, 1e-6), 0, 1)
    image = np.repeat((255 * grey).astype(np.uint8)[:, :, None], 3, axis=2)
    for origin, colour in zip(windows, ((80, 220, 100), (255, 150, 40)), strict=True):
        (x0, x1), (y0, y1) = (
            np.clip((origin[axis], origin[axis] + extent[axis] - 1), 0, array.shape[axis] - 1)
            for axis in (0, 1)
        )
        top, bottom = array.shape[1] - 1 - y1, array.shape[1] - 1 - y0
        image[(top, bottom), x0 : x1 + 1] = colour
        image[top : bottom + 1, (x0, x1)] = colour
    return image


def known_grid(
    volume: Scan, grid: Sequence[int] | None, protocol: Protocol, owner: str
) -> tuple[int, ...]:
    """Return the grid that a game will be played on, without loading the scan."""
    if grid is not None:
        return check_extent(grid, "grid", owner, 1, AXIS_LIMIT)
    if _is_plain_array(volume):
        return shape_of(volume)
    if protocol.scan_frame != "native":
        return GRID_OF_RECORD
    place = place_of(volume)
    # What has another number of axes is refused when it is loaded.
    is_scan = len(place.shape) == 3
    return turn_of(place, protocol.orientation).shape(place.shape) if is_scan else place.shape


def _training_steps(scorer: Scorer) -> list[int]:
    """Return how many steps each network behind a scorer has been trained for."""
    return [native.classifier_batches_tracked(one._handle.value) for one in members_of(scorer)]


def _on_grid(
    volume: Scan, grid: Sequence[int] | None, protocol: Protocol, owner: str
) -> tuple[FloatArray, Extent3, Turn]:
    """Return the scan as the game indexes it, the grid's extent, and how the scan was turned."""
    grid = None if grid is None else check_extent(grid, "grid", owner, 1, AXIS_LIMIT)
    is_scan = grid is not None or not _is_plain_array(volume)
    stored = as_volume(volume)
    check_array(stored.array, "volume", owner, np.float32, (None, None, None))
    turn = turn_of(stored, protocol.orientation)
    scan = np.ascontiguousarray(turn.turned(stored.array))
    if np.may_share_memory(scan, volume) if isinstance(volume, np.ndarray) else False:
        # The core has taken a copy: what the caller does to the array later must not show here.
        scan = copied(scan)
    if not is_scan:
        return scan, scan.shape, turn
    if protocol.scan_frame == "native":
        if grid not in (None, scan.shape):
            raise ValueError(
                f"The 'grid' parameter of {owner} must be None or the scan's shape {scan.shape} "
                f'with scan_frame="native". Got {grid} instead.'
            )
        return scan, scan.shape, turn
    grid = grid or GRID_OF_RECORD
    # Before the resampling, which would fill the memory: many systems promise more than they have.
    if math.prod(grid) > VOXEL_LIMIT:
        raise MemoryError(f"A grid of {grid} has more than the {VOXEL_LIMIT} voxels allowed.")
    return Crossing(scan.shape, grid, protocol.scan_frame).to_grid(scan), grid, turn


def _is_plain_array(volume: object) -> bool:
    """Whether `volume` is an array, and not an image with a place in space or a file's path."""
    images = ("affine", "GetDirection", "__fspath__")
    return not isinstance(volume, str) and not any(hasattr(volume, name) for name in images)


def _seen(array: FloatArray, window: IntensityWindow | None) -> FloatArray:
    """Return `array` clamped to an intensity window and scaled to [0, 1]."""
    if window is None:
        return array
    seen = np.empty_like(array)
    native.intensity_window_apply(window, array, seen)
    return seen
