"""How a notebook scrolls through a segmentation: NiiVue's widget, or the reports' scroller."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spars._support.extras import require
from spars._support.types import MaskArray
from spars.report import plots
from spars.report.scroller import scroller
from spars.volume.volume import save

if TYPE_CHECKING:
    from spars.search.segmentation import Segmentation


def viewer(segmentation: Segmentation, reference: MaskArray | None) -> Any:
    """Return NiiVue's widget where ipyniivue is installed, else the scroller of reports."""
    if importlib.util.find_spec("ipyniivue") is None:
        return scroller(segmentation, reference)
    window = plots.SOFT_TISSUE
    low, high = plots.score_range(segmentation.score_map)
    layers: list[tuple[str, Any, dict[str, Any]]] = [
        (
            "scan",
            segmentation.volume,
            {
                "colormap": "gray",
                "cal_min": window.level - window.width / 2,
                "cal_max": window.level + window.width / 2,
            },
        ),
        (
            "scores",
            segmentation.score_map,
            {"colormap": "inferno", "opacity": 0.3, "cal_min": low, "cal_max": high},
        ),
        ("mask", segmentation.mask, {"colormap": "red", "opacity": 0.5}),
    ]
    if reference is not None:
        layers.append(("reference", reference, {"colormap": "blue", "opacity": 0.5}))
    widget = require("ipyniivue", "notebook", "A viewer").NiiVue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.nii.gz"
        shown = []
        for name, values, options in layers:
            save(path, values, like=segmentation.volume)
            shown.append({"data": path.read_bytes(), "name": f"{name}.nii.gz", **options})
    widget.load_volumes(shown)
    return widget
