"""Trains on patients' tumour-free livers, each left out once, and measures what the weights find.

python Benchmarks/left_out.py --csv scans.csv --cache FOLDER [--weights livers phantoms]

The CSV lists image, has_tumour, organ and, where there is a reference, mask (0 and 1), and group,
the patient. Weights are kept in the cache, as are measurements, so that a run goes on where it was.

livers:   for each tumour-free scan, weights trained on made lesions in the other tumour-free ones
phantoms: as those that come with spars were, with other phantoms, lesions and networks
shuffled: windows of all tumour-free scans, their labels shuffled: what finds tumours by chance
shipped:  `spars.pretrained()`

All are used by the recipe that comes with spars: nothing is chosen here. Measured: Dice of scans
with references, the mean over a patient's; false ml of a tumour-free scan, by weights that did not
learn from it; Dice of lesions made into it; ROC AUC of scans, by the highest value of the map, each
tumour-free one against all with tumour by the weights that did not learn from it.
"""

import argparse
import resource
import time
import warnings
from pathlib import Path

import numpy as np
import search as study

import spars
from spars import metrics
from spars.lesions import insert
from spars.volume.masks import millilitres_of

DRAWN = {
    "core": (4, 4, 4), "tumour_share_above": 0.4, "free_share_below": 0.05,
    "tumour_chance": 0.42, "beside_chance": 0.2,
}  # fmt: skip
STEPS = {"livers": 1000, "phantoms": 1500, "shuffled": 250}
#: Sets of made lesions in each tumour-free scan.
SETS = 4
#: Sizes of a patient's tumour, ml, above and up to.
LARGE, SMALL = (5, np.inf), (1, 5)


def trained(hosts, seed, steps, is_shuffled):
    """Return a classifier trained as the weights that come with spars were, or by shuffled labels.

    Windows with other labels than their own are scans of their own, drawn with replacement.
    """
    source = spars.lesions.windows(hosts, study.LAW, seed=seed, **DRAWN)
    options = {}
    if is_shuffled:
        values, labels, _ = source.draw(0, 32 * steps)
        np.random.default_rng(seed).shuffle(labels)
        source = [
            spars.datasets.Case(str(i), bool(label), lambda i=i: values[i])
            for i, label in enumerate(labels)
        ]
        options = {"window": values.shape[1:], "grid": None}
    classifier = spars.Classifier((128, 128, 128), spars.IntensityWindow(100, 180), seed=seed)
    classifier.fit(
        source, epochs=10, steps_per_epoch=steps // 10, scans_per_step=32, crops_per_scan=1,
        learning_rate="falling", **options,
    )  # fmt: skip
    return classifier


def ways(kinds, free, seeds):
    """Yield (name, the case left out or None, hosts' cases, kind, seed) of all weights wanted."""
    for kind in kinds:
        if kind == "livers":
            for number, case in enumerate(free):
                name = Path(case.name).name.split(".")[0]
                yield f"livers-{name}", case, free[:number] + free[number + 1 :], kind, number
        elif kind == "phantoms":
            for seed in seeds:
                yield f"{kind}-{seed}", None, None, kind, seed
        else:
            yield kind, None, free, kind, 0


def weights(name, cases, kind, seed, cache):
    """Return the weights of that name, trained if the cache lacks them."""
    shipped = spars.pretrained()
    if kind == "shipped":
        return shipped
    path = cache / f"{name}.safetensors"
    if not path.exists():
        start = time.monotonic()
        if cases is None:
            cases = spars.datasets.phantom_livers(24, seed=2000 + 1000 * seed)
        hosts = spars.lesions.hosts(cases, shipped.recipe)
        made = trained(hosts, seed, STEPS[kind], kind == "shuffled")
        made.save(path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{name}: trained in {time.monotonic() - start:.0f} s, {peak:.2f} GB", flush=True)
    classifier = spars.Classifier.load(path)
    classifier.recipe = shipped.recipe
    return classifier


def found(volume, organ, classifier, reference=None):
    """Return what a mask comes to, as plain numbers."""
    mask = spars.segment(volume, classifier, region=organ)
    row = {"highest": float(mask.score_map.max()), "found_ml": mask.millilitres}
    if reference is not None and reference.any():
        tumour = millilitres_of(int(reference.sum()), volume)
        row |= {"tumour_ml": tumour, "dice": mask.dice(reference)}
    return row


def with_lesions(volume, organ, seeds):
    """Return a scan with a set of made lesions, and their mask."""
    rng = np.random.default_rng(seeds)
    made = insert(volume, organ, int(rng.integers(1, 5)), study.LAW, int(rng.integers(2**40)))
    return made.volume, made.mask != 0


def measured(classifier, left_out, cases):
    """Return a row for each scan, and for each set of lesions made into the one left out."""
    rows = {}
    for at, case in enumerate(cases):
        if case.has_tumour is False and left_out is not None and case is not left_out:
            continue
        volume, organ = case.load(), case.load_organ()
        mask = case.load_mask()
        reference = None if mask is None else np.asarray(mask) != 0
        rows[case.name] = found(volume, organ, classifier, reference)
        for number in range(SETS) if case.has_tumour is False else ():
            scan, lesions = with_lesions(volume, organ, [at, number])
            rows[f"{case.name}, set {number}"] = found(scan, organ, classifier, lesions)
    return rows


def by_patient(rows, cases, size):
    """Return Dice of patients by name, the means over their scans of such a size."""
    groups = {}
    for case in cases:
        row = rows.get(case.name, {})
        if "dice" in row and size[0] < row["tumour_ml"] <= size[1]:
            groups.setdefault(case.group or case.name, []).append(row["dice"])
    return {group: float(np.mean(values)) for group, values in groups.items()}


def interval(values):
    low, high = metrics.bootstrap_interval(values, seed=0)
    return f"{np.mean(values):.3f} ({low:.3f} to {high:.3f})"


def report(results, cases):
    """Print a row for each weights, then each kind's numbers over what it left out."""
    free = [case.name for case in cases if case.has_tumour is False]
    ill = [case.name for case in cases if case.has_tumour]
    print("| weights | over 5 ml | 1 to 5 ml | made lesions | false ml, median and most | AUC |")
    print("|---" * 6 + "|")
    kinds = {}
    for name, rows in results.items():
        made = [row["dice"] for at, row in rows.items() if ", set " in at]
        false = [rows[at]["found_ml"] for at in free if at in rows]
        above = [
            (rows[at]["highest"] > rows[other]["highest"])
            + 0.5 * (rows[at]["highest"] == rows[other]["highest"])
            for at in ill
            for other in free
            if other in rows
        ]
        parts = [by_patient(rows, cases, size) for size in (LARGE, SMALL)]
        kinds.setdefault(name.split("-")[0], []).append((*parts, made, false, above))
        means = [np.mean(list(part.values())) for part in parts]
        print(
            f"| {name} | {means[0]:.3f} | {means[1]:.3f} | {np.mean(made):.3f} | "
            f"{np.median(false):.2f}, {max(false):.2f} | {np.mean(above):.3f} |"
        )
    for kind, found_ in kinds.items():
        patients = [np.mean([list(part[at].values()) for part in found_], axis=0) for at in (0, 1)]
        made, false, above = ([v for part in found_ for v in part[at]] for at in (2, 3, 4))
        print(
            f"| all {kind} ({len(found_)}) | {interval(patients[0])} | {interval(patients[1])} | "
            f"{interval(made)} | {np.median(false):.2f}, {max(false):.2f} | {np.mean(above):.3f} |"
        )
    if "shipped" in kinds:
        own = kinds["shipped"][0][0]
        for kind, found_ in kinds.items():
            others = [np.mean([part[0][patient] for part in found_]) for patient in own]
            low, high = metrics.bootstrap_interval(np.array(list(own.values())) - others, seed=0)
            mean = np.mean(list(own.values())) - np.mean(others)
            print(f"shipped less {kind}, over 5 ml: {mean:+.3f} ({low:+.3f} to {high:+.3f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--weights", nargs="+", default=["shipped", "livers", "shuffled"],
        choices=("shipped", "livers", "phantoms", "shuffled"),
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", spars.ScanWarning)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    cases = list(spars.datasets.from_csv(arguments.csv))
    free = [case for case in cases if case.has_tumour is False]
    results = {}
    for name, left_out, hosts, kind, seed in ways(arguments.weights, free, arguments.seeds):

        def made(name=name, left_out=left_out, hosts=hosts, kind=kind, seed=seed):
            classifier = weights(name, hosts, kind, seed, arguments.cache)
            return measured(classifier, left_out, cases)

        results[name] = study.remembered(arguments.cache / f"{name}.json", made)
        print(f"{name} measured", flush=True)
    report(results, cases)


if __name__ == "__main__":
    main()
