"""The settings of going on with image-level labels."""

from __future__ import annotations

from spars._support.kinds import bar, integer, number, optional
from spars._support.settings import Settings, setting
from spars._support.types import Progress

__all__ = ["WeakLabelSettings"]


class WeakLabelSettings(Settings, owner="fit_weak_labels"):
    """How a classifier goes on with image-level labels."""

    epochs: int = setting(8, integer(1), "Most epochs; every window is ranked anew in each.")
    steps_per_epoch: int = setting(20, integer(1), "Steps of an epoch.")
    windows_per_step: int = setting(
        16,
        integer(2, 32768),
        """
        Windows of scans in a step, every second of one with tumour; as many made windows stand
        beside them.
        """,
    )
    top: int = setting(
        8,
        integer(1),
        """
        The highest-scoring windows of a scan that are learned from: as tumour where its label says
        so, else as none.
        """,
    )
    learning_rate: float = setting(1e-4, number(0.0, open_low=True), "Adam's.")
    patience: int | None = setting(
        3,
        optional(integer(1)),
        "Ends after so many epochs without a higher ROC AUC of the held-out scans; None: not.",
    )
    seed: int = setting(0, integer(0, 2**64 - 1), "Of which windows are drawn and changed.")
    progress: Progress | bool | None = setting(
        None,
        bar(),
        'Called with (done, planned) batches; True draws a bar (the extra "progress").',
        recorded=False,
    )
