"""The scans of a training: checks, labels, and arrays as they are trained on."""

from collections import OrderedDict

import numpy as np

from spars._support.checks import check_choice, check_float, check_room, sentence
from spars._support.errors import NonFiniteError
from spars._support.provenance import digest
from spars.volume.volume import as_volume, resample

_OWNER = "fit"


class Scans:
    """Scans as they are trained on, the most recently used ones kept."""

    def __init__(self, grid, has_masks, limit, room):
        self.grid = grid
        self.room = room
        self.has_masks = has_masks
        self.limit = limit
        self.kept = OrderedDict()
        self.size = 0
        self.seen = {}

    @property
    def records(self):
        return [self.seen[key] for key in sorted(self.seen)]

    def of(self, case, key):
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

    def check_unchanged(self, cases, path):
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

    def _record(self, case, role, scan):
        record = {
            "name": case.name,
            "has_tumour": case.has_tumour if not self.has_masks else None,
            "role": role,
            "sha256": digest(scan[0]),
        }
        if self.has_masks:
            record["mask_sha256"] = digest(scan[1])
        return record

    def _prepare(self, case):
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

    def _mask(self, case, shape):
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


class Room:
    """What a crop must fit into: the grid, or each scan; anything where crops are cut short."""

    def __init__(self, protocol, window, grid):
        is_window = protocol.crop_size == "window"
        self.crop = window if is_window else protocol.crop_size
        self.name = "window" if is_window else "crop_size"
        is_resampled = protocol.scan_frame == "resampled" and grid is not None
        self.of_scans = protocol.border_crops == "full" and not is_resampled
        if protocol.border_crops == "full" and is_resampled:
            check_room(self.crop, grid, _OWNER, "the grid", self.name)

    def check(self, case, array=None):
        """Raise ValueError, naming the case, if a crop does not fit into its scan.

        Without `array` the case is asked for its shape, which it may not know.
        """
        if not self.of_scans:
            return
        shape = getattr(case, "shape", None) if array is None else array.shape
        if shape is not None:
            what = f"the shape of scan {case.name!r},"
            check_room(self.crop, shape, _OWNER, what, self.name)


def _check_finite(name, array):
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise NonFiniteError(
            f"Scan {name!r} must be finite. Got {array[place]} at voxel {place} instead."
        )


def check_cases(dataset, name, protocol, room):
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


def check_class_weights(weights, cases):
    if weights is None:
        return (1.0, 1.0)
    if isinstance(weights, str):
        check_choice(weights, "class_weights", _OWNER, ("balanced",))
        positive = sum(bool(case.has_tumour) for case in cases)
        if not 0 < positive < len(cases):
            raise ValueError(
                "The 'class_weights' parameter of fit must not be 'balanced' unless there are "
                f"scans without and with tumours. Got {positive} of {len(cases)} with tumours."
            )
        return (len(cases) / (2 * (len(cases) - positive)), len(cases) / (2 * positive))
    try:
        pair = tuple(weights)
    except TypeError:
        raise TypeError(sentence("class_weights", _OWNER, "two floats", weights)) from None
    if len(pair) != 2:
        raise ValueError(sentence("class_weights", _OWNER, "two floats", weights))
    return tuple(
        check_float(weight, "class_weights", _OWNER, 0.0, open_low=True) for weight in pair
    )


def _bytes(scan):
    return sum(array.nbytes for array in scan if array is not None)
