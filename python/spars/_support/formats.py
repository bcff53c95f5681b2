"""What format a file is in, by its name's ending and by its first bytes."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Collection

from spars._support.files import reading
from spars._support.types import AnyPath

NIFTI = (".nii", ".nii.gz")
PYTORCH = (".pth", ".pt")
#: The endings of files that hold a whole scan, the longest first.
SCANS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")

#: The endings that say what a file is. Any other may stand for anything.
ENDINGS = {
    "NIfTI": (*NIFTI, ".hdr", ".img", ".hdr.gz", ".img.gz"),
    "NRRD": (".nrrd", ".nhdr"),
    "MetaImage": (".mha", ".mhd"),
    "DICOM": (".dcm", ".dicom"),
    "safetensors": (".safetensors",),
    "PyTorch": (*PYTORCH, ".ckpt"),
    "ONNX": (".onnx",),
    "NumPy": (".npz", ".npy"),
    "zip": (".zip",),
    "pickle": (".pkl", ".pickle"),
    "HDF5": (".h5", ".hdf5"),
    "JSON": (".json",),
    "CSV": (".csv",),
    "HTML": (".html", ".htm"),
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "SVG": (".svg",),
    "PDF": (".pdf",),
}
_MAGIC = {
    b"NRRD000": "NRRD",
    b"ObjectType": "MetaImage",
    b"NDims": "MetaImage",
    b"\x93NUMPY": "NumPy",
    b"\x89HDF\r\n": "HDF5",
    b"\x89PNG\r\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"%PDF-": "PDF",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
# The protocol numbers of pickles and, in a file from before PyTorch 1.6, the number that follows.
_PICKLES = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
_OLD_PYTORCH = bytes.fromhex("6cfc9c46f9206aa85019")
_HEAD = 1024


def check_ending(
    path: AnyPath | None, own: Collection[str], owner: str = "", name: str = "path"
) -> None:
    """Refuse a path whose ending names another format than the one that is written.

    Parameters
    ----------
    path : path or None
        An ending that names no format is as good as those of `own`.
    own : collection of str
        The endings of what is written.
    owner, name : str
        Of the sentence of an error; `name` is an option where there is no owner.

    Raises
    ------
    ValueError
        The ending is that of another format.
    """
    if path is None:
        return
    text = os.fsdecode(path)
    lower = text.lower()
    if lower.endswith(tuple(own)):
        return
    for kind, endings in ENDINGS.items():
        if lower.endswith(endings):
            allowed = " or ".join(own)
            got = f"Got {text!r} instead, the ending of {kind}."
            if owner:
                raise ValueError(f"The '{name}' parameter of {owner} must end in {allowed}. {got}")
            raise ValueError(f"{name} must end in {allowed}. {got}")


def format_of(path: AnyPath) -> str:
    """Return the name of the format of a file, by its content; empty where it is not known.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with reading(os.fsdecode(path)) as file:
        head = file.read(_HEAD)
    if head.startswith(b"\x1f\x8b"):
        return "NIfTI" if _is_nifti(_inflated(head)) else "gzip"
    if _is_nifti(head):
        return "NIfTI"
    if head[128:132] == b"DICM":
        return "DICOM"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= os.path.getsize(path) - 8:
        return "safetensors"
    if head.startswith(_PICKLES):
        return "PyTorch" if _OLD_PYTORCH in head[:32] else "pickle"
    # The versions of the format and, with a length, of the producer.
    if head[:1] == b"\x08" and head[2:3] == b"\x12":
        return "ONNX"
    for start, kind in _MAGIC.items():
        if head.startswith(start):
            return _of_archive(path) if kind == "zip" else kind
    return _of_text(head)


def _is_nifti(head: bytes) -> bool:
    return head[344:347] in (b"n+1", b"ni1") or head[4:7] in (b"n+2", b"ni2")


def _inflated(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error:
        return b""


def _of_archive(path: AnyPath) -> str:
    """Return what a zip archive holds, by the names of its members."""
    try:
        with zipfile.ZipFile(os.fsdecode(path)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return "zip"
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        return "PyTorch"
    if {"data", "policy.pth"} <= set(names):
        return "stable-baselines3"
    if names and all(name.endswith(".npy") for name in names):
        return "NumPy"
    return "zip"


def _of_text(head: bytes) -> str:
    try:
        # The end may be in the middle of a letter.
        text = head.decode("utf-8-sig", "strict" if len(head) < _HEAD else "ignore").lstrip()
    except UnicodeDecodeError:
        return ""
    if text.startswith(("{", "[")):
        return "JSON"
    if text.lower().startswith(("<!doctype html", "<html")):
        return "HTML"
    return "SVG" if "<svg" in text else ""
