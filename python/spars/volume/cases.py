"""A scan of a dataset with what is known of it, and sequences of such scans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import overload

import numpy as np

from spars._support.checks import check_extent, check_integer, sentence
from spars._support.types import Extent3, MaskArray, Scan
from spars.volume.files import is_path
from spars.volume.masks import labels_of
from spars.volume.orientation import turn_of
from spars.volume.volume import Place, Volume, as_volume, place_of

__all__ = ["Case", "Dataset"]


class Case:
    """One scan of a dataset.

    Parameters
    ----------
    name : str
        What messages and records call it.
    has_tumour : bool, None or callable
        The image-level label. None where it is unknown; a callable without arguments is asked when
        the label is first needed.
    load : callable
        Returns the scan, as anything that `spars.volume.as_volume` takes.
    load_mask : callable, optional
        Returns the reference (0 background, 1 liver, 2 tumour; whole numbers, [x, y, z]): an array
        on the scan's voxels, or anything that `spars.volume.as_volume` takes, which must lie where
        the scan does.
    shape : tuple of three ints or callable, optional
        The scan's, so that windows are checked before any scan is loaded; a callable without
        arguments is asked when it is first needed. None where only loading tells.
    load_organ : callable, optional
        Returns the organ's mask (0 and 1, [x, y, z]), or None where there is none. It must hold
        nothing of where tumours are: training may read it.
    """

    def __init__(
        self,
        name: str,
        has_tumour: Callable[[], bool | None] | bool | int | None,
        load: Callable[[], Scan],
        load_mask: Callable[[], Scan | None] | None = None,
        shape: Callable[[], Sequence[int] | Place] | Sequence[int] | None = None,
        load_organ: Callable[[], Scan | None] | None = None,
    ) -> None:
        if not callable(load):
            raise TypeError(sentence("load", "Case", "callable", load))
        for role, given in (("load_mask", load_mask), ("load_organ", load_organ)):
            if given is not None and not callable(given):
                raise TypeError(sentence(role, "Case", "callable or None", given))
        self.name = str(name)
        self._has_tumour = has_tumour if callable(has_tumour) else _checked_label(has_tumour)
        self._load = load
        self._load_mask = load_mask
        self._load_organ = load_organ
        self._shape: Callable[[], Sequence[int] | Place] | Extent3 | None = (
            shape if shape is None or callable(shape) else check_extent(shape, "shape", "Case")
        )
        self._place: Place | None = None

    @property
    def shape(self) -> Extent3 | None:
        """The scan's numbers of voxels along x, y, z; None where only loading tells."""
        if callable(self._shape):
            found = self._shape()
            self._place = found if isinstance(found, Place) else None
            shape = found.shape if isinstance(found, Place) else found
            self._shape = check_extent(shape, "shape", "Case")
        return self._shape

    def shape_in(self, orientation: str) -> Extent3 | None:
        """Return the scan's shape in an orientation of `Protocol.orientation`.

        Where the case knows of the scan's shape alone, that is taken for it.
        """
        shape = self.shape
        if shape is None or self._place is None:
            return shape
        return turn_of(self._place, orientation).shape(shape)

    @property
    def has_tumour(self) -> bool | None:
        """Whether the scan shows tumour; None where it is unknown."""
        if callable(self._has_tumour):
            self._has_tumour = _checked_label(self._has_tumour())
        return self._has_tumour

    def load(self) -> Volume:
        """Return the scan as a `Volume`."""
        return as_volume(self._load())

    def load_mask(self) -> MaskArray | None:
        """Return the reference as a uint8 array [x, y, z]; None if there is none.

        Raises
        ------
        ValueError
            It holds other values than whole numbers from 0 to 255, or comes with a place that is
            not the scan's.
        """
        return self._labels(self._load_mask, "load_mask")

    def load_organ(self) -> MaskArray | None:
        """Return the organ's mask as a uint8 array [x, y, z]; None if there is none.

        Raises
        ------
        ValueError
            As `load_mask`.
        """
        return self._labels(self._load_organ, "load_organ")

    def _labels(self, load: Callable[[], Scan | None] | None, name: str) -> MaskArray | None:
        found = None if load is None else load()
        if found is None:
            return None
        is_image = is_path(found) or hasattr(found, "affine") or hasattr(found, "GetDirection")
        scan = place_of(self._load()) if is_image else None
        hint = "spars.datasets can bring files' masks onto their scans; so can the loader."
        return labels_of(found, name, f"Case {self.name!r}", scan, hint=hint)

    def __repr__(self) -> str:
        return f"<Case {self.name!r}>"


class Dataset(Sequence[Case]):
    """A sequence of `Case`; slices are datasets too."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._cases = tuple(cases)

    def __len__(self) -> int:
        return len(self._cases)

    @overload
    def __getitem__(self, index: int) -> Case: ...

    @overload
    def __getitem__(self, index: slice) -> Dataset: ...

    def __getitem__(self, index: int | slice) -> Case | Dataset:
        if isinstance(index, slice):
            return Dataset(self._cases[index])
        return self._cases[index]

    def split(self, n: int) -> tuple[Dataset, Dataset]:
        """Return the first `n` cases and the others, as two datasets.

        Raises
        ------
        TypeError, ValueError
            `n` is not an integer from 0 to the number of cases.
        """
        n = check_integer(n, "n", "split", 0, len(self))
        return self[:n], self[n:]

    def __repr__(self) -> str:
        return f"<Dataset of {len(self)} cases>"


def checked_cases(cases: Iterable[Case], name: str, owner: str) -> list[Case]:
    """Return a parameter's cases as a list; a TypeError names it where it holds anything else."""
    found = list(cases)
    for case in found:
        if not isinstance(case, Case):
            raise TypeError(sentence(name, owner, "a sequence of Case", case))
    return found


def _checked_label(label: object) -> bool | None:
    if label is None or (isinstance(label, bool | int | np.bool_ | np.integer) and label in (0, 1)):
        return None if label is None else bool(label)
    raise ValueError(sentence("has_tumour", "Case", "a bool or None", label))
