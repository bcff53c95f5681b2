"""The command `spars` and its subcommands: their options, and how they end.

Exit codes: 0 done, 1 the work failed (a message says why), 2 wrong usage, 130 interrupted.
Results go to standard output, progress and messages to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from spars._support.defaults import INPUT_OF_RECORD, INPUT_OF_WINDOWS, WINDOW_OF_RECORD
from spars._support.errors import one_line
from spars._support.json import jsonable
from spars._support.types import Extent3
from spars._support.version import __version__
from spars.classifier.augmentation import Augmentation
from spars.classifier.recipe import Recipe
from spars.classifier.training.settings import TrainingSettings
from spars.command.options import LESION, WEAK, WINDOW, add_groups, add_settings
from spars.command.parsing import Parser, PrintCompletion
from spars.game.rules import ExhaustionRule
from spars.lesions.settings import LesionLaw, WindowSettings
from spars.search.settings import SegmentationSettings, SelfPlaySettings
from spars.search.weak_label_settings import WeakLabelSettings
from spars.study.methods import METHODS, RIVAL


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        Without the program's name; `sys.argv` by default.
    """
    parser = _parser()
    parsed, unknown = parser.parse_known_args(sys.argv[1:] if arguments is None else arguments)
    if unknown:
        parser.reject(unknown)
    if parsed.command == "segment" and not parsed.classifier and not parsed.region:
        parser.error("segment needs --classifier, or --region for the weights that come with spars")
    # Loaded after parsing, so that --help and usage errors answer at once.
    from spars.command import commands

    try:
        if parsed.threads is not None:
            commands.set_threads(parsed.threads)
        result, text = getattr(commands, parsed.command)(parsed)
        told = json.dumps(jsonable(result), indent=2, allow_nan=False) if parsed.json else text
        print(told, flush=True)
    except KeyboardInterrupt:
        print("spars: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read standard output has gone; Python's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        if parsed.traceback:
            raise
        print(f"spars: error: {one_line(error)}", file=sys.stderr)
        return 1
    # Of several scans some may have failed: the others' results are whole.
    return 1 if result.get("failed") else 0


def _parser() -> Parser:
    parser = Parser(
        prog="spars",
        description="Tumour segmentation on CT from image-level labels by self-play.",
        epilog="Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"spars {__version__}")
    parser.add_argument(
        "--print-completion",
        choices=("bash", "zsh", "tcsh"),
        action=PrintCompletion,
        help='print the script by which a shell completes words (the extra "completion")',
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    every = (
        _add_demo,
        _add_audit,
        _add_train,
        _add_segment,
        _add_explain,
        _add_league,
        _add_evaluate,
        _add_export,
        _add_study,
        _add_benchmark,
        _add_info,
        _add_selftest,
    )
    for add in every:
        command = add(commands)
        command.add_argument(
            "--threads",
            type=int,
            metavar="N",
            help="threads of the compiled core (default: SPARS_NUM_THREADS, or every processor)",
        )
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        command.add_argument(
            "--traceback", action="store_true", help="show where an error came from"
        )
    return parser


def _add_demo(commands: Any) -> argparse.ArgumentParser:
    demo = commands.add_parser(
        "demo",
        help="segment a phantom, compare searches and write a report",
        description="Segment a phantom by the weights that come with spars, compare searches and "
        "the rule that learns nothing, and write mask, pictures and a report. With --train: train "
        "a classifier on phantoms with image-level labels first, and let two agents search a "
        "held-out phantom.",
    )
    demo.add_argument("--output", default="demo-output", help="folder for the results")
    demo.add_argument("--seed", type=int, default=0, help="seed of phantoms, training and play")
    demo.add_argument(
        "--train", action="store_true", help="train on phantoms first; takes some minutes"
    )
    demo.add_argument("--scans", type=int, help="with --train: phantoms (default: 24)")
    demo.add_argument("--epochs", type=int, help="with --train: epochs (default: 40)")
    demo.add_argument(
        "--iterations", type=int, help="iterations of a game (default: 300, with --train 600)"
    )
    return demo


def _add_audit(commands: Any) -> argparse.ArgumentParser:
    audit: argparse.ArgumentParser = commands.add_parser(
        "audit",
        help="look through a dataset before it is trained on",
        description="Read every scan, mask and organ of a dataset once, and print a table and what "
        "is wrong: scans that are there twice, masks that do not lie where their scans do, values "
        "that are no HU, odd spacings, missing labels, scans of one group on both sides of a "
        "split. Ends with 1 where there is a fault.",
    )
    _add_source(audit)
    held_out = audit.add_mutually_exclusive_group()
    held_out.add_argument(
        "--held-out", type=int, default=0, metavar="N", help="the last N scans are to be kept apart"
    )
    held_out.add_argument("--held-out-csv", metavar="CSV", help="the scans in it are")
    audit.add_argument(
        "--reference-value", type=int, nargs="+", default=[2], help="labels of tumour in masks"
    )
    audit.add_argument("--seed", type=int, default=0, help="seed of phantoms")
    return audit


def _add_train(commands: Any) -> argparse.ArgumentParser:
    train = commands.add_parser(
        "train",
        help="train a classifier on image-level labels, or on made lesions",
        description="Train the object presence classifier and write its weights as safetensors: "
        "on scans and their labels, or with --lesions on windows of tumour-free organs with "
        "lesions made into half of them.",
    )
    _add_source(train)
    train.add_argument("-o", "--output", required=True, help="weights to write (.safetensors)")
    train.add_argument("--history", help="also write losses and metrics as JSON")
    train.add_argument(
        "--validation-scans", type=int, default=0, metavar="N", help="keep the last N scans apart"
    )
    shapes = " ".join(map(str, INPUT_OF_RECORD)), " ".join(map(str, INPUT_OF_WINDOWS))
    train.add_argument(
        "--input-shape",
        **_extent(None),
        help=f"the network's input (default: {shapes[0]}; with --lesions {shapes[1]})",
    )
    train.add_argument(
        "--seeds", type=int, default=1, metavar="N",
        help="train N networks, from --seed on, and write them as one ensemble (default: 1)",
    )  # fmt: skip
    add_settings(train, TrainingSettings)
    group = train.add_argument_group("augmentation of training crops (none by default)")
    add_settings(group, Augmentation)
    group = train.add_argument_group(
        "made lesions: tumour-free scans with organs (of a CSV's column 'organ', of Decathlon "
        "labels or of phantoms) hold them; scans with tumours are left out"
    )
    group.add_argument(
        "--lesions", choices=("synthetic",), help="train on windows with made lesions"
    )
    group.add_argument(
        "--spacing",
        type=float,
        metavar="MM",
        help=f"edge of the working grid's voxels, mm (default: {Recipe.of_organ().spacing})",
    )
    add_settings(train.add_argument_group("how lesions are made"), LesionLaw, prefix=LESION)
    add_settings(
        train.add_argument_group("how windows of made lesions are drawn; --window says their size"),
        WindowSettings, without=("window",), prefix=WINDOW,
    )  # fmt: skip
    group = train.add_argument_group("image-level labels of all scans, after made lesions")
    group.add_argument("--then-weak-labels", action="store_true", help="go on; kept if it helps")
    add_settings(group, WeakLabelSettings, without=("seed",), prefix=WEAK)
    return train


def _add_segment(commands: Any) -> argparse.ArgumentParser:
    segment = commands.add_parser(
        "segment",
        help="segment a scan's tumours",
        description="Segment a scan by windows that a classifier scores, and write the mask on "
        "the scan's own geometry. Several scans, or a folder of them, give a folder of masks and "
        "summary.csv, a row for each.",
    )
    segment.add_argument("scan", nargs="+", help="scan, several, or a folder of them")
    _add_series(segment)
    segment.add_argument(
        "--classifier",
        help="weights (.safetensors or .pth); their recipe says what options need not (default: "
        "those that come with spars, for livers)",
    )
    segment.add_argument(
        "-o",
        "--output",
        required=True,
        help="mask to write (.nii or .nii.gz); of several, a folder",
    )
    segment.add_argument(
        "--no-recipe", action="store_true", help="go without the recipe in the weights"
    )
    segment.add_argument("--lesions", metavar="FILE", help="also write the lesions' table (.csv)")
    segment.add_argument("--score-map", help="also write the score map as NIfTI")
    segment.add_argument("--report", help="also write an HTML report")
    segment.add_argument(
        "--surfaces",
        metavar="FILE",
        help="also write a page that turns the mask in three dimensions",
    )
    segment.add_argument(
        "--coverage",
        action="store_true",
        help="score every window and show in the report how much of the scan the search saw, and "
        "its regret",
    )
    segment.add_argument(
        "--agents",
        help="file of spars.Agents, or liver-lesions for those that come with spars, which then "
        "choose the windows (see --max-scores)",
    )
    segment.add_argument(
        "--region",
        help="organ mask, outside of which nothing is segmented; of several scans, a folder of "
        "masks with the scans' names",
    )
    segment.add_argument(
        "--region-value", type=int, nargs="+", help="labels of the organ in that file"
    )
    segment.add_argument(
        "--reference", help="reference mask, to print Dice with; of several, a folder"
    )
    segment.add_argument("--reference-value", type=int, help="label of the tumour in that file")
    _add_geometry(segment)
    add_settings(segment, SegmentationSettings)
    add_groups(segment, SelfPlaySettings, without=SegmentationSettings.defaults())
    group = segment.add_argument_group("numbers of --game exhaustion")
    add_settings(group, ExhaustionRule)
    return segment


def _add_league(commands: Any) -> argparse.ArgumentParser:
    league = commands.add_parser(
        "league",
        help="let the snapshots of a run play one another",
        description="Let the snapshots in a checkpoint of self-play play one another, and print "
        "their Elo ratings.",
    )
    league.add_argument("run", help="checkpoint that segment wrote")
    league.add_argument("scan", help="the scan it was made on")
    _add_series(league)
    league.add_argument("--classifier", required=True, help="weights (.safetensors or .pth)")
    league.add_argument("--games", type=int, default=100, help="of every two members")
    league.add_argument("--output", help="also write the league (.npz)")
    league.add_argument("--picture", help="also write a picture of the table (.png)")
    league.add_argument("--seed", type=int, default=0, help="seed of the games")
    return league


def _add_explain(commands: Any) -> argparse.ArgumentParser:
    explain = commands.add_parser(
        "explain",
        help="map what in a scan speaks for tumour",
        description="Explain a classifier's scores of a scan's windows, or of the whole scan as "
        "one crop, and write a map in [0, 1] on the scan's own geometry.",
    )
    explain.add_argument("scan", help="the scan")
    _add_series(explain)
    explain.add_argument("--classifier", required=True, help="weights (.safetensors or .pth)")
    explain.add_argument("--output", required=True, help="map to write (.nii or .nii.gz)")
    explain.add_argument(
        "--method",
        choices=("grad_cam", "integrated_gradients", "occlusion"),
        default="grad_cam",
        help="how scores are explained",
    )
    explain.add_argument("--window", **_extent(WINDOW_OF_RECORD), help="extent of the windows")
    explain.add_argument(
        "--whole", action="store_true", help="explain the whole scan as one crop, without windows"
    )
    explain.add_argument(
        "--stride", type=int, help="voxels between windows (default: half of the window)"
    )
    _add_grid(explain)
    explain.add_argument(
        "--target", choices=("log_odds", "logit", "score"), default="log_odds", help="of what"
    )
    explain.add_argument(
        "--layer", type=int, choices=(2, 3, 4), default=3, help="convolution, for grad_cam"
    )
    explain.add_argument(
        "--steps", type=int, default=32, help="points on the line, for integrated_gradients"
    )
    explain.add_argument(
        "--baseline", type=float, help="HU that shows nothing (default: the window's mean)"
    )
    explain.add_argument(
        "--patch",
        nargs=3,
        type=int,
        metavar=("X", "Y", "Z"),
        help="extent that occlusion hides (default: a sixth of the window's, rounded up)",
    )
    return explain


def _add_evaluate(commands: Any) -> argparse.ArgumentParser:
    evaluate = commands.add_parser(
        "evaluate",
        help="compare a mask with a reference",
        description="Print Dice, Hausdorff 95, surface Dice, lesion detection and more.",
    )
    evaluate.add_argument("mask", help="NIfTI file of 0 and 1")
    evaluate.add_argument("reference", help="NIfTI file on the same voxels")
    evaluate.add_argument("--mask-value", type=int, help="label that counts in the mask")
    evaluate.add_argument("--reference-value", type=int, help="label that counts in the reference")
    _add_geometry(evaluate)
    evaluate.add_argument("--tolerance", type=float, default=2.0, help="of surface Dice, in mm")
    return evaluate


def _add_study(commands: Any) -> argparse.ArgumentParser:
    study = commands.add_parser(
        "study",
        help="run settings, folds and seeds over a data set, and compare them",
        description="Run a study that a YAML file describes: 'plan' shows its tasks, 'run' does "
        "those that are not done yet, 'status' counts them, 'results' prints its tables. The same "
        "command goes on with a study that was ended, and helps with one that runs.",
    )
    study.add_argument("action", choices=("plan", "run", "status", "results"), help="what to do")
    study.add_argument("study", help="file (.yaml, or .json without the extra 'study')")
    study.add_argument(
        "--out", metavar="DIR", help="the study's folder (default: the file's name without ending)"
    )
    study.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="changes",
        help="change the file's description, as base.training.epochs=2; may be given again",
    )  # fmt: skip
    study.add_argument(
        "--shard", metavar="I/N", help="run the I-th of N parts, as of an array of jobs"
    )
    study.add_argument(
        "--processes", type=int, default=1, metavar="N", help="run N tasks at a time"
    )
    study.add_argument("--metric", default="dice", help="what results are of")
    study.add_argument(
        "--by", nargs="+", choices=("setting", "fold", "seed"), default=["setting"],
        help="what the rows of results are",
    )  # fmt: skip
    study.add_argument(
        "--compare", metavar="SETTING", help="also compare this setting with all others"
    )
    study.add_argument("--worst", type=int, default=0, metavar="K", help="also print the K worst")
    study.add_argument("--csv", metavar="FILE", help="also write every row of results (.csv)")
    study.add_argument("--report", metavar="FILE", help="also write a page of results (.html)")
    return study


def _add_benchmark(commands: Any) -> argparse.ArgumentParser:
    benchmark = commands.add_parser(
        "benchmark",
        help="measure masks on scans with references, beside the rule that learns nothing",
        description="Segment the organs of scans with reference masks by a classifier and by the "
        "rule on intensities, and print Dice by patient and size, lesions met, false volume and "
        "the difference with its interval. References are read for measuring only.",
    )
    _add_source(benchmark)
    benchmark.add_argument("--classifier", help="weights (default: those that come with spars)")
    benchmark.add_argument(
        "--methods", nargs="+", choices=tuple(METHODS), default=["classifier", RIVAL],
        help="what is measured",
    )  # fmt: skip
    benchmark.add_argument(
        "--lesions", choices=("synthetic",),
        help="make lesions into every second of the tumour-free scans, and measure these; always "
        "with --phantoms",
    )  # fmt: skip
    benchmark.add_argument(
        "--reference-value", type=int, nargs="+", default=[2], help="labels of tumour"
    )
    benchmark.add_argument("--output", help="also write every scan's numbers as JSON")
    benchmark.add_argument("--seed", type=int, default=0, help="seed of what is made or drawn")
    return benchmark


def _add_export(commands: Any) -> argparse.ArgumentParser:
    export = commands.add_parser(
        "export",
        help="write a classifier in another format",
        description="Read a classifier and write it as ONNX, as a PyTorch state_dict or as "
        "safetensors, by the output's ending.",
    )
    export.add_argument("classifier", help="weights (.safetensors or .pth)")
    export.add_argument("output", help="file to write (.onnx, .pth, .pt or .safetensors)")
    export.add_argument(
        "--intensity-window",
        action="store_true",
        help="apply the classifier's intensity window inside the ONNX graph, so that it takes HU",
    )
    return export


def _add_info(commands: Any) -> argparse.ArgumentParser:
    info = commands.add_parser(
        "info",
        help="print versions and machine, or what a file holds",
        description="Print versions, instruction set and threads; with a file, its header.",
    )
    info.add_argument(
        "file", nargs="?", help="any file or folder: a scan, weights, a checkpoint, an atlas"
    )
    _add_series(info)
    return info


def _add_selftest(commands: Any) -> argparse.ArgumentParser:
    selftest: argparse.ArgumentParser = commands.add_parser(
        "selftest",
        help="compute reference results and compare them with their record",
        description="Make a phantom, measure masks, play, resume, train and read files back, and "
        "compare hashes of the results with those on record. Takes less than a minute.",
    )
    return selftest


def _add_source(command: argparse.ArgumentParser) -> None:
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--csv", help="labels: columns image, has_tumour and, optionally, mask, organ and group"
    )
    source.add_argument(
        "--msd", metavar="ROOT", help="folder in Medical Segmentation Decathlon layout"
    )
    source.add_argument("--phantoms", type=int, metavar="N", help="use N phantoms")
    command.add_argument("--root", help="folder that the CSV's image paths start from")


def _add_grid(command: argparse.ArgumentParser) -> None:
    add_settings(command, SegmentationSettings, only=("grid",))


def _add_series(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--series",
        help="of a DICOM folder with several series the one that is meant: its UID, number or "
        "description",
    )


def _add_geometry(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--ignore-geometry",
        action="store_true",
        help="compare voxel by voxel, even where the files' affines place them apart",
    )


def _extent(default: Extent3 | None) -> dict[str, Any]:
    return {"nargs": 3, "type": int, "default": default, "metavar": ("X", "Y", "Z")}


if __name__ == "__main__":
    sys.exit(main())
