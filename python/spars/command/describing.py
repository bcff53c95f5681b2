"""`spars info FILE`: what a file is, and what it holds where spars reads it."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

import numpy as np

from spars._support.archives import describe_npz
from spars._support.errors import FormatError
from spars._support.formats import ENDINGS, format_of
from spars.classifier.ensemble import load_classifier, members_of
from spars.command.inputs import scan_of
from spars.search.folder import DESCRIPTION, FORMAT, read_description
from spars.volume.extensions import comments_of
from spars.volume.volume import Volume, as_volume

_SCANS = ("NIfTI", "NRRD", "MetaImage", "DICOM")
#: What holds weights, of a classifier or of something else.
_WEIGHTS = ("safetensors", "PyTorch")


def describe(path: str, series: str | None = None) -> dict[str, Any]:
    """Return what a file, or a folder, is and what it holds, as plain values.

    Parameters
    ----------
    path : str
    series : str, optional
        Which series of a DICOM folder.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        A series of what is no folder.
    FormatError
        What it is is not known, or it is broken.
    """
    if os.path.isdir(path):
        if os.path.exists(os.path.join(path, DESCRIPTION)):
            return _of_folder(path)
        inside = (os.path.join(path, name) for name in sorted(os.listdir(path)))
        if not any(os.path.isfile(one) and format_of(one) == "DICOM" for one in inside):
            raise IsADirectoryError(
                21, f"a folder with neither {DESCRIPTION} nor DICOM files", path
            )
        return {"format": "DICOM", **_of_scan(scan_of(path, series))}
    if series is not None:
        raise ValueError(f"--series is of a folder of DICOM files. Got {path}.")
    kind = format_of(path)
    if kind in _SCANS or path.lower().endswith(ENDINGS["NIfTI"]):
        with contextlib.suppress(ImportError):
            scan = as_volume(path)
            comments = [] if scan.header is None else comments_of(path, scan.header)
            return {"format": kind or "NIfTI", **_of_scan(scan), **_of_comments(comments)}
    # One that is cut short is told from its name alone, and the reader says what is wrong.
    named = next((name for name in _WEIGHTS if path.lower().endswith(ENDINGS[name])), "")
    if kind in _WEIGHTS or (named and not kind):
        return _of_weights(path, kind or named)
    if kind == "NumPy":
        return _of_arrays(path)
    if not kind:
        raise FormatError(f"{path}: no format that spars knows.")
    return {"format": kind}


def _of_scan(volume: Volume) -> dict[str, Any]:
    finite = volume.array[np.isfinite(volume.array)]
    result = {
        "shape": list(volume.shape),
        "spacing": [round(length, 6) for length in volume.spacing],
        "affine": volume.affine.tolist(),
        "minimum": float(finite.min()) if finite.size else None,
        "maximum": float(finite.max()) if finite.size else None,
        "not_finite": volume.array.size - finite.size,
    }
    if volume.header is not None:
        result["format"] = f"NIfTI-{volume.header.version}"
        for field in ("datatype", "scl_slope", "scl_inter", "qform_code", "sform_code", "descrip"):
            value = volume.header[field]
            result[field] = value.decode("latin-1") if isinstance(value, bytes) else value
    return result


def _of_comments(comments: list[str]) -> dict[str, Any]:
    """Return what a NIfTI file's comments say: where a result came from, and other texts."""
    result: dict[str, Any] = {}
    for text in comments:
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            told = None
        if isinstance(told, dict) and "spars" in told:
            result["provenance"] = told
        else:
            result.setdefault("comments", []).append(text)
    return result


def _of_folder(path: str) -> dict[str, Any]:
    """Return what a folder that `Segmentation.save` wrote tells, and its files."""
    configuration, lesions, _ = read_description(path)
    return {
        "format": FORMAT,
        "files": sorted(os.listdir(path)),
        "lesions": len(lesions),
        "volume_ml": sum(lesion.volume for lesion in lesions),
        **configuration,
    }


def _of_weights(path: str, kind: str) -> dict[str, Any]:
    try:
        classifier = load_classifier(path)
    except FormatError as error:
        raise FormatError(f"{error} It is a file of {kind}, and no classifier of spars.") from None
    hu = classifier.intensity_window
    members = members_of(classifier)
    what = "a classifier" if len(members) == 1 else f"an ensemble of {len(members)} classifiers"
    return {
        "format": f"{kind}, {what}",
        "input_shape": list(classifier.input_shape),
        "intensity_window": None if hu is None else f"level {hu.level}, width {hu.width}",
        "parameters": sum(a.size for one in members for a in one.parameters().values()),
        "recipe": None if classifier.recipe is None else classifier.recipe.recorded(),
    }


def _of_arrays(path: str) -> dict[str, Any]:
    """Return what a file of NumPy's holds: one of spars' own says so itself."""
    names, description = describe_npz(path)
    if description is None:
        is_atlas = {"scores", "fingerprint", "window", "grid"} <= set(names)
        return {"format": "NumPy, a spars.ScoreAtlas" if is_atlas else "NumPy", "arrays": names}
    told = description.get("configuration", description)
    return {"format": description["format"], **{key: told[key] for key in told if key != "format"}}
