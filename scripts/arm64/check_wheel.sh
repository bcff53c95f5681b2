#!/usr/bin/env bash
# Runs `spars selftest` of a wheel for aarch64 under an emulator, with Debian's Python for that architecture.
#
#     scripts/arm64/check_wheel.sh WHEEL      # one for a glibc newer than 2.28 is not installed
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/debian.sh"

wheel=$(readlink -f "$1")
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
debian_arm64 "$tools/packages" "$suite" install --download-only --no-install-recommends python3 libstdc++6
for package in "$tools"/packages/*.deb; do
    dpkg-deb -x "$package" "$tools/system"
done
# Systems with a merged /usr have these as links.
for folder in lib lib64; do
    [ -e "$tools/system/$folder" ] || ln -s "usr/$folder" "$tools/system/$folder"
done
python=$(find "$tools/system/usr/bin" -name 'python3.*[0-9]' -type f)
version=${python##*python}
"${PYTHON:-python3}" -m pip install -q --target "$tools/site" --only-binary=:all: --implementation cp \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 \
    --python-version "$version" --abi abi3 --abi "cp${version/./}" --abi none "$wheel"
cd "$tools"
qemu-aarch64 -L "$tools/system" -E PYTHONPATH="$tools/site" "$python" -m spars selftest
