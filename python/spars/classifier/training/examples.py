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
    seen : dict of int to dict
        The record of each thing that was read, by its number: what a checkpoint keeps, to compare.
    """

    def __init__(self, role: str) -> None:
        self.role = role
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
