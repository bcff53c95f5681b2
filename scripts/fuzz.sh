#!/usr/bin/env bash
# Fuzzes each reader of files in Swift with libFuzzer, guided by coverage, under the address sanitizer.
#
#     bash scripts/fuzz.sh [seconds for each reader, 60] [reader ...]
#
# Readers are those of Tests/Fuzz/Readers.swift. It starts from Tests/Fuzz/seeds.py and what earlier
# calls found in build/fuzz/READER, for which NumPy is needed. An input that ends the process is left in
# build/fuzz as READER-crash-..., and the exit status is then 1; it belongs into a test.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
python=$(command -v "${PYTHON:-python3}")
readers=("${@:2}")
[ ${#readers[@]} -gt 0 ] || readers=(nifti pair safetensors torch pickle agent json)

root=$PWD
found=$root/build/fuzz
# Built as it ships, which is some 10 times faster than without optimisation. Kernels then check no bounds
# of their own: the address sanitizer does. swiftc heeds its last `-sanitize` only, and the C takes SwiftPM's.
build=(
    swift build --configuration release --sanitize fuzzer --sanitize address
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing
    --product SPARSFuzz --scratch-path .build-fuzz
)
SPARS_FUZZ=1 "${build[@]}"
fuzzer=$(SPARS_FUZZ=1 "${build[@]}" --show-bin-path)/SPARSFuzz
mkdir -p "$found"
"$python" Tests/Fuzz/seeds.py "$found"

# Readers that take a path read from the folder they run in, which should be in memory.
folder=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failed=0
for reader in "${readers[@]}"; do
    log=$found/$reader.log
    status=0
    SPARS_FUZZ=$reader "$fuzzer" "$found/$reader" -max_total_time="$seconds" -max_len=8192 -timeout=10 \
        -rss_limit_mb=1024 -malloc_limit_mb=64 -artifact_prefix="$found/$reader-" -print_final_stats=1 \
        2> "$log" || status=$?
    [ "$status" = 0 ] || failed=1
    printf '%-12s %s, %s executions, exit status %d\n' "$reader" \
        "$(grep -o 'cov: [0-9]* ft: [0-9]* corp: [0-9]*' "$log" | tail -1)" \
        "$(sed -n 's/^stat::number_of_executed_units: //p' "$log")" "$status"
done
exit $failed
