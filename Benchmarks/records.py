"""The long runs of record, each once: minutes instead of repeats, and no peer could finish them.

python Benchmarks/records.py published-run      # 10,000 iterations of self-play, cold scores
python Benchmarks/records.py schedule 32        # so many epochs on 24 scans, paper protocol
python Benchmarks/records.py schedule-published 32  # the same on trilinear crops
python Benchmarks/records.py atlas 8 8 8 256 256 180  # every window of a scan of that shape

Prints seconds, processor seconds and peak memory of the process as JSON. Scans are made before the
clock starts.
"""

import argparse
import json
import resource
import time

import numpy as np

import spars
from spars.volume.datasets import Case

SHAPE = (256, 256, 180)


def published_run():
    """The released run with a classifier that ends no episode, so that every iteration walks on."""
    scan = spars.phantom(seed=1, shape=SHAPE).volume.array
    classifier = spars.Classifier(seed=0)

    def work():
        run = spars.self_play(
            scan, classifier, protocol="published", termination_threshold=1.0, iterations=10_000
        )
        steps = np.unique(run.windows.reshape(-1, 3), axis=0)
        return {"iterations": len(run), "places": len(steps)}

    return work


def schedule(protocol, epochs=32):
    """Epochs of the largest training size, with its validation scans."""

    def case(number):
        made = spars.phantom(seed=number, shape=SHAPE, has_tumour=number % 2 == 1)
        scan = made.volume
        mask = np.where(made.tumour == 1, 2, made.liver == 1).astype(np.uint8)
        return Case(f"phantom {number}", number % 2 == 1, lambda: scan, lambda: mask)

    cases = [case(number) for number in range(40)]
    classifier = spars.Classifier(seed=0)

    def work():
        history = classifier.fit(cases[:24], cases[24:], protocol=protocol, epochs=epochs)
        last = history.epochs[-1]
        return {"epochs": len(history.epochs), "loss": last["loss"]} | {
            "roc_auc": last["validation"]["roc_auc"]
        }

    return work


def atlas(window, shape):
    """Score every window of a scan, stride 4."""
    scan = spars.phantom(seed=1, shape=shape).volume.array
    classifier = spars.Classifier(seed=0)
    forecast = spars.ScoreAtlas.forecast(scan, classifier, window)

    def work():
        made = spars.ScoreAtlas.compute(scan, classifier, window)
        return {
            "windows": int(made.scores.size),
            "forecast_s": forecast.seconds,
            "forecast_mib": forecast.bytes / 2**20,
        }

    return work


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "record", choices=("published-run", "schedule", "schedule-published", "atlas")
    )
    parser.add_argument(
        "numbers", type=int, nargs="*", help="atlas: window and scan, six numbers; schedule: epochs"
    )
    arguments = parser.parse_args()
    work = {
        "published-run": published_run,
        "schedule": lambda: schedule("paper", *arguments.numbers),
        "schedule-published": lambda: schedule("published", *arguments.numbers),
        "atlas": lambda: atlas(tuple(arguments.numbers[:3]), tuple(arguments.numbers[3:])),
    }[arguments.record]()
    wall, processor = time.perf_counter(), time.process_time()
    found = work()
    found |= {
        "seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - processor,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    print(json.dumps({"record": arguments.record, "numbers": arguments.numbers} | found, indent=2))


if __name__ == "__main__":
    main()
