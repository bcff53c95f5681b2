#!/usr/bin/env bash
# Compiles the C of the project with every warning as an error, and has clang's static analyser look for
# paths that leak, dereference NULL or use what is not set.
set -euo pipefail
cd "$(dirname "$0")/.."

include=$("${PYTHON:-python3}" -c 'import sysconfig; print(sysconfig.get_path("include"))')
options=(
    -std=c17 -DPy_LIMITED_API=0x030B0000 -I Sources/CSPARS/include -I Sources/CSPARSProcessor/include
    -I Sources/CPythonShim/include -I Sources/CPythonShim/generated -isystem "$include"
)
mapfile -t files < <(find Sources/CPythonShim Sources/CSPARS Sources/CSPARSProcessor -name '*.c' | sort)

# Every function of a kind takes the same parameters, whether or not it needs them.
warnings=(
    -Wall -Wextra -Wshadow -Wconversion -Wno-unused-parameter -Wno-cast-function-type
    -Wno-missing-field-initializers -Werror
)
printf '%s\n' "${files[@]}" \
    | xargs -P 2 -n 8 clang -fsyntax-only "${options[@]}" "${warnings[@]}"
printf '%s\n' "${files[@]}" | xargs -P 2 -n 8 clang --analyze --analyzer-output text \
    -Xclang -analyzer-werror -Xclang -analyzer-disable-checker=security.insecureAPI.DeprecatedOrUnsafeBufferHandling \
    "${options[@]}"
echo "The C has no warnings, and the analyser finds nothing."
