#!/usr/bin/env bash
# Runs under sanitizers what has memory, threads or files of its own. Slow, so for the night.
#
#     bash scripts/sanitize.sh [address] [thread]
#
# address: Swift tests, then tests of the extension under Python; the shim's C is checked for undefined
# behaviour as well. thread: Swift tests. swiftc refuses -sanitize=undefined on Linux; overflow and bounds
# are the language's own checks there, but for kernels. Built with optimisation: kernels are slow without.
#
# SPARS_SANITIZE_FILTER chooses other Swift tests; PYTHON is one with what the tests need.
set -euo pipefail
cd "$(dirname "$0")/.."

filter=${SPARS_SANITIZE_FILTER:-SPARSABITests|Weights|Safetensors|NIfTI|OutputFile|Orthogonal|Adam|Crossing|SurfaceDistances|ExhaustiveMap|PPOOptimizer|LesionSplit|OpponentPool|FrozenGames|SelfPlayTests}
# Calls that are wrong, files that are broken, and threads; none limits its address space, of which
# the sanitizer takes terabytes.
files=(
    Tests/python/support/test_abi_calls.py Tests/python/support/test_archives.py
    Tests/python/volume/test_nifti.py Tests/python/metrics/test_metrics.py
)
python=${PYTHON:-python3}
kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(address thread)
# Swift keeps what it makes once for the process's life, which a leak check would report.
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 SPARS_OVERSUBSCRIBE=1
export TSAN_OPTIONS=suppressions=$PWD/scripts/thread_sanitizer.txt

swift_tests() {
    swift test --configuration release --sanitize "$1" --scratch-path ".build-$1" --filter "$filter"
}

# The extension, which that build made too, stands in a copy of the package; Python itself is not
# instrumented, so the sanitizer's library is loaded before it.
python_tests() {
    local built folder library
    built=$(swift build --configuration release --sanitize address --scratch-path .build-address \
        --show-bin-path)
    library=$(clang -print-file-name=libclang_rt.asan-x86_64.so)
    folder=$(mktemp -d)
    cp -r python/spars "$folder/spars"
    cp "$built/libSPARSPython.so" "$folder/spars/_core/_native.abi3.so"
    LD_PRELOAD=$library PYTHONMALLOC=malloc PYTHONPATH=$folder \
        "$python" -m pytest -q -p no:cacheprovider "${files[@]}"
    rm -rf "$folder"
}

for kind in "${kinds[@]}"; do
    printf '\n=== %s\n' "$kind"
    if [ "$kind" = address ]; then
        SPARS_PYTHON_INCLUDE=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
        export SPARS_PYTHON_INCLUDE SPARS_SHIM_FLAGS=-fsanitize=undefined
        swift_tests address
        python_tests
        unset SPARS_PYTHON_INCLUDE SPARS_SHIM_FLAGS
    else
        swift_tests "$kind"
    fi
done
