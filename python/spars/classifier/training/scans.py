"""The scans of a training: checks, labels, and arrays as they are trained on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spars._core import native
from spars._support.checks import check_choice, check_extent, check_float, check_room, sentence
from spars._support.errors import NonFiniteError
from spars._support.provenance import digest
from spars._support.types import Extent3, FloatArray, MaskArray
from spars.classifier.training.examples import Examples
from spars.volume.datasets import Case
from spars.volume.orientation import turn_of
from spars.volume.protocol import Protocol
from spars.volume.volume import as_volume, resample

#: A scan's values, and its mask where masks are trained on.
Prepared: TypeAlias = tuple[FloatArray, MaskArray | None]
_OWNER = "fit"


class Scans:
    """Scans as they are trained on, the most recently used ones kept."""

    def __init__(
        self,
        grid: Extent3 | None,
        has_masks: bool,
        limit: int,
        room: Room,
        orientation: str,
    ) -> None:
        self.grid = grid
        self.orientation = orientation
        self.room = room
        self.has_masks = has_masks
        self.limit = limit
        self.kept: OrderedDict[tuple[str, int], Prepared] = OrderedDict()
        self.size = 0

    def of(self, case: Case, key: tuple[str, int]) -> Prepared:
        if key in self.kept:
            self.kept.move_to_end(key)
            return self.kept[key]
        scan = self._prepare(case)
        self.kept[key] = scan
        self.size += _bytes(scan)
        while self.size > self.limit and len(self.kept) > 1:
            self.size -= _bytes(self.kept.popitem(last=False)[1])
        return scan

    def _prepare(self, case: Case) -> Prepared:
        scan = as_volume(case.load())
        _check_finite(case.name, scan.array)
        turn = turn_of(scan, self.orientation)
        array = turn.turned(scan.array)
        self.room.check(case, array)
        mask = turn.turned(self._mask(case, scan.shape)) if self.has_masks else None
        if self.grid is not None and array.shape != self.grid:
            array = resample(array, self.grid, interpolation="linear")
            if mask is not None:
                mask = resample(mask.astype(np.float32), self.grid, interpolation="nearest")
                mask = mask.astype(np.uint8)
        mask = None if mask is None else np.ascontiguousarray(mask)
        return np.ascontiguousarray(array, np.float32), mask

    def _mask(self, case: Case, shape: Sequence[int]) -> MaskArray:
        mask = case.load_mask()
        if mask is None:
            raise ValueError(
                f"Scan {case.name!r} has no voxel mask, which crop_label='voxel' needs."
            )
        mask = np.asarray(mask)
        if mask.shape != shape:
            raise ValueError(
                f"The mask of scan {case.name!r} must be of the scan's shape {shape}. "
                f"Got {mask.shape} instead."
            )
        return np.ascontiguousarray(mask, np.uint8)


class ScanExamples(Examples):
    """Crops of scans: each batch draws scans, with replacement, and crops of each.

    Parameters
    ----------
    role : str
        "training" or "validation".
    cases : sequence of Case
        None for a training without validation.
    scans : Scans
        Where both roles keep what they have read.
    each, crops : int
        Scans of a batch, and crops of each.
    balanced : bool
        Whether scans without and with tumours are drawn by turns.
    """

    def __init__(
        self,
        role: str,
        cases: Sequence[Case],
        scans: Scans,
        each: int,
        crops: int,
        *,
        balanced: bool,
    ) -> None:
        super().__init__(role, each * crops)
        self.cases = cases
        self.scans = scans
        self.each = each
        self.balanced = balanced

    @property
    def is_empty(self) -> bool:
        return not self.cases

    @property
    def labels(self) -> set[int]:
        if self.cases and self.scans.has_masks:
            return {0, 1}
        return {int(bool(case.has_tumour)) for case in self.cases}

    @property
    def records(self) -> list[dict[str, Any]]:
        return [self.seen[index] for index in sorted(self.seen)]

    @property
    def description(self) -> list[tuple[str, bool | None]]:
        """Name and label of every scan; no labels where they are cut from masks."""
        masks = self.scans.has_masks
        return [(case.name, None if masks else bool(case.has_tumour)) for case in self.cases]

    def fill(self, trainer: int, batch: int) -> None:
        drawn = np.empty(self.each, np.int64)
        labels = None
        if self.balanced:
            labels = np.array([bool(case.has_tumour) for case in self.cases], np.int64)
        native.trainer_draw_scans(trainer, self.role, batch, len(self.cases), labels, drawn)
        for index in map(int, drawn):
            case = self.cases[index]
            array, mask = self._prepared(index)
            has_tumour = False if self.scans.has_masks else bool(case.has_tumour)
            scan = {"volume": array, "mask": mask, "has_tumour": has_tumour}
            try:
                native.trainer_add_scan(trainer, scan)
            except ValueError as error:
                raise type(error)(f"Scan {case.name!r}: {error}") from None

    def can_have_seen(self, number: object) -> bool:
        return type(number) is int and 0 <= number < len(self.cases)

    def check_same(self, before: Any, path: Path) -> None:
        if isinstance(before, dict):
            got = "none" if self.is_empty else "scans"
            raise ValueError(
                f"The {self.role} examples must be windows of spars.lesions, as in {path}. "
                f"Got {got} instead."
            )
        if len(self.cases) != len(before):
            raise ValueError(
                f"The {self.role} scans must be the {len(before)} that {path} was trained with. "
                f"Got {len(self.cases)} instead."
            )
        for number, (had, has) in enumerate(zip(before, self.description, strict=True), 1):
            if had != has:
                raise ValueError(
                    f"The {self.role} scan number {number} must be {_scan_text(*had)}, as in "
                    f"{path}. Got {_scan_text(*has)} instead."
                )

    def check_unchanged(self, path: Path) -> None:
        for index, before in self.seen.items():
            case = self.cases[index]
            now = self._record(case, self._prepared(index))
            for field in ("sha256", "mask_sha256"):
                if now.get(field) != before.get(field):
                    what = "values" if field == "sha256" else "mask"
                    raise ValueError(
                        f"The {self.role} scan {case.name!r} must have the {what} that {path} was "
                        "trained on. Got others instead."
                    )

    def _prepared(self, index: int) -> Prepared:
        case = self.cases[index]
        scan = self.scans.of(case, (self.role, index))
        if index not in self.seen:
            self.seen[index] = self._record(case, scan)
        return scan

    def _record(self, case: Case, scan: Prepared) -> dict[str, Any]:
        record = {
            "name": case.name,
            "has_tumour": None if self.scans.has_masks else case.has_tumour,
            "role": self.role,
            "sha256": digest(scan[0]),
        }
        if scan[1] is not None:
            record["mask_sha256"] = digest(scan[1])
        return record


def _scan_text(name: str, has_tumour: bool | None) -> str:
    if has_tumour is None:
        return repr(name)
    return f"{name!r} {'with' if has_tumour else 'without'} tumour"


def crop_extent(protocol: Protocol, window: Extent3) -> Extent3:
    """Return the extent of crops: the window's, or the protocol's own."""
    if protocol.crop_size == "window":
        return window
    return check_extent(protocol.crop_size, "crop_size", "Protocol")


class Room:
    """What a crop must fit into: the grid, or each scan; anything where crops are cut short."""

    def __init__(self, protocol: Protocol, window: Extent3, grid: Extent3 | None) -> None:
        self.crop = crop_extent(protocol, window)
        self.name = "window" if protocol.crop_size == "window" else "crop_size"
        frame = grid if protocol.scan_frame == "resampled" else None
        self.of_scans = protocol.border_crops == "full" and frame is None
        self.orientation = protocol.orientation
        if protocol.border_crops == "full" and frame is not None:
            check_room(self.crop, frame, _OWNER, "the grid", self.name)

    def check(self, case: Case, array: NDArray[Any] | None = None) -> None:
        """Raise ValueError, naming the case, if a crop does not fit into its scan.

        Without `array` the case is asked for its shape, which it may not know.
        """
        if not self.of_scans:
            return
        if array is None:
            known = getattr(case, "shape_in", None)
            shape = getattr(case, "shape", None) if known is None else known(self.orientation)
        else:
            shape = array.shape
        if shape is not None:
            what = f"the shape of scan {case.name!r},"
            check_room(self.crop, shape, _OWNER, what, self.name)


def _check_finite(name: str, array: FloatArray) -> None:
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise NonFiniteError(
            f"Scan {name!r} must be finite. Got {array[place]} at voxel {place} instead."
        )


def check_cases(dataset: Iterable[Case], name: str, protocol: Protocol, room: Room) -> list[Case]:
    try:
        cases = list(dataset)
    except TypeError:
        raise TypeError(sentence(name, _OWNER, "a sequence of Case", dataset)) from None
    if not cases:
        raise ValueError(sentence(name, _OWNER, "a sequence of one Case or more", cases))
    for case in cases:
        if not hasattr(case, "has_tumour") or not callable(getattr(case, "load", None)):
            raise TypeError(sentence(name, _OWNER, "a sequence of Case", case))
        room.check(case)
    # Labels come last: they may have to be read from masks.
    for case in cases:
        if protocol.crop_label == "image" and case.has_tumour is None:
            raise ValueError(
                f"Scan {case.name!r} has no label, which crop_label='image' needs: "
                "give has_tumour, or a CSV file of labels."
            )
    return cases


def check_class_weights(weights: Any, cases: Sequence[Case]) -> tuple[float, float]:
    if weights is None:
        return (1.0, 1.0)
    if isinstance(weights, str):
        check_choice(weights, "class_weights", _OWNER, ("balanced",))
        with_tumours = sum(bool(case.has_tumour) for case in cases)
        if not 0 < with_tumours < len(cases):
            raise ValueError(
                "The 'class_weights' parameter of fit must not be 'balanced' unless there are "
                f"scans without and with tumours. Got {with_tumours} of {len(cases)} with tumours."
            )
        without = len(cases) - with_tumours
        return len(cases) / (2 * without), len(cases) / (2 * with_tumours)
    try:
        pair = tuple(weights)
    except TypeError:
        raise TypeError(sentence("class_weights", _OWNER, "two floats", weights)) from None
    if len(pair) != 2:
        raise ValueError(sentence("class_weights", _OWNER, "two floats", weights))
    negative, positive = (
        check_float(weight, "class_weights", _OWNER, 0.0, open_low=True) for weight in pair
    )
    return negative, positive


def _bytes(scan: Prepared) -> int:
    return sum(array.nbytes for array in scan if array is not None)
