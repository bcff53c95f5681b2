"""Work that one caller does at a time: another is refused by name, not kept waiting."""

import contextlib
from collections.abc import Iterator


class Turn:
    """Says whether work is under way, in any thread; may be copied, as locks may not."""

    def __init__(self) -> None:
        self._holders: dict[str, object] = {}

    @contextlib.contextmanager
    def taken(self, refusal: str) -> Iterator[None]:
        """Hold the turn for a block, or raise ValueError with `refusal` where it is held."""
        own = object()
        # One step for all threads.
        if self._holders.setdefault("holder", own) is not own:
            raise ValueError(refusal)
        try:
            yield
        finally:
            self._holders.clear()

    def check(self, refusal: str) -> None:
        """Raise ValueError with `refusal` where the turn is held."""
        if self._holders:
            raise ValueError(refusal)
