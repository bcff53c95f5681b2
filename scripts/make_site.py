"""Builds the documentation site with Sphinx: the repository's pages, and every public name.

The pages are copied side by side as they lie in the repository, with what they link to, so that
one link works there and here. Any warning is an error.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from public_names import members, public_modules, public_objects

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "site"
LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)")


def copy_pages(source):
    """Copy the pages and what they link to."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    pages = [name for name in listed if not name.startswith(("docs/site/", "Tests/"))]
    files = set(pages)
    for name in pages:
        for target in LINK.findall((ROOT / name).read_text(encoding="utf-8")):
            linked = (ROOT / name).parent / target
            if linked.is_file():
                files.add(str(linked.resolve().relative_to(ROOT)))
    for name in sorted(files):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    shutil.copyfile(ROOT / "docs" / "site" / "index.md", source / "index.md")


def write_reference(folder):
    """Write a page for each module with its public names, and an index of all of them."""
    folder.mkdir()
    modules = {name: [] for name in public_modules()}
    index = ["Every public name", "=================", ""]
    for name, value in public_objects().items():
        modules[name.rpartition(".")[0]].append((name, value))
    modules = {module: names for module, names in modules.items() if names}
    for module, names in modules.items():
        lines = [module, "=" * len(module), "", f".. automodule:: {module}", ""]
        index += [f":doc:`{module}`", ""]
        for name, value in names:
            lines += directive(name, value)
            summary = (value.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
            index += [f"- :py:obj:`{name}`: {' '.join(summary.split())}"]
        index.append("")
        (folder / f"{module}.rst").write_text("\n".join(lines), encoding="utf-8")
    index += [".. toctree::", "   :hidden:", "", *(f"   {module}" for module in modules), ""]
    (folder / "index.rst").write_text("\n".join(index), encoding="utf-8")


def directive(name, value):
    """Return what makes Sphinx document a function, or a class with its members."""
    if not isinstance(value, type):
        return [f".. autofunction:: {name}", ""]
    lines = [f".. autoclass:: {name}"]
    if members(value):
        lines.append(f"   :members: {', '.join(members(value))}")
    return [*lines, ""]


def main():
    """Build the site in build/site."""
    shutil.rmtree(SITE, ignore_errors=True)
    source = SITE / "source"
    source.mkdir(parents=True)
    copy_pages(source)
    write_reference(source / "api")
    command = [
        sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q", "-j", "auto",
        "-c", ROOT / "docs" / "site", "-d", SITE / "doctrees", source, SITE / "html",
    ]  # fmt: skip
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        print(f"{SITE.relative_to(ROOT)}/html/index.html: built without a warning.")
    return status


if __name__ == "__main__":
    sys.exit(main())
