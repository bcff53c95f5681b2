"""The scans of a training: checks, labels, and arrays as they are trained on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_choice, check_extent, check_float, check_room, sentence
from spars._support.errors import NonFiniteError
from spars._support.provenance import digest
from spars._support.types import Extent3, FloatArray, MaskArray
from spars.volume.datasets import Case
from spars.volume.protocol import Protocol
from spars.volume.volume import as_volume, resample

#: A scan's values, and its mask where masks are trained on.
Prepared: TypeAlias = tuple[FloatArray, MaskArray | None]
_OWNER = "fit"


class Scans:
    """Scans as they are trained on, the most recently used ones kept."""

    def __init__(self, grid: Extent3 | None, has_masks: bool, limit: int, room: Room) -> None:
        self.grid = grid
        self.room = room
        self.has_masks = has_masks
        self.limit = limit
        self.kept: OrderedDict[tuple[str, int], Prepared] = OrderedDict()
        self.size = 0
        self.seen: dict[tuple[str, int], dict[str, Any]] = {}

    @property
    def records(self) -> list[dict[str, Any]]:
        return [self.seen[key] for key in sorted(self.seen)]

    def of(self, case: Case, key: tuple[str, int]) -> Prepared:
        if key in self.kept:
            self.kept.move_to_end(key)
            return self.kept[key]
        scan = self._prepare(case)
        if key not in self.seen:
            self.seen[key] = self._record(case, key[0], scan)
        self.kept[key] = scan
        self.size += _bytes(scan)
        while self.size > self.limit and len(self.kept) > 1:
            self.size -= _bytes(self.kept.popitem(last=False)[1])
        return scan

    def check_unchanged(self, cases: Mapping[str, Sequence[Case]], path: Path) -> None:
        """Load every scan that was drawn before, and refuse what is not as it was.

        `cases` are those of each role.
        """
        for (role, index), before in self.seen.items():
            case = cases[role][index]
            now = self._record(case, role, self.of(case, (role, index)))
            for field in ("sha256", "mask_sha256"):
                if now.get(field) != before.get(field):
                    what = "values" if field == "sha256" else "mask"
                    raise ValueError(
                        f"The {role} scan {case.name!r} must have the {what} that {path} was "
                        "trained on. Got others instead."
                    )

    def _record(self, case: Case, role: str, scan: Prepared) -> dict[str, Any]:
        record = {
            "name": case.name,
            "has_tumour": case.has_tumour if not self.has_masks else None,
            "role": role,
            "sha256": digest(scan[0]),
        }
        if scan[1] is not None:
            record["mask_sha256"] = digest(scan[1])
        return record

    def _prepare(self, case: Case) -> Prepared:
        array = as_volume(case.load()).array
        self.room.check(case, array)
        _check_finite(case.name, array)
        mask = self._mask(case, array.shape) if self.has_masks else None
        if self.grid is not None and array.shape != self.grid:
            array = resample(array, self.grid, interpolation="linear")
            if mask is not None:
                mask = resample(mask.astype(np.float32), self.grid, interpolation="nearest")
                mask = mask.astype(np.uint8)
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
        if protocol.border_crops == "full" and frame is not None:
            check_room(self.crop, frame, _OWNER, "the grid", self.name)

    def check(self, case: Case, array: NDArray[Any] | None = None) -> None:
        """Raise ValueError, naming the case, if a crop does not fit into its scan.

        Without `array` the case is asked for its shape, which it may not know.
        """
        if not self.of_scans:
            return
        shape = getattr(case, "shape", None) if array is None else array.shape
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
