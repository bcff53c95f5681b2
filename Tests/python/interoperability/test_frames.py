"""Datasets of pandas DataFrames, and selections by what pandas gives."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spars
from spars import datasets


@pytest.fixture
def folder(tmp_path):
    for name in ("a.nii", "b.nii", "m.nii"):
        spars.save(tmp_path / name, np.zeros((2, 3, 4), np.float32))
    return tmp_path


@pytest.mark.parametrize("labels", [[True, False], [1, 0], [1.0, 0.0], ["yes", "no"]])
def test_labels_of_every_type(folder, labels):
    frame = pd.DataFrame({"image": ["a.nii", Path("b.nii")], "has_tumour": labels, "age": [60, 7]})
    dataset = datasets.from_frame(frame, folder)
    assert dataset.labels == [True, False]
    assert [case.name for case in dataset] == ["a.nii", "b.nii"]
    assert [case.name for case in dataset[frame["age"] > 50]] == ["a.nii"]


def test_missing_values_are_empty_ones(folder):
    frame = pd.DataFrame(
        {
            "Image": ["a.nii", "b.nii"], "has_tumour": pd.array([True, pd.NA], "boolean"),
            "mask": [None, "m.nii"], "organ": [np.nan, np.nan], "group": [7, 8],
        }
    )  # fmt: skip
    dataset = datasets.from_frame(frame, folder)
    assert dataset.labels == [True, None]
    assert dataset.groups == ["7", "8"]
    assert dataset[0].load_mask() is None
    assert dataset[1].load_mask().sum() == 0
    assert dataset[1].load_organ() is None


def test_messages_name_the_row(folder):
    frame = pd.DataFrame({"image": ["a.nii", "b.nii"], "has_tumour": [1, 2]}, index=["x", "y"])
    with pytest.raises(spars.FormatError, match="frame, row y: 'has_tumour' must be 0 or 1"):
        datasets.from_frame(frame, folder)
    frame = pd.DataFrame({"image": ["a.nii", "a.nii"], "has_tumour": [1, 0]})
    with pytest.raises(spars.FormatError, match="frame, row 1: .* must be 1, as in row 0"):
        datasets.from_frame(frame, folder)
    with pytest.raises(spars.FormatError, match="frame must have a column 'has_tumour'"):
        datasets.from_frame(frame[["image"]])
    gone = pd.DataFrame({"image": ["gone.nii"], "has_tumour": [1]})
    with pytest.raises(FileNotFoundError, match=r"frame, row 0: .*gone\.nii"):
        datasets.from_frame(gone, folder)


def test_an_audit_is_a_frame(folder):
    frame = pd.DataFrame({"image": ["a.nii", "b.nii"], "has_tumour": [1, 0]})
    audit = datasets.from_frame(frame, folder).audit()
    assert list(pd.DataFrame(audit.scans)["scan"]) == ["a.nii", "b.nii"]
    assert {finding.kind for finding in audit.faults} == {"HU", "duplicate"}
