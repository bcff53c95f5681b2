"""The settings of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spars._support.callbacks import Callbacks
from spars._support.checks import check_choice, check_integer, sentence, shown
from spars._support.defaults import GRID_OF_RECORD, WINDOW_OF_RECORD
from spars._support.kinds import (
    Kind,
    anything,
    bar,
    boolean,
    callbacks,
    choice,
    extent,
    grid,
    instance,
    integer,
    number,
    optional,
    path,
)
from spars._support.settings import Settings, setting
from spars._support.types import PathLike, Progress
from spars.classifier.augmentation import Augmentation
from spars.classifier.training.early_stop import MONITORS
from spars.volume.protocol import Protocol, protocol_kind

# A scan on the model grid of record takes 47 MB: 24 of them and their masks fit.
_CACHE_BYTES = 2 << 30
_MOST = 65536


_RATE = 1e-3


def _rate() -> Kind:
    rate = number(0.0, open_low=True)

    def check(value: Any, name: str, owner: str) -> Any:
        if callable(value):
            return value
        if isinstance(value, str):
            return _RATE, check_choice(value, name, owner, ("falling",))
        if isinstance(value, tuple) and len(value) == 2:
            return rate.check(value[0], name, owner), check_choice(
                value[1], name, owner, ("falling",)
            )
        return rate.check(value, name, owner)

    return Kind(
        'float, "falling", (float, "falling") or callable',
        check,
        {"type": _rate_given, "metavar": "{X,falling}"},
        plain=lambda value: "a schedule" if callable(value) else value,
        again=lambda value: tuple(value) if isinstance(value, list) else value,
    )


def _rate_given(text: str) -> float | str:
    """Return the value of --learning-rate."""
    return text if text == "falling" else float(text)


def _pooling(text: str) -> str | int | None:
    """Return the value of --pooling."""
    if text == "none":
        return None
    return int(text) if text.lstrip("-").isdigit() else text


class TrainingSettings(Settings, owner="fit"):
    """What `spars.Classifier.fit` takes as keywords."""

    window: tuple[int, int, int] = setting(
        WINDOW_OF_RECORD,
        extent(),
        "The crops' extent in voxels of `grid`, where the protocol's `crop_size` is \"window\".",
        help="extent of the crops",
    )
    grid: tuple[int, int, int] | None = setting(
        GRID_OF_RECORD,
        grid(),
        """
        The model grid, where the protocol's `scan_frame` is "resampled". None trains in the scans'
        own voxels.
        """,
    )
    epochs: int = setting(32, integer(1), "The schedule of record has 32.", help="of training")
    steps_per_epoch: int | None = setting(
        None,
        optional(integer(1)),
        """
        Default: the schedule of record, a quarter of the training scans (2 to 6 for 8 to 24).
        """,
        help="default: a quarter of the scans",
    )
    scans_per_step: int = setting(4, integer(1, _MOST), "Scans drawn in a step; 4 of record.")
    crops_per_scan: int = setting(10, integer(1, _MOST), "Crops cut of each; 10 of record.")
    learning_rate: float | str | tuple[float, str] | Callable[[float], float] = setting(
        _RATE,
        _rate(),
        """
        Adam's. (rate, "falling") keeps the rate for the first half of the steps, then lets it fall
        evenly towards 0; "falling" begins at 1e-3. A callable gets the part of the steps that
        remains, from 1 down towards 0, and returns the rate of the next step, as
        stable-baselines3's schedules do.
        """,
        help="of Adam; falling: 0.001 for the first half of the steps, then evenly towards 0",
    )
    pooling: str | int | None = setting(
        None,
        anything(
            'None, "max", "log_sum_exp" or int',
            {"type": _pooling, "metavar": "{none,max,log_sum_exp,K}"},
        ),
        """
        How the crops of a scan share its label, which says whether a tumour is anywhere in it.
        None: each carries it, as in the paper. An integer k: the mean of the k highest margins
        (the tumour's logit less the other) takes it; "max" is 1. "log_sum_exp":
        log(mean(exp(margin))) takes it.
        """,
        help="how crops share their scan's label: none (each carries it), max, log_sum_exp, or the "
        "K highest",
    )
    class_weights: Any = setting(
        None,
        anything('None, "balanced" or (float, float)', {"choices": ("balanced",)}),
        """
        The loss's weights of tumour-free scans and of scans with tumours; each batch's are divided
        by their sum, as PyTorch's. "balanced" weighs by the inverse of how many there are.
        """,
        help="weigh scans without and with tumours by the inverse of their number",
    )
    scan_sampling: str = setting(
        "independent",
        choice("independent", "balanced"),
        """
        "independent" draws any scan, as the released scripts do; "balanced" draws scans without
        and with tumours by turns, for training and validation.
        """,
        help="draw any scan, or scans without and with tumours by turns",
    )
    protocol: Protocol = setting(
        "paper", protocol_kind(), '"paper" or "published", or switches of your own.'
    )
    crop_sampling: str = setting(
        "uniform",
        choice("foreground", "uniform"),
        """
        For image-level labels: "uniform" draws crops from anywhere, as play visits windows
        anywhere; "foreground" draws crops whose centre voxel exceeds `foreground_threshold` HU.
        More of those show tissue, but what windows of air and edges score is then left to chance.
        """,
        help="draw any crop, or those with a centre brighter than air",
    )
    foreground_threshold: float = setting(
        -150.0, number(), "HU; between air and soft tissue.", help="HU between air and soft tissue"
    )
    augmentation: Augmentation | None = setting(
        None,
        optional(
            instance(
                Augmentation,
                "an Augmentation or None",
                plain=Augmentation.to_dict,
                again=lambda numbers: Augmentation(**numbers),
            )
        ),
        "Random changes of training crops; None, as in the paper, leaves them as they are.",
    )
    validation_steps: int = setting(
        4,
        integer(1),
        """
        Batches scored after each epoch, the same ones each time; 4 of record. More of them tell
        epochs apart more finely.
        """,
    )
    patience: int | None = setting(
        None,
        optional(integer(1)),
        """
        Training ends after this many epochs without a better `monitor`. None makes all epochs.
        """,
        help="end after N epochs without a better --monitor of the validation scans",
    )
    monitor: str = setting(
        "loss",
        choice(*MONITORS),
        """
        The metric of the validation crops that says which epoch is best: "loss" (the lowest),
        "accuracy", "precision", "sensitivity", "specificity" or "roc_auc" (the highest). An epoch
        where it is NaN, as ROC AUC is of crops with one label, is never better.
        """,
        help="what says which epoch is best",
    )
    min_delta: float = setting(
        0.0,
        number(0.0),
        "How much better a value must be to count as better: by more than this.",
        help="a better value is better by more than this",
    )
    weights: str = setting(
        "last",
        choice("last", "best"),
        """
        What the classifier is left with: "last", the parameters after the last epoch, or "best",
        those after `History.best_epoch`, running statistics included. The last ones stay where
        no epoch had a value.
        """,
        help="leave the weights of the last epoch, or of the best",
    )
    seed: int = setting(
        0,
        integer(0, 2**64 - 1),
        """
        Seed of scans and crops, 0 to 2^64 - 1. The same seed gives the same bits for any thread
        count.
        """,
        help="of scans and crops",
    )
    checkpoint: PathLike | None = setting(
        None,
        optional(path()),
        """
        Where to keep the state of the training, after every epoch and when it ends early, by
        Ctrl-C or an error; an npz file, written whole or not at all, about 45 MB for the input
        of record and 60 MB with ``weights="best"``. It must not exist yet unless `resume`. The
        place is tried before the first step; later trouble, as a full disk, is a warning. The file
        before stands beside it as ``.previous``, and is read where the newest one is damaged.
        """,
        recorded=False,
        help="keep the state of the training there after every epoch, and when it is interrupted",
    )
    resume: bool = setting(
        False,
        boolean(),
        """
        Go on from `checkpoint`, with the parameters, history and bits of a training that was never
        interrupted. The arguments and scans must be those it was made with, but `epochs` and
        `patience` may be raised as long as training would not have ended before; a learning-rate
        schedule, which sees the part of the steps that remains, allows more epochs if its rates
        of the steps already taken stay the same, as a constant's do. Every scan drawn so far is
        read and compared first. The classifier's own parameters are replaced.
        """,
        recorded=False,
        help="go on from --checkpoint, as if never interrupted",
    )
    cache_bytes: int = setting(
        _CACHE_BYTES,
        integer(0),
        """
        Scans are read when first drawn and kept up to this many bytes, the least recently used
        leaving first.
        """,
        recorded=False,
        help="of scans that are kept in memory",
    )
    progress: Progress | bool | None = setting(
        None,
        bar(),
        "Called after every batch with (batches done, batches planned); True draws a bar (the "
        'extra "progress").',
        recorded=False,
    )
    callback: Callbacks | None = setting(
        None,
        callbacks(),
        """
        Told of every epoch, a callable by being called with (classifier, the epoch's record); one
        that returns False ends the training. See `spars.callbacks`.
        """,
        recorded=False,
    )
    tensorboard: PathLike | None = setting(
        None,
        optional(path("FOLDER")),
        'Folder for event files of every epoch (the extra "tensorboard").',
        recorded=False,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pooling is not None:
            self._check_pooling()
        if self.resume and self.checkpoint is None:
            raise ValueError(sentence("checkpoint", self.owner, "a path if 'resume' is True", None))

    def _check_pooling(self) -> None:
        if self.protocol.crop_label == "voxel":
            raise ValueError(
                "The 'pooling' parameter of fit must be None with crop_label='voxel', where crops "
                f"have labels of their own. Got {shown(self.pooling)} instead."
            )
        if isinstance(self.pooling, str):
            check_choice(self.pooling, "pooling", self.owner, ("max", "log_sum_exp"))
        else:
            check_integer(self.pooling, "pooling", self.owner, 1, self.crops_per_scan)
