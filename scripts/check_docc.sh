#!/usr/bin/env bash
# Builds the core's documentation with DocC, any warning an error: the public modules' own comments,
# read out of a build without optimisation. The result lies in build/docc.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=.build-docs
graphs=build/docc-graphs
docc=$(dirname "$(readlink -f "$(command -v swift)")")/docc
if [[ ! -x $docc ]]; then
    echo "check_docc: there is no docc beside swift" >&2
    exit 1
fi
rm -rf "$graphs" build/docc
mkdir -p "$graphs"
swift build --scratch-path "$scratch" --target SPARSPhantom
target=$(swift -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p' | head -n 1)
modules=()
for map in "$scratch"/debug/*.build/module.modulemap; do
    modules+=(-Xcc "-fmodule-map-file=$map")
done
for module in SPARSNative SPARSPhantom; do
    swift symbolgraph-extract -module-name "$module" -minimum-access-level public \
        -target "$target" -I "$scratch/debug/Modules" -I Sources "${modules[@]}" \
        -output-dir "$graphs"
    rm -f "$graphs/$module@"*
done
"$docc" convert --additional-symbol-graph-dir "$graphs" --output-dir build/docc \
    --fallback-display-name spars --fallback-bundle-identifier spars --warnings-as-errors
echo "build/docc: built without a warning."
