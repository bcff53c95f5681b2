"""What every environment shares: spaces, rendering, what a reset keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from spars._core.handles import Whole
from spars._support.checks import check_choice, sentence, shown
from spars._support.types import Extent3, FloatArray, MaskArray
from spars.game.field import AGENTS, Field, Games, picture
from spars.game.spaces import Box

try:
    from gymnasium import Env
except ImportError:

    class Env:  # type: ignore[no-redef]  # stands in where gymnasium is not installed
        """What our environment needs of gymnasium.Env where that is not installed."""

        @property
        def unwrapped(self) -> Self:
            """The environment itself."""
            return self

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            """Begin an episode; the game has nothing to draw."""

        def close(self) -> None:
            """Do nothing."""


class OneGame(Whole):
    """What an environment shows of the game that it plays."""

    field: Field
    render_mode: str | None
    _games: Games

    def render(self) -> MaskArray | None:
        """Return the axial slice through the learner's window, uint8 RGB, or None."""
        return None if self.render_mode is None else picture(self.field, self._games.windows()[0])

    @property
    def windows(self) -> dict[str, tuple[int, ...]]:
        """Each agent's origin, as the protocol keeps it."""
        windows = self._games.windows()[0].tolist()
        return {agent: tuple(window) for agent, window in zip(AGENTS, windows, strict=True)}

    @property
    def scores(self) -> dict[str, float]:
        """Each agent's last score; NaN before the first step."""
        return dict(zip(AGENTS, self._games.scores[0].tolist(), strict=True))

    @property
    def score_map(self) -> FloatArray:
        """The accumulated scores, float32 of the grid's shape."""
        return self._games.score_map()


def observation_shape(field: Field, observation: str, owner: str) -> Extent3:
    """Return the shape of what an agent sees."""
    check_choice(observation, "observation", owner, ("window", "resized"))
    return field.window if observation == "window" else field.input_shape


def observation_space(field: Field, shape: Sequence[int], casts: bool) -> Box:
    """Return the space of observations: between the scan's own extremes, or bytes."""
    if casts:
        return Box(0, 255, tuple(shape), np.uint8)
    low, high = float(field.array.min()), float(field.array.max())
    # A space wants some width, and an empty scan is a scan.
    return Box(low, high if high > low else low + 1, tuple(shape), np.float32)


def checked_render_mode(render_mode: str | None, owner: str) -> str | None:
    """Return `render_mode`, None or "rgb_array"."""
    if render_mode is None:
        return None
    return check_choice(render_mode, "render_mode", owner, ("rgb_array",))


def keeps_map(field: Field, options: Mapping[str, Any] | None) -> bool:
    """Return whether a reset keeps the map: as `options` say, or by D11."""
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(sentence("options", field.owner, "a dict or None", options))
    keep = (options or {}).get("keep_map", field.protocol.map_read == "before_reset")
    if not isinstance(keep, bool):
        raise TypeError(
            f"The 'keep_map' option of {field.owner} must be a bool. Got {shown(keep)} instead."
        )
    return keep
