"""Hostile calls whose arguments hypothesis draws: numbers, texts, nested containers, any arrays.

    PYTHONPATH=python python Tests/python/hostile_draws.py --seed 1 --calls 15000

The sound calls and what counts as wrong are those of `hostile.py`.
"""

from __future__ import annotations

import sys

import hostile
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, from_dtype, scalar_dtypes

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-3, 20), st.floats(), st.text(max_size=8),
    st.binary(max_size=8), st.complex_numbers(), st.decimals(), st.fractions(), st.dates(),
    st.timedeltas(), st.uuids(), from_dtype(np.dtype("f4")),
)  # fmt: skip
#: Arrays of any kind, those of a scan's rank, and those of the shape of the sound calls' scan.
ARRAYS = st.one_of(
    arrays(
        scalar_dtypes(), array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
    ),
    arrays(
        st.sampled_from(["f4", "f8", "f2", "i2", "i8", ">i4", "u1", "?"]),
        st.tuples(*3 * [st.integers(1, 16)]), fill=st.sampled_from([0, 1]),
    ),
    arrays(st.sampled_from(["f4", "f8", "u1"]), (16, 15, 14), fill=st.sampled_from([0, 1])),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.tuples(inner, inner, inner),
        st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip


def child(number: int, first: int, count: int) -> None:
    """Make the trials from `first` on; those before are drawn all the same."""
    known = hostile.prepare()
    places = {name: sorted(set(hostile.parameters(*known[name]))) for name in known}
    trial = 0

    # Nothing is shrunk: an argument is replaced by one drawn value, and the next trial goes on.
    @seed(number)
    @settings(
        max_examples=first + count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def trials(data: st.DataObject) -> None:
        nonlocal trial
        name = data.draw(st.sampled_from([each for each in known if places[each]]))
        chosen = st.lists(st.sampled_from(places[name]), min_size=1, max_size=2, unique=True)
        changed = {place: data.draw(VALUES) for place in data.draw(chosen)}
        if trial >= first:
            hostile.attempt(trial, name, *known[name], changed)
        trial += 1

    trials()


if __name__ == "__main__":
    sys.exit(hostile.main(child, __file__))
