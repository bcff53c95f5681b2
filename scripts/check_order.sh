#!/usr/bin/env bash
# Checks that the core's folders know those before them in one order, and none after: each must compile
# with nothing but what stands before it. (Swift has no imports inside a module.) Wants a build.
set -euo pipefail
cd "$(dirname "$0")/.."

order=(
    Support Volume Metrics Lesions Weights Network Classifier Environment Policy PPO SelfPlay League
)

build=.build-python/release
[ -d "$build/Modules" ] || { echo "There is no build to check; run 'make build' first." >&2; exit 1; }
unlisted=$(comm -23 <(ls Sources/SPARSNative | sort) <(printf '%s\n' "${order[@]}" | sort))
[ -z "$unlisted" ] || { echo "The order lacks: $unlisted" >&2; exit 1; }

before=()
for folder in "${order[@]}"; do
    mapfile -t files < <(find "Sources/SPARSNative/$folder" -name '*.swift' | sort)
    primary=()
    for file in "${files[@]}"; do primary+=(-primary-file "$file"); done
    swiftc -frontend -typecheck -swift-version 6 -package-name spars -module-name SPARSNative -suppress-warnings \
        -I "$build/Modules" -I Sources/CZlib \
        -Xcc "-fmodule-map-file=$build/CSPARSProcessor.build/module.modulemap" \
        "${primary[@]}" "${before[@]}" || {
        echo "$folder knows a folder that comes after it." >&2
        exit 1
    }
    before+=("${files[@]}")
done
echo "The core's folders know those before them only."
