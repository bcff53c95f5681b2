"""The recipe that a training leaves: what a scan must become to look like what was trained on."""

from __future__ import annotations

import numpy as np

from spars.classifier.recipe import CREDITED, Recipe
from spars.classifier.training.settings import TrainingSettings
from spars.lesions.windows import Windows
from spars.volume.protocol import Protocol

# How far voxels' edges may lie apart, as `spars.lesions.windows` lets hosts' spacings differ.
_ALIKE = 1.01


def of_scans(settings: TrainingSettings, protocol: Protocol, earlier: Recipe | None) -> Recipe:
    """Return the recipe of scans that were trained on.

    Parameters
    ----------
    settings : TrainingSettings
    protocol : Protocol
        As it was used.
    earlier : Recipe or None
        The classifier's own before: only whoever cut organs out of the scans knows that they were,
        so `isolated` is kept from there.
    """
    return Recipe.of(
        {
            "window": settings.window,
            "grid": None if protocol.scan_frame == "native" else settings.grid,
            "isolated": earlier is not None and earlier.isolated,
            "protocol": protocol,
        }
    )


def of_windows(source: Windows, protocol: Protocol) -> Recipe | None:
    """Return the recipe of made windows; None where their voxels are no cubes to 1 %.

    Parameters
    ----------
    source : spars.lesions.Windows
    protocol : Protocol
        As it was used: the HU range that the network saw is taken from it.
    """
    edges = np.array([host.spacing for host in source.hosts])
    if edges.max() > _ALIKE * edges.min():
        return None
    drawn = source.settings
    recipe = Recipe.of_organ(
        round(float(edges.mean()), 6),
        drawn.window,
        credited_part=None if min(drawn.window) >= CREDITED else drawn.core,
        level_at=drawn.level_at,
        outside=drawn.outside,
    )
    seen = recipe.protocol.with_switches(intensity_window=protocol.intensity_window)
    return recipe.changed(protocol=seen)
