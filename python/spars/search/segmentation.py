"""From a scan and a scorer to a mask: the whole method behind one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from spars import metrics
from spars._support.checks import (
    check_float,
    check_integer,
    check_room,
)
from spars._support.progress import as_progress
from spars._support.provenance import digest
from spars._support.settings import flat
from spars._support.types import FloatArray, Mask, MaskArray, PathLike, Scan
from spars.game.field import known_grid
from spars.game.rules import checked_threshold
from spars.game.scorers import Scorer
from spars.metrics.masks import as_mask
from spars.report import plots
from spars.search import baselines, selfplay
from spars.search.settings import METHODS, SegmentationSettings
from spars.search.visits import Contribution, contributions
from spars.volume.crossing import Crossing
from spars.volume.volume import Volume, as_volume, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["METHODS", "Segmentation", "isolate", "segment"]

_SEARCHES: dict[str, Callable[..., Any]] = {
    "self_play": selfplay.self_play,
    "exhaustive": baselines.exhaustive,
    "random_walk": baselines.random_walk,
    "greedy": baselines.greedy,
    "grad_cam": baselines.grad_cam,
}


@flat(SegmentationSettings)
def segment(volume: Scan, classifier: Scorer, settings: SegmentationSettings) -> Segmentation:
    """Segment a scan's tumours by windows that a classifier scores.

    The scan is brought to the model grid, windows are searched there, their scores accumulate
    into a map, and the map is brought back to the scan's voxels (nearest neighbour) and
    thresholded. No voxel mask is read.

    Parameters
    ----------
    volume : Volume, array, image or path
        The scan, (X, Y, Z), HU. An array is a scan too: it is brought to `grid`.
    classifier : Classifier, ScoreAtlas or callable
        Scores windows in [0, 1]; higher means tumour.
    {settings}

    Returns
    -------
    Segmentation

    Raises
    ------
    ValueError, TypeError
        A parameter is out of range, the window is larger than the grid, the region has another
        shape than the scan, or none is given to isolate.
    NonFiniteError
        The scan holds NaN or infinity.
    """
    game = settings.search.get("game", "search")
    threshold = checked_threshold(settings.termination_threshold, game, settings.owner)
    protocol = settings.protocol
    if settings.segmentation_threshold is not None:
        # One threshold for the mask and for what the search says of its map on the way.
        protocol = protocol.with_switches(segmentation_threshold=settings.segmentation_threshold)
    frame = protocol.scan_frame if settings.grid else "native"
    room = known_grid(volume, settings.grid, frame, settings.owner)
    check_room(settings.window, room, settings.owner, "the grid")
    scan = searched = as_volume(volume)
    box: tuple[slice, ...] = (slice(None),) * 3
    region, search = settings.region, dict(settings.search)
    if region is not None:
        region = as_mask(region, "region", settings.owner, shape=scan.shape)
    if settings.isolated:
        if region is None:
            raise ValueError(
                "The 'isolated' parameter of segment must be False without a region. "
                "Got True instead."
            )
        searched, box = isolate(scan, region), bounding_box(region)
        if search.get("reference") is not None:
            reference = as_mask(search["reference"], "reference", settings.owner, shape=scan.shape)
            search["reference"] = np.ascontiguousarray(reference[box])
    if settings.grid is None:
        protocol = protocol.with_switches(scan_frame="native")
    run = _SEARCHES[settings.method](
        searched,
        classifier,
        iterations=settings.iterations,
        window=settings.window,
        grid=settings.grid or searched.shape,
        protocol=protocol,
        termination_threshold=threshold if game == "search" else None,
        seed=settings.seed,
        progress=as_progress(settings.progress, settings.method.replace("_", " ")),
        **search,
    )
    score_map = np.zeros(scan.shape, dtype=np.float32)
    crossing = Crossing(searched.shape, run.score_map.shape, protocol.scan_frame)
    score_map[box] = crossing.to_scan(run.score_map)
    mask = score_map > protocol.segmentation_threshold
    if region is not None:
        mask &= region.astype(bool)
    configuration = {
        "method": settings.method,
        "segmentation_threshold": protocol.segmentation_threshold,
        "region": None if region is None else digest(region),
        "isolated": settings.isolated,
        "scan": {"shape": list(scan.shape), "spacing": list(scan.spacing), "sha256": digest(scan)},
        "search": run.configuration,
    }
    return Segmentation(scan, mask.astype(np.uint8), score_map, run, configuration, box)


class Segmentation:
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
        box: tuple[slice, ...] = (slice(None),) * 3,
    ) -> None:
        self.volume = volume
        self.mask = mask
        self.score_map = score_map
        self.run = run
        self.configuration = configuration
        # Where in the scan the search took place.
        self._box = box

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
        starts, stops, _ = zip(
            *(axis.indices(n) for axis, n in zip(self._box, self.volume.shape, strict=True)),
            strict=True,
        )
        if any(not a <= v < b for v, a, b in zip(voxel, starts, stops, strict=True)):
            return []
        c = self.run.configuration
        searched = tuple(b - a for a, b in zip(starts, stops, strict=True))
        crossing = Crossing(searched, tuple(c["grid"]), c["protocol"]["scan_frame"])
        place = crossing.voxel([v - a for v, a in zip(voxel, starts, strict=True)])
        if place is None:
            return []
        return contributions(self.run._visits(), c, place)

    def dice(self, reference: Mask) -> float:
        """Return the Dice of the mask with a reference mask, in native voxels.

        Parameters
        ----------
        reference : Volume, array or path
            (X, Y, Z), of 0 and 1.

        Returns
        -------
        float
            In [0, 1]; NaN where both masks are empty.
        """
        reference = as_mask(reference, "reference", "dice", shape=self.mask.shape)
        return metrics.dice(self.mask, reference)

    def evaluate(self, reference: Mask) -> dict[str, float]:
        """Return every metric of `spars.metrics.evaluate` against a reference mask, by name."""
        reference = as_mask(reference, "reference", "evaluate", shape=self.mask.shape)
        return metrics.evaluate(self.mask, reference, spacing=self.volume.spacing)

    def save(self, path: PathLike) -> None:
        """Write the mask as NIfTI (uint8) on the scan's own geometry, its header kept."""
        save(path, self.mask, like=self.volume)

    def save_score_map(self, path: PathLike) -> None:
        """Write the score map as NIfTI (float32) on the scan's own geometry, its header kept."""
        save(path, self.score_map, like=self.volume)

    def plot(
        self, reference: Mask | None = None, axis: int = 2, index: int | None = None
    ) -> Figure:
        """Draw the scan with the outlines of the mask and, if given, of a reference.

        Parameters and result are those of `spars.plots.overlay`; needs the extra "report".
        """
        if reference is not None:
            reference = as_mask(reference, "reference", "plot", shape=self.mask.shape)
        return plots.overlay(self.volume, self.mask, reference, axis=axis, index=index)

    def __repr__(self) -> str:
        voxels = int(self.mask.sum())
        millilitres = voxels * float(np.prod(self.volume.spacing)) / 1000
        return (
            f"Segmentation(method={self.configuration['method']!r}, shape={self.mask.shape}, "
            f"tumour={voxels} voxels, {millilitres:.1f} ml)"
        )


def isolate(volume: Scan, region: Mask, *, outside: float = -200.0, margin: int = 0) -> Volume:
    """Return the part of a scan that an organ fills, everything else set to one value.

    A classifier trained on isolated organs learns from nothing but the organ, and far fewer
    windows need a score. The affine moves along, so a mask made on the result lies in place over
    the whole scan.

    Parameters
    ----------
    volume : Volume, array, image or path
        The scan, (X, Y, Z), HU.
    region : Volume, array, image or path
        The organ's mask on the scan's voxels, of 0 and 1.
    outside : float
        HU given to voxels outside the organ.
    margin : int
        Voxels kept around the organ on each side, as far as the scan reaches.

    Returns
    -------
    Volume
        The organ's bounding box, with the margin.

    Raises
    ------
    ValueError
        The region is empty or has another shape than the scan.
    """
    outside = check_float(outside, "outside", "isolate")
    margin = check_integer(margin, "margin", "isolate", 0)
    scan = as_volume(volume)
    region = as_mask(region, "region", "isolate", shape=scan.shape)
    if not region.any():
        raise ValueError("The 'region' parameter of isolate must hold a voxel. Got none instead.")
    box = bounding_box(region, margin)
    affine = np.array(scan.affine)
    affine[:3, 3] = (affine @ [*(axis.start for axis in box), 1.0])[:3]
    return Volume(np.where(region[box] == 1, scan.array[box], np.float32(outside)), affine)


def bounding_box(mask: MaskArray, margin: int = 0) -> tuple[slice, ...]:
    """Return the slices of the smallest box around a mask's voxels, widened by `margin`."""
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        found = np.flatnonzero(mask.any(axis=others))
        first, last = int(found[0]) - margin, int(found[-1]) + 1 + margin
        box.append(slice(max(0, first), min(mask.shape[axis], last)))
    return tuple(box)
