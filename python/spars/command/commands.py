"""What the commands do. Each takes the parsed arguments and returns (result, text).

The result is what `--json` prints, as plain values; the text is for people.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import spars
from spars import metrics
from spars._support.checks import check_room
from spars._support.defaults import GRID_OF_RECORD
from spars._support.progress import progress_bar
from spars._support.types import MaskArray
from spars.classifier.network import Classifier
from spars.classifier.training.checkpoint import read_records
from spars.classifier.training.history import History
from spars.classifier.training.settings import TrainingSettings
from spars.command.demo import DemoConfiguration, run_demo
from spars.command.league import play_league
from spars.command.options import given
from spars.command.outputs import check_nifti, check_outputs, modified, write_json
from spars.game.field import known_grid
from spars.game.rules import ExhaustionRule
from spars.game.scorers import Scorer
from spars.metrics.masks import as_mask
from spars.report.drawing import check_installed
from spars.report.page import METRICS, versions, write_report
from spars.report.text import losses, method_name, number
from spars.search.coverage import Coverage
from spars.search.segmentation import Segmentation
from spars.search.settings import SegmentationSettings, SelfPlaySettings
from spars.study import studies
from spars.volume import datasets
from spars.volume.datasets import Case, Dataset
from spars.volume.volume import Volume, as_volume

#: Options of self-play that the other methods share; what learns and is kept is self-play's alone.
SHARED_OPTIONS = ("n_steps", "stride")
NIFTI = (".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz")


def set_threads(count: int) -> None:
    """Set the threads of the compiled core."""
    spars.set_thread_count(count)


def demo(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Run the demonstration."""
    given = {
        name: getattr(arguments, name)
        for name in ("seed", "scans", "epochs", "iterations")
        if getattr(arguments, name) is not None
    }
    result = run_demo(arguments.output, DemoConfiguration(**given), quiet=arguments.json)
    return result, result["text"]


def train(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Train a classifier and write its weights."""
    if not arguments.output.endswith(".safetensors"):
        raise ValueError(f"--output must end in .safetensors. Got {arguments.output}.")
    check_outputs(
        {
            "--output": arguments.output,
            "--history": arguments.history,
            "--checkpoint": arguments.checkpoint,
        },
        {"--csv": arguments.csv},
    )
    if arguments.resume and not arguments.checkpoint:
        raise ValueError("--resume goes on from the file of --checkpoint. Got none.")
    dataset = _dataset(arguments)
    kept = arguments.validation_scans
    if not 0 <= kept < len(dataset):
        raise ValueError(
            "--validation-scans must leave a scan to train on: "
            f"0 to {len(dataset) - 1}. Got {kept}."
        )
    training, held_out = dataset.split(len(dataset) - kept)
    options = _training_options(arguments)
    settings = TrainingSettings.of(options)
    classifier = spars.Classifier(input_shape=tuple(arguments.input_shape), seed=settings.seed)
    validation = held_out if kept else None
    history = _fit(arguments, settings, options, classifier, training, validation).to_dict()
    classifier.save(arguments.output)
    if arguments.history:
        write_json(arguments.history, history)
    loss = losses(history["epochs"])
    text = (
        f"{arguments.output}: trained on {len(training)} scans for {len(loss)} epochs, "
        f"loss {loss[0]:.3f} to {loss[-1]:.3f}"
    )
    if settings.weights == "best" and history["best_epoch"] is not None:
        text += f"; the weights are those of epoch {history['best_epoch']}"
    if history["ended_by"] == "patience":
        text += f"\nEnded early: {history['reason']}"
    return {"output": arguments.output, "history": history}, text


def _training_options(arguments: Namespace) -> dict[str, Any]:
    """Return the keywords of `fit` that were given."""
    options = given(arguments, TrainingSettings)
    augmentation = spars.Augmentation(**given(arguments, spars.Augmentation))
    if augmentation != spars.Augmentation():
        options["augmentation"] = augmentation
    return options


def _fit(
    arguments: Namespace,
    settings: TrainingSettings,
    options: Mapping[str, Any],
    classifier: Classifier,
    training: Sequence[Case],
    validation: Sequence[Case] | None,
) -> History:
    """Train; where that ends early, write what the finished epochs gave."""
    earlier = read_records(arguments.checkpoint) if arguments.resume else []
    made = []
    kept = modified(arguments.checkpoint)
    try:
        return classifier.fit(
            training,
            validation,
            **options,
            progress=progress_bar("training"),
            callback=lambda _, record: made.append(record),
        )
    except BaseException:
        # The classifier is at its last whole step; hours of work are kept, whatever ended them.
        if made:
            classifier.save(arguments.output)
            if arguments.history:
                write_json(arguments.history, {"epochs": earlier + made})
            _note(
                f"{arguments.output} holds the weights after {made[-1]['epoch']} of "
                f"{settings.epochs} epochs"
            )
        if modified(arguments.checkpoint) != kept:
            _note(f"{arguments.checkpoint} holds the state; --resume goes on from it")
        raise


def segment(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Segment a scan and write the mask."""
    check_nifti(arguments.output, "--output")
    if arguments.score_map:
        check_nifti(arguments.score_map, "--score-map")
    check_outputs(
        {
            "--output": arguments.output,
            "--score-map": arguments.score_map,
            "--report": arguments.report,
            "--checkpoint": arguments.checkpoint,
        },
        {
            "the scan": arguments.scan,
            "--classifier": arguments.classifier,
            "--region": arguments.region,
            "--reference": arguments.reference,
            "--initial-policy": arguments.initial_policy,
        },
    )
    options = given(arguments, SegmentationSettings)
    search = given(arguments, SelfPlaySettings, without=SegmentationSettings.defaults())
    search |= _rule(arguments)
    settings = SegmentationSettings.of(options)
    for name in search:
        if name not in SHARED_OPTIONS and settings.method != "self_play":
            raise ValueError(
                f"--{name.replace('_', '-')} is of self_play; the other methods learn nothing and "
                "have no state to keep."
            )
    if arguments.coverage and not arguments.report:
        raise ValueError("--coverage is shown in a report; --report says where to write it.")
    if arguments.coverage and settings.method == "grad_cam":
        raise ValueError("--coverage is of windows on the game's lattice; grad_cam has its own.")
    if arguments.report:
        check_installed("A report")
    room = known_grid(arguments.scan, settings.grid, "native", "segment")
    check_room(settings.window, room, "segment", "the grid")
    scan = as_volume(arguments.scan)
    reference = region = None
    if arguments.reference:
        reference = _mask(arguments, "reference", arguments.scan, scan)
    if arguments.region:
        region = _mask(arguments, "region", arguments.scan, scan)
        if not region.any():
            raise ValueError(f"{arguments.region}: the region holds no voxel.")
    earlier = modified(arguments.checkpoint)
    classifier = spars.Classifier.load(arguments.classifier)
    scorer: Scorer = classifier
    # What segment refuses is not scored first.
    is_refused = settings.isolated and region is None
    if arguments.coverage and settings.method != "self_play" and not is_refused:
        scorer = _atlas(settings, search, scan, classifier, region)
    try:
        found = spars.segment(
            scan,
            scorer,
            region=region,
            progress=progress_bar("searching"),
            **options,
            **search,
        )
    except BaseException:
        if modified(arguments.checkpoint) != earlier:
            _note(f"{arguments.checkpoint} holds the state of the run")
        raise
    found.save(arguments.output)
    if arguments.score_map:
        found.save_score_map(arguments.score_map)
    if arguments.report:
        title = f"Tumour segmentation of {os.path.basename(arguments.scan)}"
        write_report(
            arguments.report,
            found,
            title=title,
            reference=reference,
            coverage=_coverage(found, scorer) if arguments.coverage else None,
        )
    result = {
        "output": arguments.output,
        "voxels": int(found.mask.sum()),
        "configuration": found.configuration,
    }
    text = f"{arguments.output}: {found!r}"
    if reference is not None:
        result["dice"] = found.dice(reference)
        text += f"\nDice {result['dice']:.4f}"
    return result, text


def study(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Run a study of the published repository."""
    inputs = {"--csv": arguments.csv, "--classifier": arguments.classifier}
    check_outputs({"--output": arguments.output}, inputs)
    dataset = _dataset(arguments)
    kept = arguments.held_out
    if not 0 <= kept <= len(dataset):
        raise ValueError(f"--held-out must be from 0 to {len(dataset)}. Got {kept}.")
    classifier = spars.Classifier.load(arguments.classifier) if arguments.classifier else None
    results = studies.run_study(
        arguments.study,
        dataset[: len(dataset) - kept],
        held_out=dataset[len(dataset) - kept :] if kept else None,
        classifier=classifier,
        protocol=arguments.protocol,
        iterations=arguments.iterations,
        epochs=arguments.epochs,
        input_shape=tuple(arguments.input_shape),
        grid=tuple(arguments.grid),
        seeds=(arguments.seed,),
        progress=progress_bar("settings"),
    )
    found = {"study": arguments.study, "results": [result.to_dict() for result in results]}
    if arguments.output:
        write_json(arguments.output, found)
    return found, studies.table(results)


def league(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Let a run's snapshots play one another."""
    check_outputs(
        {"--output": arguments.output, "--picture": arguments.picture},
        {"the run": arguments.run, "the scan": arguments.scan},
    )
    return play_league(arguments)


def explain(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Write a map of what in a scan speaks for tumour."""
    check_nifti(arguments.output, "--output")
    check_outputs(
        {"--output": arguments.output},
        {"the scan": arguments.scan, "--classifier": arguments.classifier},
    )
    if arguments.whole and arguments.stride is not None:
        raise ValueError("--stride is of windows; --whole explains the scan without any.")
    scan = as_volume(arguments.scan)
    options = {
        "window": None if arguments.whole else tuple(arguments.window),
        "stride": arguments.stride,
        "grid": GRID_OF_RECORD,
        **given(arguments, SegmentationSettings, only=("grid",)),
        "target": arguments.target,
        "layer": arguments.layer,
        "steps": arguments.steps,
        "baseline": arguments.baseline,
        "patch": arguments.patch,
    }
    explained = spars.Classifier.load(arguments.classifier).explain(
        scan, arguments.method, progress=progress_bar("explaining"), **options
    )
    spars.save(arguments.output, explained, like=scan)
    highest = tuple(int(i) for i in np.unravel_index(np.argmax(explained), explained.shape))
    result = {
        "output": arguments.output,
        "method": arguments.method,
        "highest": float(explained[highest]),
        "voxel": highest,
    }
    return result, (
        f"{arguments.output}: {arguments.method} up to {result['highest']:.3f}, at voxel {highest}"
    )


def export(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Write a classifier in another format."""
    ending = os.path.splitext(arguments.output)[1].lower()
    if ending not in (".onnx", ".pth", ".pt", ".safetensors"):
        raise ValueError(
            "the output must end in .onnx, .pth, .pt or .safetensors. "
            f"Got {arguments.output} instead."
        )
    if arguments.intensity_window and ending != ".onnx":
        raise ValueError("--intensity-window is of ONNX; the other formats hold it as metadata.")
    check_outputs({"the output": arguments.output}, {"the classifier": arguments.classifier})
    classifier = spars.Classifier.load(arguments.classifier)
    if ending == ".onnx":
        classifier.save_onnx(arguments.output, intensity_window=arguments.intensity_window)
    else:
        classifier.save(arguments.output)
    result = {"output": arguments.output, "input_shape": classifier.input_shape}
    return result, f"{arguments.output}: input {classifier.input_shape}"


def evaluate(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Compare a mask with a reference."""
    volume = as_volume(arguments.reference)
    mask = _mask(arguments, "mask", arguments.reference, volume)
    wanted = _mask(arguments, "reference", arguments.reference, volume)
    result = metrics.evaluate(mask, wanted, spacing=volume.spacing, tolerance=arguments.tolerance)
    lines = []
    for name, value in result.items():
        label, unit, *_ = METRICS[name]
        lines.append(f"{label:<28} {number(value):>10} {unit}".rstrip())
    return result, "\n".join(lines)


def info(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Describe the installation, or a file."""
    if arguments.file is None:
        result = versions()
    elif arguments.file.lower().endswith(NIFTI):
        result = _describe_scan(as_volume(arguments.file))
    else:
        result = _describe_weights(spars.Classifier.load(arguments.file))
    width = max(len(name) for name in result)
    return result, "\n".join(f"{name:<{width}}  {value}" for name, value in result.items())


def _describe_scan(volume: Volume) -> dict[str, Any]:
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


def _describe_weights(classifier: Classifier) -> dict[str, Any]:
    hu = classifier.intensity_window
    return {
        "input_shape": list(classifier.input_shape),
        "intensity_window": None if hu is None else f"level {hu.level}, width {hu.width}",
        "parameters": sum(array.size for array in classifier.parameters().values()),
    }


def _dataset(arguments: Namespace) -> Dataset:
    if arguments.csv:
        dataset = datasets.from_csv(arguments.csv, root=arguments.root)
    elif arguments.msd:
        dataset = datasets.MSD(arguments.msd)
    else:
        dataset = datasets.phantoms(arguments.phantoms, seed=arguments.seed or 0)
    if not dataset:
        raise ValueError(f"{arguments.csv or arguments.msd or '--phantoms'}: no scan to train on.")
    return dataset


def _atlas(
    settings: SegmentationSettings,
    search: Mapping[str, Any],
    scan: Volume,
    classifier: Classifier,
    region: MaskArray | None,
) -> spars.ScoreAtlas:
    """Score every window of what a search will see."""
    protocol = settings.protocol
    if settings.grid is None:
        protocol = protocol.with_switches(scan_frame="native")
    return spars.ScoreAtlas.compute(
        scan if region is None or not settings.isolated else spars.isolate(scan, region),
        classifier,
        settings.window,
        grid=settings.grid,
        stride=search.get("stride", 4),
        protocol=protocol,
        progress=progress_bar("scoring"),
    )


def _rule(arguments: Namespace) -> dict[str, Any]:
    """Return the keyword of `segment` that the exhaustion game's numbers make, as a dict."""
    numbers = given(arguments, ExhaustionRule)
    if not numbers:
        return {}
    if arguments.game != "exhaustion":
        option = f"--{next(iter(numbers)).replace('_', '-')}"
        raise ValueError(f"{option} is of --game exhaustion.")
    return {"rule": ExhaustionRule(**numbers)}


def _coverage(found: Segmentation, scorer: Scorer) -> dict[str, Coverage]:
    """Return the curves of a search, by its name; self-play scores what it has not seen."""
    atlas = scorer if isinstance(scorer, spars.ScoreAtlas) else None
    curve = found.run.coverage(atlas, progress=progress_bar("scoring"))
    return {method_name(found.configuration["method"]): curve}


def _mask(arguments: Namespace, name: str, other: str, volume: Volume) -> MaskArray:
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
        held = np.unique(found.array[(found.array != 0) & (found.array != 1)])
        if held.size and np.isfinite(held).all():
            raise ValueError(
                f"{path} must hold 0 and 1 only. Got {held[0]:g} instead; --{name}-value says "
                f"which label counts, for example --{name}-value {held[0]:g}."
            )
    try:
        mask = as_mask(found, name, "spars", value=value)
    except ValueError as error:
        raise type(error)(f"{path}: {error}") from None
    if value is not None and not mask.any():
        _note(f"{path} holds no voxel of value {value}")
    return mask


def _check_geometry(path: str, found: Volume, other: str, volume: Volume) -> None:
    """Refuse two files whose affines place a corner more than half a voxel apart."""
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)], dtype=np.float64)
    corners[:, :3] *= np.subtract(volume.shape, 1)
    apart = corners @ (found.affine - volume.affine).T
    distance = np.linalg.norm(apart[:, :3], axis=1).max()
    if distance > min(volume.spacing) / 2:
        raise ValueError(
            f"{path} and {other} lie {distance:.1f} mm apart by their affines: they are not of the "
            "same scan, or one has lost its geometry. --ignore-geometry compares their voxels all "
            "the same."
        )


def _note(text: str) -> None:
    print(f"spars: note: {text}", file=sys.stderr)
