"""What the commands do. Each takes the parsed arguments and returns (result, text).

The result is what `--json` prints, as plain values; the text is for people.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import numpy as np

import spars
from spars import metrics
from spars._support.checks import check_integer
from spars._support.defaults import GRID_OF_RECORD
from spars._support.progress import progress_bar
from spars.classifier.ensemble import AnyClassifier
from spars.classifier.recipe import Recipe
from spars.command.demo import DemoConfiguration, run_demo
from spars.command.demo_training import TrainingDemoConfiguration, run_training_demo
from spars.command.describing import describe
from spars.command.inputs import dataset_of, mask_of, scan_of
from spars.command.league import play_league
from spars.command.options import given
from spars.command.outputs import check_nifti, check_outputs, write_json
from spars.command.selftest import selftest as selftest
from spars.command.several import segment as segment
from spars.command.study import study as study
from spars.command.training import train as train
from spars.report.page import METRICS, versions
from spars.report.text import number
from spars.search.settings import SegmentationSettings
from spars.study import benchmark as measuring
from spars.volume import datasets
from spars.volume.protocol import Protocol
from spars.volume.volume import as_volume


def set_threads(count: int) -> None:
    """Set the threads of the compiled core."""
    spars.set_thread_count(count)


def demo(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Run the demonstration."""
    options = ("seed", "scans", "epochs", "iterations")
    given = {name: value for name in options if (value := getattr(arguments, name)) is not None}
    if arguments.train:
        trained = TrainingDemoConfiguration(**given)
        result = run_training_demo(arguments.output, trained, quiet=arguments.json)
        return result, result["text"]
    for name in ("scans", "epochs"):
        if name in given:
            raise ValueError(f"--{name} is of training; it needs --train.")
    result = run_demo(arguments.output, DemoConfiguration(**given), quiet=arguments.json)
    return result, result["text"]


def audit(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Look through a dataset."""
    dataset = dataset_of(arguments)
    if arguments.held_out_csv:
        held_out = datasets.from_csv(arguments.held_out_csv, root=arguments.root)
    else:
        count = check_integer(arguments.held_out, "--held-out", "audit", 0, len(dataset))
        dataset, held_out = dataset.split(len(dataset) - count)
    found = dataset.audit(
        held_out,
        reference_value=arguments.reference_value,
        progress=progress_bar("looking through"),
    )
    return found.to_dict() | {"failed": len(found.faults)}, found.table()


def benchmark(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Measure masks against references, beside the rule that learns nothing."""
    inputs = {"--csv": arguments.csv, "--classifier": arguments.classifier}
    check_outputs({"--output": arguments.output}, inputs, {"--output": (".json",)})
    classifier: AnyClassifier
    if arguments.classifier:
        classifier = spars.load_classifier(arguments.classifier)
    else:
        classifier = spars.pretrained()
    if arguments.phantoms:
        arguments.lesions = "synthetic"
    cases = list(dataset_of(arguments))
    if arguments.lesions:
        cases = measuring.with_made_lesions(cases, seed=arguments.seed)
    found = measuring.benchmark(
        cases,
        classifier,
        methods=arguments.methods,
        reference_value=arguments.reference_value,
        seed=arguments.seed,
        progress=progress_bar("measuring"),
    )
    result = found.to_dict() | {"versions": versions()}
    if arguments.output:
        write_json(arguments.output, result)
    return result, found.table()


def league(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Let a run's snapshots play one another."""
    check_outputs(
        {"--output": arguments.output, "--picture": arguments.picture},
        {"the run": arguments.run, "the scan": arguments.scan},
        {"--output": (".npz",)},
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
    scan = scan_of(arguments.scan, arguments.series)
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
    if ending == ".onnx":
        # A graph is of one network.
        one = spars.Classifier.load(arguments.classifier)
        one.save_onnx(arguments.output, intensity_window=arguments.intensity_window)
        shape = one.input_shape
    else:
        found = spars.load_classifier(arguments.classifier)
        found.save(arguments.output)
        shape = found.input_shape
    result = {"output": arguments.output, "input_shape": shape}
    return result, f"{arguments.output}: input {shape}"


def evaluate(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Compare a mask with a reference."""
    volume = as_volume(arguments.reference)
    mask = mask_of(arguments, "mask", arguments.reference, volume)
    wanted = mask_of(arguments, "reference", arguments.reference, volume)
    result = metrics.evaluate(mask, wanted, spacing=volume.spacing, tolerance=arguments.tolerance)
    lines = []
    for name, value in result.items():
        label, unit, *_ = METRICS[name]
        lines.append(f"{label:<28} {number(value):>10} {unit}".rstrip())
    return result, "\n".join(lines)


def info(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Describe the installation, or a file."""
    result = versions() if arguments.file is None else describe(arguments.file, arguments.series)
    shown = dict(_shown(result))
    width = max(len(name) for name in shown)
    return result, "\n".join(f"{name:<{width}}  {value}" for name, value in shown.items())


def _shown(result: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the lines of a description; of a recipe's protocol what differs from the paper's."""
    for name, value in result.items():
        if name == "recipe.protocol":
            paper = Recipe.defaults()["protocol"]
            usual = Protocol.named(paper).to_dict()
            switches = {key: item for key, item in value.items() if item != usual[key]}
            yield name, ", ".join([str(paper), *(f"{k} {v}" for k, v in switches.items())])
        elif isinstance(value, dict):
            yield from _shown({f"{name}.{key}": item for key, item in value.items()})
        elif value != "":
            yield name, value
