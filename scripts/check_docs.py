"""Checks the documents: links lead somewhere, and Python examples run from top to bottom.

An example after the comment `<!-- not run: why -->` is compiled only.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
EXAMPLE = re.compile(r"(<!-- not run: .+? -->\n)?```python\n(.*?)```", re.DOTALL)


def documents():
    """Return the repository's pages."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def broken_links(page):
    """Return one line for each relative link of a page that leads nowhere."""
    found = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")) and not (page.parent / target).exists():
            found.append(f"{page.relative_to(ROOT)}: {target} does not exist")
    return found


def run_examples(page):
    """Run a page's examples in one namespace and return how many ran."""
    namespace = {}
    count = 0
    for unrun, code in EXAMPLE.findall(page.read_text(encoding="utf-8")):
        compiled = compile(code, str(page), "exec")
        if not unrun:
            exec(compiled, namespace)
            count += 1
    return count


def main():
    """Check every page; the examples' output shows what they print."""
    import matplotlib as mpl

    mpl.use("Agg")
    pages = documents()
    broken = [line for page in pages for line in broken_links(page)]
    if broken:
        print("\n".join(broken), file=sys.stderr)
        return 1
    ran = sum(run_examples(page) for page in pages)
    print(f"{len(pages)} pages: links lead somewhere, {ran} examples ran.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
