"""What a training asks of its examples, whatever they are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any


class Examples(ABC):
    """The examples of one role: batches by number, and what a history and a checkpoint say of them.

    Batch k has the same bits whenever it is asked for. A training that goes on counts on, and
    validation begins at 0 after every epoch.

    Attributes
    ----------
    role : str
        "training" or "validation".
    count : int
        Examples of a batch.
    seen : dict of int to dict
        The record of each thing that was read, by its number: what a checkpoint keeps, to compare.
    """

    def __init__(self, role: str, count: int) -> None:
        self.role = role
        self.count = count
        self.seen: dict[int, dict[str, Any]] = {}

    @property
    @abstractmethod
    def is_empty(self) -> bool:
        """Whether there are none: a training without validation."""

    @property
    @abstractmethod
    def labels(self) -> set[int]:
        """The labels, 0 and 1, that examples can have."""

    @property
    @abstractmethod
    def records(self) -> list[dict[str, Any]]:
        """What `History.inputs` says of them."""

    @property
    @abstractmethod
    def description(self) -> Any:
        """What a checkpoint knows them by: plain values, read without loading anything."""

    @abstractmethod
    def fill(self, trainer: int, batch: int) -> None:
        """Give the core's trainer the examples of a batch.

        Parameters
        ----------
        trainer : int
            Its handle.
        batch : int
            The batch's number among those of the role, from 0.
        """

    @abstractmethod
    def can_have_seen(self, number: object) -> bool:
        """Whether `seen` could hold a record under this number, whatever a file says."""

    @abstractmethod
    def check_same(self, before: Any, path: Path) -> None:
        """Refuse to go on from the checkpoint at `path`, whose `description` was `before`.

        Raises
        ------
        ValueError
            They differ; the message names the difference.
        """

    @abstractmethod
    def check_unchanged(self, path: Path) -> None:
        """Read again all of `seen`, and refuse what is not as it was.

        Raises
        ------
        ValueError
            Naming what differs from the training of the checkpoint at `path`.
        """


class DescribedExamples(Examples):
    """Examples that follow from what is said of them: nothing is read while they are drawn.

    Parameters
    ----------
    role, count
        As for `Examples`.
    description : dict
        All that they follow from, as plain values.
    """

    def __init__(self, role: str, count: int, description: dict[str, Any]) -> None:
        super().__init__(role, count)
        self._description = description

    @property
    def is_empty(self) -> bool:
        return False

    @property
    def records(self) -> list[dict[str, Any]]:
        return [{"role": self.role, **self._description}]

    @property
    def description(self) -> dict[str, Any]:
        return self._description

    def can_have_seen(self, number: object) -> bool:
        return False

    def check_same(self, before: Any, path: Path) -> None:
        if isinstance(before, list):
            had = "scans" if before else "none"
            raise ValueError(
                f"The {self.role} examples must be {had}, as in {path}. "
                "Got windows of spars.lesions instead."
            )
        known, now = _flat(before), _flat(self._description)
        for name in sorted(known.keys() | now.keys()):
            had, has = (values.get(name, "nothing") for values in (known, now))
            if had != has:
                raise ValueError(
                    f"The '{name}' of the {self.role} windows must be {had!r}, as in {path}. "
                    f"Got {has!r} instead."
                )

    def check_unchanged(self, path: Path) -> None:
        """Nothing was read: `check_same` has compared all that windows follow from."""


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return a description as {name with dots and numbers in brackets: value}."""
    if isinstance(value, dict):
        named = {f"{prefix}.{name}" if prefix else name: item for name, item in value.items()}
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        named = {f"{prefix}[{number}]": item for number, item in enumerate(value)}
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for name, item in named.items():
        flat |= _flat(item, name)
    return flat
