"""Options of `spars segment` that say by which rule the agents play."""

from dataclasses import fields

from spars.game.rules import GAMES, ExhaustionRule


def add_game(parser):
    """Add the choice of a game and the exhaustion game's numbers to a parser."""
    parser.add_argument(
        "--game", choices=GAMES, help="the rule that self_play is played by (default search)"
    )
    group = parser.add_argument_group("numbers of --game exhaustion")
    group.add_argument("--final-factor", type=float, help="what the last step counts (default 100)")
    group.add_argument(
        "--early-penalty", type=float, help="price of an end before --min-steps (default 1)"
    )
    group.add_argument("--min-steps", type=int, help="steps before the last (default 2)")
    group.add_argument(
        "--repeat-penalty", type=float, help="price of a place shown before (default 1)"
    )


def rule_of(arguments):
    """Return the keyword of `segment` that the numbers given make, as a dict.

    Raises
    ------
    ValueError
        A number is given for another game, or is out of range.
    """
    given = {field.name: getattr(arguments, field.name) for field in fields(ExhaustionRule)}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return {}
    if arguments.game != "exhaustion":
        option = f"--{next(iter(given)).replace('_', '-')}"
        raise ValueError(f"{option} is of --game exhaustion.")
    return {"rule": ExhaustionRule(**given)}
