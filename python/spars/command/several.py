"""`spars segment` of one scan, of several, or of a folder: masks, and a table with a row a scan."""

from __future__ import annotations

import csv
import io
import os
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from spars._support.errors import one_line
from spars._support.files import write_text
from spars._support.formats import SCANS
from spars.command.inputs import note
from spars.command.segmenting import Prepared, found_in, prepared, segment_scan, summary_of

#: The columns of the table; `dice` is empty without --reference.
COLUMNS = (
    "scan", "mask", "volume_ml", "lesions", "longest_diameter_mm", "highest_score",
    "probability", "dice", "seconds", "warnings", "error",
)  # fmt: skip
#: Options whose file is of one scan.
_OF_ONE = ("score_map", "lesions", "report", "surfaces", "coverage", "checkpoint")
_SUMMARY = "summary.csv"


def segment(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Segment a scan, or each of several, and write the masks."""
    scans = [scan for path in arguments.scan for scan in _scans_in(path)]
    if scans == arguments.scan and len(scans) == 1 and not os.path.isdir(arguments.output):
        _check_partners(arguments)
        return segment_scan(_of_scan(arguments, scan=scans[0]))
    return _segment_each(arguments, scans)


def _segment_each(arguments: Namespace, scans: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Segment every scan into the folder --output; one that fails leaves the others be."""
    masks = _masks(arguments, scans)
    ready = prepared(arguments)
    os.makedirs(arguments.output, exist_ok=True)
    summary = os.path.join(arguments.output, _SUMMARY)
    rows: list[dict[str, Any]] = []
    for number, scan in enumerate(scans, 1):
        note(f"{number} of {len(scans)}: {scan}", "segment")
        rows.append(_row(arguments, ready, scan, masks[scan]))
        # After each, so that what ends the work leaves the rows before it.
        write_text(summary, _table(rows))
    failed = sum(1 for row in rows if row["error"])
    result = {"output": arguments.output, "summary": summary, "failed": failed, "scans": rows}
    return result, "\n".join(_told(rows, summary, failed))


def _row(arguments: Namespace, ready: Prepared, scan: str, mask: str) -> dict[str, Any]:
    """Segment one scan; return its row of the table, of a failure as well."""
    row: dict[str, Any] = {**dict.fromkeys(COLUMNS), "scan": scan}
    start = time.monotonic()
    try:
        partners = {
            name: _partner(getattr(arguments, name), scan) for name in ("region", "reference")
        }
        one = _of_scan(arguments, scan=scan, output=mask, **partners)
        found, reference, _, _ = found_in(one, ready)
        found.save(mask)
        row |= {
            "mask": mask,
            **summary_of(found),
            "lesions": len(found.lesions),
            "longest_diameter_mm": max((each.diameter for each in found.lesions), default=0.0),
            "warnings": "; ".join(found.configuration.get("warnings", ())),
        }
        if reference is not None:
            row["dice"] = found.dice(reference)
    except (ImportError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        if arguments.traceback:
            raise
        row["error"] = one_line(error)
        note(f"{scan}: {row['error']}", "error")
    row["seconds"] = time.monotonic() - start
    return row


def _scans_in(path: str) -> list[str]:
    """Return a file, or a folder's scans in the order of their names.

    A folder without such files is a DICOM series, or holds folders that are.
    """
    if not os.path.isdir(path):
        return [path]
    names = sorted(name for name in os.listdir(path) if not name.startswith("."))
    inside = [os.path.join(path, name) for name in names]
    found = [one for one in inside if one.lower().endswith(SCANS)]
    if not found and any(os.path.isfile(one) for one in inside):
        return [path]
    found = found or inside
    if not found:
        raise FileNotFoundError(2, f"no file in it ends in {', '.join(SCANS)}", path)
    return found


def _masks(arguments: Namespace, scans: Sequence[str]) -> dict[str, str]:
    """Return the mask's path of each scan; refuse what cannot be, before the work starts."""
    for name in _OF_ONE:
        if getattr(arguments, name):
            raise ValueError(f"--{name.replace('_', '-')} is of one scan. Got {len(scans)}.")
    folder = arguments.output
    if folder.lower().endswith(SCANS) or (os.path.exists(folder) and not os.path.isdir(folder)):
        raise ValueError(f"--output must be a folder for the masks of several scans. Got {folder}.")
    for name in ("region", "reference"):
        path = getattr(arguments, name)
        if path and len(scans) > 1 and not os.path.isdir(path):
            raise NotADirectoryError(20, f"--{name} of several scans must be a folder", path)
    found: dict[str, str] = {}
    taken: dict[str, str] = {}
    for scan in scans:
        mask = os.path.join(folder, f"{_stem(scan)}.nii.gz")
        same = taken.setdefault(mask, scan)
        if same != scan or scan in found:
            raise ValueError(f"{same} and {scan} would both be written to {mask}")
        if os.path.realpath(mask) == os.path.realpath(scan):
            raise ValueError(f"--output would overwrite the scan {scan}: choose another folder")
        for name in ("region", "reference"):
            path = getattr(arguments, name)
            if path and os.path.realpath(path) == os.path.realpath(folder):
                raise ValueError(f"--output would overwrite --{name}: choose another folder")
        found[scan] = mask
    return found


def _check_partners(arguments: Namespace) -> None:
    """Refuse a folder of masks for one scan, whose mask is one file."""
    for name in ("region", "reference"):
        path = getattr(arguments, name)
        if (
            path
            and os.path.isdir(path)
            and any(one.lower().endswith(SCANS) for one in os.listdir(path))
        ):
            raise IsADirectoryError(
                21,
                f"--{name} of one scan must be a file; a folder of masks goes with several scans, "
                "or with a folder as --output",
                path,
            )


def _partner(folder: str | None, scan: str) -> str | None:
    """Return the file of a folder that has a scan's name, whatever its ending."""
    if not folder or not os.path.isdir(folder):
        return folder
    same = [
        name
        for name in sorted(os.listdir(folder))
        if name.lower().endswith(SCANS) and _stem(name) == _stem(scan)
    ]
    if len(same) != 1:
        what = f"{' and '.join(same)} have" if same else "no file has"
        raise FileNotFoundError(2, f"{what} the name of {os.path.basename(scan)}", folder)
    return os.path.join(folder, same[0])


def _stem(path: str) -> str:
    """Return a file's name without folder and ending."""
    name = os.path.basename(os.path.normpath(path))
    # The longest first: '.nii.gz' before '.gz'.
    ending = next((end for end in SCANS if name.lower().endswith(end)), "")
    return name[: len(name) - len(ending)]


def _of_scan(arguments: Namespace, **values: str | None) -> Namespace:
    """Return the arguments with these in place of their own."""
    return Namespace(**{**vars(arguments), **values})


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        shown = {
            key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()
        }
        writer.writerow(shown)
    return text.getvalue()


def _told(rows: Sequence[dict[str, Any]], summary: str, failed: int) -> Iterator[str]:
    width = max(len(row["scan"]) for row in rows)
    yield f"{'scan':<{width}} {'ml':>9} {'lesions':>8} {'mm':>7} {'score':>6}"
    for row in rows:
        if row["error"]:
            yield f"{row['scan']:<{width}} failed: {row['error']}"
        else:
            yield (
                f"{row['scan']:<{width}} {row['volume_ml']:>9.2f} {row['lesions']:>8} "
                f"{row['longest_diameter_mm']:>7.1f} {row['highest_score']:>6.3f}"
            )
    yield f"{summary}: {len(rows) - failed} of {len(rows)} scans segmented"
