"""`spars segment`: a mask of a scan, what was found in it, and what speaks against both."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import spars
from spars._support.checks import check_room
from spars._support.files import write_text
from spars._support.progress import progress_bar
from spars._support.types import MaskArray, Scan
from spars.classifier.ensemble import AnyClassifier
from spars.command.inputs import mask_of, note, scan_of, warnings_as_lines
from spars.command.options import given
from spars.command.outputs import check_nifti, check_outputs, modified
from spars.game.field import known_grid
from spars.game.rules import ExhaustionRule
from spars.game.scorers import Scorer
from spars.report.drawing import check_installed
from spars.report.page import write_report
from spars.report.surfaces import check_surfaces, write_surfaces
from spars.report.text import method_name
from spars.search.agents import PRETRAINED_AGENTS
from spars.search.coverage import Coverage
from spars.search.folder import table_of
from spars.search.scoring import score_windows
from spars.search.segmentation import Segmentation
from spars.search.segmenting import from_recipe
from spars.search.settings import LEARNED, SegmentationSettings, SelfPlaySettings
from spars.volume.volume import as_volume

#: Options of self-play that the other methods share; what learns and is kept is self-play's alone.
SHARED_OPTIONS = ("n_steps", "stride")
# Lesions that the text shows; the file of --lesions has all.
_SHOWN = 20


@dataclass(frozen=True)
class Prepared:
    """What does not change from scan to scan: the scorer, and what was asked for."""

    classifier: AnyClassifier | None
    settings: SegmentationSettings
    options: Mapping[str, Any]
    search: Mapping[str, Any]

    @property
    def is_of_organ(self) -> bool:
        """Whether the recipe has a working grid."""
        return self.settings.recipe is not None and self.settings.recipe.spacing is not None


def prepared(arguments: Namespace) -> Prepared:
    """Read the classifier and check the options."""
    options = given(arguments, SegmentationSettings)
    search = given(arguments, SelfPlaySettings, without=SegmentationSettings.defaults())
    search |= _rule(arguments)
    if arguments.agents:
        is_ours = arguments.agents in PRETRAINED_AGENTS
        agents = (spars.Agents.pretrained if is_ours else spars.Agents.load)(arguments.agents)
        options |= {"agents": agents, "method": LEARNED} | options
    # Before anything is read: what follows from no recipe, which may know another method.
    SegmentationSettings.of(options | {"max_scores": None})
    classifier: AnyClassifier | None = None
    if arguments.classifier:
        classifier = spars.load_classifier(arguments.classifier)
    elif options.get("method") != "intensity":
        classifier = spars.pretrained()
    if arguments.no_recipe:
        options["recipe"] = None
    settings = SegmentationSettings.of({**from_recipe(classifier, **options), **options})
    # An atlas, which has none, is scored by the classifier's.
    options["recipe"] = settings.recipe
    _check_options(arguments, settings, search)
    return Prepared(classifier, settings, options, search)


def segment_scan(arguments: Namespace) -> tuple[dict[str, Any], str]:
    """Segment one scan and write what was asked for."""
    _check_files(arguments)
    return _written(arguments, *found_in(arguments, prepared(arguments)))


def found_in(
    arguments: Namespace, prepared: Prepared
) -> tuple[Segmentation, MaskArray | None, MaskArray | None, Scorer | None]:
    """Segment the one scan of `arguments`; return also reference, region and what scored it."""
    classifier, settings, search = prepared.classifier, prepared.settings, dict(prepared.search)
    place: Scan = arguments.scan
    if arguments.series is not None:
        place = scan_of(arguments.scan, arguments.series)
    if not prepared.is_of_organ and settings.method != "intensity":
        native = settings.protocol.with_switches(scan_frame="native")
        room = known_grid(place, settings.grid, native, "segment")
        check_room(settings.window, room, "segment", "the grid")
    scan = as_volume(place)
    reference = region = None
    if arguments.reference:
        reference = mask_of(arguments, "reference", arguments.scan, scan)
    if arguments.region:
        region = mask_of(arguments, "region", arguments.scan, scan)
        if not region.any():
            raise ValueError(f"{arguments.region}: the region holds no voxel.")
    is_played = settings.method == "self_play" and not prepared.is_of_organ
    if reference is not None and arguments.report and is_played:
        # The curve of Dice, which the search does not see, is for the report alone; there is none
        # on a working grid, whose voxels are not the reference's.
        search["reference"] = reference
    scorer: Scorer | None = classifier
    # What segment refuses is not scored first.
    is_refused = region is None and (settings.isolated or prepared.is_of_organ)
    wants_atlas = arguments.coverage and settings.method != "self_play" and not is_refused
    if wants_atlas and classifier is not None:
        scorer = score_windows(
            scan, classifier, settings, region, search.get("stride"),
            covers_edge=settings.method == "exhaustive", progress=progress_bar("scoring"),
        )  # fmt: skip
    earlier = modified(arguments.checkpoint)
    try:
        with warnings_as_lines():
            found = spars.segment(
                scan, scorer, region=region, progress=progress_bar("searching"),
                **prepared.options, **search,
            )  # fmt: skip
    except BaseException:
        if modified(arguments.checkpoint) != earlier:
            note(f"{arguments.checkpoint} holds the state of the run; --resume goes on from it")
        raise
    return found, reference, region, scorer


def _check_files(arguments: Namespace) -> None:
    """Refuse outputs of other formats, and those that would destroy a file."""
    check_nifti(arguments.output, "--output")
    if arguments.score_map:
        check_nifti(arguments.score_map, "--score-map")
    check_outputs(
        {
            "--output": arguments.output,
            "--score-map": arguments.score_map,
            "--report": arguments.report,
            "--surfaces": arguments.surfaces,
            "--lesions": arguments.lesions,
            "--checkpoint": arguments.checkpoint,
        },
        {
            "the scan": arguments.scan,
            "--classifier": arguments.classifier,
            "--agents": arguments.agents,
            "--region": arguments.region,
            "--reference": arguments.reference,
            "--initial-policy": arguments.initial_policy,
        },
    )


def _check_options(
    arguments: Namespace, settings: SegmentationSettings, search: Mapping[str, Any]
) -> None:
    """Refuse options of another method than the one that searches."""
    shared = () if settings.method == "intensity" else SHARED_OPTIONS
    for name in search:
        if name not in shared and settings.method != "self_play":
            raise ValueError(
                f"--{name.replace('_', '-')} is of self_play; the other methods learn nothing and "
                "have no state to keep."
            )
    if arguments.resume and not arguments.checkpoint:
        raise ValueError("--resume goes on from the file of --checkpoint. Got none.")
    if arguments.coverage and not arguments.report:
        raise ValueError("--coverage is shown in a report; --report says where to write it.")
    if arguments.coverage and settings.method in ("grad_cam", "intensity"):
        raise ValueError(
            f"--coverage is of windows on the game's lattice; {settings.method} has its own."
        )
    if arguments.report:
        check_installed("A report")
    if arguments.surfaces:
        check_surfaces()


def _rule(arguments: Namespace) -> dict[str, Any]:
    """Return the keyword of `segment` that the exhaustion game's numbers make, as a dict."""
    numbers = given(arguments, ExhaustionRule)
    if not numbers:
        return {}
    if arguments.game != "exhaustion":
        option = f"--{next(iter(numbers)).replace('_', '-')}"
        raise ValueError(f"{option} is of --game exhaustion.")
    return {"rule": ExhaustionRule(**numbers)}


def _written(
    arguments: Namespace,
    found: Segmentation,
    reference: MaskArray | None,
    region: MaskArray | None,
    scorer: Scorer | None,
) -> tuple[dict[str, Any], str]:
    """Write every file that was asked for; return the command's result and its text."""
    found.save(arguments.output)
    if arguments.score_map:
        found.save_score_map(arguments.score_map)
    if arguments.lesions:
        write_text(arguments.lesions, table_of(found.lesions))
    if arguments.report:
        write_report(
            arguments.report,
            found,
            title=f"Tumour segmentation of {os.path.basename(arguments.scan)}",
            reference=reference,
            coverage=_coverage(found, scorer) if arguments.coverage else None,
        )
    if arguments.surfaces:
        write_surfaces(arguments.surfaces, found, reference)
    result: dict[str, Any] = {
        "output": arguments.output,
        "voxels": int(found.mask.sum()),
        **summary_of(found),
        "configuration": found.configuration,
    }
    lines = [f"{arguments.output}: {found!r}"]
    if _is_of_organ(found):
        result["lesions"] = [lesion.to_dict() for lesion in found.lesions]
        result["warnings"] = found.configuration.get("warnings", [])
        lines += _told(found, region)
    if reference is not None:
        result["dice"] = found.dice(reference)
        lines.append(f"Dice {result['dice']:.4f}")
    return result, "\n".join(lines)


def summary_of(found: Segmentation) -> dict[str, float | None]:
    """Return what one scan's result and a row of the table of several say of a mask alike."""
    return {
        "volume_ml": found.millilitres,
        "highest_score": float(found.score_map.max()),
        "probability": found.probability,
    }


def _is_of_organ(found: Segmentation) -> bool:
    """Whether lesions can be told: a map of whole scans has thousands of parts."""
    return "organ" in found.configuration or found.configuration["method"] == "intensity"


def _told(found: Segmentation, region: MaskArray | None) -> Iterator[str]:
    """Yield the lines on an organ: its level, then its lesions, or why there are none."""
    configuration = found.configuration
    if "organ" in configuration:
        yield f"Level of the organ {configuration['organ']['level']:.0f} HU"
    if found.probability is not None:
        yield f"Probability of tumour {found.probability:.2f}"
    if not found.lesions:
        yield _nothing(found, region)
        return
    yield f"{'':>3} {'position, mm':^23} {'ml':>8} {'mm':>6} {'HU':>6} {'score':>6}"
    for lesion in found.lesions[:_SHOWN]:
        x, y, z = lesion.position
        yield (
            f"{lesion.number:>3} {x:>7.1f} {y:>7.1f} {z:>7.1f} {lesion.volume:>8.2f} "
            f"{lesion.diameter:>6.1f} {lesion.mean_hu:>6.0f} {lesion.score:>6.3f}"
        )
    if len(found.lesions) > _SHOWN:
        yield f"and {len(found.lesions) - _SHOWN} smaller ones; --lesions FILE lists all"


def _nothing(found: Segmentation, region: MaskArray | None) -> str:
    """Return a sentence on an empty mask."""
    recipe = found.configuration.get("recipe")
    if recipe is None or region is None:
        return "No tumour: nothing in the organ is darker than most of it."
    highest = float(found.score_map[region != 0].max())
    text = (
        f"No tumour: the highest score in the organ is {highest:.3f}, the threshold "
        f"{found.configuration['segmentation_threshold']:.3f}"
    )
    if recipe["refinement"] == "split":
        text += (
            f"; a lesion's highest must be above {recipe['certain']:.3f}, its volume at least "
            f"{recipe['minimum_volume']:g} ml"
        )
    return text + "."


def _coverage(found: Segmentation, scorer: Scorer | None) -> dict[str, Coverage]:
    """Return the curves of a search, by its name; self-play scores what it has not seen."""
    atlas = scorer if isinstance(scorer, spars.ScoreAtlas) else None
    curve = found.run.coverage(atlas, progress=progress_bar("scoring"))
    return {method_name(found.configuration["method"]): curve}
