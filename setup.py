"""Builds `spars._core._native` with `swift build`; everything else stands in pyproject.toml.

`scripts/manylinux_wheel.sh` sets `SPARS_SWIFT_FLAGS`, further flags of `swift build`.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
# A folder of kernels and two links to it: compiled once for each set of instructions.
VARIANTS = Path("Sources", "SPARSKernelVariants")
# The extension keeps to CPython's limited API of 3.11: one file serves every later version.
STABLE_ABI_SUFFIX = ".abi3.so"
MISSING_HEADERS = (
    "Python's headers are missing: {header} does not exist. "
    "On Debian and Ubuntu: apt-get install python3-dev"
)
MISSING_SWIFT = (
    "spars is compiled with Swift 6.3 or later and 'swift' is not on the PATH. "
    "Install it from https://www.swift.org/install and try again."
)


class BuildWithSwift(build_ext):
    """Runs `swift build` and puts the library where setuptools expects the extension."""

    def get_ext_filename(self, fullname):
        return str(Path(*fullname.split("."))) + STABLE_ABI_SUFFIX

    def build_extension(self, ext):
        include = Path(sysconfig.get_path("include"))
        if not (include / "Python.h").exists():
            sys.exit(MISSING_HEADERS.format(header=include / "Python.h"))
        if shutil.which("swift") is None:
            sys.exit(MISSING_SWIFT)
        command = [
            "swift", "build", "--configuration", "release", "--product", "SPARSPython",
            "--scratch-path", str(ROOT / ".build-python"),
            *shlex.split(os.environ.get("SPARS_SWIFT_FLAGS", "")),
        ]  # fmt: skip
        environment = dict(os.environ, SPARS_PYTHON_INCLUDE=str(include))
        subprocess.run(command + linker_flags(), cwd=ROOT, env=environment, check=True)
        shown = subprocess.run(
            command[:4] + command[6:] + ["--show-bin-path"],
            cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        built = Path(shown.stdout.strip()) / library_name()
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        # A new file, not a rewritten one: a running process may have the old one mapped.
        target.unlink(missing_ok=True)
        shutil.copy2(built, target)


class SourcesWithVariants(sdist):
    """Packs folders that are links as well: setuptools keeps one of those that are the same."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        shutil.copytree(ROOT / VARIANTS, Path(base_dir, VARIANTS), dirs_exist_ok=True)


def library_name():
    return "libSPARSPython.dylib" if sys.platform == "darwin" else "libSPARSPython.so"


def linker_flags():
    """Flags that make the library self-contained and small."""
    flags = ["-Xswiftc", "-static-stdlib"]
    if sys.platform == "darwin":
        return flags + ["-Xlinker", "-undefined", "-Xlinker", "dynamic_lookup"]
    for flag in ("--gc-sections", "-s", f"--version-script={ROOT / 'exports.map'}"):
        flags += ["-Xlinker", flag]
    return flags


def description():
    """Return README.md as a package index can show it: no link into the repository is relative.

    They lead to the public repository, and are plain text as long as pyproject.toml names none.
    """
    with open(ROOT / "pyproject.toml", "rb") as file:
        home = tomllib.load(file)["project"]["urls"].get("Repository")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    if home:
        text = re.sub(r"(!\[[^\]]*\])\((?!https?:|#)", rf"\1({home}/raw/HEAD/", text)
        return re.sub(r"\]\((?!https?:|#)", rf"]({home}/blob/HEAD/", text)
    text = re.sub(r"!\[[^\]]*\]\((?!https?:)[^)]*\)\n*", "", text)
    return re.sub(r"\[([^\]]*)\]\((?!https?:|#)[^)]*\)", r"\1", text)


setup(
    long_description=description(),
    long_description_content_type="text/markdown",
    ext_modules=[Extension("spars._core._native", sources=[], py_limited_api=True)],
    cmdclass={"build_ext": BuildWithSwift, "sdist": SourcesWithVariants},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
