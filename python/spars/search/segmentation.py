"""A mask and the scores behind it."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any, Self

from spars import metrics
from spars._core.handles import Whole
from spars._support.checks import check_integer, sentence
from spars._support.notebook import card
from spars._support.provenance import comment
from spars._support.types import AnyPath, FloatArray, Mask, MaskArray, PathLike, Scan
from spars.metrics.masks import as_mask
from spars.report import plots
from spars.report.viewer import viewer
from spars.search.findings import Lesion, lesions_of
from spars.search.folder import is_folder, read_folder, write_folder
from spars.search.frames import Frame
from spars.search.presence import probability
from spars.search.visits import Contribution, contributions
from spars.volume.labelled import DICOM, SLICER, write_dicom, write_slicer
from spars.volume.masks import millilitres_of
from spars.volume.thumbnails import thumbnails
from spars.volume.volume import Volume, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Segmentation"]

#: What a mask's label is called where a file holds names.
_LABEL = "tumour"


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

    Examples
    --------
    >>> made = spars.phantom(seed=2, shape=(64, 64, 48))
    >>> found = spars.segment(made.volume, None, method="intensity", region=made.liver)
    >>> found.mask.shape, found.millilitres > 0, found.scores_asked, found.probability
    ((64, 64, 48), True, None, None)
    >>> found.dice(made.tumour) == found.evaluate(made.tumour)["dice"]
    True
    >>> found.save("mask.nii.gz")
    >>> found.save_score_map("score_map.nii.gz")
    >>> found.save("folder")
    >>> again = spars.Segmentation.load("folder", made.volume)
    >>> np.array_equal(again.mask, found.mask)
    True
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
        self._is_loaded = False

    @property
    def scores_asked(self) -> int | None:
        """How many windows the scorer was asked for; None with a method that has no budget."""
        return self.configuration.get("search", {}).get("scores_asked")

    @functools.cached_property
    def lesions(self) -> list[Lesion]:
        """The mask's lesions, the largest first: position, volume, diameter, mean HU, score."""
        return lesions_of(self.volume, self.mask, self.score_map)

    @property
    def probability(self) -> float | None:
        """The probability that the scan shows tumour, by the recipe's presence curve.

        It says how sure the classifier is of its surest place, whether or not the mask holds
        anything, on scans of which half have tumours. None where the recipe has no such curve, or
        the map is not one of every window's score (another method than "exhaustive"): what was
        left out may have been the highest.
        """
        if self.configuration.get("method") != "exhaustive":
            return None
        recipe = self.configuration.get("recipe") or {}
        slope, offset = recipe.get("presence_slope"), recipe.get("presence_offset")
        if slope is None or offset is None:
            return None
        return probability(self.score_map, slope, offset)

    @property
    def millilitres(self) -> float:
        """The mask's volume, ml."""
        return millilitres_of(int(self.mask.sum()), self.volume)

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
            The voxel is not one of the scan, or the segmentation was loaded.

        Examples
        --------
        >>> scan = spars.phantom(seed=1, shape=(32, 32, 24)).volume
        >>> darkness = lambda crops: 1 / (1 + np.exp(crops.mean(axis=(1, 2, 3)) / 100))
        >>> found = spars.segment(
        ...     scan, darkness, window=(8, 8, 8), grid=scan.shape, iterations=2,
        ...     segmentation_threshold=0.5,
        ... )
        >>> place = np.unravel_index(found.score_map.argmax(), found.score_map.shape)
        >>> len(found.why(*place)) > 0
        True
        """
        if self._is_loaded:
            raise ValueError("The windows of a search are not kept in a folder: segment again.")
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

    def save(
        self, path: PathLike, *, source: AnyPath | None = None, series: str | int | None = None
    ) -> None:
        """Write the mask as a file, by its ending, or everything into a folder.

        Parameters
        ----------
        path : path
            - ``.nii``, ``.nii.gz``: the mask (uint8) on the scan's own geometry, its header kept,
              with a header extension (code 6) that holds version and hashes of configuration and
              scan as JSON.
            - ``.seg.nrrd``: a segmentation of 3D Slicer, its label named "tumour" (the extra
              "images").
            - ``.dcm``: DICOM-SEG on the slices of `source` (the extra "dicom").
            - A folder, or a name without an ending: ``mask.nii.gz``, ``score_map.nii.gz``,
              ``lesions.csv``, and ``segmentation.json`` with configuration, lesions, versions and
              hashes, which `Segmentation.load` reads.
        source : path, optional
            The folder of the DICOM series that was segmented, for DICOM-SEG.
        series : str or int, optional
            Which series of `source`, as `spars.load` takes it.

        Raises
        ------
        ValueError
            Another ending, DICOM-SEG without `source`, or a mask that does not lie on its voxels.
        ImportError
            The extra is not installed.
        OSError
            It cannot be written.
        """
        name = os.fspath(path).lower()
        if source is not None and not name.endswith(DICOM):
            raise ValueError(sentence("source", "save", "None but for a file of DICOM-SEG", source))
        if name.endswith(SLICER):
            write_slicer(path, self.mask, self.volume, _LABEL)
        elif name.endswith(DICOM):
            if source is None:
                allowed = "the folder of the series that was segmented"
                raise ValueError(sentence("source", "save", allowed, source))
            write_dicom(path, self.mask, self.volume, _LABEL, source, series)
        elif is_folder(path):
            write_folder(path, self)
        else:
            save(path, self.mask, like=self.volume, comment=comment(self.configuration))

    @classmethod
    def load(cls, path: PathLike, volume: Scan | None = None) -> Self:
        """Read a folder that `save` wrote.

        Parameters
        ----------
        path : path
        volume : Volume, array, image or path, optional
            The scan. Without it `volume` of the result has its place and NaN for values, so that
            what needs HU says so.

        Returns
        -------
        Segmentation
            Without its search: `run` is None, and `why` refuses.

        Raises
        ------
        FormatError
            A file is broken, or its values are not those that were written.
        ValueError
            `volume` is another scan.
        OSError
            A file is missing, or cannot be read.
        """
        scan, mask, score_map, configuration, lesions = read_folder(path, volume)
        found = cls(scan, mask, score_map, None, configuration)
        found.lesions, found._is_loaded = lesions, True
        return found

    def save_score_map(self, path: PathLike) -> None:
        """Write the score map as NIfTI (float32) on the scan's own geometry, its header kept."""
        told = comment(self.configuration)
        save(path, self.score_map, like=self.volume, comment=told)

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

        Examples
        --------
        >>> made = spars.phantom(seed=2, shape=(64, 64, 48))
        >>> found = spars.segment(made.volume, None, method="intensity", region=made.liver)
        >>> found.plot(made.tumour).savefig("mask.png")
        """
        if reference is not None:
            reference = as_mask(reference, "reference", "plot", scan=self.volume, on=on)
        return plots.overlay(self.volume, self.mask, reference, axis=axis, index=index)

    def view(self, reference: Mask | None = None, *, on: str | None = None) -> Any:
        """Return something to scroll through in a notebook: scan, mask, scores and a reference.

        Parameters
        ----------
        reference : Volume, array or path, optional
        on : {None, "scan", "voxels"}
            As for `dice`.

        Returns
        -------
        ipyniivue.NiiVue or Scroller
            NiiVue's widget where ipyniivue is installed (the extra "notebook"); else the scroller
            of reports, a page of its own that `Scroller.save` writes (the extra "report").

        Raises
        ------
        ImportError
            Neither is installed.

        Examples
        --------
        >>> made = spars.phantom(seed=2, shape=(64, 64, 48))
        >>> found = spars.segment(made.volume, None, method="intensity", region=made.liver)
        >>> page = found.view(made.tumour)
        """
        if reference is not None:
            reference = as_mask(reference, "reference", "view", scan=self.volume, on=on)
        return viewer(self, reference)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what was found, and the planes where it is largest."""
        index = [plots.largest_slice(self.mask.shape, self.mask, axis=axis) for axis in range(3)]
        probability = self.probability
        rows = [
            ("method", self.configuration["method"]),
            ("tumour", f"{self.millilitres:.1f} ml, {int(self.mask.sum())} voxels"),
            ("highest score", f"{float(self.score_map.max()):.3g}"),
            ("threshold", self.configuration.get("segmentation_threshold")),
            ("probability", None if probability is None else f"{probability:.2f}"),
            ("windows scored", self.scores_asked),
        ]
        return card("Segmentation", rows, thumbnails(self.volume, index, self.mask))

    def __repr__(self) -> str:
        return (
            f"Segmentation(method={self.configuration['method']!r}, shape={self.mask.shape}, "
            f"tumour={int(self.mask.sum())} voxels, {self.millilitres:.1f} ml)"
        )
