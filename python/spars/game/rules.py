"""The two game rules: their names, their answers, and the second one's numbers."""

from __future__ import annotations

from spars._support.checks import check_choice, check_float, sentence
from spars._support.defaults import TERMINATION_THRESHOLD_OF_RECORD
from spars._support.kinds import integer, number
from spars._support.settings import Settings, setting
from spars.game.field import ACTIONS

GAMES = ("search", "exhaustion")

#: Answers of an agent in the exhaustion game: action 0 to 5 moves on; 6 to 11 makes the same move
#: and calls the end.
ANSWER_COUNT = 2 * ACTIONS


class ExhaustionRule(Settings, owner="ExhaustionRule", kw_only=False):
    """The numbers of the exhaustion game; the defaults are the released code's.

    Parameters
    ----------
    {settings}

    Raises
    ------
    TypeError, ValueError
        A number is out of its range.

    Examples
    --------
    >>> spars.exhaustion.ExhaustionRule(min_steps=4).bounded().min_steps
    4
    """

    final_factor: float = setting(
        default=100.0,
        kind=number(0.0),
        doc="What the comparison of the last step is multiplied by.",
    )
    early_penalty: float = setting(
        default=1.0,
        kind=number(0.0),
        doc="Taken from both where the end is called before `min_steps`.",
    )
    min_steps: int = setting(
        default=2, kind=integer(0), doc="Steps that an episode should have before its last one."
    )
    repeat_penalty: float = setting(
        default=1.0,
        kind=number(0.0),
        doc="Taken from an agent for a place that either has shown already.",
    )

    def bounded(self) -> ExhaustionRule:
        """Return the rule in numbers that the core holds."""
        # Beyond 64 bits a count is as good as the largest: no episode gets there.
        return self.changed(min_steps=min(self.min_steps, 2**63 - 1))


def checked_rule(game: str, rule: ExhaustionRule | None, owner: str) -> ExhaustionRule | None:
    """Return the rule that a game is played by, None for the search game, or raise."""
    if check_choice(game, "game", owner, GAMES) == "search":
        if rule is not None:
            raise ValueError(sentence("rule", owner, 'None in the "search" game', rule))
        return None
    rule = ExhaustionRule() if rule is None else rule
    if not isinstance(rule, ExhaustionRule):
        raise TypeError(sentence("rule", owner, "an ExhaustionRule", rule))
    return rule


def checked_threshold(threshold: float | None, game: str, owner: str) -> float:
    """Return the score above which an episode ends: 1.0, which none exceeds, in the second game."""
    if game == "search":
        threshold = TERMINATION_THRESHOLD_OF_RECORD if threshold is None else threshold
        return check_float(threshold, "termination_threshold", owner, 0.0, 1.0)
    if threshold is not None:
        required = 'None in the "exhaustion" game, whose agents call the end themselves'
        raise ValueError(sentence("termination_threshold", owner, required, threshold))
    return 1.0
