"""Folds hold each scan out once, spread labels evenly and never part a group."""

from collections import Counter

import numpy as np
import pytest

from spars.volume.folds import fold_numbers


def test_each_fold_has_as_many_scans_as_any_other():
    for count, n in ((10, 3), (7, 7), (100, 8)):
        sizes = np.bincount(fold_numbers(count, n), minlength=n)
        assert sizes.sum() == count
        assert sizes.max() - sizes.min() <= 1


def test_labels_are_spread_over_folds_of_one_size(rng):
    for _ in range(20):
        labels = rng.integers(0, 3, 60).tolist()
        held = fold_numbers(60, 4, seed=int(rng.integers(100)), labels=labels)
        for label in set(labels):
            counts = np.bincount(held[np.equal(labels, label)], minlength=4)
            assert counts.max() - counts.min() <= 1
        sizes = np.bincount(held, minlength=4)
        assert sizes.max() - sizes.min() <= 1


def test_groups_stay_together_and_labels_near_even(rng):
    groups = rng.integers(0, 25, 80).tolist()
    labels = rng.integers(0, 2, 80).astype(bool).tolist()
    held = fold_numbers(80, 4, seed=3, labels=labels, groups=groups)
    for group in set(groups):
        assert len(set(held[np.equal(groups, group)])) == 1
    counts = Counter(zip(held.tolist(), labels, strict=True))
    assert all(abs(counts[fold, True] - sum(labels) / 4) <= 4 for fold in range(4))


def test_the_seed_alone_decides():
    first, again, other = (fold_numbers(30, 5, seed=seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    # On record: a study that is resumed elsewhere must find the same folds.
    assert fold_numbers(8, 2, labels=[0, 1] * 4).tolist() == [1, 0, 0, 0, 1, 1, 0, 1]


def test_none_is_a_group_of_its_own():
    assert sorted(fold_numbers(3, 3, groups=[None, None, "a"]).tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 1}, "'n' parameter of folds must be an integer of at least 2. Got 1"),
        ({"n": 5}, r"range \[2, 4\], the number of groups. Got 5"),
        ({"n": 3, "groups": ["a", "a", "b", "b"]}, r"range \[2, 2\], the number of groups. Got 3"),
        ({"n": 2, "labels": [0, 0, 0]}, "'labels' parameter of folds must be 4 values"),
        ({"n": 2, "labels": [0, 0, 0, 1]}, "each in at least 2 groups, .* Got '1 in 1'"),
        ({"n": 2, "seed": -1}, "'seed' parameter of folds must be an integer of at least 0"),
    ],
)
def test_what_cannot_be_folded_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fold_numbers(4, **options)


def test_lists_are_no_groups():
    with pytest.raises(TypeError, match="'groups' parameter of folds must be hashable"):
        fold_numbers(2, 2, groups=[[1], [2]])
