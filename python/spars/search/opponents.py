"""Earlier copies of a learning policy, and which of them it meets next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spars._support.types import FloatArray

__all__ = ["CHOICES", "Opponents"]

CHOICES = ("vanilla", "fictitious", "prioritised")
# As the core's pool: results fade, so that win rates follow the learner.
_DECAY = 0.99


class Opponents:
    """A pool of copies, oldest first, with the learner's results against each.

    Parameters
    ----------
    choice : {"vanilla", "fictitious", "prioritised"}
        Which is drawn: the latest, any, or by (1 - the learner's win rate) to a power.
    power : float
    """

    def __init__(self, choice: str, power: float) -> None:
        self._choice, self._power = choice, power
        self.members: list[dict[str, FloatArray]] = []
        self._games: list[float] = []
        self._wins: list[float] = []

    def add(self, parameters: Mapping[str, FloatArray]) -> None:
        """Take in a copy of a policy's parameters."""
        self.members.append({name: values.copy() for name, values in parameters.items()})
        self._games.append(0.0)
        self._wins.append(0.0)

    @property
    def chances(self) -> NDArray[np.float64]:
        """Each member's probability of being drawn next."""
        count = len(self.members)
        if self._choice == "vanilla":
            return np.eye(count)[-1]
        if self._choice == "fictitious":
            return np.full(count, 1 / count)
        games, wins = np.array(self._games), np.array(self._wins)
        rates = np.divide(wins, games, out=np.full(count, 0.5), where=games > 0)
        raw = (1 - rates) ** self._power
        # A learner that beats all of them meets all of them.
        return raw / raw.sum() if raw.sum() > 1e-10 else np.full(count, 1 / count)

    def draw(self, rng: np.random.Generator) -> int:
        """Return the number of the member to meet."""
        return int(rng.choice(len(self.members), p=self.chances))

    def record(self, member: int, results: FloatArray) -> None:
        """Count games with a member: 1 for each that the learner won, 0.5 for a tie."""
        for result in results.tolist():
            self._games[member] = _DECAY * self._games[member] + 1
            self._wins[member] = _DECAY * self._wins[member] + result

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return plain values, and arrays by name."""
        arrays = {
            f"opponent.{number}.{name}": values
            for number, member in enumerate(self.members)
            for name, values in member.items()
        }
        return {"games": self._games, "wins": self._wins}, arrays

    def restore(self, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned."""
        self._games, self._wins = list(plain["games"]), list(plain["wins"])
        self.members = [
            {
                name.removeprefix(f"opponent.{number}."): values
                for name, values in arrays.items()
                if name.startswith(f"opponent.{number}.")
            }
            for number in range(len(self._games))
        ]
