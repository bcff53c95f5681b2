"""A look through a dataset before it costs a night: what is missing, wrong, or there twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spars._support.arrays import is_any
from spars._support.errors import one_line
from spars._support.progress import as_progress
from spars._support.provenance import digest
from spars._support.types import Progress
from spars.volume.placement import has_place
from spars.volume.volume import Volume

if TYPE_CHECKING:
    from spars.volume.cases import Case

__all__ = ["THICKEST", "Audit", "Finding", "audit"]

#: Slices thicker than this blur small lesions away, mm.
THICKEST = 6.0
#: Air is about -1000 HU: a scan that holds nothing as low shows none.
_AIR = -200.0
#: Fat and soft tissue alone span more, HU.
_LEAST_SPAN = 100.0
#: How far a spacing may be from the dataset's median, as a factor.
_FARTHEST = 3.0


@dataclass(frozen=True)
class Finding:
    """One thing that an audit found.

    Attributes
    ----------
    kind : {"unreadable", "HU", "spacing", "mask", "organ", "label", "duplicate", "leak"}
        What it is about.
    scans : tuple of str
        The names of the scans that it is about.
    text : str
        What is the matter, in a sentence.
    is_fault : bool
        Whether it must be mended; False for what is worth a look.

    Examples
    --------
    >>> import spars
    >>> found = spars.datasets.phantoms(1, shape=(24, 24, 16)).audit().findings
    >>> found[0].kind, found[0].is_fault, found[0].text
    ('spacing', False, 'phantom-0: voxels are 15.0 mm long: small lesions are lost in them.')
    """

    kind: str
    scans: tuple[str, ...]
    text: str
    is_fault: bool = True


@dataclass(frozen=True)
class Audit:
    """What a look through a dataset found.

    Attributes
    ----------
    scans : tuple of dict
        One for each scan, ready for `pandas.DataFrame`: ``scan`` (its name), ``part`` ("training"
        or "held out"), ``has_tumour``, ``group``, ``shape``, ``spacing`` in mm, ``lowest`` and
        ``highest`` in HU, ``sha256`` of shape and values, ``has_mask``, ``has_organ``. None where
        the scan cannot be read.
    findings : tuple of Finding
        In the order of the scans, those that compare scans last.

    Examples
    --------
    >>> import spars
    >>> cases = spars.datasets.phantoms(2, shape=(24, 24, 16))
    >>> (cases + cases[:1]).audit().faults[0].text
    'The same values are in 2 scans: phantom-0, phantom-0.'
    """

    scans: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that must be mended.

        Examples
        --------
        >>> import spars
        >>> spars.datasets.phantoms(1, shape=(24, 24, 16)).audit().faults
        ()
        """
        return tuple(finding for finding in self.findings if finding.is_fault)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain values.

        Examples
        --------
        >>> import spars
        >>> sorted(spars.datasets.phantoms(1, shape=(24, 24, 16)).audit().to_dict())
        ['findings', 'scans']
        """
        return {
            "scans": [dict(scan) for scan in self.scans],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def table(self) -> str:
        """Return the scans as lines of a table, and below what was found.

        Examples
        --------
        >>> import spars
        >>> print(spars.datasets.phantoms(1, shape=(96, 96, 64)).audit().table())
        scan       tumour  voxels        mm                  HU            mask  organ
        phantom-0  no      96 x 96 x 64  3.54 x 3.54 x 3.75  -1024 to 611  yes   yes
        <BLANKLINE>
        1 scan, 0 faults, 0 notes.
        """
        rows = [_line(scan, self.findings) for scan in self.scans]
        # A column that is empty in every row says nothing.
        names = [name for name in _line({}, ()) if any(row[name] for row in rows)]
        rows = [{name: name for name in names}, *rows]
        widths = {name: max(len(row[name]) for row in rows) for name in names}
        lines = ["  ".join(row[name].ljust(widths[name]) for name in names) for row in rows]
        lines = [line.rstrip() for line in lines] + [""] * bool(self.findings)
        lines += [
            f"{'fault' if found.is_fault else 'note'}: {found.kind}: {found.text}"
            for found in self.findings
        ]
        faults = len(self.faults)
        counts = {"scan": len(rows) - 1, "fault": faults, "note": len(self.findings) - faults}
        told = [f"{count} {what}{'s' * (count != 1)}" for what, count in counts.items()]
        return "\n".join([*lines, "", ", ".join(told) + "."])

    def __repr__(self) -> str:
        return f"<Audit of {len(self.scans)} scans: {len(self.faults)} faults>"


def audit(
    dataset: Sequence[Case],
    held_out: Sequence[Case] = (),
    *,
    reference_value: int | Sequence[int] = 2,
    progress: Progress | bool | None = None,
) -> Audit:
    """Look through scans, their masks and organs; `Dataset.audit` says what for."""
    progress = as_progress(progress, "audit", "scans")
    cases = [*dataset, *held_out]
    scans: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for number, case in enumerate(cases):
        part = "training" if number < len(dataset) else "held out"
        row = _row(case, part if held_out else None)
        findings += _of_scan(case, row, reference_value)
        scans.append(row)
        if progress is not None:
            progress(number + 1, len(cases))
    return Audit(tuple(scans), (*findings, *_of_spacings(scans), *_of_twins(scans)))


def _row(case: Case, part: str | None) -> dict[str, Any]:
    empty = dict.fromkeys(("shape", "spacing", "lowest", "highest", "sha256"))
    return {
        "scan": case.name, "part": part, "has_tumour": None, "group": case.group, **empty,
        "has_mask": False, "has_organ": False,
    }  # fmt: skip


def _of_scan(case: Case, row: dict[str, Any], tumour: int | Sequence[int]) -> list[Finding]:
    """Return what is to say of one scan alone, and fill in its row."""
    name = (case.name,)
    try:
        scan = case.load()
    except (ImportError, MemoryError, OSError, TypeError, ValueError) as error:
        return [Finding("unreadable", name, f"{case.name}: {one_line(error)}")]
    row["shape"], row["spacing"] = scan.shape, scan.spacing
    row["sha256"] = digest(scan, repr(scan.shape).encode())
    found = _of_values(case.name, scan, row) + _of_place(case.name, scan)
    shows = None
    for kind, load in (("mask", case.load_mask), ("organ", case.load_organ)):
        try:
            held = load()
        except (OSError, TypeError, ValueError) as error:
            found.append(Finding(kind, name, f"{case.name}: {one_line(error)}"))
            continue
        if held is None:
            continue
        row[f"has_{kind}"] = True
        if held.shape != scan.shape:
            text = f"{case.name}: the {kind}'s shape is {held.shape}, not {scan.shape}."
            found.append(Finding(kind, name, text))
        if kind == "mask":
            shows = bool(is_any(held, tumour).any())
        elif not held.any():
            found.append(Finding(kind, name, f"{case.name}: the organ's mask is empty."))
    return found + _of_label(case, row, shows)


def _of_values(name: str, scan: Volume, row: dict[str, Any]) -> list[Finding]:
    finite = scan.array[np.isfinite(scan.array)]
    found = []
    missing = scan.array.size - finite.size
    if missing:
        found.append(Finding("HU", (name,), f"{name}: {missing} voxels are NaN or infinite."))
    if not finite.size:
        return found
    low, high = row["lowest"], row["highest"] = float(finite.min()), float(finite.max())
    told = f"{name}: values lie from {low:g} to {high:g}"
    if high - low < _LEAST_SPAN:
        found.append(Finding("HU", (name,), f"{told}: they are no HU."))
    elif low >= 0:
        text = f"{told}: no HU, or stored without their offset."
        found.append(Finding("HU", (name,), text))
    elif low > _AIR:
        found.append(Finding("HU", (name,), f"{told}: no air is in it.", False))
    return found


def _of_place(name: str, scan: Volume) -> list[Finding]:
    found = []
    if not has_place(scan):
        text = f"{name}: the spacing is not known and taken as 1 mm."
        found.append(Finding("spacing", (name,), text, False))
    if max(scan.spacing) > THICKEST:
        text = (
            f"{name}: voxels are {max(scan.spacing):.1f} mm long: small lesions are lost in them."
        )
        found.append(Finding("spacing", (name,), text, False))
    return found


def _of_label(case: Case, row: dict[str, Any], shows: bool | None) -> list[Finding]:
    name = (case.name,)
    try:
        label = row["has_tumour"] = case.has_tumour
    except (OSError, TypeError, ValueError) as error:
        return [Finding("label", name, f"{case.name}: {one_line(error)}")]
    if label is None:
        text = f"{case.name}: whether it has a tumour is not known."
        if shows is not None:
            text += f" Its mask shows {'one' if shows else 'none'}."
        return [Finding("label", name, text)]
    if shows is not None and shows != label:
        text = (
            f"{case.name}: has_tumour is {label}, and its mask shows {'one' if shows else 'none'}."
        )
        return [Finding("label", name, text)]
    return []


def _of_spacings(scans: Sequence[dict[str, Any]]) -> list[Finding]:
    """Return the scans whose spacing is far from the others'."""
    known = [scan for scan in scans if scan["spacing"] is not None]
    if not known:
        return []
    middle = np.median([scan["spacing"] for scan in known], axis=0)
    found = []
    for scan in known:
        ratio = np.divide(scan["spacing"], middle)
        if (np.maximum(ratio, 1 / ratio) > _FARTHEST).any():
            own, usual = _times(scan["spacing"]), _times(middle)
            text = f"{scan['scan']}: voxels of {own} mm, where the scans' median is {usual}."
            found.append(Finding("spacing", (scan["scan"],), text, False))
    return found


def _of_twins(scans: Sequence[dict[str, Any]]) -> list[Finding]:
    """Return the scans that are there twice, and what joins training scans to held-out ones."""
    found = []
    for same in _together(scans, "sha256"):
        names = tuple(scan["scan"] for scan in same)
        text = f"The same values are in {len(same)} scans: {', '.join(names)}"
        if len({scan["part"] for scan in same}) > 1:
            found.append(Finding("leak", names, f"{text}, in training and held out."))
            continue
        if len({scan["has_tumour"] for scan in same}) > 1:
            text += ", with different labels"
        if len({scan["group"] for scan in same}) > 1:
            groups = ", ".join(dict.fromkeys(repr(scan["group"]) for scan in same))
            found.append(Finding("leak", names, f"{text}, in the groups {groups}."))
        else:
            found.append(Finding("duplicate", names, f"{text}."))
    for same in _together(scans, "group"):
        if len({scan["part"] for scan in same}) > 1:
            text = f"The group {same[0]['group']!r} is in training and held out."
            found.append(Finding("leak", tuple(scan["scan"] for scan in same), text))
    return found


def _together(scans: Sequence[dict[str, Any]], name: str) -> list[list[dict[str, Any]]]:
    """Return those that share a value, where more than one does."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for scan in scans:
        if scan[name] is not None:
            found.setdefault(scan[name], []).append(scan)
    return [same for same in found.values() if len(same) > 1]


def _line(scan: dict[str, Any], findings: Sequence[Finding]) -> dict[str, str]:
    """Return a scan's cells of the table; of no scan the columns."""
    about = [found.kind for found in findings if scan.get("scan") in found.scans]
    label, low = scan.get("has_tumour"), scan.get("lowest")
    group = scan.get("group")
    return {
        "scan": scan.get("scan", ""),
        "part": scan.get("part") or "",
        "group": "" if group is None else str(group),
        "tumour": "" if label is None else ("yes" if label else "no"),
        "voxels": _times(scan["shape"]) if scan.get("shape") else "",
        "mm": _times(scan["spacing"]) if scan.get("spacing") else "",
        "HU": "" if low is None else f"{low:.0f} to {scan['highest']:.0f}",
        "mask": "yes" if scan.get("has_mask") else "",
        "organ": "yes" if scan.get("has_organ") else "",
        "found": ", ".join(dict.fromkeys(about)),
    }


def _times(lengths: Sequence[float]) -> str:
    return " x ".join(f"{length:.3g}" if length < 100 else f"{length:.0f}" for length in lengths)
