"""Checks of the repository's own rules, on the files that git tracks. Prints what breaks them.

Files written by hand have at most 500 lines, docstrings' examples not counted, the version is the
same everywhere, and no unfinished work, no skipped test and no path of one machine stands in the
sources.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {".swift", ".py", ".c", ".h", ".sh", ".html", ".md", ".toml"}
LONGEST = 500
EXAMPLES = re.compile(r'^\n( *)Examples\n\1-{8}\n(?:.*\n)*?(?=\1""")', re.MULTILINE)
# Brackets keep each pattern from finding itself here.
FORBIDDEN = {
    r"\bTOD[O]\b|\bFIXM[E]\b|\bXX[X]\b": "unfinished work",
    r"\bfatalErro[r]\(": "a trap that would end the user's Python process",
    r"\bpytest\.ski[p]\b|mark\.(?:ski[p]|skipi[f]|xfai[l])\b": "a skipped test",
    r"(?<![\w.])/(?:home|root|work|Users)/\w": "a path of one machine",
}
VERSIONS = {
    "pyproject.toml": r'^version = "([^"]+)"',
    "python/spars/_support/version.py": r'^__version__ = "([^"]+)"',
    "Sources/SPARSNative/Support/Version.swift": r'current = "([^"]+)"',
    "CITATION.cff": r"^version: (\S+)",
    "CHANGELOG.md": r"^## (\d[^\s]*)",
}


def tracked_sources():
    """Yield the path of each tracked or new source file, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in sorted(set(listed.stdout.splitlines())):
        path = ROOT / name
        if path.is_file() and (path.suffix in SOURCES or path.name == "Makefile"):
            yield name


def problems_of(name):
    """Return one line for each rule that the file breaks."""
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = text.splitlines()
    found = []
    if len(EXAMPLES.sub("", text).splitlines()) > LONGEST and "generated" not in Path(name).parts:
        found.append(f"{name}: {len(lines)} lines, at most {LONGEST} are allowed")
    for number, line in enumerate(lines, 1):
        found += [
            f"{name}:{number}: {meaning}: {line.strip()}"
            for pattern, meaning in FORBIDDEN.items()
            if re.search(pattern, line)
        ]
    return found


def version_problems():
    """Return one line if the version differs between the files that carry it."""
    found = {}
    for name, pattern in VERSIONS.items():
        match = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        found[name] = match.group(1) if match else "none"
    if len(set(found.values())) == 1:
        return []
    return ["versions differ: " + ", ".join(f"{name} {value}" for name, value in found.items())]


def main():
    problems = [line for name in tracked_sources() for line in problems_of(name)]
    problems += version_problems()
    print("\n".join(problems) or "The repository's own rules hold.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
