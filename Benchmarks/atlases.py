"""Forecasts atlases of the published window sizes and measures each on a slab; prints Markdown.

python Benchmarks/atlases.py
"""

import time

import numpy as np

import spars

WINDOWS = ((8, 8, 8), (16, 16, 8), (32, 32, 16), (48, 48, 24), (64, 64, 32))
SCANS = ((256, 256, 180), (512, 512, 119))
SLAB = (128, 128)
LAYERS = 3


def forecast(shape, classifier, window):
    scan = np.zeros(shape, np.float32)
    return spars.ScoreAtlas.forecast(scan, classifier, window, protocol="paper", grid=None)


def main():
    classifier = spars.Classifier((256, 256, 180))
    print("| window | slab: windows, forecast, measured | 256x256x180 | 512x512x119 |")
    print("|---|---|---|---|")
    for window in WINDOWS:
        slab = (*SLAB, window[2] + 4 * (LAYERS - 1))
        expected = forecast(slab, classifier, window)
        scan = np.random.default_rng(0).normal(40, 100, slab).astype(np.float32)
        start = time.perf_counter()
        spars.ScoreAtlas.compute(scan, classifier, window)
        seconds = time.perf_counter() - start
        whole = [forecast(shape, classifier, window) for shape in SCANS]
        cells = [f"{f.windows:,}: {f.seconds:.0f} s, {f.bytes / 2**20:.0f} MiB" for f in whole]
        size = "x".join(map(str, window))
        print(
            f"| {size} | {expected.windows}, {expected.seconds:.2f} s, {seconds:.2f} s "
            f"| {cells[0]} | {cells[1]} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
