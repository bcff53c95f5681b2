"""What commands read: masks on a scan's voxels, datasets; and notes on standard error."""

from __future__ import annotations

import contextlib
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import numpy as np

from spars._support.errors import ScanWarning
from spars._support.types import MaskArray
from spars.metrics.masks import LABEL_TOLERANCE, as_mask
from spars.volume import datasets
from spars.volume.datasets import Dataset
from spars.volume.placement import distance_apart
from spars.volume.volume import Volume, as_volume, load


def dataset_of(arguments: Namespace) -> Dataset:
    """Return the scans that --csv, --msd or --phantoms name."""
    if arguments.csv:
        dataset = datasets.from_csv(arguments.csv, root=arguments.root)
    elif arguments.msd:
        dataset = datasets.MSD(arguments.msd)
    elif getattr(arguments, "lesions", None):
        dataset = datasets.phantom_livers(arguments.phantoms, seed=arguments.seed or 0)
    else:
        dataset = datasets.phantoms(arguments.phantoms, seed=arguments.seed or 0)
    if not dataset:
        raise ValueError(f"{arguments.csv or arguments.msd or '--phantoms'}: no scan to train on.")
    return dataset


def scan_of(path: str, series: str | None) -> Volume:
    """Return a scan; `series` is that of --series, of a folder of DICOM files."""
    return as_volume(path) if series is None else load(path, series=series)


def mask_of(arguments: Namespace, name: str, other: str, volume: Volume) -> MaskArray:
    """Return the mask in the file of the option `name`, on the voxels of the file `other`."""
    path, value = getattr(arguments, name), getattr(arguments, f"{name}_value")
    found = volume if path == other else as_volume(path)
    if found.shape != volume.shape:
        raise ValueError(
            f"{path} and {other} must have the same shape. "
            f"Got {found.shape} and {volume.shape} instead."
        )
    if not arguments.ignore_geometry:
        _check_geometry(path, found, other, volume)
    if value is None:
        values = found.array
        held = values[(np.abs(values) > LABEL_TOLERANCE) & (np.abs(values - 1) > LABEL_TOLERANCE)]
        if held.size and np.isfinite(held).all():
            first = f"{held.min():g}"
            raise ValueError(
                f"{path} must hold 0 and 1 only. Got {first} instead; --{name}-value says "
                f"which label counts, for example --{name}-value {first}."
            )
    try:
        with warnings_as_lines():
            mask = as_mask(found, name, "spars", value=value, must_hold=True)
    except ValueError as error:
        raise type(error)(f"{path}: {error}") from None
    if value is not None and not mask.any():
        note(f"{path} holds no voxel of value {value}")
    return mask


def _check_geometry(path: str, found: Volume, other: str, volume: Volume) -> None:
    """Refuse two files whose affines place a corner more than half a voxel apart."""
    distance = distance_apart(volume.shape, found.affine, volume.affine)
    if distance is not None:
        raise ValueError(
            f"{path} and {other} lie {distance:.1f} mm apart by their affines: they are not of the "
            "same scan, or one has lost its geometry. --ignore-geometry compares their voxels all "
            "the same."
        )


@contextlib.contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Print what a `ScanWarning` says as a line, as soon as it is known."""

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, ScanWarning):
            note(str(message), "warning")
        else:
            usual(message, category, *where, **more)

    usual = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always", ScanWarning)
        warnings.showwarning = show
        yield


def note(text: str, kind: str = "note") -> None:
    """Print a line for whoever watches; it is no part of the result."""
    print(f"spars: {kind}: {text}", file=sys.stderr)
