"""What a saved run or league was played on, brought back from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spars._support.checks import check_extent, check_integer
from spars._support.errors import FormatError
from spars._support.provenance import digest
from spars._support.types import PathLike, Scan
from spars.game.field import AXIS_LIMIT, Field
from spars.game.rules import checked_threshold
from spars.game.scorers import Scorer
from spars.volume.protocol import Protocol
from spars.volume.volume import as_volume


def field_again(
    configuration: Mapping[str, Any], volume: Scan, scorer: Scorer, path: PathLike | None
) -> Field:
    """Return the field that a file's configuration tells of.

    Parameters
    ----------
    configuration : dict
        What the file at `path` says.
    volume, scorer
        The scan and the scorer, as they were given first.

    Raises
    ------
    FormatError
        The configuration is broken.
    ValueError
        The scan is another one.
    """
    c = configuration
    try:
        protocol = Protocol.from_dict(c["protocol"])
        window = check_extent(c["window"], "window", "load")
        grid = check_extent(c["grid"], "grid", "load", high=AXIS_LIMIT)
        stride = check_integer(c["stride"], "stride", "load", 1, AXIS_LIMIT)
        threshold = checked_threshold(c["termination_threshold"], c.get("game", "search"), "load")
        played_on = c["input_sha256"]
        # How often a run is told and keeps its state; a league's file does not say.
        for name in ("snapshot_interval", "replay_interval"):
            if c.get(name) is not None:
                check_integer(c[name], name, "load", 0)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path}: its configuration is broken: {error!r}") from error
    played = Field(
        as_volume(volume), scorer, window, protocol, threshold,
        None if protocol.scan_frame == "native" else grid, stride,
        {"intensity_window": protocol.intensity_window}, "load",
    )  # fmt: skip
    if digest(played.array) != played_on:
        raise ValueError(
            "The 'volume' parameter of load must be the scan that was played on. Got one of other "
            "values on its grid instead."
        )
    return played
