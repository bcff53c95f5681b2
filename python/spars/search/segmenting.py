"""From a scan and a scorer to a mask: the whole method behind one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spars._support.checks import check_room, sentence
from spars._support.log import log
from spars._support.progress import as_progress
from spars._support.provenance import digest, versions
from spars._support.settings import flat
from spars._support.types import Scan
from spars.classifier.recipe import Recipe
from spars.game.field import known_grid
from spars.game.rules import checked_threshold
from spars.game.scorers import Scorer, identity
from spars.search import baselines, organ, selfplay
from spars.search.budget import search_by
from spars.search.frames import WHOLE, BoxFrame, described_scan, isolated
from spars.search.segmentation import Segmentation
from spars.search.settings import LEARNED, SegmentationSettings
from spars.search.strategies import STRATEGIES
from spars.volume.masks import as_mask, bounding_box
from spars.volume.orientation import turn_of
from spars.volume.volume import as_volume

__all__ = ["segment"]

SEARCHES: dict[str, Callable[..., Any]] = {
    "self_play": selfplay.self_play,
    "exhaustive": baselines.exhaustive,
    "random_walk": baselines.random_walk,
    "greedy": baselines.greedy,
    "grad_cam": baselines.grad_cam,
    **{name: search_by(name) for name in (*STRATEGIES, LEARNED)},
}


def from_recipe(
    classifier: Scorer | None, *, recipe: Any = "classifier", **given: Any
) -> dict[str, Any]:
    """Return the settings of `segment` that a recipe knows, for those that were not given.

    Parameters
    ----------
    classifier : Classifier, Ensemble, ScoreAtlas, callable or None
        Whose recipe counts unless one is given.
    recipe : Recipe, None or "classifier"
        As `segment` takes it.
    **given
        The other settings that were given.

    Raises
    ------
    TypeError
        `recipe` is something else.
    """
    if recipe == "classifier":
        recipe = getattr(classifier, "recipe", None)
    learned = {"method": LEARNED} if given.get("agents") is not None else {}
    if recipe is None:
        return {"recipe": None} | learned
    if not isinstance(recipe, Recipe):
        raise TypeError(sentence("recipe", SegmentationSettings.owner, "a Recipe or None", recipe))
    known: dict[str, Any] = {
        "recipe": recipe, "window": recipe.window, "protocol": recipe.protocol,
    }  # fmt: skip
    if recipe.spacing is None:
        known |= {"grid": recipe.grid, "isolated": recipe.isolated}
    else:
        known |= {"grid": None, "method": "exhaustive"}
    return known | learned


def _known(volume: Scan, classifier: Scorer | None, **given: Any) -> dict[str, Any]:
    return from_recipe(classifier, **given)


@flat(SegmentationSettings, defaults=_known)
def segment(
    volume: Scan, classifier: Scorer | None, settings: SegmentationSettings
) -> Segmentation:
    """Segment a scan's tumours by windows that a classifier scores.

    What the scan becomes first, the classifier's recipe says: an organ on a working grid of one
    spacing, HU measured from its level, or the scan on the model grid. Windows are searched there,
    their scores accumulate into a map, the map is thresholded, on a working grid its parts are
    brought to where the HU change, and all is brought back to the scan's voxels. No voxel mask but
    the organ's is read.

    Parameters
    ----------
    volume : Volume, array, image or path
        The scan, (X, Y, Z), HU. An array is a scan too: it is brought to `grid`.
    classifier : Classifier, Ensemble, ScoreAtlas, callable or None
        Scores windows in [0, 1]; higher means tumour. None with ``method="intensity"`` alone.
    {settings}

    Returns
    -------
    Segmentation

    Raises
    ------
    ValueError, TypeError
        A parameter is out of range or is none of the recipe's, the window is larger than the grid,
        the region has another shape than the scan, or none is given where one is needed.
    NonFiniteError
        The scan holds NaN or infinity.

    Warns
    -----
    ScanWarning
        The organ does not look like what the recipe is for; the message says why.

    Examples
    --------
    >>> made = spars.phantom(seed=2, shape=(64, 64, 48))
    >>> found = spars.segment(made.volume, None, method="intensity", region=made.liver)
    >>> found.mask.shape, found.millilitres > 0
    ((64, 64, 48), True)
    """
    found = _segmented(volume, classifier, settings)
    found.configuration |= {"classifier": identity(classifier), "versions": versions()}
    log.info("%s: %d voxels, %.2f ml", settings.method, int(found.mask.sum()), found.millilitres)
    return found


def _segmented(
    volume: Scan, classifier: Scorer | None, settings: SegmentationSettings
) -> Segmentation:
    """Segment by the settings' method."""
    recipe = settings.recipe
    if settings.region is None and settings.region_value is not None:
        raise ValueError(sentence("region", settings.owner, "a mask with `region_value`", None))
    if settings.method == "intensity":
        return organ.segment_by_intensity(volume, settings)
    if classifier is None:
        wanted = "a Classifier, a ScoreAtlas or a callable"
        raise TypeError(sentence("classifier", settings.owner, wanted, None))
    if isinstance(recipe, Recipe) and recipe.spacing is not None:
        return organ.segment_organ(volume, classifier, settings, recipe, SEARCHES[settings.method])
    game = settings.search.get("game", "search")
    threshold = checked_threshold(settings.termination_threshold, game, settings.owner)
    protocol = settings.played()
    if settings.grid is None:
        protocol = protocol.with_switches(scan_frame="native")
    room = known_grid(volume, settings.grid, protocol, settings.owner)
    check_room(settings.window, room, settings.owner, "the grid")
    scan = searched = as_volume(volume)
    box = WHOLE
    region, search = settings.region_on(scan), dict(settings.search)
    if search.get("reference") is not None:
        reference = search["reference"]
        search["reference"] = as_mask(
            reference, "reference", settings.owner, scan=scan, on=settings.on
        )
    if settings.isolated:
        if region is None:
            raise ValueError(
                "The 'isolated' parameter of segment must be False without a region. "
                "Got True instead."
            )
        searched, box = isolated(scan, region), bounding_box(region)
        if search.get("reference") is not None:
            search["reference"] = np.ascontiguousarray(search["reference"][box])
    turn = turn_of(searched, protocol.orientation)
    run = SEARCHES[settings.method](
        searched,
        classifier,
        iterations=settings.iterations,
        window=settings.window,
        grid=settings.grid or turn.shape(searched.shape),
        protocol=protocol,
        termination_threshold=threshold if game == "search" else None,
        seed=settings.seed,
        progress=as_progress(settings.progress, settings.method.replace("_", " ")),
        **settings.budget(),
        **search,
    )
    place = BoxFrame(scan.shape, run.score_map.shape, box, protocol.scan_frame, turn)
    score_map = place.to_scan(run.score_map)
    mask = score_map > protocol.segmentation_threshold
    if region is not None:
        mask &= region.astype(bool)
    configuration = {
        "method": settings.method,
        "segmentation_threshold": protocol.segmentation_threshold,
        "region": None if region is None else digest(region),
        "isolated": settings.isolated,
        "recipe": recipe.recorded() if isinstance(recipe, Recipe) else None,
        "scan": described_scan(scan),
        "search": run.configuration,
    }
    return Segmentation(scan, mask.astype(np.uint8), score_map, run, configuration, place)
