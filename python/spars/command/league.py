"""What `spars league` does: a round robin among a run's snapshots."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import spars
from spars._support.files import write_bytes
from spars._support.progress import progress_bar
from spars.command.inputs import scan_of
from spars.report import plots
from spars.report.drawing import check_installed, png
from spars.report.text import number


def play_league(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Play, write what is asked for, and return result and text."""
    if arguments.picture:
        check_installed("A picture")
    classifier = spars.load_classifier(arguments.classifier)
    run = spars.Run.load(arguments.run, scan_of(arguments.scan, arguments.series), classifier)
    found = spars.League.of(run, seed=arguments.seed)
    found.play(arguments.games, progress=progress_bar("league"))
    ratings = found.ratings()
    if arguments.output:
        found.save(arguments.output)
    if arguments.picture:
        write_bytes(arguments.picture, png(plots.payoff(found)))
    cycles = found.cycles()
    lines = [f"{'member':<12} {'Elo':>8}   95 % interval"]
    for i in ratings.order:
        lines.append(
            f"{found.names[i]:<12} {number(ratings.elo[i]):>8}   "
            f"{number(ratings.low[i])} to {number(ratings.high[i])}"
        )
    lines.append(
        f"cycles: {len(cycles)}, share of decided triples {number(found.intransitivity())}"
    )
    result = {
        "names": found.names,
        "elo": ratings.elo,
        "low": ratings.low,
        "high": ratings.high,
        "wins": found.wins,
        "ties": found.ties,
        "cycles": cycles,
        "configuration": found.configuration,
    }
    return result, "\n".join(lines)
