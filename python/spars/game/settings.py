"""The settings of a game: what is played on, and by which rule."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from spars._support.defaults import WINDOW_OF_RECORD
from spars._support.kinds import anything, choice, extent, grid, instance, integer, number, optional
from spars._support.settings import Settings, setting
from spars.game.field import AXIS_LIMIT
from spars.game.rules import GAMES, ExhaustionRule
from spars.volume.protocol import Protocol, protocol_kind


class GameSettings(Settings, rest="switches"):
    """What is played on and by which rule, in a search by agents."""

    window: tuple[int, int, int] = setting(
        WINDOW_OF_RECORD,
        extent(1, AXIS_LIMIT),
        "Extent of the moving window in voxels of the grid.",
    )
    grid: tuple[int, int, int] | None = setting(
        None,
        grid(AXIS_LIMIT),
        "The model grid; (256, 256, 180) for a scan.",
    )
    protocol: Protocol = setting(
        "paper",
        protocol_kind(),
        "What is done where the released scripts and the paper's text part ways.",
    )
    termination_threshold: float | None = setting(
        None,
        optional(number(0.0, 1.0)),
        "Score above which an episode of the search game ends; 0.3 by default.",
    )
    game: str = setting(
        "search",
        choice(*GAMES),
        """
        By which rule is played. "exhaustion" is the second one (docs/reference/exhaustion.md): a
        place counts once in an episode, and the agents have twelve answers, six moves and the same
        with a call for the end; `termination_threshold` must not be given. Policies also see
        whether each of the six places around has been shown: behind the window's voxels, or behind
        what the convolutions make of them; "LocalPolicy" sees what `spars.exhaustion.ExhaustionEnv`
        calls "neighbours". `mask_actions` masks a move and its call alike. With `opponents`, an
        episode is won by the agent whose rewards sum to more. Records, map, `Run.replay`,
        `Run.coverage` and `Segmentation.why` hold the windows' own scores, also of places that
        count nothing any more. A `spars.League` of such runs is refused: it computes once what a
        player does at a place, and here that depends on the episode.
        """,
    )
    rule: ExhaustionRule | None = setting(
        None,
        optional(
            instance(
                ExhaustionRule,
                "an ExhaustionRule",
                plain=asdict,
                again=lambda numbers: ExhaustionRule(**numbers),
            )
        ),
        "The exhaustion game's numbers.",
    )
    stride: int = setting(4, integer(1, AXIS_LIMIT), "Voxels a window moves in one step.")
    switches: dict[str, Any] = setting(
        None,
        anything("dict"),
        'Single switches of the protocol, for example ``tie_reward="learner"``.',
        recorded=False,
    )
