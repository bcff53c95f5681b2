"""Made-up CT scans of the upper abdomen, with and without liver tumours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._core import names, native
from spars._support.arrays import is_any
from spars._support.checks import check_bool, check_extent, check_float, check_integer, shown
from spars._support.progress import as_progress
from spars._support.types import Extent3, MaskArray, Progress, Spacing
from spars.volume.volume import Volume

__all__ = ["Phantom", "phantom"]

#: What a phantom shows at least, mm along x, y and z.
FIELD_OF_VIEW = (340.0, 280.0, 240.0)


@dataclass(frozen=True, eq=False)
class Phantom:
    """A phantom: a scan and the truth about it.

    Attributes
    ----------
    volume : Volume
        Whole HU in [-1024, 3071]. The axes are a scanner's: x to the patient's left, y to the back,
        z to the head; the origin of space is the middle of the field of view.
    tissue : ndarray of uint8, shape (x, y, z)
        What each voxel shows: an index into `tissue_names`.
    tumours : list of dict
        One entry a tumour: ``centre`` (voxel coordinates), ``radius`` (mm), ``contrast`` (HU
        against the liver), ``necrosis`` and ``rim`` (HU of the core and the rim against the tumour,
        0.0 without).
    seed : int
        The seed it was made from.

    Examples
    --------
    >>> made = spars.phantom(seed=2, shape=(48, 48, 32))
    >>> made.has_tumour, made.volume.shape, bool(made.tumour.any()), np.unique(made.labels)
    (True, (48, 48, 32), True, array([0, 1, 2], dtype=uint8))
    >>> bool((made.liver >= made.tumour).all())
    True
    """

    volume: Volume
    tissue: NDArray[np.uint8] = field(repr=False)
    tumours: list[dict[str, Any]]
    seed: int
    #: The liver's mask as its reader drew it, uint8, shape (x, y, z): `liver` itself, unless the
    #: phantom is varied. Then its border is up to about 3 mm off, and what lies there is in it, as
    #: is what of kidney, gallbladder and large vessels presses into the liver.
    drawn_liver: MaskArray = field(repr=False)

    #: Names of the tissue codes, in their order.
    tissue_names = names.TISSUE

    def mask(self, *names: str) -> MaskArray:
        """Return a uint8 mask of the voxels that show any of these tissues.

        Parameters
        ----------
        *names : str
            Names out of `tissue_names`.

        Raises
        ------
        ValueError
            A name is not a tissue.

        Examples
        --------
        >>> made = spars.phantom(shape=(48, 48, 32))
        >>> np.unique(made.mask("liver", "tumour"))
        array([0, 1], dtype=uint8)
        """
        codes = []
        for name in names:
            if name not in self.tissue_names:
                allowed = ", ".join(repr(known) for known in self.tissue_names)
                raise ValueError(
                    f"The 'names' parameter of Phantom.mask must be out of {allowed}. "
                    f"Got {shown(name)} instead."
                )
            codes.append(self.tissue_names.index(name))
        return is_any(self.tissue, codes).view(np.uint8)

    @property
    def liver(self) -> MaskArray:
        """The liver with its vessels and tumours: a uint8 mask, shape (x, y, z)."""
        return self.mask("liver", "hepatic vessel", "tumour")

    @property
    def tumour(self) -> MaskArray:
        """The tumours: a uint8 mask, shape (x, y, z); all zero without tumour."""
        return self.mask("tumour")

    @property
    def labels(self) -> MaskArray:
        """0 elsewhere, 1 liver, 2 tumour, as in the Decathlon's liver task: uint8."""
        return self.liver + self.tumour

    @property
    def has_tumour(self) -> bool:
        """The scan's image-level label."""
        return bool(self.tumours)


def phantom(
    seed: int = 0,
    shape: Sequence[int] = (128, 128, 96),
    spacing: Sequence[float] | None = None,
    has_tumour: bool = True,
    noise: float = 12.0,
    tumour_count: int | None = None,
    tumour_contrast: float | None = None,
    tumour_radius: float | None = None,
    varied: bool = False,
    progress: Progress | bool | None = None,
) -> Phantom:
    """Make a CT scan of the upper abdomen in the portal venous phase.

    The patient's anatomy, the tumours and the noise are drawn from three separate streams of the
    seed: with and without tumour, one seed gives the same patient and the same noise, so nothing
    but the tumours tells the two apart. The same arguments give the same bits for any number of
    threads.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    shape : tuple of three ints
        Voxels along x, y and z, each 8 to 1024.
    spacing : tuple of three floats, optional
        mm along x, y and z, each 0.1 to 50.0. Default: square pixels that show at least
        340 x 280 mm, and slices that cover 240 mm.
    has_tumour : bool
        The scan's image-level label.
    noise : float
        Standard deviation of the scanner's noise in the liver, HU, 0.0 to 200.0. Noise is
        correlated as filtered back-projection leaves it.
    tumour_count : int, optional
        1 to 4. Default: drawn; one in half of the patients.
    tumour_contrast : float, optional
        HU of the tumours against the liver, -200.0 to 200.0; negative is darker. Default: drawn
        for each tumour from -60 to -20. This is the dial of difficulty: -60 is plain to see at
        the default noise, -15 is hard.
    tumour_radius : float, optional
        Mean radius in mm, 1.0 to 80.0, but at least 1.3 times the largest spacing. Default: drawn
        for each tumour from 6 to 26, small ones more often.
    varied : bool
        Whether the liver differs as patients' livers do: in the phase of its vessels (bright, dark
        or both), small vessels, slow changes of density, and errors of the mask that was drawn of
        it. Patient, tumours and noise are those of the seed all the same.
    progress : callable or True, optional
        Called with (done, planned) about every 20 ms; True draws a bar (the extra "progress").

    Returns
    -------
    Phantom
        With ``.volume``, ``.liver``, ``.tumour`` and more.

    Raises
    ------
    TypeError, ValueError
        A parameter is outside its range, or a tumour is wanted where the field of view shows too
        little liver to hold it.

    Examples
    --------
    >>> spars.phantom(seed=2, shape=(48, 48, 32)).volume
    <spars.Volume (48, 48, 32), spacing (7.083, 7.083, 7.5) mm>
    """
    seed = check_integer(seed, "seed", "phantom", 0, 2**64 - 1)
    shape = check_extent(shape, "shape", "phantom", low=8)
    spacing = _default_spacing(shape) if spacing is None else _check_spacing(spacing)
    noise = check_float(noise, "noise", "phantom", 0.0, 200.0)
    if not isinstance(has_tumour, (bool, np.bool_)):
        raise TypeError(
            f"The 'has_tumour' parameter of phantom must be True or False. "
            f"Got {shown(has_tumour)} instead."
        )
    varied = check_bool(varied, "varied", "phantom")
    if tumour_count is not None:
        tumour_count = check_integer(tumour_count, "tumour_count", "phantom", 1, 4)
    if tumour_contrast is not None:
        tumour_contrast = check_float(tumour_contrast, "tumour_contrast", "phantom", -200.0, 200.0)
    if tumour_radius is not None:
        tumour_radius = check_float(tumour_radius, "tumour_radius", "phantom", 1.0, 80.0)
    if max(shape) > 1024:
        raise ValueError(
            "The 'shape' parameter of phantom must be three integers in the range [8, 1024]. "
            f"Got {shape} instead."
        )
    hu = np.empty(shape, np.float32)
    tissue, drawn_liver = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    configuration = {
        "seed": seed, "spacing": spacing, "noise": noise, "has_tumour": has_tumour,
        "tumour_count": tumour_count, "tumour_contrast": tumour_contrast,
        "tumour_radius": tumour_radius, "varied": varied,
    }  # fmt: skip
    report = as_progress(progress, "phantom")
    found = native.phantom_make(hu, tissue, drawn_liver, configuration, report)
    tumours = [
        dict(zip(("centre", "radius", "contrast", "necrosis", "rim"), tumour, strict=True))
        for tumour in found.tumours[: found.total]
    ]
    return Phantom(Volume(hu, _affine(shape, spacing)), tissue, tumours, seed, drawn_liver)


def _default_spacing(shape: Extent3) -> Spacing:
    pixel = max(FIELD_OF_VIEW[0] / shape[0], FIELD_OF_VIEW[1] / shape[1])
    return (pixel, pixel, FIELD_OF_VIEW[2] / shape[2])


def _check_spacing(spacing: Sequence[float]) -> Spacing:
    try:
        axes = tuple(spacing)
    except TypeError:
        axes = ()
    if len(axes) != 3:
        raise ValueError(
            "The 'spacing' parameter of phantom must be three floats (x, y, z) in mm. "
            f"Got {shown(spacing)} instead."
        )
    x, y, z = (check_float(axis, "spacing", "phantom", 0.1, 50.0) for axis in axes)
    return x, y, z


def _affine(shape: Extent3, spacing: Spacing) -> NDArray[np.float64]:
    # NIfTI's axes point right, forward and up; a scanner's x and y the other way.
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    middle = (np.array(shape) - 1) / 2
    affine[:3, 3] = -affine[:3, :3] @ middle
    return affine
