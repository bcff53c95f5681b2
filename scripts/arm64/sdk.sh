#!/usr/bin/env bash
# Makes a Swift SDK that compiles for aarch64 with glibc, on a machine of any other architecture.
#
#     scripts/arm64/sdk.sh FOLDER STUBS     # swift build --swift-sdks-path FOLDER --swift-sdk spars-aarch64
#
# STUBS holds the libraries of glibc to link with. Swift's own library for aarch64 is linked statically; its
# interfaces are text, which a compiler of a later version reads as well as its own, so it need not be of the
# compiler's version. It is taken from an unpacked toolchain for aarch64 whose folder usr SPARS_AARCH64_SWIFT
# names, else from Debian's package swiftlang.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/debian.sh"

sdks=$1 stubs=$2
bundle=$sdks/aarch64.artifactbundle
library=$bundle/sdk/usr/lib
cross=/usr/aarch64-linux-gnu
gcc=$(dirname "$(aarch64-linux-gnu-gcc -print-libgcc-file-name)")
toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")
objects=$library/gcc/aarch64-linux-gnu/$(basename "$gcc")
mkdir -p "$library/pkgconfig" "$objects" "$bundle/sdk/usr/local/include"

packages=$sdks/packages
if [ -n "${SPARS_AARCH64_SWIFT:-}" ]; then
    debian_arm64 "$packages" sid download zlib1g
    cp -r "$SPARS_AARCH64_SWIFT/lib/swift_static" "$library"
else
    debian_arm64 "$packages" sid download zlib1g swiftlang
    dpkg-deb --fsys-tarfile "$packages"/swiftlang_*.deb \
        | tar -x -C "$packages" --wildcards '*/lib/swift_static/*'
    mv "$packages/usr/libexec/swift/lib/swift_static" "$library"
fi
dpkg-deb -x "$packages"/zlib1g_*.deb "$packages/zlib"

# Compiled interfaces are of one compiler alone; without them the text is read.
find "$library/swift_static" -type f -name '*.swiftmodule' -delete
ln -sfn "$(readlink -f "$toolchain/lib/swift/clang")" "$library/swift_static/clang"

ln -s usr/lib "$bundle/sdk/lib"
ln -s "$cross/include" "$bundle/sdk/usr/include"
cp /usr/include/{zlib,zconf}.h "$bundle/sdk/usr/local/include"
cp "$cross"/lib/{crt1,crti,crtn,Scrt1}.o "$library"
# No link: by the way back from there the linker would come to the system's libraries first.
cp "$gcc"/*.o "$gcc"/libgcc*.a "$objects"
cp "$cross/lib/libstdc++.so.6" "$library/libstdc++.so"
cp "$cross/lib/libgcc_s.so.1" "$library"
echo 'GROUP(libgcc_s.so.1 -lgcc)' > "$library/libgcc_s.so"
cp "$(find "$packages/zlib" -name libz.so.1)" "$library/libz.so"
cp "$stubs"/* "$library"
# The linker looks for what stands in a script inside the SDK.
sed -i "s|$stubs/|/usr/lib/|g" "$library/libc.so"
# The package manager would ask this machine's pkg-config, and be led to this machine's zlib.
printf 'Name: zlib\nDescription: zlib\nVersion: 1\nLibs: -lz\n' > "$library/pkgconfig/zlib.pc"

cat > "$bundle/info.json" <<JSON
{"schemaVersion": "1.0", "artifacts": {"spars-aarch64":
    {"type": "swiftSDK", "version": "1", "variants": [{"path": "."}]}}}
JSON
cat > "$bundle/swift-sdk.json" <<JSON
{"schemaVersion": "4.0", "targetTriples": {"aarch64-unknown-linux-gnu": {
    "sdkRootPath": "sdk", "swiftResourcesPath": "sdk/usr/lib/swift_static",
    "swiftStaticResourcesPath": "sdk/usr/lib/swift_static", "toolsetPaths": ["toolset.json"]}}}
JSON
cat > "$bundle/toolset.json" <<JSON
{"schemaVersion": "1.0", "rootPath": "$toolchain/bin",
    "swiftCompiler": {"extraCLIOptions": ["-use-ld=lld"]}, "linker": {"path": "ld.lld"}}
JSON
