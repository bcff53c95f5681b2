#!/usr/bin/env bash
# Builds the wheel from the source distribution, in an environment of its own, and checks it as a user
# meets it: small, complete without Swift, quick to import.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

.venv/bin/python setup.py -q sdist --dist-dir "$folder"
.venv/bin/pip wheel -q --no-deps --wheel-dir "$folder" "$folder"/*.tar.gz
wheel=$(ls "$folder"/*.whl)
size=$(stat -c %s "$wheel" 2>/dev/null || stat -f %z "$wheel")
[ "$size" -lt 10000000 ] || { echo "The wheel has $size bytes, at most 10,000,000 are allowed." >&2; exit 1; }

.venv/bin/python -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "$wheel"
# Without it a user's type checker ignores every annotation.
ls "$folder"/venv/lib/python*/site-packages/spars/py.typed > /dev/null
ls "$folder"/venv/lib/python*/site-packages/spars/classifier/weights/liver-lesions.safetensors > /dev/null
ls "$folder"/venv/lib/python*/site-packages/spars/search/weights/liver-lesions.npz > /dev/null
cd "$folder"
PATH=$folder/none "$folder/venv/bin/python" - "$wheel" "$size" <<'PYTHON'
"""Imports spars with the compiler hidden and times it beyond NumPy's own import."""
import shutil
import sys
import time

assert shutil.which("swift") is None, "swift is still on the PATH"
import numpy

start = time.perf_counter()
import spars

elapsed = (time.perf_counter() - start) * 1000
# A first import reads the files from disk; the wheel's import is judged by it all the same.
if elapsed >= 100:
    sys.exit(f"import spars took {elapsed:.0f} ms beyond NumPy, at most 100 ms are allowed.")
print(f"wheel {int(sys.argv[2]) / 1e6:.1f} MB, import {elapsed:.0f} ms beyond NumPy {numpy.__version__}")
PYTHON
