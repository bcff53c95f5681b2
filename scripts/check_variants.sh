#!/usr/bin/env bash
# Checks that the kernels' builds for different instruction sets share no code: the linker keeps one
# copy of a symbol that several of them define, and the one kept may need instructions a machine lacks.
set -euo pipefail
cd "$(dirname "$0")/.."

objects=$(find .build-python -path '*SPARSKernels*.build/*.o' \
    \( -path '*KernelsBaseline*' -o -path '*KernelsX86V*' \))
[ -n "$objects" ] || { echo "There is no build to check; run 'make build' first." >&2; exit 1; }
# Weak code that more than one object defines.
shared=$(nm --defined-only $objects | awk '$2 == "W" { print $3 }' | sort | uniq -d)
if [ -n "$shared" ]; then
    echo "These functions of the kernels' builds may be merged by the linker:" >&2
    echo "$shared" >&2
    exit 1
fi
echo "The kernels' builds share no code."
