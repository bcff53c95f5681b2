"""Training on windows that are made as they are needed, with labels of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spars._core import native
from spars._support.checks import shown
from spars._support.types import FloatArray, MaskArray
from spars.classifier.training.examples import DescribedExamples
from spars.classifier.training.history import plain
from spars.classifier.training.settings import TrainingSettings
from spars.lesions.windows import Windows

_OWNER = "fit"
# What the crops of scans may be and windows are not.
_SWITCHES = {"crop_label": "image", "crop_size": "window", "crop_interpolation": "nearest"}


class MadeExamples(DescribedExamples):
    """Windows of a source, in its order: batch k holds those from k times `count` on.

    Parameters
    ----------
    role : str
        "training" or "validation".
    source : spars.lesions.Windows
    count : int
        Windows of a batch.
    """

    def __init__(self, role: str, source: Windows, count: int) -> None:
        super().__init__(role, count, described(source))
        self.source = source

    @property
    def labels(self) -> set[int]:
        chance = self.source.settings.tumour_chance
        return {label for label, part in ((0, 1.0 - chance), (1, chance)) if part > 0.0}

    def fill(self, trainer: int, batch: int) -> None:
        drawn = self.source.draw(batch * self.count, self.count)
        add_windows(trainer, drawn.values, drawn.labels)


def add_windows(trainer: int, values: FloatArray, labels: MaskArray) -> None:
    """Give the core's trainer windows (n, x, y, z) with labels of their own."""
    rows = values.reshape(len(values), -1)
    native.trainer_add_windows(trainer, rows, values.shape[1:], labels)


def described(source: Windows) -> dict[str, Any]:
    """Return what a source's windows follow from, as plain values: law, settings, seed, hosts."""
    return plain(
        {
            "law": source.law.recorded(),
            "settings": source.settings.recorded(),
            "seed": source.seed,
            "hosts": [
                {
                    "spacing": host.spacing,
                    "level": host.organ.level,
                    "voxels": host.organ.voxels,
                    "sha256": host.sha256,
                    "mask_sha256": host.mask_sha256,
                }
                for host in source.hosts
            ],
        }
    )


def fitted(settings: TrainingSettings, sources: Mapping[str, Windows | None]) -> TrainingSettings:
    """Return the settings with what made windows decide, or refuse what means nothing with them.

    Parameters
    ----------
    settings : TrainingSettings
    sources : dict
        Under "dataset", and "validation" if there is any: the source, or None where it is of
        scans.
    """
    made = {name: source for name, source in sources.items() if source is not None}
    if not made:
        return settings
    for switch, allowed in _SWITCHES.items():
        found = getattr(settings.protocol, switch)
        if found != allowed:
            raise _refusal(f"protocol.{switch}", repr(allowed), found, "made windows")
    if "dataset" in made:
        check_training(settings)
    if len(made) == len(sources):
        settings = _without_scans(settings)
    if len(made) == 2 and described(made["dataset"]) == described(made["validation"]):
        raise ValueError(
            "The 'validation' parameter of fit must hold windows of other hosts or of another seed "
            "than the 'dataset', whose first ones it would measure on again. Got the same source."
        )
    return _with_window(settings, made)


def check_training(settings: TrainingSettings) -> None:
    """Refuse what is done to scans that are trained on."""
    what = "made windows to train on"
    if settings.steps_per_epoch is None:
        raise _refusal("steps_per_epoch", "an integer", None, f"{what}, which have no end")
    if settings.pooling is not None:
        raise _refusal(
            "pooling", "None", settings.pooling, f"{what}, which have labels of their own"
        )
    if isinstance(settings.class_weights, str):
        raise _refusal(
            "class_weights", "None or two floats", settings.class_weights,
            f"{what}, whose labels 'tumour_chance' of their source weighs",
        )  # fmt: skip
    if settings.augmentation is not None:
        raise _refusal(
            "augmentation", "None", settings.augmentation,
            f"{what}, which the settings of their source change",
        )  # fmt: skip


def _without_scans(settings: TrainingSettings) -> TrainingSettings:
    """Refuse what says how scans are drawn and cut, if there are none."""
    defaults = settings.defaults()
    for name in ("scan_sampling", "crop_sampling", "foreground_threshold"):
        if getattr(settings, name) != defaults[name]:
            raise _refusal(
                name, repr(defaults[name]), getattr(settings, name), "made windows alone"
            )
    if settings.grid not in (None, defaults["grid"]):
        raise _refusal(
            "grid",
            "left out",
            settings.grid,
            "made windows alone, which are in their hosts' voxels",
        )
    return settings.changed(grid=None)


def _with_window(settings: TrainingSettings, made: Mapping[str, Windows]) -> TrainingSettings:
    """Return the settings with the sources' window, or refuse another one."""
    (first, source), *others = made.items()
    window = source.settings.window
    for name, other in others:
        if other.settings.window != window:
            raise ValueError(
                f"The '{name}' parameter of fit must hold windows of {window}, as the '{first}'. "
                f"Got windows of {other.settings.window} instead."
            )
    if settings.window not in (window, settings.defaults()["window"]):
        raise ValueError(
            f"The 'window' parameter of fit must be {window}, that of the windows of '{first}', or "
            f"left out. Got {settings.window} instead."
        )
    return settings.changed(window=window)


def _refusal(name: str, allowed: str, got: object, where: str) -> ValueError:
    return ValueError(
        f"The '{name}' parameter of fit must be {allowed} with {where}. Got {shown(got)} instead."
    )
