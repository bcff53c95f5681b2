#!/usr/bin/env bash
# Runs Swift tests under sanitizers: those of what has memory, threads or files of its own. Slow, so for
# the night.
#
#     bash scripts/sanitize.sh [address] [thread]
#
# SPARS_SANITIZE_FILTER chooses other tests.
set -euo pipefail
cd "$(dirname "$0")/.."

filter=${SPARS_SANITIZE_FILTER:-SPARSABITests|Weights|Safetensors|NIfTI|OutputFile|Orthogonal|Adam|Crossing|SurfaceDistances|ExhaustiveMap|PPOOptimizer|LesionSplit|OpponentPool|FrozenGames|SelfPlayTests}
kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(address thread)

for kind in "${kinds[@]}"; do
    printf '\n=== %s\n' "$kind"
    # Swift keeps what it makes once for the process's life, which a leak check would report.
    SPARS_OVERSUBSCRIBE=1 ASAN_OPTIONS=detect_leaks=0 swift test --sanitize "$kind" \
        --scratch-path ".build-$kind" --filter "$filter"
done
