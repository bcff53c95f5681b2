"""Datasets of phantoms, made when they are loaded."""

from __future__ import annotations

import functools
import json
import math
import operator
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from spars._support.checks import check_extent, check_float, check_integer
from spars._support.json import jsonable
from spars._support.types import MaskArray
from spars.volume.cases import Case, Dataset
from spars.volume.phantom import FIELD_OF_VIEW, Phantom, phantom
from spars.volume.volume import Volume

__all__ = ["phantom_livers", "phantoms"]

# What the scans of hospitals are like: pixels and slices in mm, noise in HU.
_PIXELS = (0.62, 0.95)
_SLICES = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5)
_NOISE = (8.0, 32.0)


def phantoms(
    n: int,
    seed: int = 0,
    shape: Sequence[int] = (256, 256, 180),
    tumour_fraction: float = 0.5,
    varied: bool = False,
    **options: Any,
) -> Dataset:
    """Return phantoms, made when they are loaded; `Case.load_organ` gives `Phantom.drawn_liver`.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Seed of the first; case i is made with seed + i.
    shape : tuple of three ints
        Voxels along x, y, z.
    tumour_fraction : float
        The part of the phantoms that have tumours, in [0, 1], spread evenly over the order.
    varied : bool
        Whether livers differ as patients' livers do.
    **options
        Passed on to `spars.phantom`.

    Returns
    -------
    Dataset

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range.

    Examples
    --------
    >>> spars.datasets.phantoms(3, shape=(24, 24, 16), tumour_fraction=1 / 3).labels
    [False, False, True]
    """
    n = check_integer(n, "n", "phantoms", 0)
    seed = check_integer(seed, "seed", "phantoms", 0, 2**63 - n)
    shape = check_extent(shape, "shape", "phantoms")
    part = check_float(tumour_fraction, "tumour_fraction", "phantoms", 0.0, 1.0)
    options = {"varied": varied, **options}
    return Dataset(
        _phantom_case(seed + i, _has_tumour(i, part), {"shape": shape, **options}) for i in range(n)
    )


def phantom_livers(n: int, seed: int = 0, tumour_fraction: float = 0.0) -> Dataset:
    """Return varied phantoms whose scans differ as scans of several hospitals do.

    Pixels are drawn evenly from 0.62 to 0.95 mm, slices from nine between 1 and 6.5 mm, noise
    log-uniformly from 8 to 32 HU; each shows 340 x 280 x 240 mm. They are for
    `spars.lesions.hosts`. A phantom has 4 to 60 million voxels, the largest take 0.4 GB.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Seed of the first; case i follows from seed + i alone.
    tumour_fraction : float
        The part of the phantoms that have tumours, in [0, 1], spread evenly over the order.

    Returns
    -------
    Dataset

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range.

    Examples
    --------
    >>> dataset = spars.datasets.phantom_livers(4, tumour_fraction=0.5)
    >>> dataset.labels, dataset[0].shape
    ([False, True, False, True], (410, 338, 160))
    """
    owner = "phantom_livers"
    n = check_integer(n, "n", owner, 0)
    seed = check_integer(seed, "seed", owner, 0, 2**63 - n)
    part = check_float(tumour_fraction, "tumour_fraction", owner, 0.0, 1.0)
    return Dataset(
        _phantom_case(seed + i, _has_tumour(i, part), _liver(seed + i)) for i in range(n)
    )


def _has_tumour(number: int, part: float) -> bool:
    """Return whether a phantom has tumours where a part of them has, spread evenly."""
    return int((number + 1) * part) > int(number * part)


def _liver(seed: int) -> dict[str, Any]:
    """Return what a phantom of `phantom_livers` is made with."""
    pixel, slices, noise = np.random.default_rng(seed).random(3).tolist()
    pixel = _PIXELS[0] + pixel * (_PIXELS[1] - _PIXELS[0])
    spacing = pixel, pixel, _SLICES[int(slices * len(_SLICES))]
    return {
        "shape": tuple(
            math.ceil(mm / edge) for mm, edge in zip(FIELD_OF_VIEW, spacing, strict=True)
        ),
        "spacing": spacing,
        "noise": _NOISE[0] * (_NOISE[1] / _NOISE[0]) ** noise,
        "varied": True,
    }


class _PhantomSource:
    """A phantom that is made once for scan and organ, as long as the scan is in use."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        #: The liver of the scan in use, or anything else.
        self._liver: list[Any] = [None]

    def __getstate__(self) -> dict[str, Any]:
        # A copy has no scan in use yet.
        return {"_options": self._options, "_liver": [None]}

    @property
    def identity(self) -> str:
        """All that the phantom follows from, beside the version of spars."""
        return json.dumps(jsonable(self._options), sort_keys=True)

    def _made(self) -> Phantom:
        return phantom(**self._options)

    def load(self) -> Volume:
        made = self._made()
        self._liver = [made.drawn_liver]
        # Puts itself in the liver's place. No Python code runs then, where an interrupt is lost.
        forget = functools.partial(operator.setitem, self._liver, 0)
        self._scan = weakref.ref(made.volume.array, forget)
        return made.volume

    def load_mask(self) -> MaskArray:
        return self._made().labels

    def load_organ(self) -> MaskArray:
        [liver] = self._liver
        return liver if isinstance(liver, np.ndarray) else self._made().drawn_liver


def _phantom_case(seed: int, has_tumour: bool, options: dict[str, Any]) -> Case:
    source = _PhantomSource({"seed": seed, "has_tumour": has_tumour, **options})
    return Case(
        f"phantom-{seed}", has_tumour, source.load, source.load_mask, options["shape"],
        source.load_organ,
    )  # fmt: skip
