#!/usr/bin/env bash
# Makes sure that the machine can build spars: Swift, Python with its headers and venv, zlib's
# headers. What is missing is installed by apt when run as root, and named otherwise.
set -euo pipefail

PYTHON=${PYTHON:-python3}
packages=()

fail() {
    printf 'spars cannot be built here: %s\n' "$1" >&2
    exit 1
}

has_header() { # NAME FOLDER...
    local name=$1 folder
    shift
    for folder in "$@"; do
        [ -e "$folder/$name" ] && return 0
    done
    return 1
}

swift_version() {
    swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1
}

command -v swift >/dev/null ||
    fail "'swift' is not on the PATH. Install Swift 6.3 or later: https://www.swift.org/install"
read -r major minor <<<"$(swift_version)" || true
[ "${major:-0}" -gt 6 ] || { [ "${major:-0}" -eq 6 ] && [ "${minor:-0}" -ge 3 ]; } ||
    fail "Swift 6.3 or later is needed, found ${major:-none}.${minor:-}."
command -v "$PYTHON" >/dev/null ||
    fail "'$PYTHON' is not on the PATH. Python 3.11 or later is needed."
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or later is needed, '$PYTHON' is $("$PYTHON" -V 2>&1)."

"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
has_header Python.h "$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("include"))')" ||
    packages+=(python3-dev)
if [ "$(uname -s)" = Linux ]; then
    has_header zlib.h /usr/include /usr/local/include || packages+=(zlib1g-dev)
fi
[ ${#packages[@]} -eq 0 ] && exit 0

# NumPy comes into the virtual environment with spars, so no system package of it is asked for.
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    printf 'Installing %s\n' "${packages[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
else
    fail "please install: ${packages[*]} (on Debian and Ubuntu: sudo apt-get install ${packages[*]})."
fi
