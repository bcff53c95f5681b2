"""A scan of a dataset with what is known of it, and sequences of such scans."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike

from spars._support.checks import check_bool, check_extent, check_integer, sentence
from spars._support.types import Extent3, MaskArray, Progress, Scan
from spars.volume.auditing import Audit, audit
from spars.volume.files import is_path
from spars.volume.folds import fold_numbers
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
    group : hashable, optional
        What scans share that must not be parted by a split, such as the patient. None: it shares
        nothing.

    Examples
    --------
    >>> import numpy as np
    >>> import spars
    >>> scan = np.zeros((4, 5, 6), np.float32)
    >>> case = spars.datasets.Case("a", True, lambda: scan, group="patient 7")
    >>> case.load().shape
    (4, 5, 6)
    """

    def __init__(
        self,
        name: str,
        has_tumour: Callable[[], bool | None] | bool | int | None,
        load: Callable[[], Scan],
        load_mask: Callable[[], Scan | None] | None = None,
        shape: Callable[[], Sequence[int] | Place] | Sequence[int] | None = None,
        load_organ: Callable[[], Scan | None] | None = None,
        group: Hashable = None,
    ) -> None:
        if not callable(load):
            raise TypeError(sentence("load", "Case", "callable", load))
        for role, given in (("load_mask", load_mask), ("load_organ", load_organ)):
            if given is not None and not callable(given):
                raise TypeError(sentence(role, "Case", "callable or None", given))
        if not isinstance(group, Hashable):
            raise TypeError(sentence("group", "Case", "hashable", group))
        try:
            self.name = str(name)
        # A list nested too deep, or an object whose own text fails.
        except Exception:
            raise TypeError(sentence("name", "Case", "a str", name)) from None
        self.group = group
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
        """The scan's numbers of voxels along x, y, z; None where only loading tells.

        Examples
        --------
        >>> spars.datasets.phantoms(1, shape=(4, 5, 6))[0].shape
        (4, 5, 6)
        """
        if callable(self._shape):
            found = self._shape()
            self._place = found if isinstance(found, Place) else None
            shape = found.shape if isinstance(found, Place) else found
            self._shape = check_extent(shape, "shape", "Case")
        return self._shape

    def shape_in(self, orientation: str) -> Extent3 | None:
        """Return the scan's shape in an orientation of `Protocol.orientation`.

        Where the case knows of the scan's shape alone, that is taken for it.

        Examples
        --------
        >>> case = spars.datasets.phantoms(1, shape=(4, 5, 6))[0]
        >>> case.shape_in("stored")
        (4, 5, 6)
        """
        shape = self.shape
        if shape is None or self._place is None:
            return shape
        return turn_of(self._place, orientation).shape(shape)

    @property
    def has_tumour(self) -> bool | None:
        """Whether the scan shows tumour; None where it is unknown.

        Examples
        --------
        >>> spars.datasets.Case("a", 1, lambda: np.zeros((4, 5, 6))).has_tumour
        True
        """
        if callable(self._has_tumour):
            self._has_tumour = _checked_label(self._has_tumour())
        return self._has_tumour

    def load(self) -> Volume:
        """Return the scan as a `Volume`.

        Examples
        --------
        >>> spars.datasets.phantoms(1, shape=(24, 24, 16))[0].load().shape
        (24, 24, 16)
        """
        return as_volume(self._load())

    def load_mask(self) -> MaskArray | None:
        """Return the reference as a uint8 array [x, y, z]; None if there is none.

        Raises
        ------
        ValueError
            It holds other values than whole numbers from 0 to 255, or comes with a place that is
            not the scan's.

        Examples
        --------
        >>> case = spars.datasets.phantoms(2, shape=(48, 48, 32))[1]
        >>> np.unique(case.load_mask())
        array([0, 1, 2], dtype=uint8)
        """
        return self._labels(self._load_mask, "load_mask")

    def load_organ(self) -> MaskArray | None:
        """Return the organ's mask as a uint8 array [x, y, z]; None if there is none.

        Raises
        ------
        ValueError
            As `load_mask`.

        Examples
        --------
        >>> case = spars.datasets.phantoms(1, shape=(48, 48, 32))[0]
        >>> np.unique(case.load_organ())
        array([0, 1], dtype=uint8)
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
    """A sequence of `Case`; slices, selections and sums are datasets too.

    Parameters
    ----------
    cases : iterable of Case

    Examples
    --------
    >>> import spars
    >>> cases = spars.datasets.phantoms(6, shape=(24, 24, 16))
    >>> cases[[4, 0]], cases[cases.labels] + cases[:2]
    (<Dataset of 2 cases>, <Dataset of 5 cases>)
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self._cases = tuple(cases)

    def __len__(self) -> int:
        return len(self._cases)

    @overload
    def __getitem__(self, index: int) -> Case: ...

    @overload
    def __getitem__(self, index: slice | Sequence[int] | ArrayLike) -> Dataset: ...

    def __getitem__(self, index: int | slice | Sequence[int] | ArrayLike) -> Case | Dataset:
        """Return a case, or those of a slice, of a list of numbers or of a bool for each case."""
        if isinstance(index, slice):
            return Dataset(self._cases[index])
        if isinstance(index, SupportsIndex) and np.ndim(index) == 0:
            return self._cases[index]
        return Dataset(self._cases[number] for number in self._numbers(index))

    def _numbers(self, index: Any) -> list[int]:
        """Return the numbers of the cases that a list of numbers or of bools means."""
        allowed = f"an integer, a slice, a list of integers or a list of {len(self)} bools"
        # As a list of objects: an unknown label among bools must not become a number.
        given = np.array(list(index) if np.iterable(index) else index, dtype=object)
        if given.ndim != 1 or isinstance(index, str):
            raise TypeError(sentence("index", "Dataset", allowed, index))
        is_bool = [isinstance(item, bool | np.bool_) for item in given]
        if given.size and all(is_bool):
            if len(given) != len(self):
                raise ValueError(sentence("index", "Dataset", allowed, f"{len(given)} bools"))
            return [number for number, item in enumerate(given) if item]
        if any(is_bool):
            raise TypeError(sentence("index", "Dataset", allowed, index))
        return [check_integer(item, "index", "Dataset") for item in given]

    def __add__(self, other: Dataset) -> Dataset:
        """Return the cases of both, this one's first."""
        return Dataset([*self, *other]) if isinstance(other, Dataset) else NotImplemented

    @property
    def labels(self) -> list[bool | None]:
        """Each case's `Case.has_tumour`; where that needs its mask, this reads it.

        Examples
        --------
        >>> import spars
        >>> spars.datasets.phantoms(4).labels
        [False, True, False, True]
        """
        return [case.has_tumour for case in self]

    @property
    def groups(self) -> list[Hashable]:
        """Each case's `Case.group`.

        Examples
        --------
        >>> import spars
        >>> spars.datasets.phantoms(2).groups
        [None, None]
        """
        return [case.group for case in self]

    def split(self, n: int) -> tuple[Dataset, Dataset]:
        """Return the first `n` cases and the others, as two datasets.

        Raises
        ------
        TypeError, ValueError
            `n` is not an integer from 0 to the number of cases.

        Examples
        --------
        >>> import spars
        >>> spars.datasets.phantoms(5).split(3)
        (<Dataset of 3 cases>, <Dataset of 2 cases>)
        """
        n = check_integer(n, "n", "split", 0, len(self))
        return self[:n], self[n:]

    def folds(
        self,
        n: int,
        *,
        seed: int = 0,
        stratified: bool = False,
        groups: Sequence[Hashable] | None = None,
    ) -> list[tuple[Dataset, Dataset]]:
        """Return `n` pairs of training and held-out cases; each case is held out once.

        Cases of one group are never parted; `spars.volume.folds.fold_numbers` has the rule.

        Parameters
        ----------
        n : int
            How many, from 2 to the number of groups; a case without one counts as a group.
        seed : int
            Seed of the shuffle.
        stratified : bool
            Whether scans with and without tumour are spread evenly. Of scans whose label follows
            from their mask, this reads the mask.
        groups : sequence of hashable values, optional
            One for each case, None for none; default: the cases' own.

        Returns
        -------
        list of (Dataset, Dataset)
            Cases in the dataset's order.

        Raises
        ------
        TypeError, ValueError
            A parameter is out of range, or a label is in fewer groups than `n`.

        Examples
        --------
        >>> import spars
        >>> cases = spars.datasets.phantoms(6)
        >>> for training, held_out in cases.folds(3, stratified=True):
        ...     print(len(training), sorted(held_out.labels))
        4 [False, True]
        4 [False, True]
        4 [False, True]
        """
        is_stratified = check_bool(stratified, "stratified", "folds")
        labels = self.labels if is_stratified else None
        groups = self.groups if groups is None else groups
        numbers = fold_numbers(len(self), n, seed, labels, groups)
        return [(self[numbers != fold], self[numbers == fold]) for fold in range(n)]

    def audit(
        self,
        held_out: Sequence[Case] = (),
        *,
        reference_value: int | Sequence[int] = 2,
        progress: Progress | bool | None = None,
    ) -> Audit:
        """Look through the scans before they are trained on.

        Each scan, mask and organ is read once. A fault is: a scan, mask or organ that cannot be
        read or does not lie where its scan does; NaN, or values that are no HU; a label that is
        missing or that its mask contradicts; the same values in two scans; scans of one group, or
        the same scan, in training and held out, or one scan in two groups. Worth a note is: no air
        in a scan, a spacing that is not known, above 6 mm, or 3 times off the scans' median.

        Parameters
        ----------
        held_out : sequence of Case
            What is to be kept apart from these; looked through as well.
        reference_value : int or sequence of ints
            The labels of tumour in masks.
        progress : callable or True, optional
            Called with (done, planned) scans; True draws a bar (the extra "progress").

        Returns
        -------
        Audit
            With `table`, `findings`, `faults` and `scans`.

        Examples
        --------
        >>> import spars
        >>> training, held_out = spars.datasets.phantoms(3, shape=(24, 24, 16)).split(2)
        >>> training.audit(held_out)
        <Audit of 3 scans: 0 faults>
        """
        held_out = checked_cases(held_out, "held_out", "audit")
        return audit(self, held_out, reference_value=reference_value, progress=progress)

    def __repr__(self) -> str:
        return f"<Dataset of {len(self)} cases>"


def checked_cases(cases: Iterable[Case], name: str, owner: str) -> list[Case]:
    """Return a parameter's cases as a list; a TypeError names it where it holds anything else."""
    try:
        found = list(cases)
    except TypeError:
        raise TypeError(sentence(name, owner, "a sequence of Case", cases)) from None
    for case in found:
        if not isinstance(case, Case):
            raise TypeError(sentence(name, owner, "a sequence of Case", case))
    return found


def _checked_label(label: object) -> bool | None:
    if label is None or (isinstance(label, bool | int | np.bool_ | np.integer) and label in (0, 1)):
        return None if label is None else bool(label)
    raise ValueError(sentence("has_tumour", "Case", "a bool or None", label))
