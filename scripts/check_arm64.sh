#!/usr/bin/env bash
# Builds the core for arm64, runs it in an emulator, and compares its numbers with this machine's.
#
# Swift's Linux toolchain holds a standard library for arm64 in its embedded form only. The kernels,
# network, training, game, policies and self-play compile with it as they are, but for key paths,
# which are rewritten in a copy; phantoms, lesions, NIfTI, weight files and metrics use what it lacks
# and are left out. A few declarations of the system, and forecasts of memory that refuse nothing, stand in
# scripts/arm64.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! { command -v qemu-aarch64 && command -v aarch64-linux-gnu-gcc; } > /dev/null; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
        echo "Please install qemu-user, gcc-aarch64-linux-gnu and libc6-dev-arm64-cross." >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross > /dev/null
fi

out=.build/arm64
rm -rf "$out"
mkdir -p "$out"
cp -r Sources/SPARSNative "$out/core"
(
    cd "$out/core"
    rm -r Volume/NIfTI Metrics Weights Lesions Classifier/ClassifierFile.swift Support/{JSON,Memory}.swift
    find . -name '*.swift' -exec sed -i -E 's/(\(|, )\\\.([a-zA-Z.]+)\)/\1{ $0.\2 })/g' {} +
)

flags=(
    -target aarch64-none-none-elf -enable-experimental-feature Embedded -wmo -swift-version 6 -O
    -package-name spars
    -I "$out" -I scripts/arm64 -Xcc -isystem -Xcc /usr/aarch64-linux-gnu/include
    -Xcc -D__linux__ -Xcc -D_GNU_SOURCE
)

module() {
    local name=$1
    shift
    swiftc "${flags[@]}" -parse-as-library -module-name "$name" -emit-module \
        -emit-module-path "$out/$name.swiftmodule" -emit-object -o "$out/$name.o" "$@"
}

sources() { find "$1" -name '*.swift' | sort; }

# Unquoted lists of files: names in this repository hold no spaces.
{
    aarch64-linux-gnu-gcc -O2 -ISources/CSPARSProcessor/include -c Sources/CSPARSProcessor/processor.c \
        -o "$out/processor.o"
    module SPARSKernelTable -Ounchecked $(sources Sources/SPARSKernelTable)
    module SPARSKernelsBaseline -Ounchecked $(sources Sources/SPARSKernelVariants/Baseline)
    module SPARSKernels -Ounchecked scripts/arm64/Mutex.swift $(sources Sources/SPARSKernels)
    module SPARSNative scripts/arm64/{Mutex,Platform,Memory}.swift $(sources "$out/core")
}
module SPARSTestSupport Tests/SPARSTestSupport/{GoldenNetwork,FormulaScorer}.swift
swiftc "${flags[@]}" -module-name SPARSPortability -emit-object -o "$out/SPARSPortability.o" \
    Tests/Portability/main.swift
toolchain=$(dirname "$(readlink -f "$(command -v swiftc)")")
aarch64-linux-gnu-gcc -static -B"$toolchain" -fuse-ld=lld -o "$out/report" "$out"/*.o \
    "$toolchain/../lib/swift/embedded/aarch64-none-none-elf/libswiftUnicodeDataTables.a" -lm -lpthread

swift build --configuration release --product SPARSPortability
# The report compares three threads with one, whatever the machine has.
export SPARS_OVERSUBSCRIBE=1
.build/release/SPARSPortability > "$out/here.txt"
qemu-aarch64 "$out/report" > "$out/arm64.txt"
"${PYTHON:-python3}" scripts/arm64/compare.py "$out/here.txt" "$out/arm64.txt"
