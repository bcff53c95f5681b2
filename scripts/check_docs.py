"""Checks the documents: links lead somewhere, and Python examples run from top to bottom.

Each page's examples run in one namespace, in a folder of made-up files with the names that they
use. One after the comment `<!-- runs smaller -->` would take minutes to hours: it runs with the
numbers of `SMALLER` in place of its own.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
EXAMPLE = re.compile(r"(<!-- runs smaller -->\n)?```python\n(.*?)```", re.DOTALL)
SMALL = (64, 64, 48)
SMALLER = (
    (r"\b(iterations|epochs|steps_per_epoch|scans_per_step)=\d[\d_]*", r"\1=2"),
    (r"\bphantom_livers\(\d+", "phantom_livers(1"),
    (r"\b(lesion_sets|rounds)=\d+", r"\1=1"),
    (r"\(256, 256, 180\)", str(SMALL)),
)


def documents():
    """Return the repository's pages; `scripts/make_site.py` checks the site's own."""
    pages = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    return [page for page in pages if page.parent.name != "site"]


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
    examples = EXAMPLE.findall(page.read_text(encoding="utf-8"))
    start = time.monotonic()
    for smaller, code in examples:
        for pattern, number in SMALLER if smaller else ():
            code = re.sub(pattern, number, code)
        exec(compile(code, str(page), "exec"), namespace)
    if examples:
        seconds = time.monotonic() - start
        print(
            f"--- {page.relative_to(ROOT)}: {len(examples)} examples, {seconds:.0f} s", flush=True
        )
    return len(examples)


def make_files():
    """Write into the current folder what the examples read."""
    import numpy as np

    import spars
    from spars._support import defaults

    # Before anything takes them: examples that name no grid take that of record.
    defaults.GRID_OF_RECORD, defaults.INPUT_OF_RECORD = SMALL, (108, 108, 108)
    # As large as the crop that an example cuts out of it.
    phantom = spars.phantom(seed=2, shape=(176, 144, 72))
    spars.save("scan.nii.gz", phantom.volume)
    spars.save("liver.nii.gz", phantom.liver, like=phantom.volume)
    labels = phantom.liver.astype(np.uint8) + (phantom.tumour != 0)
    spars.save("labels.nii.gz", labels, like=phantom.volume)
    spars.Classifier(defaults.INPUT_OF_RECORD, spars.IntensityWindow(40, 400)).save(
        "weights.safetensors"
    )
    os.mkdir("scans")
    lines = ["image,has_tumour"]
    for number, case in enumerate(spars.datasets.phantoms(8, shape=SMALL)):
        lines.append(f"scans/patient{number + 1:02}.nii.gz,{int(case.has_tumour)}")
        spars.save(lines[-1].partition(",")[0], case.load())
        kind = "positive" if case.has_tumour else "negative"
        for name in (f"{kind}01.nii.gz", f"{kind}02.nii.gz"):
            if not os.path.exists(name):
                spars.save(name, case.load())
                break
    Path("labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    """Check every page; the examples' output shows what they print."""
    import matplotlib as mpl

    mpl.use("Agg")
    pages = documents()
    broken = [line for page in pages for line in broken_links(page)]
    if broken:
        print("\n".join(broken), file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_files()
        ran = sum(run_examples(page) for page in pages)
        os.chdir(ROOT)
    print(f"{len(pages)} pages: links lead somewhere, {ran} examples ran.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
