"""Compares two reports of Tests/Portability: python3 compare.py HERE THERE. Exits 1 if they differ.

Fused multiply-adds make bits differ between instruction sets, so gradients of a whole network may
differ by 1e-3 of their largest value, as between this machine's own instruction sets, and all else
by 1e-5. Resizing must not differ at all.
"""

import struct
import sys

BOUNDS = {"resize_nearest": 0.0, "gradients_nearest": 1e-3, "gradients_linear": 1e-3}
OTHERWISE = 1e-5


def read(path):
    """Return each stage's values; ValueError for a line that is not a stage and a float's bits."""
    stages = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            stage, bits = line.split(" ", 1)
            value = struct.unpack("<f", struct.pack("<I", int(bits)))[0]
            stages.setdefault(stage, []).append(value)
    return stages


def main():
    here, there = (read(path) for path in sys.argv[1:3])
    failed = list(here) != list(there) or not here
    for stage, values in here.items():
        others = there.get(stage, [])
        failed |= len(values) != len(others)
        scale = max(abs(value) for value in values)
        worst = max(abs(a - b) for a, b in zip(values, others, strict=False))
        bound = BOUNDS.get(stage, OTHERWISE) * scale
        # Written so that NaN fails.
        failed |= not worst <= bound
        print(f"{stage}: {len(values)} values, off by {worst / scale:.1e} of the largest")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
