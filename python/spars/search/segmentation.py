"""A mask and the scores behind it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from spars import metrics
from spars._core.handles import Whole
from spars._support.checks import check_integer
from spars._support.types import FloatArray, Mask, MaskArray, PathLike
from spars.metrics.masks import as_mask
from spars.report import plots
from spars.search.findings import Lesion, lesions_of
from spars.search.frames import Frame
from spars.search.visits import Contribution, contributions
from spars.volume.volume import Volume, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Segmentation"]


class Segmentation(Whole):
    """A mask and the scores behind it, on the geometry of the scan they came from.

    Made by `segment`.

    Attributes
    ----------
    volume : Volume
        The scan.
    mask : uint8 array of shape (X, Y, Z)
        1 where the map is above the segmentation threshold (and inside the region), else 0.
    score_map : float32 array of shape (X, Y, Z)
        Accumulated scores; 0 where no window came.
    run : object
        The search: its map on the model grid, windows and scores visited, rewards.
    configuration : dict
        Everything needed to repeat the run, as plain values.
    """

    def __init__(
        self,
        volume: Volume,
        mask: MaskArray,
        score_map: FloatArray,
        run: Any,
        configuration: dict[str, Any],
        frame: Frame | None = None,
    ) -> None:
        self.volume = volume
        self.mask = mask
        self.score_map = score_map
        self.run = run
        self.configuration = configuration
        # Where in the scan the search took place; unknown for one that was put together by hand.
        self._frame = frame

    @functools.cached_property
    def lesions(self) -> list[Lesion]:
        """The mask's lesions, the largest first: position, volume, diameter, mean HU, score."""
        return lesions_of(self.volume, self.mask, self.score_map)

    def why(self, x: int, y: int, z: int) -> list[Contribution]:
        """Return the windows that raised a voxel of the score map.

        Parameters
        ----------
        x, y, z : int
            A voxel of the scan.

        Returns
        -------
        list of Contribution
            Oldest first: iteration, step, agent, window (its origin on the model grid) and score
            added, named fields that make rows of a table. Their scores accumulate to the map's
            value there by the protocol's rule: the sum, the maximum, or the mean, which is a
            running one in float32 and within n half-units in the last place of the exact mean of n
            scores. Grad-CAM spreads a window's score over it: there it is the most that the window
            adds anywhere. Empty where no window came, or the search did not reach.

        Raises
        ------
        TypeError, ValueError
            The voxel is not one of the scan.
        """
        voxel = [
            check_integer(value, name, "why", 0, count - 1)
            for value, name, count in zip((x, y, z), "xyz", self.volume.shape, strict=True)
        ]
        place = None if self._frame is None else self._frame.voxel(voxel)
        if place is None:
            return []
        return contributions(self.run._visits(), self.run.configuration, place)

    def dice(self, reference: Mask, *, on: str | None = None) -> float:
        """Return the Dice of the mask with a reference mask, in native voxels.

        Parameters
        ----------
        reference : Volume, array or path
            (X, Y, Z), of 0 and 1.
        on : {None, "scan", "voxels"}
            None: the reference must lie where the scan does. "scan" brings it there by nearest
            neighbour, "voxels" takes it voxel by voxel, whatever the affines say.

        Returns
        -------
        float
            In [0, 1]; NaN where both masks are empty.
        """
        reference = as_mask(reference, "reference", "dice", scan=self.volume, on=on)
        return metrics.dice(self.mask, reference)

    def evaluate(self, reference: Mask, *, on: str | None = None) -> dict[str, float]:
        """Return every metric of `spars.metrics.evaluate` against a reference mask, by name.

        `reference` and `on` are those of `dice`.
        """
        reference = as_mask(reference, "reference", "evaluate", scan=self.volume, on=on)
        return metrics.evaluate(self.mask, reference, spacing=self.volume.spacing)

    def save(self, path: PathLike) -> None:
        """Write the mask as NIfTI (uint8) on the scan's own geometry, its header kept."""
        save(path, self.mask, like=self.volume)

    def save_score_map(self, path: PathLike) -> None:
        """Write the score map as NIfTI (float32) on the scan's own geometry, its header kept."""
        save(path, self.score_map, like=self.volume)

    def plot(
        self,
        reference: Mask | None = None,
        axis: int = 2,
        index: int | None = None,
        *,
        on: str | None = None,
    ) -> Figure:
        """Draw the scan with the outlines of the mask and, if given, of a reference.

        Parameters and result are those of `spars.plots.overlay` and, of `on`, of `dice`; needs the
        extra "report".
        """
        if reference is not None:
            reference = as_mask(reference, "reference", "plot", scan=self.volume, on=on)
        return plots.overlay(self.volume, self.mask, reference, axis=axis, index=index)

    def __repr__(self) -> str:
        voxels = int(self.mask.sum())
        millilitres = voxels * float(np.prod(self.volume.spacing)) / 1000
        return (
            f"Segmentation(method={self.configuration['method']!r}, shape={self.mask.shape}, "
            f"tumour={voxels} voxels, {millilitres:.1f} ml)"
        )
