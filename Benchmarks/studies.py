"""What a study costs beside its tasks' own work: 200 of next to none.

    python Benchmarks/studies.py

Prints milliseconds a task, on the clock and of processor time: of a study's run, of its second run,
where all is done, of the same segmentations and measures in a plain loop, and the difference.
"""

import statistics
import tempfile
import time

import numpy as np

import spars
from spars.volume.datasets import Case

TASKS, SCANS, REPEATS = 200, 20, 3
SHAPE = (16, 16, 12)


def case(number):
    """Return a scan of 2 mm voxels with a dark lesion in its organ."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:-1, 1:-1, 1:-1] = 1
    labels[4:10, 4:10, 3:9] = 2
    noise = np.random.default_rng(number).normal(0, 3, SHAPE)
    volume = spars.Volume((100 - 60 * (labels == 2) + noise).astype(np.float32),
                          np.diag([2.0, 2.0, 2.0, 1.0]))  # fmt: skip
    organ = (labels > 0).astype(np.uint8)
    return Case(f"scan {number}", True, lambda: volume, lambda: labels, SHAPE, lambda: organ)


def milliseconds(work):
    """Return what a task of `work` takes: on the clock, and of processor time."""
    start = time.perf_counter(), time.process_time()
    work()
    end = time.perf_counter(), time.process_time()
    return np.subtract(end, start) * 1000 / TASKS


def main():
    cases = [case(number) for number in range(SCANS)]
    study = spars.Study(
        {"cases": cases, "region": "organ"},
        base={"classifier": {"weights": "pretrained"}, "segmentation": {"method": "intensity"}},
        seeds=range(TASKS // SCANS),
    )
    assert len(study.tasks) == TASKS

    def loop():
        for _ in range(TASKS // SCANS):
            for each in cases:
                found = spars.segment(
                    each.load(), None, method="intensity", region=each.load_organ()
                )
                found.evaluate(each.load_mask() == 2)

    times = {"study": [], "study, all done": [], "loop": [], "difference": []}
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            times["loop"].append(milliseconds(loop))
            times["study"].append(milliseconds(lambda: study.run(folder)))
            times["study, all done"].append(milliseconds(lambda: study.run(folder)))
        times["difference"].append(times["study"][-1] - times["loop"][-1])
    for name, values in times.items():
        for kind, of in zip(("", ", processor time"), zip(*values, strict=True), strict=True):
            print(f"{name}{kind}: {statistics.median(of):.2f} ms ({min(of):.2f} to {max(of):.2f})")


if __name__ == "__main__":
    main()
