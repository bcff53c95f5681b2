"""Plays every search under budgets of scores, on phantoms and on patients; prints Markdown.

python Benchmarks/search.py --cache FOLDER --phantoms 12
python Benchmarks/search.py --cache FOLDER --patients FOLDER [FOLDER ...] --same lits00,lits01
... --agents FILE [FILE ...] plays what `spars.train_agents` learned too

A folder of patients holds imagesTr/NAME.nii.gz and labelsTr/NAME.nii.gz: 0, 1 the organ, 2 tumour.
Every window of a scan is scored once and kept in the cache; searches then play on known scores.
Phantoms are `phantom_livers` with made lesions in their working grid, two sets of lesions to each
liver, every fourth without any. All is measured on the working grid.

Written before it was run
-------------------------
Chosen on 12 scans of 6 phantoms of other seeds: how unasked windows count
(`spars.search.budget.filled`), what a hit is and how many windows a flood asks for at once.

Measures: Dice at each budget, the mean over scans with more than 1 ml of tumour whose exhaustive
map finds anything (Dice above 0.05); area under Dice against scores up to 1,000, divided by 1,000
(0 at 0 scores, trapezoids between budgets); the first budget whose mean Dice is 95 % of the
exhaustive one; false ml on scans without tumour. Drawn searches are means over the seeds. Scans of
one patient count as one. Intervals: paired bootstrap over patients, 95 %, 10,000 draws.

Hypotheses
1. Flood has 95 % of the exhaustive Dice at 1,000 scores, on phantoms and on patients.
2. On patients darkest_flood has a larger area than flood: their tumours are dark. On phantoms it
   has not: their livers' masks hold dark things that are no lesion.
3. What does not grow hits (raster, random, coarse, walk) has under half of the exhaustive Dice at
   1,000 scores.
4. No budget up to 1,000 gives more false volume on scans without tumour than all scores do.

Added before agents were played on any scan but those they were chosen on: agents are trained on 33
scans of 6 phantoms, and end by themselves at a worth of 0.1, both chosen on the 12 scans.
5. On phantoms not seen before they have 95 % of the exhaustive Dice at 500 scores, and a larger
   area than the best simple search.
6. Ending by themselves they lose less than 0.02 of the exhaustive Dice with under 10 % of its
   scores.
7. Both hold on patients.

Added before lesions and the scores to 95 % of each scan were counted: a lesion is a component of
the reference of 0.1 ml or more, met where the mask shares a voxel with it, as in `spars benchmark`;
recall is the share met of the lesions of all scans with tumour, found by all scores or not. Scores
to 95 % are the first step of `STEPS` at which a scan's Dice has 95 % of its exhaustive one, the
median over the scans of the curves.
8. At 500 scores agents meet as many lesions as all scores: the interval of the difference of the
   recalls lies above -0.05, on phantoms and on patients.
9. At 250 scores they meet more than each simple search does: the intervals exclude 0.

Rule: one search is better than another where the interval of the difference of their areas excludes
0. A search may be proposed as the default where the interval of its Dice at 1,000 scores less the
exhaustive one lies above -0.02 on patients, and seconds are fewer. A learned search earns its place
where it is better than the best of these and than itself trained without an opponent, on phantoms
that neither training nor choice has seen; patients are looked at after that.
"""

import argparse
import functools
import itertools
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import spars
from spars import metrics
from spars.game.field import Field
from spars.lesions import Host, LesionLaw, insert
from spars.search.budget import asked_by, filled, openings
from spars.search.frames import OrganFrame
from spars.search.organ import organ_lesions
from spars.search.strategies import STRATEGIES, View
from spars.study.benchmark import lesions_met

BUDGETS = (100, 250, 500, 1000, 2000)
STEPS = (100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1250, 1500, 2000)
FIRST_SEED = 9000
DRAWN = ("random", "coarse", "walk", "climb", "flood", "coarse_flood", "ucb")
LAW = LesionLaw(dark=(15, 90), bright_chance=0.03, radius=(3, 25))
DRAWS = 10_000


class Scan:
    """An organ on its working grid, every window's score, and the truth."""

    def __init__(self, name, patient, hu, affine, organ, tumour, atlas, classifier):
        self.name, self.patient, self.atlas = name, patient, atlas
        self.recipe = recipe = classifier.recipe
        self.tumour, self.organ = tumour & (organ > 0), organ
        self.ml = self.tumour.sum() * recipe.spacing**3 / 1000
        self.volume = spars.Volume(hu, affine)
        self.host = Host(self.volume, organ)
        # As a search of `spars.segment` sees it.
        shift = recipe.level_at - self.host.organ.level
        field = Field(
            hu + np.float32(shift), _unasked, recipe.window, recipe.protocol, 1.0, hu.shape,
            recipe.stride, {"intensity_window": classifier.intensity_window}, "the study", organ,
            atlas.covers_edge,
        )  # fmt: skip
        self.askable, self.intensity = openings(field, organ)
        self.scores = atlas.scores[self.askable]
        found = self.found(np.arange(len(self.scores)))
        self.exhaustive, self.met = self.judged(found), self.lesions_met(found)
        self.lesions = self.lesions_met(self.tumour)

    def asked(self, strategy, most, seed):
        view = View(self.askable, self.intensity)
        return asked_by(strategy, view, lambda windows: self.scores[windows], most, seed)

    def measured(self, asked):
        """Return the Dice that the scores of some windows give; without tumour the false ml."""
        return self.judged(self.found(asked))

    def found(self, asked):
        """Return the mask that the scores of some windows give."""
        places = tuple(np.argwhere(self.askable)[asked].T)
        scores, known = np.zeros(self.askable.shape, np.float32), np.zeros(self.askable.shape, bool)
        scores[places], known[places] = self.scores[asked], True
        if scores.max() > self.recipe.certain:
            atlas, guessed = self.atlas, filled(scores, known, self.askable)
            seen = spars.ScoreAtlas(guessed, atlas.axes, atlas.window, atlas.grid)
            found = organ_lesions(self.host, self.organ, seen.interpolated_map(), self.recipe)
            return (found > 0) & (self.organ > 0)
        # No part of the map is certain enough for a finding.
        return np.zeros(self.organ.shape, bool)

    def judged(self, found):
        """Return a mask's Dice; without tumour the false ml."""
        if not self.tumour.any():
            return found.sum() * self.recipe.spacing**3 / 1000
        return metrics.dice(found, self.tumour)

    def lesions_met(self, found):
        """Return how many lesions a mask meets, of those that count."""
        spacing = (self.recipe.spacing,) * 3
        return sum(is_met for _, is_met in lesions_met(found, self.tumour, spacing))


def _unasked(crops):
    raise AssertionError("scores are known")


def cached(folder, name, patient, made, classifier):
    """Return a scan from the cache, or what `made()` gives: frame and tumour, scored and kept."""
    path, recipe = Path(folder) / f"{name}.npz", classifier.recipe
    if not path.exists():
        frame, tumour = made()
        atlas = spars.ScoreAtlas.compute(
            frame.seen, classifier, recipe.window, grid=frame.seen.shape, stride=recipe.stride,
            protocol=recipe.protocol, region=frame.working.organ,
        )  # fmt: skip
        x, y, z = atlas.axes
        volume = frame.working.volume
        np.savez_compressed(
            path, hu=volume.array, affine=volume.affine, organ=frame.working.organ, tumour=tumour,
            scores=atlas.scores, x=x, y=y, z=z,
        )  # fmt: skip
    with np.load(path) as file:
        axes = file["x"], file["y"], file["z"]
        hu = file["hu"].astype(np.float32)
        atlas = spars.ScoreAtlas(file["scores"], axes, recipe.window, hu.shape)
        return Scan(
            name, patient, hu, file["affine"], file["organ"], file["tumour"], atlas, classifier
        )  # fmt: skip


def remembered(path, made):
    """Return plain values from a file, where they stand if they were measured before."""
    if not path.exists():
        path.write_text(json.dumps(made()))
    return json.loads(path.read_text())


def phantoms(count, seed, folder, classifier):
    """Yield scans of phantoms' livers, two sets of lesions each, the second of every other none."""
    for number in range(count):
        for lesions in (0, 1):
            yield phantom_scan(seed + number, lesions, folder, classifier)


def phantom_scan(seed, lesions, folder, classifier):
    """Return the scan of a phantom's liver with one of its two sets of lesions."""
    return cached(
        folder, f"phantom{seed}-{lesions}", f"phantom{seed}",
        lambda: phantom(seed, lesions, classifier.recipe), classifier,
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def liver(seed, recipe):
    case = spars.datasets.phantom_livers(1, seed=seed)[0]
    scan = case.load()
    return recipe.working(scan, case.load_organ())


def phantom(seed, lesions, recipe):
    working = liver(seed, recipe)
    rng = np.random.default_rng([seed, lesions])
    if lesions and seed % 2 == 0:
        return OrganFrame.of_working(working, recipe), np.zeros(working.organ.shape, bool)
    count, draw = int(rng.integers(1, 8)), int(rng.integers(2**40))
    made = insert(working.volume, working.organ, count, LAW, draw)
    return OrganFrame.of_working(replace(working, volume=made.volume), recipe), made.mask > 0


def patients(folders, same, folder, classifier, names=()):
    """Yield scans of folders in the Decathlon's layout, of all names or some."""
    groups = {name: names for names in same for name in names.split(",")}
    for root in folders:
        for path in sorted((Path(root) / "labelsTr").glob("*.nii.gz")):
            name = path.name.removesuffix(".nii.gz")
            if names and name not in names:
                continue
            yield cached(
                folder, name, groups.get(name, name),
                lambda path=path: patient(path, classifier.recipe), classifier,
            )  # fmt: skip


def patient(labels, recipe):
    scan = spars.load(labels.parent.parent / "imagesTr" / labels.name)
    found = np.rint(spars.load(labels).array)
    organ = (found > 0).astype(np.uint8)
    tumour = spars.Volume((found == 2).astype(np.float32), scan.affine)
    return OrganFrame.of(scan, organ, recipe), recipe.working(tumour, organ).volume.array > 0.5


@dataclass
class Played:
    """What a search came to, means over the seeds: Dice or false ml at steps, lesions met."""

    steps: np.ndarray
    met: np.ndarray

    @property
    def judged(self):
        """Dice or false ml at budgets."""
        return self.steps[:, [STEPS.index(budget) for budget in BUDGETS]]

    def of(self, scans):
        return Played(self.steps[scans], self.met[scans])


def play(scans, methods, seeds):
    """Return what each method has played."""
    played = {}
    for name, strategy in methods.items():
        judged, met, counts = [], [], []
        for scan in scans:
            steps, lesions = [], []
            for seed in range(seeds if name in DRAWN else 1):
                asked = scan.asked(strategy, max(STEPS), seed)
                masks = {step: scan.found(asked[:step]) for step in STEPS}
                steps.append([scan.judged(mask) for mask in masks.values()])
                lesions.append([scan.lesions_met(masks[budget]) for budget in BUDGETS])
                counts.append(len(asked))
            judged.append(np.mean(steps, axis=0))
            met.append(np.mean(lesions, axis=0))
        played[name] = Played(np.array(judged), np.array(met))
        print(f"  {name} played, {np.mean(counts):.0f} scores asked at most", flush=True)
    return played


def by_patient(values, scans):
    """Return the mean of the scans of each patient."""
    groups = [scan.patient for scan in scans]
    return np.array(
        [
            np.mean([v for v, g in zip(values, groups, strict=True) if g == group], axis=0)
            for group in dict.fromkeys(groups)
        ]
    )


def areas(curves):
    """Return the area under each curve up to 1,000 scores, divided by 1,000."""
    ends = (0, *(budget for budget in BUDGETS if budget <= 1000))
    heights = np.insert(curves[:, : len(ends) - 1], 0, 0, axis=1)
    return np.trapezoid(heights, ends, axis=1) / 1000


def interval(values, counts=None):
    """Return "mean (low to high)" over patients, bootstrapped; with counts of sums over theirs."""
    counts = np.ones(len(values)) if counts is None else counts
    draws = np.random.default_rng(0).integers(len(values), size=(DRAWS, len(values)))
    low, high = np.percentile(values[draws].sum(1) / counts[draws].sum(1), [2.5, 97.5])
    return f"{values.sum() / counts.sum():+.3f} ({low:+.3f} to {high:+.3f})"


def table(title, scans, played):
    """Print the curves of scans with tumour, and what is compared."""
    everything = by_patient([scan.exhaustive for scan in scans], scans)
    curves = {name: by_patient(p.judged, scans) for name, p in played.items()}
    rivals = [name for name in curves if name in STRATEGIES]
    best = max(rivals, key=lambda name: areas(curves[name]).mean())
    print(
        f"\n{title}: {len(everything)} patients, {len(scans)} scans; all scores "
        f"{everything.mean():.3f} of {np.mean([len(s.scores) for s in scans]):.0f} windows\n"
    )
    heads = " | ".join(f"{budget:,}" for budget in BUDGETS)
    print(
        f"| search | {heads} | area | 95 % at | median scores to 95 % | area less {best}'s "
        "| at 1,000 less all scores |"
    )
    print("|---" * (len(BUDGETS) + 6) + "|")
    for name, curve in curves.items():
        means = curve.mean(axis=0)
        enough = itertools.compress(BUDGETS, means >= 0.95 * everything.mean())
        cells = [
            *(f"{mean:.3f}" for mean in means), f"{areas(curve).mean():.3f}",
            str(next(enough, "-")), scores_to(0.95, scans, played[name]),
            interval(areas(curve) - areas(curves[best])),
            interval(curve[:, BUDGETS.index(1000)] - everything),
        ]  # fmt: skip
        print(f"| {name} | {' | '.join(cells)} |")


def scores_to(share, scans, played):
    """Return the median over scans of the first step with a share of a scan's exhaustive Dice."""
    wanted = share * np.array([scan.exhaustive for scan in scans])
    has = played.steps >= wanted[:, None]
    first = np.where(has.any(axis=1), np.array(STEPS)[has.argmax(axis=1)], np.inf)
    middle = np.median(first)
    return f"{middle:.0f}" if np.isfinite(middle) else "-"


def lesion_table(scans, played):
    """Print which share of the lesions of all scans with tumour each search meets."""
    counts, whole = (
        by_patient([getattr(scan, name) for scan in scans], scans) for name in ("lesions", "met")
    )
    met = {name: by_patient(p.met, scans) for name, p in played.items()}
    early, later = BUDGETS.index(250), BUDGETS.index(500)
    learned = next((name for name in met if name not in STRATEGIES), None)
    print(
        f"\nLesions met: {sum(scan.lesions for scan in scans)} of {len(counts)} patients, "
        f"{len(scans)} scans; by all scores {whole.sum() / counts.sum():.3f}\n"
    )
    heads = " | ".join(f"{budget:,}" for budget in BUDGETS)
    print(f"| search | {heads} | at 500 less all | {learned or 'agents'} at 250 less its own |")
    print("|---" * (len(BUDGETS) + 3) + "|")
    for name, found in met.items():
        cells = [
            *(f"{share:.3f}" for share in found.sum(axis=0) / counts.sum()),
            interval(found[:, later] - whole, counts),
            interval(met[learned][:, early] - found[:, early], counts) if learned else "",
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def free_table(title, scans, played):
    print(
        f"\n{title}: {len(scans)} scans without tumour; false ml with all scores "
        f"{np.mean([scan.exhaustive for scan in scans]):.2f}\n"
    )
    print(f"| search | {' | '.join(f'{budget:,}' for budget in BUDGETS)} |")
    print("|---" * (len(BUDGETS) + 1) + "|")
    for name, p in played.items():
        means = p.judged.mean(axis=0)
        print(f"| {name} | {' | '.join(f'{mean:.2f}' for mean in means)} |")


def ends(scans, methods):
    """Print what searches that end by themselves have come to by then."""
    everything = by_patient([scan.exhaustive for scan in scans], scans)
    for name in methods.keys() - STRATEGIES.keys():
        asked, seconds = [], []
        for scan in scans:
            begun = time.process_time()
            asked.append(scan.asked(methods[name], None, 0))
            seconds.append(time.process_time() - begun)
        masks = [scan.found(windows) for scan, windows in zip(scans, asked, strict=True)]
        played = list(zip(scans, masks, strict=True))
        found = by_patient([scan.judged(mask) for scan, mask in played], scans)
        met = sum(scan.lesions_met(mask) for scan, mask in played)
        counts = np.array([len(a) for a in asked])
        shares = counts / [len(scan.scores) for scan in scans]
        print(
            f"\n{name} to their own end: {found.mean():.3f}, less all scores "
            f"{interval(found - everything)}; scores {counts.mean():.0f} (median "
            f"{np.median(counts):.0f}, {counts.min()} to {counts.max()}), {shares.mean():.1%}; "
            f"lesions met {met}, by all scores {sum(s.met for s in scans)} of "
            f"{sum(s.lesions for s in scans)}; seconds of the search alone: median "
            f"{np.median(seconds):.2f}, at most {max(seconds):.2f}"
        )


def report(title, scans, methods, seeds):
    sick = [s for s in scans if s.ml > 1 and s.exhaustive > 0.05]
    healthy = [s for s in scans if s.ml == 0]
    left_out = [s.name for s in scans if s not in sick and s not in healthy]
    print(f"\n{title}; left out (under 1 ml, or not found by all scores): {left_out}")
    if sick:
        ill = [scan for scan in scans if scan.ml > 0]
        played = play(ill, methods, seeds)
        of_sick = [scan in sick for scan in ill]
        table(title, sick, {name: p.of(of_sick) for name, p in played.items()})
        lesion_table(ill, played)
        ends(sick, methods)
    if healthy:
        free_table(title, healthy, play(healthy, methods, seeds))
        ends(healthy, methods)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--phantoms", type=int, default=0, help="how many livers")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--patients", nargs="*", default=[])
    parser.add_argument("--same", nargs="*", default=[], help="scans of one patient, comma between")
    parser.add_argument("--methods", nargs="*", default=list(STRATEGIES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--agents", nargs="*", default=[], help="files of spars.Agents to play too")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    classifier = spars.pretrained()
    methods = {name: STRATEGIES[name] for name in arguments.methods}
    for path in arguments.agents:
        methods[Path(path).stem] = spars.Agents.load(path).strategy
    made = list(phantoms(arguments.phantoms, arguments.first_seed, arguments.cache, classifier))
    if made:
        report("Phantoms", made, methods, arguments.seeds)
    real = list(patients(arguments.patients, arguments.same, arguments.cache, classifier))
    if real:
        report("Patients", real, methods, arguments.seeds)


if __name__ == "__main__":
    main()
