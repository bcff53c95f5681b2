"""What is wrong with a study's inputs, said before its first task."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spars._support.defaults import GRID_OF_RECORD, WINDOW_OF_RECORD
from spars.classifier.recipe import Recipe
from spars.classifier.training.scans import Room, check_cases
from spars.report.surfaces import check_surfaces
from spars.study.document import SWITCHES, Variant
from spars.study.forecast import forecast
from spars.study.scans import Fold
from spars.study.tasks import Plan
from spars.volume.cases import Case
from spars.volume.protocol import Protocol

if TYPE_CHECKING:
    from spars.study.study import Study


def check_inputs(study: Study, plan: Plan, folder: Path | None) -> None:
    """Check scans, labels, splits, memory and disk; parameters and errors are `Study.check`'s."""
    cases = {case.name: case for case in study.cases}
    for variant in study.variants:
        if variant.surfaces and variant.segmentation is not None:
            check_surfaces()
        for fold in study.folds[variant.name]:
            _check_fold(fold, variant, study)
            if variant.training is not None:
                _check_training(variant, fold, cases)
            if variant.segmentation is not None:
                for name in fold.test:
                    _check_target(variant, cases[name], study)
    _check_tumours(study, cases)
    _check_memory(study, plan)
    if folder is not None:
        _check_disk(study, plan, folder)


def _check_fold(fold: Fold, variant: Variant, study: Study) -> None:
    """Refuse scans, and patients, that are trained on and measured."""
    kinds = {"validates the training": fold.validation, "is segmented": fold.test}
    if study.split.overlap:
        del kinds["is segmented"]
    if variant.training is None:
        return
    trained = {study.groups[name]: name for name in fold.train}
    for what, names in kinds.items():
        for name in names:
            other = trained.get(study.groups[name])
            if other is not None and (study.split.grouped or other == name):
                same = "" if other == name else f" {other!r}, of the same patient,"
                raise ValueError(
                    f"Scan {name!r} {what}, and{same} is also trained on: the measure would not be "
                    "one of new scans. split.overlap allows scans that are segmented."
                )


def _check_training(variant: Variant, fold: Fold, cases: Mapping[str, Case]) -> None:
    settings = variant.training
    if settings is None:
        return
    if not fold.train:
        raise ValueError(
            f"The setting {variant.name!r} has no scan to train on: a split says which, or "
            "base.classifier.weights gives what is trained already."
        )
    room = Room(settings.protocol, settings.window, settings.grid)
    for names in (fold.train, fold.validation):
        if names:
            check_cases([cases[name] for name in names], "data", settings.protocol, room)
    if settings.protocol.crop_label == "voxel":
        for name in (*fold.train, *fold.validation):
            if cases[name]._load_mask is None:
                raise ValueError(
                    f"Scan {name!r} has no voxel mask, which crop_label='voxel' needs."
                )


def _check_target(variant: Variant, case: Case, study: Study) -> None:
    """Refuse a scan that cannot be searched, or not measured."""
    if case._load_mask is None and case.has_tumour is not False:
        raise ValueError(
            f"Scan {case.name!r} has no reference mask to measure against, and is not known to be "
            "tumour-free."
        )
    if study.data.region and case._load_organ is None:
        raise ValueError(f"Scan {case.name!r} has no organ, which data.region needs.")
    keywords = _known(variant)
    if variant.training is None and "window" not in keywords:
        # The recipe of the weights says what the scan becomes.
        return
    protocol = keywords.get("protocol", Protocol.paper())
    protocol = protocol.with_switches(
        **{name: value for name, value in keywords.items() if name in SWITCHES}
    )
    window = keywords.get("window", WINDOW_OF_RECORD)
    grid = keywords.get("grid", GRID_OF_RECORD)
    if grid is None or protocol.scan_frame == "native":
        shape: tuple[int, ...] | None = case.shape_in(protocol.orientation)
        limit, what = shape, "is too small for a window of"
    elif protocol.scan_frame == "corner":
        shape = case.shape
        # The first window begins in the middle of the grid.
        limit = None if shape is None else tuple(
            extent if extent > middle // 2 else 0
            for extent, middle in zip(shape, grid, strict=True)
        )  # fmt: skip
        what = f"is too shallow for the middle of the grid {tuple(grid)}, where games begin, with a"
        what += " window of"
        window = tuple(min(length, 1) for length in window)
    else:
        shape = limit = tuple(grid)
        what = f"is searched on a grid of {limit}, too small for a window of"
    if limit is not None and any(a > b for a, b in zip(window, limit, strict=True)):
        size = tuple(keywords.get("window", WINDOW_OF_RECORD))
        raise ValueError(
            f"Scan {case.name!r} of shape {shape} {what} {size} (setting {variant.name!r})."
        )


def _known(variant: Variant) -> dict[str, Any]:
    """Return the keywords of `segment`, with what the recipe of a training will say."""
    settings = variant.training
    known: dict[str, Any] = {}
    if settings is not None and variant.recipe is not None:
        is_native = settings.protocol.scan_frame == "native"
        known = {
            "window": settings.window,
            "grid": None if is_native else settings.grid,
            "protocol": settings.protocol,
        }
        declared = Recipe.declared()
        known |= {
            name: declared[name].kind.again(value)
            for name, value in variant.recipe.items()
            if name in known
        }
    return known | (variant.segmentation or {})


def _check_tumours(study: Study, cases: Mapping[str, Case]) -> None:
    """Refuse a setting none of whose scans shows tumour: there is nothing to find."""
    for variant in study.variants:
        if variant.segmentation is None:
            continue
        names = {name for fold in study.folds[variant.name] for name in fold.test}
        if not names:
            raise ValueError(f"The setting {variant.name!r} segments no scan.")
        if all(cases[name].has_tumour is False for name in names):
            shown = ", ".join(map(repr, sorted(names)[:3]))
            raise ValueError(
                f"No scan that the setting {variant.name!r} segments shows tumour ({shown}): there "
                "is no Dice to measure."
            )


def _check_memory(study: Study, plan: Plan) -> None:
    limit = _memory()
    needed = max((part[2] for part in forecast(study, plan, None).values()), default=0)
    if limit is not None and needed > limit:
        raise ValueError(
            f"The study's largest task takes about {needed / 2**30:.1f} GiB of memory, and there "
            f"are {limit / 2**30:.1f}."
        )


def _memory() -> int | None:
    """Return the bytes of memory that the machine has; None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _check_disk(study: Study, plan: Plan, folder: Path) -> None:
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    expected = forecast(study, plan, folder)
    needed = sum(part[1] for part in expected.values() if not part[3])
    if needed > free:
        raise ValueError(
            f"The study's results take about {needed / 2**30:.1f} GiB, and the disk of {folder} "
            f"has {free / 2**30:.1f} free."
        )
