"""`spars info FILE`: what a file is, and what it holds where spars reads it."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from spars._support.archives import describe_npz
from spars._support.errors import FormatError
from spars._support.formats import ENDINGS, format_of
from spars.classifier.network import Classifier
from spars.volume.volume import Volume, as_volume

_SCANS = ("NIfTI", "NRRD", "MetaImage", "DICOM")
#: What holds weights, of a classifier or of something else.
_WEIGHTS = ("safetensors", "PyTorch")


def describe(path: str) -> dict[str, Any]:
    """Return what a file is and what it holds, as plain values.

    Raises
    ------
    OSError
        The file cannot be read.
    FormatError
        What it is is not known, or it is broken.
    """
    kind = format_of(path)
    if kind in _SCANS or path.lower().endswith(ENDINGS["NIfTI"]):
        with contextlib.suppress(ImportError):
            return {"format": kind or "NIfTI", **_of_scan(as_volume(path))}
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


def _of_weights(path: str, kind: str) -> dict[str, Any]:
    try:
        classifier = Classifier.load(path)
    except FormatError as error:
        raise FormatError(f"{error} It is a file of {kind}, and no classifier of spars.") from None
    hu = classifier.intensity_window
    return {
        "format": f"{kind}, a classifier",
        "input_shape": list(classifier.input_shape),
        "intensity_window": None if hu is None else f"level {hu.level}, width {hu.width}",
        "parameters": sum(array.size for array in classifier.parameters().values()),
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
