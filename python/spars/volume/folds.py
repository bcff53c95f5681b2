"""Folds of cross-validation: which scans are held out together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from spars._support.checks import check_integer, sentence

__all__ = ["fold_numbers"]


def fold_numbers(
    count: int,
    n: int,
    seed: int = 0,
    labels: Sequence[Hashable] | None = None,
    groups: Sequence[Hashable] | None = None,
    owner: str = "folds",
) -> NDArray[np.int64]:
    """Return in which of `n` folds each of `count` scans is held out.

    Groups are shuffled by the seed and taken from the largest to the smallest, those of one label
    together; each goes to the fold that holds least of its labels, then to the one that holds
    least. So folds differ by one scan at most where no group has more than one, and so do the
    scans of each label in them.

    Parameters
    ----------
    count : int
        How many scans there are.
    n : int
        How many folds, from 2 to the number of groups.
    seed : int
        Seed of the shuffle.
    labels : sequence of `count` hashable values, optional
        Spread evenly over the folds ("stratified"), each found in at least `n` groups. None is a
        label too.
    groups : sequence of `count` hashable values, optional
        Scans of one value, such as those of one patient, are in one fold. None, as no `groups` at
        all: the scan is a group of its own.
    owner : str
        For the message of an error.

    Returns
    -------
    ndarray of int64, shape (count,)
        From 0 to n - 1, each at least once.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range, or a label is in fewer groups than there are folds.

    Examples
    --------
    >>> from spars.volume.folds import fold_numbers
    >>> held_out = fold_numbers(6, 3, labels=[0, 0, 0, 1, 1, 1])
    >>> sorted(held_out[:3].tolist()), sorted(held_out[3:].tolist())
    ([0, 1, 2], [0, 1, 2])
    """
    seed = check_integer(seed, "seed", owner, 0)
    kinds = _checked(labels, "labels", owner, count) or [None] * count
    members = _members(_checked(groups, "groups", owner, count) or [None] * count)
    n = check_integer(n, "n", owner, 2)
    if n > len(members):
        allowed = f"an integer in the range [2, {len(members)}], the number of groups"
        raise ValueError(sentence("n", owner, allowed, n))
    held = [Counter(kinds[case] for case in group) for group in members]
    number_of = Counter(kind for counts in held for kind in counts)
    for kind, found in number_of.items():
        if found < n:
            allowed = f"each in at least {n} groups, the number of folds"
            raise ValueError(sentence("labels", owner, allowed, f"{kind!r} in {found}"))
    order = np.random.default_rng(seed).permutation(len(members)).tolist()
    rank = {kind: number for number, kind in enumerate(number_of)}
    order.sort(key=lambda group: (-len(members[group]), min(rank[kind] for kind in held[group])))

    total = Counter(kinds)
    folds: list[Counter[Hashable]] = [Counter() for _ in range(n)]
    found_numbers = np.zeros(count, np.int64)
    for group in order:

        def load(fold: int, counts: Counter[Hashable] = held[group]) -> tuple[float, int]:
            there = folds[fold]
            shared = sum(number * there[kind] / total[kind] for kind, number in counts.items())
            return shared, there.total()

        chosen = min(range(n), key=load)
        folds[chosen].update(held[group])
        found_numbers[members[group]] = chosen
    return found_numbers


def _members(groups: Sequence[Hashable]) -> list[list[int]]:
    """Return the scans of each group, in the order in which groups appear."""
    members: dict[Hashable, list[int]] = {}
    for case, group in enumerate(groups):
        members.setdefault(("alone", case) if group is None else ("group", group), []).append(case)
    return list(members.values())


def _checked(
    values: Sequence[Hashable] | None, name: str, owner: str, count: int
) -> list[Hashable] | None:
    """Return a parameter's values, one for each scan; None where there are none."""
    if values is None:
        return None
    found = list(values)
    if len(found) != count:
        raise ValueError(sentence(name, owner, f"{count} values, one a scan", f"{len(found)}"))
    try:
        hash(tuple(found))
    except TypeError:
        raise TypeError(sentence(name, owner, "hashable values", found)) from None
    return found
