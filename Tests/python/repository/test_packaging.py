"""What a package index shows, what the sdist holds, and what `swift build` is told."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
from places import ROOT

HOME = "https://example.org/spars"


def setup(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "setup.py", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def sources(tmp_path):
    """The files that packaging reads, and the folders that are links."""
    for name in ("setup.py", "pyproject.toml", "README.md", "MANIFEST.in", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    variants = "Sources/SPARSKernelVariants"
    shutil.copytree(ROOT / variants, tmp_path / variants, symlinks=True)
    package = tmp_path / "python/spars"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "python/spars_command.py").touch()
    return tmp_path


@pytest.mark.parametrize("home", [None, HOME])
def test_an_index_shows_no_relative_link(sources, home):
    project = sources / "pyproject.toml"
    if home:
        text = project.read_text(encoding="utf-8")
        text = text.replace("[project.urls]\n", f'[project.urls]\nRepository = "{home}"\n')
        project.write_text(text, encoding="utf-8")
    shown = setup(sources, "--long-description")
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)\)", shown)
    assert links
    assert all(target.startswith("https://") for _, target in links)
    assert ("!", f"{home}/raw/HEAD/docs/images/flow.svg") in links or home is None
    assert ("", f"{home}/blob/HEAD/LICENSE") in links or home is None
    assert "Train on your own scans" in shown


def test_the_source_distribution_holds_every_folder_of_kernels(sources):
    setup(sources, "-q", "sdist", "--dist-dir", "packed")
    (packed,) = (sources / "packed").iterdir()
    with tarfile.open(packed) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    kernels = sorted(
        path.name for path in (ROOT / "Sources/SPARSKernelVariants/Baseline").iterdir()
    )
    for variant in ("Baseline", "X86V3", "X86V4"):
        folder = f"Sources/SPARSKernelVariants/{variant}/"
        held = sorted(name.removeprefix(folder) for name in names if name.startswith(folder))
        assert held == kernels


def test_flags_of_the_environment_reach_every_call_of_swift(sources, monkeypatch):
    """As scripts/manylinux_wheel.sh gives them."""
    (sources / "bin").mkdir()
    swift = sources / "bin/swift"
    swift.write_text(
        '#!/bin/sh\necho "$@" >> calls\ntouch libSPARSPython.so libSPARSPython.dylib\npwd\n'
    )
    swift.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sources / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SPARS_SWIFT_FLAGS", "-Xlinker 'a name.o' -Xswiftc -use-ld=lld")
    setup(sources, "-q", "build_ext", "--build-lib", "built")
    calls = (sources / "calls").read_text().splitlines()
    # The second asks where the library is.
    assert len(calls) == 2
    for call in calls:
        assert call.startswith("build ")
        assert "-Xlinker a name.o -Xswiftc -use-ld=lld" in call
    assert (sources / "built/spars/_core/_native.abi3.so").exists()


@pytest.mark.parametrize("machine", [None, "aarch64"])
def test_a_build_for_another_machine_has_the_kernels_of_all_alone(tmp_path, monkeypatch, machine):
    """As scripts/manylinux_wheel.sh builds; a manifest is compiled for the machine that builds."""
    monkeypatch.delenv("SPARS_MACHINE", raising=False)
    if machine:
        monkeypatch.setenv("SPARS_MACHINE", machine)
    told = subprocess.run(
        ["swift", "package", "--scratch-path", str(tmp_path), "dump-package"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    targets = [target["name"] for target in json.loads(told.stdout)["targets"]]
    found = [name for name in targets if re.fullmatch(r"SPARSKernels(Baseline|X86V\d)", name)]
    alone = machine or platform.machine() not in ("x86_64", "AMD64")
    of_x86 = [] if alone else ["SPARSKernelsX86V3", "SPARSKernelsX86V4"]
    assert found == ["SPARSKernelsBaseline", *of_x86]
